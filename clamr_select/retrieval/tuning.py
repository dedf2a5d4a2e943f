"""Numbers that decide speed, not results of exact searches; docs/library.md measures them."""

from __future__ import annotations

HNSW_M = 32
"""Edges a point in the graph of the first stage. With 16, five to ten of 1,000 videos could never be found."""
HNSW_EF_CONSTRUCT = 256
HNSW_EF = 256
"""Points that a search of the graph keeps in view, at least."""
FULL_SCAN_ONLY = 10_000_000
"""KB below which vectors are compared one by one: multivectors always are, they have no graph."""
FIRST_STAGE_FULL_SCAN_KB = 50_000 * 64
"""The first stage is searched by its graph in segments (one a core) of more than about 50,000 videos; the engine counts
64 KB each. Below it their codes are read one by one, which misses nobody; the engine builds the graph all the same."""
INDEXING_THRESHOLD_KB = 10_000
"""Below it no codes are made, and all vectors are compared as they are."""
OVERSAMPLING = 3.0
"""How many times more points the codes choose than are scored again by their vectors."""
FIRST_STAGE_POINTS = 500
"""That the first stage hands on, at least."""
FIRST_STAGE_FACTOR = 10
"""And how many times the number asked for."""
EXACT_MAX_VIDEOS = 20_000
"""Up to so many, a search looks at all videos unless it is told otherwise."""
UPSERT_BYTES = 4 * 2**20
"""Of vectors sent in one request: as text they are three times as long, and servers refuse more than 32 MiB."""

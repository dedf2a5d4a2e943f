"""Numbers that decide speed, not results of exact searches; docs/library.md measures them."""

from __future__ import annotations

HNSW_M = 16
"""Edges a point in the graph of the first stage."""
HNSW_EF_CONSTRUCT = 128
HNSW_EF = 256
"""Points that a search of the graph keeps in view, at least."""
FULL_SCAN_ONLY = 10_000_000
"""KB below which vectors are compared one by one: multivectors always are, they have no graph."""
INDEXING_THRESHOLD_KB = 10_000
"""Below it the first stage is compared one by one too, and no codes are made."""
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

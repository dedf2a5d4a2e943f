"""The systems of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from clamr_select.errors import unknown_name
from clamr_select.eval.ranking.encoded import ENCODED, SINGLE_MODALITIES

BEST_MOMENT = "clamr_best_moment"
"""CLaMR's documents by their best frame instead of all their tokens; frames themselves are what they are."""
FUSED = ("rrf", "router")
"""Of the four single modalities, each by its own checkpoint."""
WORDS = ("bm25_words", "bm25_trigrams")
REFERENCES = ("uniform", "oracle")
"""No score at all (in retrieval, chance), and a perfect reader of what the noise has left."""
SYSTEMS = (*ENCODED, BEST_MOMENT, *FUSED, *WORDS, *REFERENCES)
BASELINES = (*SINGLE_MODALITIES, "average", "pooled", *FUSED, *WORDS, "uniform")
"""What CLaMR is measured against. ``separate`` and those trained otherwise are variants of itself."""


def check_systems(names: Sequence[str]) -> tuple[str, ...]:
    """The names, once each, in the order of ``SYSTEMS``.

    Raises:
        UnknownNameError: one is not among them.
    """
    for name in names:
        if name not in SYSTEMS:
            raise unknown_name("system", name, SYSTEMS)
    return tuple(name for name in SYSTEMS if name in names)


def views_of(system: str) -> tuple[str, ...]:
    """The views whose checkpoints a system needs."""
    if system in FUSED:
        return SINGLE_MODALITIES
    if system == BEST_MOMENT:
        return ("clamr",)
    return (ENCODED[system].view,) if system in ENCODED else ()

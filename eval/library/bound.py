"""What is lost where a long video is kept by a share of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.library.material import DEPTH, PREFIX, NeedleLibrary
from clamr_select.metrics import ndcg_at_k, paired_bootstrap_interval
from clamr_select.retrieval.bounding import bound_tokens

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
DOCUMENTS_TOGETHER = 20
Vectors = dict[str, np.ndarray]


def measure_bound(library: NeedleLibrary, *, together: int = DOCUMENTS_TOGETHER) -> dict[str, Any]:
    """Needle documents one after the other as long videos, of which a share of each modality's tokens is kept; which
    long video answers, by brute force and ``token_max``. Hard: every scene is another, so nothing is there twice.

    Args:
        together: documents that make a long video.

    Raises:
        InputError: too few documents for two long videos.
    """
    if len(library.videos) < 2 * together:
        raise InputError(f"bound needs at least {2 * together} documents, got {len(library.videos)}")
    videos = [_joined(library, first, together) for first in range(0, len(library.videos), together)]
    rows, whole = [], np.zeros(0)
    for share in SHARES:
        kept, least = _bounded(videos, share)
        ranks = _ranks(library, [np.concatenate(list(vectors.values())) for vectors in kept])
        ndcg = 100 * np.array([_ndcg(library, n, order, together) for n, order in enumerate(ranks)])
        whole = ndcg if share == 1.0 else whole
        lost = paired_bootstrap_interval(ndcg, whole, num_resamples=2000, seed=1)
        rows.append(
            {
                "share": share,
                "tokens_per_video": float(np.mean([sum(map(len, vectors.values())) for vectors in kept])),
                "least_similarity": float(np.mean(least)),
                "ndcg@10": float(ndcg.mean()),
                "ndcg@10_difference": [lost.mean, lost.low, lost.high],
            }
        )
    return {"num_videos": len(videos), "together": together, "num_questions": len(library.questions), "rows": rows}


def _joined(library: NeedleLibrary, first: int, together: int) -> Vectors:
    some = library.videos[first : first + together]
    names = dict.fromkeys(name for video in some for name in video.vectors)
    return {name: np.concatenate([v.vectors[name] for v in some if name in v.vectors]) for name in names}


def _bounded(videos: Sequence[Vectors], share: float) -> tuple[list[Vectors], list[float]]:
    """And the least similarity of a token left out to the nearest kept, of each video's pictures."""
    kept, least = [], []
    for vectors in videos:
        bounded = {
            name: bound_tokens(tokens, max_tokens=max(1, round(share * len(tokens))))
            for name, tokens in vectors.items()
        }
        kept.append({name: one.vectors for name, one in bounded.items()})
        least += [one.least_similarity for name, one in bounded.items() if name == "video"]
    return kept, least


def _ranks(library: NeedleLibrary, videos: Sequence[np.ndarray]) -> np.ndarray:
    """(num_questions, num_videos), best first."""
    everything = np.concatenate(list(videos))
    starts = np.cumsum([0, *map(len, videos[:-1])])
    scores = np.stack(
        [np.maximum.reduceat(everything @ query.T, starts, axis=0).mean(axis=1) for query in library.queries]
    )
    return np.argsort(-scores, axis=1, kind="stable")


def _ndcg(library: NeedleLibrary, number: int, order: np.ndarray, together: int) -> float:
    """Long videos with an answer are right; of the others, those with what may answer as well are left out."""
    query = library.questions[number].query
    right = {document // together for document in query.positive_documents}
    left_out = {document // together for document in query.ignored_documents} - right
    found = [f"{PREFIX}{video}" for video in order.tolist() if video not in left_out]
    return ndcg_at_k(found, relevant={f"{PREFIX}{video}" for video in right}, k=DEPTH)

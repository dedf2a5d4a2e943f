"""What a corpus takes in of one video: its tokens by modality, bounded, and what is known of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.retrieval.bounding import bound_tokens

if TYPE_CHECKING:
    from clamr_select.indexing.indexed_video import IndexedVideo
    from clamr_select.store import Key

_NAMESPACE = uuid.UUID("6f0c5a52-6cc3-5c53-9d2b-5a3d0d6f7d11")
UNIT_TOLERANCE = 2e-2
"""Of a vector's length: bfloat16 rounds by less."""


@dataclass(frozen=True)
class VideoEmbeddings:
    """
    Raises:
        InputError: no token at all, vectors that are not (num_tokens, dim), finite and of length 1, or a path that is
            not Unicode (file systems hold such names).
    """

    video_id: str
    """Of files, the SHA-256 of their bytes."""
    vectors: Mapping[str, np.ndarray]
    """Modality to (num_tokens, dim) float32, L2-normalised; absent modalities are left out."""
    num_tokens: Mapping[str, int] = field(default_factory=dict)
    """Modality to the tokens it had before it was bounded, where it was."""
    least_similarity: Mapping[str, float] = field(default_factory=dict)
    """Modality to the least similarity of a token left out to the nearest kept, where it was bounded."""
    path: str | None = None
    """Where the file lay when it was indexed."""
    duration_seconds: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON values to filter by and to show: title, channel, year, …"""
    index_key: Mapping[str, Any] | None = None
    """What its frames' embeddings are stored under, for :meth:`VideoCorpus.locate`."""

    def __post_init__(self) -> None:
        if not self.video_id:
            raise InputError("a video needs an id, got an empty one")
        if not any(len(tokens) for tokens in self.vectors.values()):
            raise InputError(f"video {self.video_id!r} has no token in any modality; leave it out")
        for text in (self.video_id, self.path):
            if text is not None and not is_unicode(text):
                raise InputError(f"{text!r} is no Unicode text, which the library keeps names as; rename the file")
        for modality, tokens in self.vectors.items():
            _check(self.video_id, modality, tokens)

    @property
    def point_id(self) -> str:
        return point_id(self.video_id)

    @property
    def left_out(self) -> dict[str, str]:
        """Modality to what was left out of it, for reports."""
        return {
            modality: f"{before:,} tokens became {len(self.vectors[modality]):,}; the least like one that was kept has "
            f"similarity {self.least_similarity[modality]:.2f} to it"
            for modality, before in self.num_tokens.items()
        }


def point_id(video_id: str) -> str:
    """A UUID, as the engine names points."""
    return str(uuid.uuid5(_NAMESPACE, video_id))


def bounded_embeddings(
    video_id: str, vectors: Mapping[str, np.ndarray], *, max_tokens: int, **known: Any
) -> VideoEmbeddings:
    """
    Args:
        vectors: as of :class:`VideoEmbeddings`, of any length; modalities without a token are left out.
        **known: other fields of :class:`VideoEmbeddings`.
    """
    bounded = {m: bound_tokens(v, max_tokens=max_tokens) for m, v in vectors.items() if len(v)}
    cut = {m: one for m, one in bounded.items() if one.num_tokens > len(one.vectors)}
    return VideoEmbeddings(
        video_id,
        {modality: one.vectors for modality, one in bounded.items()},
        num_tokens={modality: one.num_tokens for modality, one in cut.items()},
        least_similarity={modality: one.least_similarity for modality, one in cut.items()},
        **known,
    )


def embeddings_of(
    indexed: IndexedVideo,
    *,
    video_id: str,
    max_tokens: int,
    metadata: Mapping[str, Any] | None = None,
    key: Key | None = None,
) -> VideoEmbeddings:
    """All windows of a video as one document, its tokens in time order, bounded by modality.

    Args:
        key: what the index is stored under.
    """
    tokens = indexed.tokens
    vectors = {
        name: tokens.vectors[tokens.modality_ids == number].float().numpy()
        for number, name in enumerate(tokens.modalities, start=1)
    }
    return bounded_embeddings(
        video_id,
        vectors,
        max_tokens=max_tokens,
        path=indexed.video,
        duration_seconds=indexed.video_facts.duration_seconds,
        metadata=dict(metadata or {}),
        index_key=None if key is None else dict(key.values),
    )


def is_unicode(text: str) -> bool:
    """Whether a corpus can hold it; file systems have names that are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check(video_id: str, modality: str, tokens: np.ndarray) -> None:
    if tokens.ndim != 2:
        raise InputError(f"video {video_id!r}: {modality} must be (num_tokens, dim), got shape {tokens.shape}")
    lengths = np.linalg.norm(tokens.astype(np.float32, copy=False), axis=1)
    if not np.all(np.abs(lengths - 1) <= UNIT_TOLERANCE):  # also where one is not a number
        raise InputError(
            f"video {video_id!r}: vectors of {modality} must be finite and of length 1, got lengths "
            f"{lengths.min():.3g} to {lengths.max():.3g}"
        )

"""What a search gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from clamr_select.indexing.indexed_video import NO_MODALITY
from clamr_select.scoring.maxsim import Similarity
from clamr_select.selection import Selection, SelectionWarning

NO_SUBTITLES = ["off"]
"""In an index key: there were to be none."""

Mode = Literal["exact", "codes", "two_stage"]
"""``exact`` compares every video; ``codes`` compares every video by its smaller codes, and the best by their vectors;
``two_stage`` finds some hundred by one vector a video, and compares those."""


@dataclass(frozen=True)
class StoredVideo:
    """A video of a library, without its vectors."""

    video_id: str
    path: str | None
    duration_seconds: float | None
    metadata: Mapping[str, Any]
    num_tokens: Mapping[str, int]
    """Modality to the tokens that are kept."""
    left_out: Mapping[str, str]
    """Modality to what was left out to stay within ``max_tokens``; empty where everything is kept."""
    index_key: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Its title, else its file's name, else its id."""
        title = self.metadata.get("title")
        return str(title) if title else (self.path or self.video_id).replace("\\", "/").rsplit("/", 1)[-1]

    @property
    def own_options(self) -> dict[str, Any]:
        """Index options that were this video's own, and not those of all the library: title, description, and None for
        subtitles that were left out. Of a subtitles file that was given, name and content are known, not its place."""
        known = self._known_options
        own = {name: known[name] for name in ("title", "description") if known.get(name) is not None}
        return own | ({"subtitles": None} if known.get("subtitles") == NO_SUBTITLES else {})

    def other_subtitles(self, now: Sequence[str] | None) -> str | None:
        """What this video was indexed with, in words, where it is not what would be read now.

        Args:
            now: as of an index key: name and digest.
        """
        known = self._known_options.get("subtitles", now)
        if known == now:
            return None
        return f"with the subtitles {known[0]}" if known else "without subtitles"

    @property
    def _known_options(self) -> Mapping[str, Any]:
        return (self.index_key or {}).get("options", {})


@dataclass(frozen=True)
class Hit:
    """A video that was found."""

    video: StoredVideo
    score: float
    """Mean over the question's tokens, as scores of frames are: at most 1."""
    modality: str
    """That answers best by itself."""
    scores_by_modality: Mapping[str, float]
    """Of the modalities it has."""
    moments: Selection | None = None
    """Its best frames, of :meth:`VideoCorpus.locate`."""

    @property
    def best_moment(self) -> int | None:
        """Place of the best of its moments; None where none is known, or no frame has anything of the modalities asked
        for: titles and descriptions answer for a video, and have no time."""
        if self.moments is None or not len(self.moments):
            return None
        best = max(range(len(self.moments)), key=self.moments.scores.__getitem__)
        return None if self.moments.modality[best] == NO_MODALITY else best

    def to_dict(self) -> dict[str, Any]:
        """For JSON, moments without their candidates."""
        video = {name: value for name, value in asdict(self.video).items() if name != "index_key"}
        return {
            **video,
            "name": self.video.name,
            "score": self.score,
            "modality": self.modality,
            "scores_by_modality": dict(self.scores_by_modality),
            "moments": None if self.moments is None else self.moments.to_dict(include_candidates=False),
        }


@dataclass(frozen=True)
class SearchResult:
    """Videos, the best first, and how they were found."""

    question: str | None
    """None where the question came as vectors."""
    hits: tuple[Hit, ...]
    similarity: Similarity
    mode: Mode
    num_videos: int
    """In the library, whatever the filters."""
    warnings: tuple[SelectionWarning, ...] = ()
    timings_seconds: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.hits)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "question": self.question,
            "similarity": self.similarity,
            "mode": self.mode,
            "num_videos": self.num_videos,
            "hits": [hit.to_dict() for hit in self.hits],
            "warnings": [asdict(warning) for warning in self.warnings],
            "timings_seconds": dict(self.timings_seconds),
        }

"""``Selection``: the one value object that travels to every consumer. Data only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class SelectionWarning:
    """Something that was noticed and did not stop the selection: never silent, always here."""

    code: str
    """Stable, e.g. ``flat_scores``, ``no_asr``, ``candidates_thinned``."""
    message: str


@dataclass(frozen=True)
class CandidateScores:
    """Scores of every candidate frame, selected or not: what timelines and ``why`` are drawn from."""

    frame_indices: tuple[int, ...]
    timestamps_seconds: tuple[float, ...]
    scores: tuple[float, ...]
    scores_by_modality: dict[str, tuple[float | None, ...]]
    """Modality to one score a candidate; None where the candidate has nothing of that modality."""


@dataclass(frozen=True)
class VideoFacts:
    """What a consumer needs to know of the source video to label frames with the right seconds."""

    width: int
    height: int
    num_frames: int
    start_seconds: float
    duration_seconds: float
    average_fps: float


@dataclass(frozen=True)
class Selection:
    """Frames chosen for one question, in display order.

    All per-frame fields have the same length, one entry a selected frame.
    """

    video: str
    """Path of the video, as it was given."""
    question: str
    frame_indices: tuple[int, ...]
    """Indices into the source video in presentation order, strictly increasing."""
    timestamps_seconds: tuple[float, ...]
    """Presentation time of each frame, read from the container (never ``index / fps``)."""
    scores: tuple[float, ...]
    """Late-interaction score, mean over query tokens, -1..1; higher is more relevant. Not comparable
    across questions."""
    modality: tuple[str, ...]
    """The modality that answered best in each frame: ``video``, ``ocr``, ``asr`` (or ``audio``); ``none`` where
    the frame has nothing of the modalities that were asked for."""
    scores_by_modality: dict[str, tuple[float | None, ...]]
    """Modality to one score a frame; None where the frame has nothing of that modality."""
    text: tuple[dict[str, str], ...]
    """Modality to the words around each frame, e.g. ``{"asr": "…", "ocr": "…"}``."""
    method: dict[str, Any]
    """What was done and with what: policy, similarity, model, candidates, sources of text."""
    video_facts: VideoFacts
    warnings: tuple[SelectionWarning, ...] = ()
    timings_seconds: dict[str, float] = field(default_factory=dict)
    """Stage to wall seconds."""
    candidates: CandidateScores | None = None

    def __post_init__(self) -> None:
        lengths = {
            "frame_indices": len(self.frame_indices),
            "timestamps_seconds": len(self.timestamps_seconds),
            "scores": len(self.scores),
            "modality": len(self.modality),
            "text": len(self.text),
            **{f"scores_by_modality[{name!r}]": len(v) for name, v in self.scores_by_modality.items()},
        }
        if len(set(lengths.values())) > 1:
            raise InputError(f"Selection fields must have equal length, got {lengths}")
        if any(b <= a for a, b in zip(self.frame_indices, self.frame_indices[1:], strict=False)):
            raise InputError(f"frame_indices must be strictly increasing, got {self.frame_indices}")

    def __len__(self) -> int:
        return len(self.frame_indices)

    def __repr__(self) -> str:
        times = ", ".join(f"{t:.2f}" for t in self.timestamps_seconds[:8])
        more = ", …" if len(self) > 8 else ""
        return f"Selection({len(self)} frames at [{times}{more}] s, question={self.question!r})"

    def to_dict(self, *, include_candidates: bool = True) -> dict[str, Any]:
        """Plain JSON types, ``schema_version`` first; candidates of a long video are most of the size."""
        data: dict[str, Any] = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        if not include_candidates:
            data.pop("candidates")
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Selection:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: ``schema_version`` is not one this version reads, or a field is missing.
        """
        if data.get("schema_version") != SCHEMA_VERSION:
            raise InputError(
                f"selection has schema_version {data.get('schema_version')!r}; this version reads {SCHEMA_VERSION}"
            )
        missing = {f.name for f in fields(cls)} - set(data) - {"warnings", "timings_seconds", "candidates"}
        if missing:
            raise InputError(f"selection lacks the fields {', '.join(sorted(missing))}")
        candidates = data.get("candidates")
        return cls(
            video=data["video"],
            question=data["question"],
            frame_indices=tuple(data["frame_indices"]),
            timestamps_seconds=tuple(data["timestamps_seconds"]),
            scores=tuple(data["scores"]),
            modality=tuple(data["modality"]),
            scores_by_modality=_tuples(data["scores_by_modality"]),
            text=tuple(dict(words) for words in data["text"]),
            method=dict(data["method"]),
            video_facts=VideoFacts(**data["video_facts"]),
            warnings=tuple(SelectionWarning(**warning) for warning in data.get("warnings", ())),
            timings_seconds=dict(data.get("timings_seconds", {})),
            candidates=None
            if candidates is None
            else CandidateScores(
                frame_indices=tuple(candidates["frame_indices"]),
                timestamps_seconds=tuple(candidates["timestamps_seconds"]),
                scores=tuple(candidates["scores"]),
                scores_by_modality=_tuples(candidates["scores_by_modality"]),
            ),
        )

    def save(self, path: str | Path) -> None:
        """Write the selection as JSON (UTF-8)."""
        Path(path).write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Selection:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: the file is not a saved selection.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(f"{path} is not a saved selection: {error}") from error
        if not isinstance(data, dict):
            raise InputError(f"{path} is not a saved selection: got a JSON {type(data).__name__}, expected an object")
        return cls.from_dict(data)

    def frames(self, *, max_side: int | None = None) -> list[np.ndarray]:
        """Decode the selected frames from the source video: (height, width, 3) uint8 RGB each, upright."""
        from clamr_select.handoff.frames import decode_frames

        return decode_frames(self, max_side=max_side)

    def contact_sheet(self) -> Image.Image:
        """The selected frames in a grid with time, score and winning modality."""
        from clamr_select.figures.contact_sheet import contact_sheet

        return contact_sheet(self)

    def timeline(self) -> Image.Image:
        """Scores of all candidates over time, coloured by modality, the selected frames marked."""
        from clamr_select.figures.timeline import timeline

        return timeline(self)

    def show(self) -> None:
        """Open the contact sheet and the timeline in the system's image viewer."""
        self.contact_sheet().show(title=self.question)
        self.timeline().show(title=self.question)

    def _repr_html_(self) -> str:
        from clamr_select.figures.notebook import selection_html

        return selection_html(self)


def _tuples(by_modality: Mapping[str, list[float | None]]) -> dict[str, tuple[float | None, ...]]:
    return {name: tuple(values) for name, values in by_modality.items()}

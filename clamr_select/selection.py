"""``Selection``: the one value object that travels to every consumer. Data only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from clamr_select.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image
    from transformers import ProcessorMixin
    from transformers.video_utils import VideoMetadata

SCHEMA_VERSION = 1

Pair = Literal["none", "repeat", "neighbor"]
"""``repeat`` emits each frame as often as the consumer fuses frames, at the same time; ``neighbor`` the frame and
the one after it in the video; ``none`` each frame once."""
ChatStyle = Literal["images", "video"]
OpenAIStyle = Literal["images", "video_url"]
ImageDetail = Literal["low", "high", "auto"]


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
            InputError: ``schema_version`` is not one this version reads, or a field is missing or of another kind.
        """
        from clamr_select.saved_selection import read_selection

        return read_selection(data)

    def save(self, path: str | Path) -> None:
        """Write the selection as JSON (UTF-8; what is no Unicode in a file's name is escaped).

        Raises:
            OSError: there is no such folder, or it cannot be written to.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"
        Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")

    @classmethod
    def load(cls, path: str | Path) -> Selection:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: the file is not a saved selection.
            OSError: it is not there, or cannot be read.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        # besides text and JSON that are broken: numbers of thousands of digits, and lists in lists in lists
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not a saved selection: {error}") from error
        if not isinstance(data, dict):
            raise InputError(f"{path} is not a saved selection: got a JSON {type(data).__name__}, expected an object")
        return cls.from_dict(data)

    def frames(self, *, max_side: int | None = None) -> list[np.ndarray]:
        """Decode the selected frames from the source video.

        Args:
            max_side: longer side in pixels, scaled down only; None is the video's own size.

        Returns:
            One (height, width, 3) uint8 RGB array a frame, upright, in time order.

        Raises:
            InputError: ``max_side`` is no whole number of at least 1.
            VideoError: the file is gone, or is not the one that was selected from.
            FrameDecodeError: a frame cannot be decoded, or is not at its time any more.
        """
        from clamr_select.handoff.frames import decode_frames

        return decode_frames(self, max_side=max_side)

    def to_transformers(
        self, processor: ProcessorMixin | None = None, *, pair: Pair | None = None, max_side: int | None = None
    ) -> dict[str, Any]:
        """Arguments of a transformers processor: ``processor(text=…, **selection.to_transformers(processor))``.

        Args:
            processor: the one that will be called; only looked at, for how it fuses frames and writes times.
                Without it frames are paired for models that fuse two, which is right, and twice the tokens,
                for those that do not.
            pair: ``repeat`` emits each frame as often as the model fuses frames, ``neighbor`` the frame and the
                one after it, ``none`` each frame once. None takes what keeps the seconds right.
            max_side: longer side in pixels, scaled down only.

        Returns:
            ``videos`` (one (num_frames, height, width, 3) uint8 RGB array), ``video_metadata`` (one dict: index /
            fps is the frame's second) and ``do_sample_frames=False``; for Omni models also ``fps``.

        Raises:
            InputError: the selection is empty.
            FrameDecodeError, VideoError: as :meth:`frames`.

        Warns:
            TimestampWarning: the model will see another time than the frame's, or none.
        """
        from clamr_select.handoff.transformers import to_transformers

        return to_transformers(self, processor=processor, pair=pair, max_side=max_side)

    def to_chat_content(
        self,
        *,
        style: ChatStyle = "images",
        processor: ProcessorMixin | None = None,
        pair: Pair | None = None,
        subtitles: bool = False,
        max_side: int | None = None,
    ) -> list[dict[str, Any]]:
        """Content blocks of a chat message in transformers' form, to which the question is added.

        ``style="images"`` writes ``<12.3 seconds>`` before each frame, so every model that takes several images
        knows the times. ``style="video"`` is one video block without them: pass the ``video_metadata`` and
        ``do_sample_frames`` of :meth:`to_transformers`, called alike, as ``processor_kwargs``.

        Args:
            processor, pair, max_side: as :meth:`to_transformers`; the first two for ``style="video"`` only.
            subtitles: add the words spoken around each frame, quoted between delimiters and said to be data.

        Raises:
            UnknownNameError, InputError: no such style or pairing; ``pair`` with images; the selection is empty.
            FrameDecodeError, VideoError: as :meth:`frames`.

        Warns:
            TimestampWarning: with ``style="video"``, as :meth:`to_transformers`.
        """
        from clamr_select.handoff.chat import to_chat_content

        return to_chat_content(
            self, style=style, processor=processor, pair=pair, subtitles=subtitles, max_side=max_side
        )

    def to_openai_messages(
        self,
        question: str | None = None,
        *,
        style: OpenAIStyle = "images",
        pair: Pair | None = None,
        subtitles: bool = False,
        max_side: int | None = 768,
        detail: ImageDetail | None = None,
    ) -> list[dict[str, Any]]:
        """One user message for an OpenAI-compatible API: times, JPEG frames and the question.

        ``style="images"`` works on every server that takes several images. ``style="video_url"`` sends the frames
        as one ``video/jpeg`` data URL, which vLLM turns into native video tokens; its times are in
        :meth:`vllm_extra_body`, to be called with the same ``pair``.

        Args:
            question: None takes the question of the selection.
            pair: for ``video_url``; None is ``repeat``.
            subtitles, max_side: as :meth:`to_chat_content`.
            detail: OpenAI's ``low``, ``high`` or ``auto``, of images.

        Raises:
            UnknownNameError, InputError: no such style, pairing or detail, or one that the style does not have.
            FrameDecodeError, VideoError: as :meth:`frames`.
        """
        from clamr_select.handoff.openai import to_openai_messages

        return to_openai_messages(
            self, question, style=style, pair=pair, subtitles=subtitles, max_side=max_side, detail=detail
        )

    def to_vllm(
        self, processor: ProcessorMixin | None = None, *, pair: Pair | None = None, max_side: int | None = None
    ) -> dict[str, list[tuple[np.ndarray, dict[str, Any]]]]:
        """``multi_modal_data`` of vLLM's offline ``LLM.generate``: frames with metadata that forbids resampling.

        Pass ``mm_processor_kwargs={"do_sample_frames": False}`` beside it. Arguments, errors and warnings as
        :meth:`to_transformers`; the processor is the model's, from ``AutoProcessor``.
        """
        from clamr_select.handoff.vllm import to_vllm

        return to_vllm(self, processor=processor, pair=pair, max_side=max_side)

    def vllm_extra_body(self, *, pair: Pair | None = None) -> dict[str, Any]:
        """``extra_body`` that tells vLLM's server the times of ``to_openai_messages(style="video_url")``.

        The server must run with ``--trust-request-mm-kwargs``; without it, it refuses the request. ``pair`` is that
        of the call that made the message; another than ``repeat`` warns of what models that fuse two frames see.
        """
        from clamr_select.handoff.vllm import vllm_extra_body

        return vllm_extra_body(self, pair=pair)

    def to_sglang(
        self,
        processor: ProcessorMixin,
        *,
        question: str | None = None,
        pair: Pair | None = None,
        max_side: int | None = None,
    ) -> dict[str, Any]:
        """Arguments of SGLang's offline ``Engine.generate``: ``engine.generate(**…, sampling_params=…)``.

        SGLang drops the metadata of arrays, so the model's own processor is run here: ``input_ids`` and one
        ``video_data`` item of its output. For the server use ``to_openai_messages(style="images")``.

        Args:
            processor: the model's, with a chat template.
            question, pair, max_side: as the other exports, whose errors and warnings apply.
        """
        from clamr_select.handoff.sglang import to_sglang

        return to_sglang(self, processor, question=question, pair=pair, max_side=max_side)

    def to_qwen_vl_utils(
        self, processor: ProcessorMixin | None = None, *, pair: Pair | None = None, max_side: int | None = None
    ) -> tuple[None, list[tuple[torch.Tensor, dict[str, Any]]], dict[str, Any]]:
        """What ``process_vision_info(…, return_video_kwargs=True, return_video_metadata=True)`` returns for a video.

        That is ``(images, videos, video_kwargs)``: no images; one (frames, metadata), the frames
        (num_frames, 3, height, width) float32 0..255 resized to whole patches; the processor's arguments.
        Arguments, errors and warnings as :meth:`to_transformers`; without a processor, patches are Qwen3-VL's.

        Raises:
            MissingDependencyError: qwen-vl-utils is not installed.
        """
        from clamr_select.handoff.qwen import to_qwen_vl_utils

        return to_qwen_vl_utils(self, processor=processor, pair=pair, max_side=max_side)

    def to_clip(self, path: str | Path, *, seconds_per_frame: float = 1.0, max_side: int | None = None) -> Path:
        """Write the selected frames as a short mp4 (H.264), one after the other.

        A clip has a clock of its own: whoever gets it sees 0, 1, 2 … seconds. The true ones are in the file's
        ``comment`` tag, as JSON (``source_timestamps_seconds``).

        Args:
            path: ends in ``.mp4``; an existing file is replaced. It is returned.
            seconds_per_frame: 0.01..3600.

        Raises:
            InputError: a wrong argument, or an empty selection.
            FrameDecodeError, VideoError: as :meth:`frames`.
        """
        from clamr_select.handoff.clip import to_clip

        return to_clip(self, path, seconds_per_frame=seconds_per_frame, max_side=max_side)

    def __call__(self, metadata: VideoMetadata, **kwargs: Any) -> np.ndarray:
        """The frame indices, as a ``sample_indices_fn`` of transformers' ``load_video``.

        Args:
            metadata: what the reader found in the file.
            kwargs: whatever else ``load_video`` passes on; not used.

        Returns:
            (num_frames,) int64, sorted and unique, which its pyav and opencv readers need.

        Raises:
            InputError: the reader counts other frames than this selection was made from.

        Warns:
            TimestampWarning: the reader's ``index / fps`` is not the time of a frame (variable frame rate).
        """
        from clamr_select.handoff.transformers import sample_indices

        return sample_indices(self, metadata)

    def contact_sheet(self) -> Image.Image:
        """The selected frames in a grid with time, score and winning modality: an RGB image.

        Raises:
            VideoError: as :meth:`frames`.
        """
        from clamr_select.figures.contact_sheet import contact_sheet

        return contact_sheet(self)

    def timeline(self) -> Image.Image:
        """Scores of all candidates over time, coloured by modality, the selected frames marked: an RGB image,
        1200 pixels wide.

        Raises:
            InputError: the selection was saved without its candidates.
        """
        from clamr_select.figures.timeline import timeline

        return timeline(self)

    def show(self) -> None:
        """Open the contact sheet and the timeline in the system's image viewer; errors as of these two."""
        self.contact_sheet().show(title=self.question)
        self.timeline().show(title=self.question)

    def _repr_html_(self) -> str:
        from clamr_select.figures.notebook import selection_html

        return selection_html(self)

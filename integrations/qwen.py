"""qwen-vl-utils: ``process_vision_info`` with selected frames and their true times, and a reader for its registry.

The drop-in has qwen-vl-utils' own signature, and a selector::

    from clamr_select.integrations.qwen import process_vision_info
    images, videos, video_kwargs = process_vision_info(
        messages, return_video_kwargs=True, return_video_metadata=True, image_patch_size=16, selector=selector
    )

The reader is for code that calls qwen-vl-utils itself: after ``register(selector)`` a video's content block says the
question, ``{"type": "video", "video": "talk.mp4", "question": "who signs?", "nframes": 32}``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    import torch

    from clamr_select.handoff.consumers import TimeChannel
    from clamr_select.handoff.pairing import Emission
    from clamr_select.selector import FrameSelector

logger = logging.getLogger(__name__)

READER = "clamr_select"
DEFAULT_NFRAMES = 16
FRAMES_FUSED = 2
"""By Qwen-VL, into one visual patch."""
_BUDGET_KEYS = ("nframes", "fps", "min_frames", "max_frames")
_FALLBACK_READER = "torchvision"

Select = Callable[..., Selection]
Reader = Callable[[dict[str, Any]], Any]
_refused = threading.local()
_replaced: dict[str, Any] = {}


def process_vision_info(
    conversations: list[dict[str, Any]] | list[list[dict[str, Any]]],
    return_video_kwargs: bool = False,
    return_video_metadata: bool = False,
    image_patch_size: int = 14,
    *,
    selector: FrameSelector,
    pair: Pair | None = None,
    **options: Any,
) -> tuple[Any, ...]:
    """As ``qwen_vl_utils.process_vision_info``, but a video's frames are selected by the question.

    The question is the block's ``question``, else the text of the message that holds the video. ``nframes`` in
    the block (default 16), or ``fps`` with ``min_frames`` and ``max_frames``, is the number of frames the model
    gets, as in qwen-vl-utils; with ``pair="repeat"``, the default, each moment takes two of them. A block with
    ``selection`` is not selected again. Images, and videos that are lists of frames, go through unchanged.

    Args:
        conversations, return_video_kwargs, return_video_metadata, image_patch_size: as there (16 for Qwen3-VL).
        selector: makes the selections.
        pair: as :meth:`Selection.to_qwen_vl_utils`.
        **options: for :meth:`FrameSelector.select`.

    Returns:
        As there: (images, videos), or (images, videos, video_kwargs); with ``return_video_metadata`` each video
        is (frames, metadata), and index / fps is a frame's second.

    Raises:
        InputError: a video without a question; ``video_start`` or ``video_end``, which are not supported.
        MissingDependencyError: qwen-vl-utils is not installed.
        VideoError: as :meth:`FrameSelector.select`.

    Warns:
        TimestampWarning: without ``return_video_metadata`` (Qwen2.5-VL) the model is told one interval for all.
    """
    process = _vision_process()
    images: list[Any] = []
    videos: list[Any] = []
    rates: list[float] = []
    for block in process.extract_vision_info(_with_questions(conversations)):
        if "image" in block or "image_url" in block:
            images.append(process.fetch_image(block, image_patch_size=image_patch_size))
            continue
        if "video" not in block:
            raise InputError(f"a block of type video or image needs the key of that name, got {sorted(block)}")
        if isinstance(block["video"], str | Path):
            emission = _emission(block, selector.select, metadata=return_video_metadata, pair=pair, options=options)
            video, rate = _fetch(process, block, emission, image_patch_size), _mean_rate(emission)
        else:
            video, rate = process.fetch_video(
                block, image_patch_size=image_patch_size, return_video_sample_fps=True, return_video_metadata=True
            )
        videos.append(video if return_video_metadata else video[0])
        rates.append(rate)
    video_kwargs = {"do_sample_frames": False} | ({} if return_video_metadata else {"fps": rates})
    return (images or None, videos or None, *([video_kwargs] if return_video_kwargs else []))


def register(selector: FrameSelector | None = None) -> None:
    """Make qwen-vl-utils read every video of this process with the selector, until :func:`unregister`.

    Args:
        selector: None takes what :func:`clamr_select.integrations.serving.use_selector` says. Calling again with
            another one replaces it.

    Raises:
        MissingDependencyError: qwen-vl-utils is not installed.
    """
    from clamr_select.integrations.serving import use_selector

    process = _vision_process()
    readers = process.VIDEO_READER_BACKENDS
    if selector is not None:
        use_selector(selector)
    if READER not in readers:
        _replaced.update(forced=process.FORCE_QWENVL_VIDEO_READER, fallback=readers[_FALLBACK_READER])
        readers[READER] = read_video
        readers[_FALLBACK_READER] = _unless_refused(readers[_FALLBACK_READER])
    # read from the environment at import, and remembered
    process.FORCE_QWENVL_VIDEO_READER = READER
    process.get_video_reader_backend.cache_clear()


def unregister() -> None:
    """Give qwen-vl-utils its own readers back; nothing happens where none was replaced."""
    process = _vision_process()
    if process.VIDEO_READER_BACKENDS.pop(READER, None) is None:
        return
    process.VIDEO_READER_BACKENDS[_FALLBACK_READER] = _replaced.pop("fallback")
    process.FORCE_QWENVL_VIDEO_READER = _replaced.pop("forced")
    process.get_video_reader_backend.cache_clear()


def read_video(block: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any], float]:
    """A reader of qwen-vl-utils (``VIDEO_READER_BACKENDS``); the block is the user's own.

    Args:
        block: ``video``, a path; ``question``, or ``selection`` (a :class:`Selection` of that video); optionally
            ``nframes`` …, as in :func:`process_vision_info`, ``pair``, and ``select_options``, a mapping for
            :meth:`FrameSelector.select`.

    Returns:
        (num_frames, 3, height, width) uint8 frames, an even number; their metadata; frames a second, on average.

    Raises:
        As :func:`process_vision_info`.
    """
    import torch

    from clamr_select.handoff.consumers import UNKNOWN
    from clamr_select.handoff.transformers import video_metadata
    from clamr_select.integrations.serving import select_frames

    try:
        options = dict(block.get("select_options", {}))
        emission = _emission(block, select_frames, metadata=True, pair=block.get("pair"), options=options)
        frames = torch.from_numpy(emission.decode()).permute(0, 3, 1, 2).contiguous()
    except Exception as error:
        logger.error("the frames of %s were not selected: %s", block.get("video"), error)
        _refused.block, _refused.error = block, error
        raise
    metadata = video_metadata(emission, UNKNOWN, size=(frames.shape[2], frames.shape[3]))
    return frames, metadata, _mean_rate(emission)


def _unless_refused(reader: Reader) -> Reader:
    """qwen-vl-utils swallows a reader's error and reads with this one, evenly; ours is raised again instead."""

    def read(block: dict[str, Any]) -> Any:
        error = getattr(_refused, "error", None) if getattr(_refused, "block", None) is block else None
        _refused.block = _refused.error = None
        if error is not None:
            raise error
        return reader(block)

    return read


def _vision_process() -> Any:
    from clamr_select.handoff.qwen_size import vision_process

    return vision_process(purpose="clamr_select.integrations.qwen")


def _with_questions(conversations: Any) -> list[list[dict[str, Any]]]:
    """Copies in which each block of a video file says its question; the caller's messages stay as they are."""
    batch = [conversations] if isinstance(conversations[0], Mapping) else conversations
    return [[_with_question(message) for message in conversation] for conversation in batch]


def _with_question(message: dict[str, Any]) -> dict[str, Any]:
    if isinstance(message["content"], str):
        return message
    text = "\n".join(block["text"] for block in message["content"] if block.get("type") == "text").strip()
    return {
        **message,
        "content": [
            {"question": text, **block} if text and isinstance(block.get("video"), str | Path) else block
            for block in message["content"]
        ],
    }


def _emission(
    block: Mapping[str, Any], select: Select, *, metadata: bool, pair: Pair | None, options: dict[str, Any]
) -> Emission:
    from clamr_select.handoff.pairing import plan_emission

    path = str(block["video"]).removeprefix("file://")
    if block.get("video_start") is not None or block.get("video_end") is not None:
        raise InputError("video_start and video_end are not supported: frames are selected from the whole video")
    selection = block.get("selection")
    if selection is not None:
        if Path(selection.video).resolve() != Path(path).resolve():
            raise InputError(f"the block's selection is of {selection.video}, its video is {path}")
    elif not block.get("question"):
        raise InputError(f"frames of {path} are selected by a question: add 'question': … to the video's block")
    else:
        frames_per_moment = FRAMES_FUSED if pair in (None, "repeat", "neighbor") else 1
        moments = max(1, _num_frames(block, path) // frames_per_moment)
        selection = select(path, block["question"], num_frames=moments, **options)
    return plan_emission(selection, _channel(metadata), pair=pair)


def _channel(metadata: bool) -> TimeChannel:
    from clamr_select.handoff.consumers import UNKNOWN, TimeChannel

    return UNKNOWN if metadata else TimeChannel("Qwen2.5-VL", "interval", num_fused=FRAMES_FUSED)


def _num_frames(block: Mapping[str, Any], path: str) -> int:
    """What qwen-vl-utils would sample where the block says, else ``DEFAULT_NFRAMES``."""
    if not any(key in block for key in _BUDGET_KEYS):
        return DEFAULT_NFRAMES
    if "nframes" in block:
        if not isinstance(block["nframes"], int) or block["nframes"] < FRAMES_FUSED:
            raise InputError(f"nframes must be a whole number of at least {FRAMES_FUSED}, got {block['nframes']!r}")
        return int(block["nframes"])
    from clamr_select.video import open_video

    with open_video(path) as reader:
        total, fps = reader.info.num_frames, reader.info.average_fps
    return int(_vision_process().smart_nframes(block, total_frames=total, video_fps=fps))


def _mean_rate(emission: Emission) -> float:
    """What Qwen2.5-VL is told in place of times: its interval is the frames it fuses / this."""
    from clamr_select.handoff.consumers import interval_seconds

    return FRAMES_FUSED / interval_seconds(emission.timestamps_seconds, num_fused=FRAMES_FUSED)


def _fetch(process: Any, block: Mapping[str, Any], emission: Emission, patch_size: int) -> tuple[Any, dict[str, Any]]:
    """Frames resized as ``fetch_video`` resizes a video it reads, with their own metadata."""
    from clamr_select.handoff.consumers import UNKNOWN
    from clamr_select.handoff.qwen_size import resized_for_qwen
    from clamr_select.handoff.transformers import video_metadata

    frames = resized_for_qwen(emission.decode(), process=process, patch_size=patch_size, block=block)
    return frames, video_metadata(emission, UNKNOWN, size=(frames.shape[2], frames.shape[3]))

"""What is known of lmms-eval's models: how each takes a video, how many frames it would sample, and what it fuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clamr_select.errors import InputError

FRAME_COUNTS = ("max_num_frames", "nframes", "max_frames_num", "num_frames", "num_segments", "num_video_frames")
"""Under these names the models keep how many frames they sample."""
DEFAULT_FPS_MAX_FRAMES = 768


@dataclass(frozen=True)
class Base:
    """One model of lmms-eval. ``emits`` are the ways that reach it, the first is the default."""

    emits: tuple[str, ...]
    fuses: bool = False
    """Whether two consecutive frames of a video become one patch."""
    takes_gpu: bool = False
    """Whether its engine claims the memory of the GPU when it starts, so that no selector fits beside it."""
    frames_only: tuple[str, ...] = ()
    """Attributes that make it sample again from frames it was handed; None while it generates."""
    clip_seconds_per_frame: float | None = None
    """Of clips, where it divides by the rounded frame rate of a file; None: as long as the video."""
    why_not: Mapping[str, str] | None = None
    """Reasons, by attribute: with it set, a selection would not arrive."""


_SERVER_DECODES = {"pass_video_url": "the server then gets the whole video, and samples it itself"}
_QWEN = Base(("handle", "images", "clip"), fuses=True)
_SENDS_IMAGES = Base(("handle", "images", "clip"), why_not=_SERVER_DECODES)
_PROCESSOR = Base(("frames", "images"), frames_only=("num_frames", "fps"))

CHAT: Mapping[str, Base] = {
    "qwen2_5_vl": _QWEN,
    "qwen3_vl": _QWEN,
    "qwen3_5": _QWEN,
    "thyme": _QWEN,
    "llava_onevision1_5": Base(("handle", "images", "clip")),
    "llava_onevision2": Base(("handle", "images", "clip")),
    "vllm": Base(("handle", "images", "clip"), takes_gpu=True),
    "vllm_generate": Base(("handle", "images", "clip"), fuses=True, takes_gpu=True),
    "openai": _SENDS_IMAGES,
    "async_openai": _SENDS_IMAGES,
    "litellm": _SENDS_IMAGES,
    "sglang": Base(("images",), takes_gpu=True),
    "gemini": Base(("images", "clip")),
    "internvl_hf": _PROCESSOR,
    "huggingface": Base(("frames", "images"), fuses=False),
    "async_hf_model": Base(("frames", "images"), fuses=False),
    # its call of the processor fails for a video alone (lmms-eval 0.7.3 with transformers 5)
    "llava_hf": Base(("images", "frames")),
}
SIMPLE: Mapping[str, Base] = {
    "qwen2_vl": Base(("handle", "images", "clip"), fuses=True),
    "qwen2_5_vl": _QWEN,
    "qwen3_vl": _QWEN,
    "qwen3_5": _QWEN,
    # they divide by a frame rate that they round to a whole number
    **{
        name: Base(("clip", "images"), clip_seconds_per_frame=1.0)
        for name in ("llava_vid", "cambrians", "egogpt", "minicpm_o", "vila", "oryx", "ola", "llama_vid")
    },
}
OTHER_CHAT = Base(("images", "frames", "clip"))
OTHER_SIMPLE = Base(("clip", "images"))


def base_of(name: str, *, is_simple: bool) -> Base:
    """What is known of a base; of one that is not in the tables, what suits every model of its kind."""
    return SIMPLE.get(name, OTHER_SIMPLE) if is_simple else CHAT.get(name, OTHER_CHAT)


def sampled_frames(model: Any, *, video: str) -> int:
    """How many frames the base itself would take of a video, from its own arguments.

    Raises:
        InputError: it has none of the arguments that say so.
        VideoError: a rate is set, and the video cannot be read.
    """
    count = next((int(getattr(model, name)) for name in FRAME_COUNTS if getattr(model, name, None)), None)
    fps = getattr(model, "fps", None)
    if fps is None:
        if count is None:
            raise InputError(f"{type(model).__name__} does not say how many frames it samples; give clamr_num_frames=N")
        return count
    return _frames_at_rate(float(fps), most=count or getattr(model, "max_frames", None), video=video)


def _frames_at_rate(fps: float, *, most: int | None, video: str) -> int:
    """As ``smart_nframes`` of qwen-vl-utils counts."""
    from clamr_select.handoff.qwen_size import vision_process
    from clamr_select.video import open_video

    with open_video(video) as reader:
        total, rate = reader.info.num_frames, reader.info.average_fps
    block = {"fps": fps, "max_frames": most or DEFAULT_FPS_MAX_FRAMES}
    return int(vision_process(purpose="a base with fps=").smart_nframes(block, total_frames=total, video_fps=rate))

"""What is known of lmms-eval's models: how each takes a video, how many frames it would sample, and what it fuses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clamr_select.errors import InputError

FRAME_COUNTS = (
    "nframes", "max_num_frames", "max_frames_num", "num_frames", "num_segments", "num_video_frames", "max_frame_num",
)  # fmt: skip
"""Under these names the models keep how many frames they sample; the first that is set decides."""
FRAME_CAPS = ("max_num_frames", "max_frames_num", "max_frame_num", "max_frames")
"""And under these the most that they take where they sample at a rate."""
RATES = ("fps", "video_fps")
DEFAULT_FPS_MAX_FRAMES = 768
LEAST_AT_A_RATE = 4
"""As qwen-vl-utils takes of the shortest video."""


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
    clip_times: bool = False
    """Whether it writes the times of a clip's frames into its prompt: those are even, not the selected frames' own."""
    why_not: Mapping[str, str] | None = None
    """Reasons, by attribute: with it set, a selection would not arrive."""
    refused: str | None = None
    """Why no form reaches it; then ``emits`` is empty."""


_SERVER_DECODES = {"pass_video_url": "the server then gets the whole video, and samples it itself"}
_WRITES_EVEN_TIMES = {"add_time_instruction": "its prompt would say that the frames are evenly spaced"}
_QWEN = Base(("handle", "images", "clip"), fuses=True)
_SENDS_IMAGES = Base(("handle", "images", "clip"), why_not=_SERVER_DECODES)
_PROCESSOR = Base(("frames", "images"), frames_only=("num_frames", "fps"))
_PICTURES = Base(("images",))
_ONE_VISUAL = Base(("clip",))
_ONE_PICTURE = Base((), refused="it shows its model one picture of a document, whatever it is handed")

CHAT: Mapping[str, Base] = {
    "qwen2_5_vl": _QWEN,
    "qwen3_vl": _QWEN,
    "qwen3_5": _QWEN,
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
    "huggingface": Base(("frames", "images")),
    "async_hf_model": Base(("frames", "images")),
    # its call of the processor fails for a video alone (lmms-eval 0.7.3 with transformers 5)
    "llava_hf": Base(("images", "frames")),
    "neo_ov": _PICTURES,
    "thyme": _PICTURES,
    "lfm2_5_vl": _ONE_PICTURE,
}
SIMPLE: Mapping[str, Base] = {
    "qwen2_vl": _QWEN,
    "qwen2_5_vl": _QWEN,
    "qwen3_vl": _QWEN,
    "qwen3_5": _QWEN,
    "vllm": Base(("clip", "images"), takes_gpu=True),
    "gemma4": Base(("images", "clip"), clip_times=True),
    # a path means a picture to them, or they take no path at all
    **{
        name: _PICTURES
        for name in (
            "glm4v", "llava", "mantis", "mistral3_vl", "phi3v", "qwen_vl", "ross", "slime", "tinyllava",
            "xcomposer2_4KHD",
        )
    },
    # of several visuals they take the first, or none but one
    **{
        name: _ONE_VISUAL
        for name in (
            "baichuan_omni", "internvideo2_5", "omnivinci", "plm", "qwen2_5_omni", "qwen3_omni",
            "uni_moe_2_omni", "video_llava",
        )
    },
    **{
        name: _ONE_PICTURE
        for name in ("cogvlm2", "fuyu", "instructblip", "internvl", "minicpm_v", "minimonkey", "vora")
    },
    # they divide by a frame rate that they round to a whole number, or take a frame a second
    **{
        name: Base(("clip", "images"), clip_seconds_per_frame=1.0)
        for name in ("egogpt", "vila", "oryx", "ola", "llama_vid", "penguinvl")
    },
    **{
        name: Base(("clip", "images"), clip_seconds_per_frame=1.0, why_not=_WRITES_EVEN_TIMES)
        for name in ("llava_vid", "cambrians")
    },
    "minicpm_o": Base(("clip",), clip_seconds_per_frame=1.0),
    "videollama3": Base(("clip",), clip_seconds_per_frame=1.0, clip_times=True),
    **{name: Base(("clip",), clip_times=True) for name in ("internvideo2", "videochat2")},
}  # fmt: skip
OTHER_CHAT = Base(("images", "frames", "clip"))
OTHER_SIMPLE = Base(("clip", "images"))


def base_of(name: str, *, is_simple: bool, declared: tuple[str, ...] | None = None) -> Base:
    """What is known of a base; of one that is not in the tables, what suits every model of its kind.

    Args:
        declared: what its class says of itself, ``clamr_reads = ("handle", "images")``, for models of one's own.
    """
    if declared is not None:
        return Base(tuple(declared))
    return SIMPLE.get(name, OTHER_SIMPLE) if is_simple else CHAT.get(name, OTHER_CHAT)


def sampled_frames(settings: Any, *, video: str) -> int:
    """How many frames the base itself would take of a video, from its own arguments.

    Args:
        settings: the model, or an object with its arguments.

    Raises:
        InputError: it has none of the arguments that say so.
        VideoError: a rate is set, and the video cannot be read.
    """
    rate = _first(settings, RATES)
    if rate is not None:
        return _frames_at_rate(float(rate), most=_first(settings, FRAME_CAPS), video=video)
    count = _first(settings, FRAME_COUNTS)
    if count is None:
        raise InputError("this base does not say how many frames it samples; give clamr_num_frames=N")
    return int(count)


def frames_of_clip(settings: Any, *, num_frames: int, seconds_per_frame: float) -> int | None:
    """The most frames that the base would take of a clip, from its own arguments; None where they do not say.

    Args:
        settings: as of :func:`sampled_frames`.
        num_frames: of the clip.
    """
    rate = _first(settings, RATES)
    if rate is None:
        count = _first(settings, FRAME_COUNTS)
        return None if count is None else int(count)
    # upwards: bases round otherwise, and a clip that would be read whole is not to be refused
    at_rate = math.ceil(num_frames * seconds_per_frame * float(rate))
    return min(max(at_rate, LEAST_AT_A_RATE), int(_first(settings, FRAME_CAPS) or DEFAULT_FPS_MAX_FRAMES))


def _first(settings: Any, names: tuple[str, ...]) -> Any:
    return next((getattr(settings, name) for name in names if getattr(settings, name, None)), None)


def _frames_at_rate(fps: float, *, most: int | None, video: str) -> int:
    """As ``smart_nframes`` of qwen-vl-utils counts."""
    from clamr_select.handoff.qwen_size import vision_process
    from clamr_select.video import open_video

    with open_video(video) as reader:
        total, rate = reader.info.num_frames, reader.info.average_fps
    block = {"fps": fps, "max_frames": int(most or DEFAULT_FPS_MAX_FRAMES)}
    return int(vision_process(purpose="a base with fps=").smart_nframes(block, total_frames=total, video_fps=rate))

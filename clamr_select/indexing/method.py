"""What a selection says of how its video was indexed."""

from __future__ import annotations

from typing import Any

from clamr_select.context.timed_text import ContextTrack
from clamr_select.indexing.about import About
from clamr_select.indexing.options import IndexOptions
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selection import VideoFacts
from clamr_select.video.reader import VideoInfo


def index_method(
    info: VideoInfo,
    *,
    encoder: ClamrEncoder,
    options: IndexOptions,
    num_candidates: int,
    speech: ContextTrack,
    about: About,
    ocr: str,
    audio: str,
) -> dict[str, Any]:
    """The part of ``Selection.method`` that the video and the options decide.

    Args:
        ocr, audio: what was read and heard, or ``off``.
    """
    return {
        "selector": "clamr",
        "model": encoder.name,
        "compat": encoder.compat,
        "backend": info.backend,
        "num_candidates": num_candidates,
        "candidate_fps": options.candidate_fps,
        "max_candidates": options.max_candidates,
        "window_candidates": options.window_candidates,
        "pair": options.pair,
        "asr": speech.source,
        **({"asr_languages": list(speech.languages)} if speech.languages else {}),
        "ocr": ocr,
        **({"token_pooling": options.token_pooling} if options.token_pooling > 1 else {}),
        **({"precision": options.precision} if options.precision != "as_encoded" else {}),
        "audio": audio,
        "description": about.description is not None,
        **({"metadata": list(about.sources)} if about.sources else {}),
        **({"chapters": len(about.chapters)} if about.chapters else {}),
        **of_the_run(options),
    }


def of_the_run(options: IndexOptions) -> dict[str, Any]:
    """The part that changes nothing of what comes out, so that an index made under other limits is served too."""
    return {
        **({"limits": options.limits.changed} if options.limits.changed else {}),
        **({"isolate": True} if options.isolate else {}),
    }


def of_the_video(method: dict[str, Any]) -> dict[str, Any]:
    """``method`` without :func:`of_the_run`."""
    return {name: value for name, value in method.items() if name not in ("limits", "isolate")}


def video_facts(info: VideoInfo) -> VideoFacts:
    """What a selection keeps of the container."""
    return VideoFacts(
        width=info.width,
        height=info.height,
        num_frames=info.num_frames,
        start_seconds=info.start_seconds,
        duration_seconds=info.duration_seconds,
        average_fps=info.average_fps,
    )

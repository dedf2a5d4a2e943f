"""Open, check and decode videos: one reader contract, several backends."""

from __future__ import annotations

import os
from typing import Literal

from clamr_select.errors import InputError, unknown_name
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.reader import DecodedFrame, VideoInfo, VideoReader

Backend = Literal["pyav", "decord", "torchcodec"]

__all__ = ["Backend", "DecodedFrame", "VideoInfo", "VideoReader", "open_video"]


def open_video(
    path: str | os.PathLike[str],
    *,
    backend: Backend = "pyav",
    limits: Limits = DEFAULT_LIMITS,
    num_threads: int = 1,
) -> VideoReader:
    """Open a local video file. Use what is returned as a context manager.

    Args:
        path: A file. URLs, playlists and directories are refused.
        backend: ``pyav`` reads everything FFmpeg reads. ``decord`` and ``torchcodec`` list the same frames and
            give the same ones, or refuse the file.
        limits: What the file may be at most.
        num_threads: That decode, at least 1; ``pyav`` alone uses more than one. They read groups of pictures side by
            side: a video with a single key frame is not read faster. What comes out is the same with any number.

    Raises:
        UnknownNameError: there is no such backend.
        InputError: ``num_threads`` is below 1.
        MissingDependencyError: the backend's package is not installed or cannot be loaded.
        VideoNotFoundError, UnreadableVideoError, UnsafeVideoError, VideoTooLargeError, UnsupportedVideoError:
            what is wrong with the file, see :mod:`clamr_select.errors`.
    """
    if isinstance(num_threads, bool) or not isinstance(num_threads, int) or num_threads < 1:
        raise InputError(f"num_threads must be a whole number of at least 1, got {num_threads!r}")
    if backend == "pyav":
        from clamr_select.video.pyav_reader import PyAVReader

        return PyAVReader(path, limits=limits, num_threads=num_threads)
    if backend == "decord":
        from clamr_select.video.decord_reader import DecordReader

        return DecordReader(path, limits=limits)
    if backend == "torchcodec":
        from clamr_select.video.torchcodec_reader import TorchCodecReader

        return TorchCodecReader(path, limits=limits)
    raise unknown_name("video backend", backend, ("pyav", "decord", "torchcodec"))

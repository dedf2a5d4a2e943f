"""Open, check and decode videos: one reader contract, several backends."""

from __future__ import annotations

import os
from typing import Literal

from clamr_select.errors import unknown_name
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.reader import DecodedFrame, VideoInfo, VideoReader

Backend = Literal["pyav", "decord", "torchcodec"]

__all__ = ["Backend", "DecodedFrame", "VideoInfo", "VideoReader", "open_video"]


def open_video(
    path: str | os.PathLike[str], *, backend: Backend = "pyav", limits: Limits = DEFAULT_LIMITS
) -> VideoReader:
    """Open a local video file. Use what is returned as a context manager.

    Args:
        path: A file. URLs, playlists and directories are refused.
        backend: ``pyav`` reads everything FFmpeg reads. ``decord`` and ``torchcodec`` list the same frames and
            give the same ones, or refuse the file.
        limits: What the file may be at most.

    Raises:
        UnknownNameError: there is no such backend.
        MissingDependencyError: the backend's package is not installed or cannot be loaded.
        VideoNotFoundError, UnreadableVideoError, UnsafeVideoError, VideoTooLargeError, UnsupportedVideoError:
            what is wrong with the file, see :mod:`clamr_select.errors`.
    """
    if backend == "pyav":
        from clamr_select.video.pyav_reader import PyAVReader

        return PyAVReader(path, limits=limits)
    if backend == "decord":
        from clamr_select.video.decord_reader import DecordReader

        return DecordReader(path, limits=limits)
    if backend == "torchcodec":
        from clamr_select.video.torchcodec_reader import TorchCodecReader

        return TorchCodecReader(path, limits=limits)
    raise unknown_name("video backend", backend, ("pyav", "decord", "torchcodec"))

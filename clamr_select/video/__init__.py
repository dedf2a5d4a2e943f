"""Open, check and decode videos: one reader contract, several backends."""

from __future__ import annotations

import os
from typing import Literal

from clamr_select.container import DEFAULT_MAX_PIXELS
from clamr_select.errors import unknown_name
from clamr_select.video.reader import DecodedFrame, VideoInfo, VideoReader

Backend = Literal["pyav", "decord", "torchcodec"]

__all__ = ["Backend", "DecodedFrame", "VideoInfo", "VideoReader", "open_video"]


def open_video(
    path: str | os.PathLike[str], *, backend: Backend = "pyav", max_pixels: int = DEFAULT_MAX_PIXELS
) -> VideoReader:
    """Open a local video file. Use what is returned as a context manager.

    Args:
        path: A file. URLs, playlists and directories are refused.
        backend: ``pyav`` reads everything FFmpeg reads. ``decord`` and ``torchcodec`` list the same frames and
            give the same ones, or refuse the file.
        max_pixels: The largest width × height of one frame.

    Raises:
        UnknownNameError: there is no such backend.
        MissingDependencyError: the backend's package is not installed or cannot be loaded.
        VideoNotFoundError, UnreadableVideoError, UnsafeVideoError, VideoTooLargeError, UnsupportedVideoError:
            what is wrong with the file, see :mod:`clamr_select.errors`.
    """
    if backend == "pyav":
        from clamr_select.video.pyav_reader import PyAVReader

        return PyAVReader(path, max_pixels=max_pixels)
    if backend == "decord":
        from clamr_select.video.decord_reader import DecordReader

        return DecordReader(path, max_pixels=max_pixels)
    if backend == "torchcodec":
        from clamr_select.video.torchcodec_reader import TorchCodecReader

        return TorchCodecReader(path, max_pixels=max_pixels)
    raise unknown_name("video backend", backend, ("pyav", "decord", "torchcodec"))

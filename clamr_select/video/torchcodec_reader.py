"""The torchcodec backend: it is given the list of frames, and the time of each frame it returns is compared.

Left to its own list it takes durations from the packets, which are none where frames are reordered at an uneven
rate, and returns the next frame instead (torchcodec 0.13 and 0.17). Of damage it says nothing, so PyAV decodes beside
it what is wanted.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import MissingDependencyError, UnsupportedVideoError, missing_dependency
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.base import Images, IndexedReader
from clamr_select.video.damage import beside_pyav
from clamr_select.video.index import index_video
from clamr_select.video.orientation import UPRIGHT
from clamr_select.video.packets import PacketTable
from clamr_select.video.scaling import FrameScaler

if TYPE_CHECKING:
    from torchcodec.decoders import VideoDecoder

_KINDS = ("iso-bmff", "matroska", "avi", "flv", "ogg", "asf")
"""Torchcodec takes no list of demuxers, so it is given only files whose first bytes leave no choice."""


class TorchCodecReader(IndexedReader):
    """Frame-exact or refused: a frame whose timestamp is not the one asked for is never returned."""

    backend = "torchcodec"

    def __init__(self, path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> None:
        _import_decoder()
        super().__init__(index_video(path, limits=limits, backend=self.backend))
        if self.index.kind not in _KINDS:
            raise self._unsupported(f"it returns wrong frames of {self.index.kind}")
        if self.index.orientation.mirrored:
            raise self._unsupported("the picture is mirrored, which it ignores")
        self._frame_list = _frame_list(self.index.packets)
        if self._image(self._open(), 0) is None:
            raise self._unsupported("it cannot decode the first frame")

    def _images(self, frame_indices: np.ndarray, max_side: int | None) -> Images:
        scaler = FrameScaler(self.info.width, self.info.height, max_side=max_side, orientation=UPRIGHT)
        decoder = self._open()
        damaged_pts: set[int] = set()
        delivered: list[int] = []
        watched = beside_pyav(self.index, frame_indices, damaged_pts)
        try:
            for index in watched:
                image = self._image(decoder, index)
                if image is not None:
                    delivered.append(index)
                yield index, None if image is None else scaler.from_array(image)
        finally:
            watched.close()
            self._note_damage(damaged_pts, delivered)

    def _image(self, decoder: VideoDecoder, index: int) -> np.ndarray | None:
        """(height, width, 3) uint8 RGB, upright; None where torchcodec fails."""
        asked = float(self.timestamps_seconds[index])
        try:
            frame = decoder.get_frame_at(index)
        except (RuntimeError, IndexError):
            return None
        if abs(frame.pts_seconds - asked) > float(self.index.packets.time_base) / 2:
            raise self._unsupported(f"asked for {asked:.3f} s, it returned the frame at {frame.pts_seconds:.3f} s")
        return frame.data.numpy()

    def _open(self) -> VideoDecoder:
        decoder = _import_decoder()
        # Where the header gives no duration, torchcodec (0.17) fails unless it scans by itself.
        listing: dict[str, Any] = (
            {"custom_frame_mappings": self._frame_list} if self.index.header.end_seconds else {"seek_mode": "exact"}
        )
        try:
            return decoder(
                self.index.file,
                stream_index=self.index.header.stream_index,
                dimension_order="NHWC",
                num_ffmpeg_threads=1,
                device="cpu",
                **listing,
            )
        except (RuntimeError, ValueError) as error:
            raise self._unsupported("it cannot open the file") from error

    def _unsupported(self, reason: str) -> UnsupportedVideoError:
        return UnsupportedVideoError(
            f"torchcodec cannot be trusted with {self.info.path!r}: {reason}. Use backend='pyav'."
        )


def _frame_list(packets: PacketTable) -> str:
    """The frames in presentation order, each lasting until the next, in torchcodec's format."""
    durations = np.append(np.diff(packets.frame_pts), max(1, packets.last_duration))
    is_key = np.isin(packets.frame_pts, packets.key_pts)
    rows = zip(packets.frame_pts.tolist(), durations.tolist(), is_key.tolist(), strict=True)
    frames = [{"pts": pts, "duration": duration, "key_frame": int(key)} for pts, duration, key in rows]
    return json.dumps({"frames": frames})


def _import_decoder() -> type[VideoDecoder]:
    try:
        import torchcodec
        from torchcodec.decoders import VideoDecoder
    except (ImportError, OSError, RuntimeError) as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "torchcodec":
            raise missing_dependency("torchcodec", extra="torchcodec", purpose="the torchcodec backend") from error
        raise _cannot_load() from error
    # without FFmpeg 0.13 does not import; 0.17 does, for its image decoders, and fails at the first video
    if getattr(torchcodec, "ffmpeg_major_version", 0) is None:
        raise _cannot_load()
    return VideoDecoder


def _cannot_load() -> MissingDependencyError:
    return MissingDependencyError(
        "torchcodec is installed and cannot decode: FFmpeg's shared libraries (libavcodec, libavformat, …) are "
        "missing, or its build does not match the installed torch. Install FFmpeg on the system, see torchcodec's "
        "installation notes, or use backend='pyav'."
    )

"""The decord backend: the same frames through decord, or a refusal.

decord 0.6 (the last release, 2021) says nothing of which frame it returned, and its seeks return wrong ones
without a word: 4 to 48 frames off after each key frame of HEVC, of open groups of pictures, of intra refresh
and of files that do not start at 0. Reading on from the start was exact in all of these. So this reader never
seeks, and refuses files whose frame list decord sees differently.

Of damage it drops and repeats frames without a word, and the count can come out right. So PyAV, which says what it
finds damaged, decodes the same packets in step with it, and nothing from the first complaint on is returned.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import MissingDependencyError, UnsupportedVideoError
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.base import Images, IndexedReader
from clamr_select.video.index import VideoIndex, index_video
from clamr_select.video.orientation import UPRIGHT
from clamr_select.video.scaling import FrameScaler, scaled_size

if TYPE_CHECKING:
    import decord

_MAX_DISAGREEMENT_SECONDS = 1e-3
_DAMAGE = ("damaged_file", "clock_jump", "shorter_than_header", "undecodable_start", "undecodable_end")


class DecordReader(IndexedReader):
    """Decodes all of the video, once by decord and once by PyAV, whatever is wanted of it: only at its end is known
    that no frame was dropped. From the second time on PyAV is not asked again.

    Its FFmpeg is of 2019 and damaged files have made it end the process: give it only files you made or trust.
    """

    backend = "decord"
    _is_sound = False
    """Whether PyAV decoded all of it without a complaint."""

    def __init__(self, path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> None:
        _import_decord()
        super().__init__(index_video(path, limits=limits, backend=self.backend))
        reason = _why_not(self.index) or self._disagreement()
        if reason:
            raise UnsupportedVideoError(
                f"decord cannot be trusted with {self.info.path!r}: {reason}. Use backend='pyav'."
            )

    def _images(self, frame_indices: np.ndarray, max_side: int | None) -> Images:
        width, height = self.info.width, self.info.height
        scaler = FrameScaler(width, height, max_side=max_side, orientation=UPRIGHT)
        turned = self.index.orientation.rotation_degrees != 0  # decord scales before it turns
        reader = self._open(*((-1, -1) if turned else scaled_size(width, height, max_side)))
        sound = repeat(None) if self._is_sound else self._sound_frames()
        image, num_read = None, 0
        for index in frame_indices.tolist():
            while num_read <= index:
                image = self._next(reader, num_read, sound)
                num_read += 1
            if image is not None:
                yield index, scaler.from_array(image.asnumpy())
        # a frame that decord dropped without a word makes all after it others than asked for; the count shows it
        while num_read < self.info.num_frames:
            self._next(reader, num_read, sound)
            num_read += 1
        self._is_sound = True

    def _sound_frames(self) -> Iterator[None]:
        """Passes each frame once PyAV showed it, and all that are decoded before it, whole and where the list has
        them; the first other one is an error."""
        packets = self.index.packets
        decoded_before = _shown_last(packets.frame_positions).tolist()
        num_shown = 0
        with self.index.session() as session:
            shown = session.decode(0, len(packets.packet_pts) - 1)
            for last in decoded_before:
                while num_shown <= last:
                    frame = next(shown, None)
                    if session.damaged_pts or frame is None or frame.pts != packets.frame_pts[num_shown]:
                        raise UnsupportedVideoError(
                            f"decord cannot be trusted with {self.info.path!r}: the file is damaged, and decord does "
                            f"not say which frames it dropped or repeated. Use backend='pyav'."
                        )
                    num_shown += 1
                yield

    def _next(self, reader: decord.VideoReader, num_read: int, sound: Iterator[None]) -> Any:
        next(sound)
        decord = _import_decord()
        try:
            return reader.next()
        except (decord.DECORDError, decord.DECORDLimitReachedError, StopIteration):
            raise UnsupportedVideoError(
                f"decord cannot be trusted with {self.info.path!r}: it lost one of the first {num_read + 1} of "
                f"{self.info.num_frames} frames and does not say which, so those it returned may be others than asked "
                f"for. Use backend='pyav'."
            ) from None

    def _disagreement(self) -> str | None:
        """How decord's list of frames differs from the container's, None where it does not."""
        reader = self._open(-1, -1)
        if len(reader) != self.info.num_frames:
            return f"it counts {len(reader)} frames, the container has {self.info.num_frames}"
        starts = reader.get_frame_timestamp(range(len(reader)))[:, 0].astype(np.float64)
        offset = np.abs((starts - starts[0]) - (self.timestamps_seconds - self.timestamps_seconds[0]))
        if offset.max() > _MAX_DISAGREEMENT_SECONDS:
            return f"its timestamps are up to {offset.max():.3g} s away from the container's"
        return None

    def _open(self, width: int, height: int) -> decord.VideoReader:
        decord = _import_decord()
        try:
            return decord.VideoReader(
                self.index.file, ctx=decord.cpu(0), width=width, height=height, num_threads=1, fault_tol=1e-9
            )
        except (decord.DECORDError, RuntimeError, AssertionError, UnicodeEncodeError) as error:
            raise UnsupportedVideoError(
                f"decord cannot open {self.info.path!r} ({self.info.codec} in {self.info.container}). "
                f"Use backend='pyav'."
            ) from error


def _shown_last(frame_positions: np.ndarray) -> np.ndarray:
    """(num_frames,) the last frame to be shown among those decoded no later than each: it may refer to that one."""
    decoding_order = np.argsort(frame_positions)
    last = np.empty_like(decoding_order)
    last[decoding_order] = np.maximum.accumulate(decoding_order)
    return last


def _why_not(index: VideoIndex) -> str | None:
    """What is known to make decord return wrong frames."""
    damage = [text for code, text in index.warnings if code in _DAMAGE]
    if damage:
        return f"the file is damaged ({damage[0]})"
    if index.kind not in ("iso-bmff", "matroska"):
        return f"it numbers the frames of {index.kind} wrongly"
    if index.packets.num_hidden or index.packets.num_untimed or index.packets.num_duplicates:
        return "the file has packets that are not shown or not timed, which decord shows"
    if index.header.num_video_streams > 1:
        return "the file has several video streams, of which it picks its own"
    if index.orientation.mirrored:
        return "it ignores that the picture is mirrored"
    return None


def _import_decord():  # type: ignore[no-untyped-def]  # the package has no types
    try:
        import decord
    except ImportError as error:
        raise MissingDependencyError(
            "the decord backend needs the package 'decord', which is not installed; run: pip install decord "
            "(Linux x86-64 and Windows only), or use backend='pyav'"
        ) from error
    return decord

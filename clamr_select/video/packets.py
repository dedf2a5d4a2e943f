"""Scan the packets of a video stream: which frames there are, when they are shown, from where they decode.

Headers are not believed: Matroska and WebM say 0 frames, truncated files promise frames they lost, and
``index / fps`` is seconds off in files of variable frame rate. Demuxing costs about 0.2 s for 20 minutes.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError
from clamr_select.limits import Limits, too_large
from clamr_select.video.clean_start import can_start_at

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

_MAX_READ_ERRORS = 3
_KEY, _HIDDEN, _DAMAGED = 1, 2, 4
_VP8_SHOW_FRAME = 0x10
"""In the first byte of a packet (RFC 6386, 9.1)."""


@dataclass(frozen=True)
class PacketTable:
    """The timed packets of one stream in decoding order, and the frames they show in presentation order."""

    packet_pts: np.ndarray
    """(num_packets,) int64, in ``time_base`` units, in decoding order."""
    damaged: np.ndarray
    """(num_packets,) bool: the demuxer found the packet incomplete."""
    key_positions: np.ndarray
    """(num_keys,) int64, positions of key frames in decoding order, increasing; those at which decoding can start."""
    key_pts: np.ndarray
    """(num_keys,) int64, strictly increasing."""
    frame_pts: np.ndarray
    """(num_frames,) int64, strictly increasing: the frames that are shown."""
    frame_positions: np.ndarray
    """(num_frames,) int64: the packet of each frame, in decoding order."""
    time_base: Fraction
    last_duration: int
    """Duration of the last shown frame in ``time_base`` units; 0 where the container does not say."""
    num_hidden: int
    """Packets that are decoded and not shown; see :func:`is_hidden`."""
    num_untimed: int
    """Packets without a timestamp; they are decoded with the packet before them and never listed."""
    num_duplicates: int
    """Packets whose timestamp another packet has; the first one is listed."""
    num_read_errors: int

    def keep_frames(self, keep: np.ndarray) -> PacketTable:
        """The same packets with only the frames where ``keep``, (num_frames,) bool, is true."""
        return replace(self, frame_pts=self.frame_pts[keep], frame_positions=self.frame_positions[keep])

    def start_of(self, frame_indices: np.ndarray) -> np.ndarray:
        """Ordinal of the last key frame that is decoded and shown no later than each frame, -1 for none.

        Both are needed: frames of an open GOP come after a key frame in the file, are shown before it, and
        refer to the group of pictures before it.
        """
        decoded = np.searchsorted(self.key_positions, self.frame_positions[frame_indices], side="right")
        shown = np.searchsorted(self.key_pts, self.frame_pts[frame_indices], side="right")
        return np.minimum(decoded, shown) - 1

    def refer_to(self, damaged_pts: set[int], frame_indices: np.ndarray) -> np.ndarray:
        """Those of ``frame_indices`` that are damaged, or decoded after a damaged packet of their group of pictures,
        and so may be made from it."""
        damaged = np.flatnonzero(np.isin(self.packet_pts, list(damaged_pts)))
        if len(damaged) == 0:
            return frame_indices[:0]
        group_of_damaged = np.searchsorted(self.key_positions, damaged, side="right") - 1
        first_damaged = np.full(len(self.key_positions) + 1, len(self.packet_pts))
        np.minimum.at(first_damaged, group_of_damaged, damaged)  # group -1, before the first key frame, is the last
        return frame_indices[self.frame_positions[frame_indices] >= first_damaged[self.start_of(frame_indices)]]

    def key_position(self, ordinal: int) -> int:
        """Position of a key frame; ordinals before the first mean the start of the stream."""
        return int(self.key_positions[ordinal]) if ordinal >= 0 else 0


def read_packets(container: InputContainer, stream: Stream, errors: list[str]) -> Iterator[Packet]:
    """Packets with data, reading on after damage; what the demuxer complained of is appended to ``errors``."""
    import av

    consecutive = 0
    while consecutive < _MAX_READ_ERRORS:
        try:
            for packet in container.demux(stream):
                if packet.size:
                    consecutive = 0
                    yield packet
            return
        except IndexError:
            # PyAV, at the end of a transport stream in which a stream appeared that its header did not list.
            return
        except av.FFmpegError as error:
            consecutive += 1
            errors.append(type(error).__name__)
            logger.info("reading packets: %s: %s", type(error).__name__, error)


def is_hidden(packet: Packet, *, codec: str) -> bool:
    """Whether a packet with data is decoded and not shown: an edit list says so, or it is an alternate reference frame
    of VP8, whose time no frame has (1 ms after the frame before) or the next one has (FFmpeg).

    Args:
        codec: FFmpeg's name. VP9 and AV1 keep such frames in the packet of one that is shown.
    """
    return packet.is_discard or (codec == "vp8" and not memoryview(packet)[0] & _VP8_SHOW_FRAME)


def scan_packets(container: InputContainer, stream: VideoStream, *, path: str, limits: Limits) -> PacketTable:
    """Read every packet of a stream once, decoding nothing.

    Raises:
        UnreadableVideoError: no packet has a timestamp.
        VideoTooLargeError: there are more than ``limits.max_frames``.
        UnsupportedVideoError: the clock runs backwards, so a timestamp does not name one frame.
    """
    pts, flags = array("q"), bytearray()
    errors: list[str] = []
    codec, setup = stream.codec_context.codec.canonical_name, stream.codec_context.extradata or b""
    untimed, last_pts, last_duration = 0, None, 0
    for packet in read_packets(container, stream, errors):
        time = packet.pts
        if time is None:
            untimed += 1
            continue
        pts.append(time)
        if len(pts) > limits.max_frames:
            raise too_large(path, f"has more than {limits.max_frames} frames", limits=limits, name="max_frames")
        hidden = is_hidden(packet, codec=codec)
        is_key = packet.is_keyframe and can_start_at(memoryview(packet), codec=codec, setup=setup)
        flags.append(_KEY * is_key | _HIDDEN * hidden | _DAMAGED * packet.is_corrupt)
        if not hidden and (last_pts is None or time > last_pts):
            last_pts, last_duration = time, packet.duration or 0
    packet_pts = np.array(pts, dtype=np.int64)
    flag = np.frombuffer(bytes(flags), dtype=np.uint8)
    shown = np.flatnonzero((flag & _HIDDEN) == 0)
    if len(shown) == 0 or not stream.time_base:
        held = f"{untimed} packets without a timestamp" if untimed else "no video packet"
        raise UnreadableVideoError(
            f"{path!r} holds {held}, so it has no frame that could be named. Was the file cut short? "
            f"'ffmpeg -fflags +genpts -i IN -c copy OUT.mkv' writes timestamps where they are missing."
        )
    frame_pts, first = np.unique(packet_pts[shown], return_index=True)
    key_positions = np.flatnonzero(flag & _KEY)
    table = PacketTable(
        packet_pts=packet_pts,
        damaged=(flag & _DAMAGED) != 0,
        key_positions=key_positions,
        key_pts=packet_pts[key_positions],
        frame_pts=frame_pts,
        frame_positions=shown[first],
        time_base=Fraction(stream.time_base),
        last_duration=last_duration,
        num_hidden=len(packet_pts) - len(shown),
        num_untimed=untimed,
        num_duplicates=len(shown) - len(frame_pts),
        num_read_errors=len(errors),
    )
    if np.any(np.diff(table.key_pts) <= 0):
        raise UnsupportedVideoError(
            f"the clock of {path!r} runs backwards (joined transport streams do this), so a timestamp does not "
            f"name one frame. Give it one clock: re-encode it, or join its parts with ffmpeg's concat filter."
        )
    return table

"""Decode stretches of a video with PyAV, from a known key frame to a known packet."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from clamr_select.container import open_container
from clamr_select.limits import Limits
from clamr_select.video.packets import PacketTable, is_hidden, read_packets

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

logger = logging.getLogger(__name__)

SEEK_DISTANCE = 300
"""Packets: nearer than this, reading on and dropping packets is cheaper than a seek, and exact everywhere."""

_EARLIER_KEYS = (0, 1, 4)
"""A seek that overshoots is tried again this many key frames earlier, then the file is read from its start."""


class DecodeSession:
    """An open decoder that moves through one video stream. Not safe to share between threads."""

    def __init__(self, path: str, stream_index: int, packets: PacketTable, *, limits: Limits) -> None:
        self._path, self._stream_index, self._packets = path, stream_index, packets
        self._limits = limits
        self._can_seek = True
        self.damaged_pts: set[int] = set()
        """Receives those of packets that the decoder refused, and of frames in which it filled in damaged parts."""
        self._held: Packet | None = None
        self._open()
        self.skips_unreferenced = _skips_exactly(self._codec)
        """Whether ``decode(wanted=…)`` saves work with this codec."""

    def decode(self, start: int, stop: int, *, wanted: Collection[int] | None = None) -> Iterator[VideoFrame]:
        """Frames of the packets ``start`` (a key frame) to ``stop``, both included, as the decoder shows them.

        With ``wanted`` (pts), frames that no other frame refers to are not decoded unless they are wanted; the
        wanted ones are bit for bit the same, at half the work. Packets that the decoder refuses are skipped.
        """
        packet = self._packet_at(start)
        codec, stop_pts, fed_last = self._codec, int(self._packets.packet_pts[stop]), False
        codec.flush_buffers()
        needed = wanted if self.skips_unreferenced else None
        while packet is not None:
            pts = packet.pts
            if pts is not None:
                if fed_last:
                    self._held = packet
                    break
                codec.skip_frame = "DEFAULT" if needed is None or pts in needed else "NONREF"
                fed_last = pts == stop_pts and not is_hidden(packet, codec=codec.codec.canonical_name)
            yield from self._feed(packet)
            packet = self._next_packet()
        yield from self._feed(None)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> DecodeSession:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _open(self) -> None:
        self._container = open_container(self._path, limits=self._limits)
        self._stream = next(s for s in self._container.streams.video if s.index == self._stream_index)
        self._codec = self._stream.codec_context
        self._codec.thread_count = 1  # more are in clamr_select.video.side_by_side
        self._codec.options = {"max_pixels": str(self._limits.max_pixels)}
        self._restart_reading()
        self._position = -1

    def _restart_reading(self) -> None:
        self._reading = read_packets(self._container, self._stream, errors=[])
        self._held = None

    def _next_packet(self) -> Packet | None:
        packet, self._held = self._held, None
        if packet is None:
            packet = next(self._reading, None)
            if packet is not None and packet.pts is not None:
                self._position += 1
        return packet

    def _feed(self, packet: Packet | None) -> list[VideoFrame]:
        import av

        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError as error:
            logger.debug("%s: %s: %s", self._path, type(error).__name__, error)
            if packet is not None and packet.pts is not None:
                self.damaged_pts.add(packet.pts)
            return []
        self.damaged_pts.update(frame.pts for frame in frames if frame.is_corrupt and frame.pts is not None)
        return frames

    def _packet_at(self, position: int) -> Packet | None:
        """Move to a packet; None if the file no longer has it where it was."""
        first_unread = self._position + (self._held is None)
        ahead = position - first_unread
        if ahead >= 0 and (ahead <= SEEK_DISTANCE or not self._can_seek):
            return self._drop_until(position)
        ordinal = int(self._packets.key_positions.searchsorted(position, side="right")) - 1
        for earlier in _EARLIER_KEYS if self._can_seek else ():
            if ordinal < earlier:
                break
            packet = self._seek(int(self._packets.key_pts[ordinal - earlier]), position)
            if packet is not None:
                return packet
        if ordinal >= 0:
            self._can_seek = False
        self._container.close()
        self._open()
        return self._drop_until(position)

    def _seek(self, pts: int, position: int) -> Packet | None:
        import av

        try:
            self._container.seek(pts, stream=self._stream, backward=True)
        except av.FFmpegError as error:
            logger.debug("%s: seek: %s: %s", self._path, type(error).__name__, error)
            return None
        self._restart_reading()
        target = int(self._packets.packet_pts[position])
        while (packet := self._next_packet()) is not None:
            if packet.pts == target:
                self._position = position
                return packet
            if packet.is_keyframe and packet.pts is not None and packet.pts > target:
                return None
        return None

    def _drop_until(self, position: int) -> Packet | None:
        target = int(self._packets.packet_pts[position])
        while (packet := self._next_packet()) is not None:
            if packet.pts == target:
                self._position = position
                return packet
        return None


def _skips_exactly(codec: VideoCodecContext) -> bool:
    """Whether the decoder can leave out frames and still give the others bit for bit.

    H.264 and the MPEG family mark frames that nothing refers to. HEVC marks frames that nothing *of the same
    temporal layer* refers to, so there the stream must have one layer: byte 21 of its configuration record.
    """
    name, setup = codec.codec.canonical_name, codec.extradata or b""
    if name == "hevc":
        return len(setup) > 22 and setup[0] == 1 and (setup[21] >> 3) & 7 == 1
    return name in ("h264", "mpeg1video", "mpeg2video", "mpeg4")

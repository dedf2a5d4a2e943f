"""Whether decoding can start at a packet that its container calls a key frame.

H.264 with intra refresh has none but the first: the picture is renewed column by column, and FFmpeg, and files that it
wrote, call the frame at which that begins a key frame. Decoded from there, frames come out wrong, most of them unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator

_MAX_UNITS = 64
_ANNEX_B_BYTES = 1 << 16
"""Of a packet, searched for start codes; parameter sets and messages before the picture are short."""
_START_CODE, _ESCAPED_ZEROS = b"\0\0\1", b"\0\0\3"
_H264_SLICES, _H264_IDR, _H264_MESSAGES = (1, 5), 5, 6
_INTRA_SLICES = (2, 4, 7, 9)
"""I and SI, as one slice or as all slices of the picture are."""
_RECOVERY_POINT = 6
_HEVC_FIRST_MESSAGE, _HEVC_INTRA_RANDOM_ACCESS = 32, range(16, 24)


def can_start_at(packet: memoryview, *, codec: str, setup: bytes) -> bool:
    """False where the packet is of H.264 or HEVC and not wholly intra-coded, or frames after it need earlier ones.

    Args:
        packet: of one picture, marked as a key frame.
        codec: FFmpeg's name.
        setup: the stream's ``extradata``, which says how the packet is divided.
    """
    if codec == "h264":
        has_record = len(setup) > 4 and setup[0] == 1
        return _h264_can_start(_units(packet, length_size=(setup[4] & 3) + 1 if has_record else 0))
    if codec == "hevc":
        has_record = len(setup) > 22 and (setup[0] > 0 or setup[1] > 0 or setup[2] > 1)
        return _hevc_can_start(_units(packet, length_size=(setup[21] & 3) + 1 if has_record else 0))
    return True


def _h264_can_start(units: Iterator[bytes]) -> bool:
    """ITU-T H.264 7.3.3 (slice header), D.1.8 (recovery point)."""
    found = False
    for unit in units:
        kind = unit[0] & 31
        if kind == _H264_MESSAGES and _frames_to_recovery(unit[1:]) > 0:
            return False
        if kind in _H264_SLICES:
            if kind != _H264_IDR and _slice_type(unit[1:]) not in _INTRA_SLICES:
                return False
            found = True
    return found


def _hevc_can_start(units: Iterator[bytes]) -> bool:
    """ITU-T H.265 table 7-1."""
    kinds = [unit[0] >> 1 & 63 for unit in units]
    pictures = [kind for kind in kinds if kind < _HEVC_FIRST_MESSAGE]
    return bool(pictures) and all(kind in _HEVC_INTRA_RANDOM_ACCESS for kind in pictures)


def _units(packet: memoryview, *, length_size: int) -> Iterator[bytes]:
    """The first bytes of each unit, none empty; a length before each, or a start code."""
    if length_size == 0:
        data = bytes(packet[:_ANNEX_B_BYTES])
        for unit in data.split(_START_CODE, _MAX_UNITS)[1:]:
            if unit:
                yield unit
        return
    place = 0
    for _ in range(_MAX_UNITS):
        start = place + length_size
        if start >= len(packet):
            return
        length = int.from_bytes(packet[place:start], "big")
        if length:
            yield bytes(packet[start : start + min(length, _ANNEX_B_BYTES)])
        place = start + length


def _slice_type(header: bytes) -> int | None:
    bits = _Bits(header)
    bits.number()
    return bits.number()


def _frames_to_recovery(messages: bytes) -> int:
    """0 where no recovery point is announced."""
    data = messages.replace(_ESCAPED_ZEROS, b"\0\0")
    place = 0
    while place + 2 < len(data):
        kind = size = 0
        for which in range(2):
            value = 0
            while place < len(data) and data[place] == 255:
                value, place = value + 255, place + 1
            if place >= len(data):
                return 0
            value, place = value + data[place], place + 1
            kind, size = (value, size) if which == 0 else (kind, value)
        if kind == _RECOVERY_POINT:
            return _Bits(data[place : place + size]).number() or 0
        place += size
    return 0


class _Bits:
    """Exp-Golomb numbers, first bits first."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data[:16].replace(_ESCAPED_ZEROS, b"\0\0"))
        self._place = 0

    def number(self) -> int | None:
        """None where the bits end before it does."""
        one = self._bits.find("1", self._place)
        length = one - self._place + 1
        end = one + length
        if one < 0 or end > len(self._bits):
            return None
        self._place = end
        return int(self._bits[one:end], 2) - 1

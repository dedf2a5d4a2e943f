"""Open a video and list its frames: what every backend starts from, so that indices agree between them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.container import ContainerKind, check_container, open_container
from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError
from clamr_select.limits import Limits, too_large
from clamr_select.video.decode import DecodeSession
from clamr_select.video.header import StreamHeader, best_video_stream, read_header
from clamr_select.video.orientation import Orientation, frame_orientation
from clamr_select.video.packets import PacketTable, scan_packets
from clamr_select.video.reader import VideoInfo
from clamr_select.video.scaling import nearest_matrix

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_TAIL_PACKETS = 64
_MAX_TAIL_DECODE = 2000
_ORDER_CHECK_FRAMES = 32
_LONG_GAP_SECONDS = 3600.0

Warnings = list[tuple[str, str]]


@dataclass(frozen=True)
class VideoIndex:
    """The frames of a video's best stream that can be decoded, and what was noticed while listing them."""

    info: VideoInfo
    file: str
    """Absolute path."""
    kind: ContainerKind
    header: StreamHeader
    packets: PacketTable
    coded_size: tuple[int, int]
    """(width, height) in pixels before rotation."""
    orientation: Orientation
    timestamps_seconds: np.ndarray
    """(num_frames,) float64, strictly increasing."""
    limits: Limits
    warnings: tuple[tuple[str, str], ...]

    def session(self) -> DecodeSession:
        """A new decoder on the indexed stream."""
        return DecodeSession(self.file, self.header.stream_index, self.packets, limits=self.limits)


def index_video(path: str | os.PathLike[str], *, limits: Limits, backend: str) -> VideoIndex:
    """Scan the packets of the best video stream and decode its first frame.

    Raises:
        UnreadableVideoError: no video stream, or no frame of it decodes.
        UnsupportedVideoError: no decoder for its codec, or timestamps that do not name one frame each.
        VideoTooLargeError: the file is past a limit.
        InputError, VideoNotFoundError, UnsafeVideoError: as :func:`clamr_select.container.check_container`.
    """
    kind = check_container(path, limits=limits)
    file = os.path.abspath(path)
    with open_container(path, limits=limits) as container:
        stream = best_video_stream(container, path=file)
        header = read_header(container, stream)
        packets = scan_packets(container, stream, path=file, limits=limits)
    warnings = _scan_warnings(packets, header)
    with DecodeSession(file, header.stream_index, packets, limits=limits) as session:
        packets, first = _without_undecodable_start(session, packets, warnings, file=file)
        packets = _without_undecodable_end(session, packets, warnings)
        if kind == "avi" and header.codec in ("h264", "hevc"):
            _check_order(session, packets, file=file)
    orientation = frame_orientation(first)
    if not orientation.is_exact:
        warnings.append(("rotation_rounded", "the container asks for an odd angle; a quarter turn was applied"))
    if nearest_matrix(first) != int(first.colorspace):
        number = int(first.colorspace)
        text = f"colours may be wrong: FFmpeg cannot convert from their matrix, number {number} of ITU-T H.273"
        warnings.append(("colours_approximate", text))
    size = (first.width, first.height)
    timestamps = packets.frame_pts * float(packets.time_base)
    duration = _duration_seconds(packets, timestamps, header.frame_seconds)
    if duration > limits.max_duration_seconds + 1e-6:  # headers may say less
        raise too_large(file, f"lasts {duration:.0f} s", limits=limits, name="max_duration_seconds")
    info = VideoInfo(
        path=os.fspath(path),
        width=size[1] if orientation.swaps_sides else size[0],
        height=size[0] if orientation.swaps_sides else size[1],
        num_frames=len(timestamps),
        start_seconds=float(timestamps[0]),
        duration_seconds=duration,
        average_fps=len(timestamps) / duration if duration else 0.0,
        rotation_degrees=orientation.rotation_degrees,
        codec=header.codec,
        container=header.container,
        backend=backend,
        metadata=header.metadata,
    )
    return VideoIndex(info, file, kind, header, packets, size, orientation, timestamps, limits, tuple(warnings))


def _scan_warnings(packets: PacketTable, header: StreamHeader) -> Warnings:
    warnings: Warnings = []
    found, seconds = len(packets.packet_pts) + packets.num_untimed, float(packets.time_base)
    end = (int(packets.frame_pts[-1]) + packets.last_duration) * seconds
    if packets.num_read_errors:
        warnings.append(("damaged_file", f"places at which the file could not be read on: {packets.num_read_errors}"))
    missing_seconds = header.video_end_seconds - end
    # fewer frames to the same end are no cut: an edit list hides some, or AVI counts some that were left out; but the
    # last frame to be shown may come before others in the file
    ends_early = missing_seconds > header.frame_seconds / 2 or bool(packets.damaged.any())
    if header.num_frames > found and ends_early:
        text = f"the header promises {header.num_frames} frames, {found} are in the file; was it cut short?"
        warnings.append(("shorter_than_header", text))
    elif header.num_frames == 0 and missing_seconds > max(1.0, 0.01 * header.video_end_seconds):
        text = f"its frames end at {end:.1f} s, the header says {header.video_end_seconds:.1f} s; was it cut short?"
        warnings.append(("shorter_than_header", text))
    gaps = np.diff(packets.frame_pts) * seconds
    if len(gaps) and gaps.max() > _LONG_GAP_SECONDS:
        text = f"the clock jumps by {gaps.max():.0f} s after frame {gaps.argmax()}; its timestamps may be damaged"
        warnings.append(("clock_jump", text))
    if packets.num_untimed:
        text = f"packets without a timestamp, whose frames cannot be selected: {packets.num_untimed}"
        warnings.append(("untimed_packets", text))
    if packets.num_duplicates:
        text = f"frames left out because an earlier one has their timestamp: {packets.num_duplicates}"
        warnings.append(("duplicate_timestamps", text))
    return warnings


def _without_undecodable_start(
    session: DecodeSession, packets: PacketTable, warnings: Warnings, *, file: str
) -> tuple[PacketTable, VideoFrame]:
    """Decode up to the first good frame; frames before it refer to what the file does not hold."""
    start = packets.key_position(0) if len(packets.key_positions) else 0
    shown: list[int] = []
    for frame in session.decode(start, len(packets.packet_pts) - 1):
        if frame.pts is None:
            continue
        shown.append(frame.pts)
        if frame.pts >= packets.packet_pts[start]:
            break
    else:
        raise UnreadableVideoError(
            f"no frame of {file!r} can be decoded; it is damaged or encrypted, or its frames are larger than "
            f"max_pixels although its header says otherwise"
        )
    keep = (packets.frame_pts >= frame.pts) | np.isin(packets.frame_pts, shown)
    if not keep.all():
        text = f"frames left out at the start, which refer to what is not in the file: {np.sum(~keep)}"
        warnings.append(("undecodable_start", text))
    return packets.keep_frames(keep), frame


def _without_undecodable_end(session: DecodeSession, packets: PacketTable, warnings: Warnings) -> PacketTable:
    """Where the last packets are incomplete (a file cut short), keep the frames that come out of them."""
    last = len(packets.packet_pts) - 1
    damaged = np.flatnonzero(packets.damaged[-_TAIL_PACKETS:])
    if len(damaged) == 0:
        return packets
    first_damaged = max(0, len(packets.packet_pts) - _TAIL_PACKETS) + int(damaged[0])
    ordinal = int(np.searchsorted(packets.key_positions, first_damaged, side="right")) - 1
    start = packets.key_position(ordinal - 1)  # frames shown before a key frame refer to the group before it
    if last - start > _MAX_TAIL_DECODE:
        return packets
    shown = [frame.pts for frame in session.decode(start, last) if frame.pts is not None]
    keep = (packets.frame_positions < first_damaged) | np.isin(packets.frame_pts, shown)
    if not keep.all():
        text = f"incomplete frames left out near the end: {np.sum(~keep)}"
        warnings.append(("undecodable_end", text))
    return packets.keep_frames(keep)


def _check_order(session: DecodeSession, packets: PacketTable, *, file: str) -> None:
    """AVI has no presentation timestamps: with reordered frames, what it has names the wrong frames."""
    stop = min(_ORDER_CHECK_FRAMES, len(packets.packet_pts)) - 1
    shown = [frame.pts for frame in session.decode(0, stop) if frame.pts is not None]
    if shown != sorted(shown):
        raise UnsupportedVideoError(
            f"{file!r} is an AVI with reordered frames, which AVI cannot time; the timestamps would name wrong "
            f"frames. Re-encode it: ffmpeg -i IN.avi OUT.mp4"
        )


def _duration_seconds(packets: PacketTable, timestamps: np.ndarray, frame_seconds: float) -> float:
    last = packets.last_duration * float(packets.time_base)
    if last <= 0:
        last = float(np.median(np.diff(timestamps))) if len(timestamps) > 1 else frame_seconds
    return float(timestamps[-1] - timestamps[0]) + last

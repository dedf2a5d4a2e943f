"""What the header of a container says of its best video stream. Believed only where packets cannot tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class StreamHeader:
    """Facts of one stream and its container, read before any packet."""

    stream_index: int
    """Among all streams of the container."""
    num_video_streams: int
    """Cover art and thumbnails not counted."""
    codec: str
    container: str
    metadata: dict[str, str]
    """Tags of the container, keys in lower case."""
    num_frames: int
    """0 where the header does not say."""
    end_seconds: float
    """No earlier than this the container says it ends, with all its streams; 0 where it does not say."""
    video_end_seconds: float
    """The same of the video stream alone, where its tags say or its frames are counted; else ``end_seconds``."""
    frame_seconds: float
    """One over the average frame rate; 0 where the header does not say."""


def best_video_stream(container: InputContainer, *, path: str) -> VideoStream:
    """The video stream with the largest frames, the first of equals; cover art and thumbnails are not video.

    Raises:
        UnreadableVideoError: there is none.
        UnsupportedVideoError: FFmpeg has no decoder for any.
    """
    streams = _moving_pictures(container)
    if not streams:
        audio, covers = len(container.streams.audio), len(container.streams.video)
        held = f"audio streams: {audio}, cover pictures: {covers}" if audio or covers else "was it cut short?"
        raise UnreadableVideoError(f"{path!r} has no video stream; {held}")
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise UnsupportedVideoError(f"FFmpeg has no decoder for the video of {path!r}; re-encode it to H.264")
    return max(decodable, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def read_header(container: InputContainer, stream: VideoStream) -> StreamHeader:
    """Copy what is needed, because nothing of a closed container may be touched."""
    end_seconds = (container.duration or 0) / _MICROSECONDS  # Matroska counts from 0, not from the first frame
    tagged_end = _clock_seconds(stream.metadata.get("DURATION", ""))
    counted_end = _counted_end(container, stream)
    own_end = counted_end if tagged_end is None else min(end_seconds, tagged_end)
    return StreamHeader(
        stream_index=stream.index,
        num_video_streams=len(_moving_pictures(container)),
        codec=stream.codec_context.codec.canonical_name,
        container=container.format.name,
        metadata={_readable(key).lower(): _readable(value) for key, value in container.metadata.items()},
        num_frames=stream.frames,
        end_seconds=end_seconds,
        video_end_seconds=end_seconds if own_end is None else own_end,
        frame_seconds=float(1 / stream.average_rate) if stream.average_rate else 0.0,
    )


def _clock_seconds(tag: str) -> float | None:
    """Of Matroska's ``00:01:00.040000000``; None where it is none."""
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", tag.strip())
    return 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3]) if found else None


def _counted_end(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds at which a stream ends whose header counts its frames; None where it does not.

    AVI counts frames that were left out as well, and FFmpeg scales its duration down to a file that was cut. In MP4 an
    edit list may end before the frames that are counted do.
    """
    if not stream.frames:
        return None
    if container.format.name == "avi" and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if stream.duration is None or stream.time_base is None:
        return None
    return float(((stream.start_time or 0) + stream.duration) * stream.time_base)


def _moving_pictures(container: InputContainer) -> list[VideoStream]:
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails
    return [stream for stream in container.streams.video if not stream.disposition & still]


def _readable(tag: str) -> str:
    """Bytes that were no UTF-8, which PyAV 19 hands on as lone surrogates, as replacement characters."""
    return tag.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

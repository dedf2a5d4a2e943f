"""The frames of a row: picture files, or a video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from clamr_select.errors import BadRowError, InputError, VideoError
from clamr_select.training.data.rows import VideoRow

if TYPE_CHECKING:
    from clamr_select.video.candidates import Candidates

MAX_FRAME_SIDE = 448
"""Pixels of a frame's longer side: twice what the vision towers look at."""
MAX_IMAGE_PIXELS = 8192 * 8192


@dataclass(frozen=True)
class FrameLoader:
    """Reads the frames of rows.

    Args:
        frames_dir: what ``images`` are relative to.
        video_dir: what ``video`` is relative to. Rows without ``video`` are then looked for as
            ``<video_id>.mp4``, unless they have images and there is a ``frames_dir``.
        num_frames: at most so many frames a row, spread evenly over what there is (of a video, one a second); the
            paper's is 10.

    Raises:
        InputError: ``num_frames`` < 1, or a folder that is none.
    """

    frames_dir: Path | None = None
    video_dir: Path | None = None
    num_frames: int = 10

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise InputError(f"num_frames must be at least 1, got {self.num_frames}")
        for folder in (self.frames_dir, self.video_dir):
            if folder is not None and not folder.is_dir():
                raise InputError(f"no folder at {folder}")

    def frames(self, row: VideoRow) -> list[np.ndarray]:
        """(height, width, 3) uint8 RGB each, all of one size, longer side at most 448; [] for a row of text alone.

        Raises:
            BadRowError: a file is missing, outside its folder or unreadable, or the sizes differ.
        """
        if row.images and self.frames_dir is not None:
            return self._from_images(row, self.frames_dir)
        path = self.video_path(row)
        if path is not None:
            return self._from_video(row, path)
        if row.images or row.video:
            folder = "frames_dir" if row.images else "video_dir"
            raise BadRowError(row.name, f"it has {'images' if row.images else 'a video'}, and no {folder} was given")
        return []

    def video_path(self, row: VideoRow) -> Path | None:
        """The video whose frames are read; None where they are pictures, or there are none.

        Raises:
            BadRowError: it lies outside its folder.
        """
        if self.video_dir is None or (row.images and self.frames_dir is not None):
            return None
        return _inside(self.video_dir, row.video or f"{row.video_id}.mp4", row)

    def candidates(self, timestamps_seconds: np.ndarray) -> Candidates:
        """Which frames of a video are read."""
        from clamr_select.video.candidates import sample_candidates

        return sample_candidates(timestamps_seconds, max_candidates=self.num_frames)

    def _from_images(self, row: VideoRow, folder: Path) -> list[np.ndarray]:
        kept = np.unique(np.linspace(0, len(row.images) - 1, min(self.num_frames, len(row.images))).round().astype(int))
        frames = [_read_image(_inside(folder, row.images[i], row), row) for i in kept]
        if len({frame.shape for frame in frames}) > 1:
            sizes = ", ".join(sorted({f"{frame.shape[1]}x{frame.shape[0]}" for frame in frames}))
            raise BadRowError(row.name, f"its frames are of several sizes: {sizes}")
        return frames

    def _from_video(self, row: VideoRow, path: Path) -> list[np.ndarray]:
        from clamr_select.video import open_video

        try:
            with open_video(path) as reader:
                candidates = self.candidates(reader.timestamps_seconds)
                decoded = reader.frames(candidates.frame_indices, max_side=MAX_FRAME_SIDE)
                return [frame.image for frame in decoded]
        except VideoError as error:
            raise BadRowError(row.name, str(error)) from error


def _inside(folder: Path, name: str, row: VideoRow) -> Path:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise BadRowError(row.name, f"file names are relative to their folder and stay in it, got {name!r}")
    return folder / parts


def _read_image(path: Path, row: VideoRow) -> np.ndarray:
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise BadRowError(row.name, f"{path.name} is {image.width}x{image.height}; at most 8192x8192 is read")
            image.draft("RGB", (MAX_FRAME_SIDE, MAX_FRAME_SIDE))  # JPEG: decoded near the size that is kept
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except BadRowError:
        raise
    except FileNotFoundError as error:
        raise BadRowError(row.name, f"no frame at {path}") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # SyntaxError is what Pillow says of a broken chunk of a PNG
        raise BadRowError(row.name, f"{path.name} cannot be read: {error}") from error
    upright.thumbnail((MAX_FRAME_SIDE, MAX_FRAME_SIDE), Image.Resampling.BICUBIC)
    return np.asarray(upright)

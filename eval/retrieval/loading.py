"""What is read of a row once, for all encoders: its frames, and its sound for those that hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.errors import BadRowError, VideoError
from clamr_select.indexing.sound import WindowSound
from clamr_select.model.document import DocumentAudio
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.rows import VideoRow


@dataclass(frozen=True)
class ReadRow:
    """A row with what its files hold."""

    row: VideoRow
    frames: Sequence[np.ndarray]
    audio: DocumentAudio | None


@dataclass(frozen=True)
class RowReader:
    """
    Args:
        frames: reads frames; None where no encoder looks.
        max_sound_seconds: of sound from the start of a video; 0 reads none.
    """

    frames: FrameLoader | None
    max_sound_seconds: float = 0.0

    def read(self, row: VideoRow) -> ReadRow:
        """
        Raises:
            BadRowError: a file is missing or cannot be read.
        """
        if self.frames is None:
            return ReadRow(row, (), None)
        frames = self.frames.frames(row)
        path = self.frames.video_path(row) if frames and self.max_sound_seconds > 0 else None
        return ReadRow(row, frames, None if path is None else self._sound(row, str(path), self.frames))

    def _sound(self, row: VideoRow, path: str, loader: FrameLoader) -> DocumentAudio | None:
        """None where the video has no sound."""
        from clamr_select.video import open_video

        try:
            with open_video(path) as reader:
                times = reader.timestamps_seconds
            shown = loader.candidates(times).timestamps_seconds
            with WindowSound(
                path,
                timestamps_seconds=shown,
                start_seconds=float(times[0]),
                end_seconds=float(times[-1]),
                max_seconds=self.max_sound_seconds,
            ) as sound:
                return sound.cut(shown.tolist())
        except VideoError as error:
            raise BadRowError(row.name, str(error)) from error

"""A plan put into a request: in place of the path of the video, in the form that reaches the base."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from clamr_select.handoff.timed_text import written_times
from clamr_select.integrations.lmms_eval.handle import SelectedVideo, install
from clamr_select.integrations.lmms_eval.plan import FramePlan
from clamr_select.selection import Selection


class Emitter:
    """Puts plans into messages (chat models) and lists of visuals (simple ones). Safe in several threads.

    Args:
        form: ``handle``, ``frames``, ``images`` or ``clip``.
        fuses: whether the base fuses two frames of a video.
        backend: decodes; ``auto`` is the library the base would use, where it is one of ours.
        clip_seconds_per_frame: None makes clips as long as their videos.
        folder: receives clips.
    """

    def __init__(
        self, form: str, *, fuses: bool, backend: str, clip_seconds_per_frame: float | None, folder: Path
    ) -> None:
        self.form, self.fuses, self.backend = form, fuses, backend
        self.clip_seconds_per_frame, self.folder = clip_seconds_per_frame, folder
        if form == "handle":
            install()

    def content(self, plan: FramePlan, block: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Blocks of a chat message, in lmms-eval's form, in place of the block of the video.

        Args:
            block: what else stands in it is kept: the base that samples by itself may be shown a part of the video.
        """
        plan.issued()
        if self._is_read_by_the_base(plan):
            return [{**block, "url": plan.video}]
        if self.form == "images":
            blocks: list[dict[str, Any]] = []
            for text, image in zip(written_times(self._times(plan)), self._images(plan), strict=True):
                blocks += [{"type": "text", "text": text}, {"type": "image", "url": image}]
            return blocks
        return [{**block, "url": self._video(plan)}]

    def visuals(self, plan: FramePlan) -> list[Any]:
        """What a simple model gets in place of the path: the frames as images, or one path."""
        plan.issued()
        if self._is_read_by_the_base(plan):
            return [plan.video]
        return self._images(plan) if self.form in ("images", "frames") else [self._video(plan)]

    def pictures(self, plan: FramePlan) -> list[Any]:
        """The frames as images and nothing between them."""
        plan.issued()
        return self._images(plan)

    def seconds_per_frame(self, selection: Selection) -> float:
        """Of its clip."""
        return self.clip_seconds_per_frame or max(0.01, selection.video_facts.duration_seconds / len(selection))

    def _is_read_by_the_base(self, plan: FramePlan) -> bool:
        """Only the handle lets the base sample by itself and says what it took; otherwise the path stays a path."""
        if plan.selection is not None or self.form == "handle":
            return False
        plan.consumed(())
        return True

    def _video(self, plan: FramePlan) -> Any:
        if self.form == "handle":
            return SelectedVideo.of(plan, fuses=self.fuses, backend=self.backend)
        return self._clip(plan) if self.form == "clip" else self._images(plan)

    def _times(self, plan: FramePlan) -> tuple[float, ...]:
        return plan.emission(fuses=self.fuses)[0].timestamps_seconds

    def _images(self, plan: FramePlan) -> list[Any]:
        from PIL import Image

        emission, _ = plan.emission(fuses=self.fuses and self.form == "frames")
        backend = "pyav" if self.backend == "auto" else self.backend
        frames = emission.decode(backend=backend)  # type: ignore[arg-type]  # checked by SamplerOptions
        plan.consumed(emission.frame_indices)
        return [Image.fromarray(frame) for frame in frames]

    def _clip(self, plan: FramePlan) -> str:
        emission, _ = plan.emission(fuses=False)
        selection = plan.selected
        seconds, found = self.seconds_per_frame(selection), os.stat(plan.video)
        named = f"{plan.video} {found.st_size} {found.st_mtime_ns} {emission.frame_indices} {seconds}"
        file = self.folder / f"{Path(plan.video).stem}-{hashlib.sha256(named.encode()).hexdigest()[:16]}.mp4"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            # whole or not there: other ranks read the same folder, and a base may ask in several threads
            part = file.with_name(f"{file.stem}.{uuid4().hex}.mp4")
            try:
                selection.to_clip(part, seconds_per_frame=seconds)
                os.replace(part, file)
            finally:
                part.unlink(missing_ok=True)
        plan.consumed(emission.frame_indices)
        return str(file)

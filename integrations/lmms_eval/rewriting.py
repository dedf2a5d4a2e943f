"""What a task made of a document, with selected frames in place of its videos, and their words where it wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clamr_select.integrations.lmms_eval.emit import Emitter
from clamr_select.integrations.lmms_eval.plan import FramePlan
from clamr_select.integrations.lmms_eval.shown import is_video_block, is_video_path, shown_by, videos_among
from clamr_select.integrations.lmms_eval.tasks.registry import Doc, TaskAdapter, TaskQuestion
from clamr_select.integrations.lmms_eval.tasks.subtitled import MARK, filled

VISUALS = ("video", "image")
VIDEO_BLOCK: Mapping[str, Any] = {"type": "video"}

PlanOf = Callable[[str], FramePlan]


@dataclass(frozen=True)
class Rewriting:
    """Of one document.

    Args:
        adapter: of its task.
        arguments: the task's ``dataset_kwargs``.
        plan_of: path of a video to its plan, made.
        times_of: plan to the seconds of its frames, also of frames the base samples itself.
    """

    doc: Doc
    adapter: TaskAdapter
    arguments: Mapping[str, Any]
    question: TaskQuestion
    emitter: Emitter
    plan_of: PlanOf
    times_of: Callable[[FramePlan], Sequence[float]]

    def messages(self, messages: Any) -> Any:
        """Of a chat model."""
        own = self._own_plans()
        return [
            {**message, "content": self._blocks(message["content"], own)}
            if isinstance(message.get("content"), list)
            else message
            for message in messages
        ]

    def words(self, messages: Any) -> str:
        """The text of messages as the base reads it, but the times that are written between pictures."""
        blocks = shown_by(messages, is_simple=False)
        videos = videos_among(blocks)
        texts = [block["text"] for block in blocks if block.get("type") == "text"]
        return "\n".join(self.text(text, videos=videos) for text in texts)

    def visuals(self, visuals: Any) -> Any:
        """Of a simple model."""
        own = self._own_plans()
        if own:
            return [piece for plan in own for piece in self._pictures(plan) or self.emitter.visuals(plan)]
        return [
            piece
            for visual in shown_by(visuals, is_simple=True)
            for piece in (self.emitter.visuals(self.plan_of(visual)) if is_video_path(visual) else [visual])
        ]

    def text(self, text: str, *, videos: Sequence[str]) -> str:
        """The prompt: the words of the frames where it has a mark for them, or between its pictures."""
        for plan in self._own_plans() or [self.plan_of(video) for video in videos]:
            if MARK in text:
                text = filled(text, subtitles=self.question.subtitles, times_seconds=self.times_of(plan))
            if self.adapter.interleaved is not None and plan.selection is not None:
                text = self.adapter.interleaved.retimed(text, self.doc, self.arguments, self.times_of(plan))
        return text

    def _own_plans(self) -> list[FramePlan]:
        """Of videos that the task does not name itself; where the base samples, its pictures stay as they are."""
        if self.adapter.videos is None:
            return []
        plans = [self.plan_of(video) for video in self.adapter.videos(self.doc, self.arguments)]
        untouched = [plan for plan in plans if self.adapter.interleaved is not None and plan.selection is None]
        for plan in untouched:
            plan.consumed(())
        return [] if untouched else plans

    def _blocks(self, content: list[Any], own: list[FramePlan]) -> list[Any]:
        blocks: list[Any] = []
        videos = [] if own else videos_among(content)
        for block in content:
            if block.get("type") in VISUALS and own:
                continue
            if is_video_block(block):
                blocks += self.emitter.content(self.plan_of(block["url"]), block)
            elif block.get("type") == "text":
                blocks.append({**block, "text": self.text(block["text"], videos=videos)})
            else:
                blocks.append(block)
        if own and any(block.get("type") in VISUALS for block in content):
            blocks = [piece for plan in own for piece in self._shown(plan)] + blocks
        return blocks

    def _shown(self, plan: FramePlan) -> list[Any]:
        pictures = self._pictures(plan)
        return [{"type": "image", "url": picture} for picture in pictures] or self.emitter.content(plan, VIDEO_BLOCK)

    def _pictures(self, plan: FramePlan) -> list[Any]:
        """For a task that shows pictures: no times between them, its text has places for them."""
        return self.emitter.pictures(plan) if self.adapter.interleaved is not None else []

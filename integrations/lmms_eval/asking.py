"""What the requests of an evaluation ask of which videos: one plan a video and question, empty until selected."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clamr_select.integrations.lmms_eval.bases import sampled_frames
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.plan import Arm, FramePlan, Pair
from clamr_select.integrations.lmms_eval.registration import WRAP_VARIABLE
from clamr_select.integrations.lmms_eval.requests import Doc, Request, prompt_arguments
from clamr_select.integrations.lmms_eval.selecting import Wanted
from clamr_select.integrations.lmms_eval.selection_files import keys_of
from clamr_select.integrations.lmms_eval.shown import check_selectable, shown_by, videos_among
from clamr_select.integrations.lmms_eval.tasks.registry import TaskAdapter, TaskQuestion, adapter_of

logger = logging.getLogger(__name__)

FRAMES_FUSED = 2


@dataclass(frozen=True)
class Asked:
    """One request, read: what it asks of which videos."""

    request: Request
    adapter: TaskAdapter
    question: TaskQuestion
    plans: tuple[FramePlan, ...]
    ids: tuple[str, ...] = ()
    """What the document calls its question."""
    num_documents: int | None = None
    """Of its task."""

    def wanted(self, plan: FramePlan) -> Wanted:
        """The selection that fills one of its plans."""
        per_moment = FRAMES_FUSED if plan.pair in ("repeat", "neighbor") else 1
        return Wanted(
            video=plan.video,
            query=plan.query,
            num_moments=max(1, plan.num_frames // per_moment),
            subtitles=self.question.subtitles,
            keep_last=self.question.keep_last,
            task=self.request.task_name,
            doc_id=str(self.request.doc_id),
            ids=self.ids,
            num_documents=self.num_documents,
        )


class Questions:
    """Reads the requests of one model. The same question about the same video is one plan, whoever asks.

    Args:
        model: the base, which holds the documents.
        name: of the base in lmms-eval.
        settings: the arguments of the base, or the base itself: how many frames it samples.
        pair: of plans; ``arm`` likewise.
    """

    def __init__(self, model: Any, *, name: str, options: SamplerOptions, settings: Any, pair: Pair, arm: Arm) -> None:
        self.model, self.name, self.options, self.settings = model, name, options, settings
        self.pair: Pair = pair
        self.arm: Arm = arm
        self._plans: dict[tuple[str, str, bool, int | None], FramePlan] = {}
        self._warned: set[str] = set()

    def ask(self, request: Request) -> Asked:
        """Raises:
        InputError: a document without a question, a video whose frames cannot be selected, or the base does not say
        how many frames it samples.
        """
        self._warn_of_the_prompt(request)
        doc = self.doc(request)
        adapter = adapter_of(request.task_name)
        arguments = dataset_kwargs(request.task)
        question = adapter.question(doc, arguments)
        videos = self.videos(request)
        if not videos:
            logger.info("%s %s has no video; it goes through as it is", request.task_name, request.doc_id)
        shown = adapter.num_shown(doc, arguments)
        plans = tuple(self.plan(video, question, num_frames=shown) for video in videos)
        return Asked(request, adapter, question, plans, keys_of(doc), len(self._documents(request)))

    def videos(self, request: Request) -> list[str]:
        """Those that the request shows.

        Raises:
            InputError: one whose frames are to be selected, and cannot be.
        """
        adapter, doc = adapter_of(request.task_name), self.doc(request)
        if adapter.videos is not None:
            return list(adapter.videos(doc, dataset_kwargs(request.task)))
        return self.videos_made(request.make(doc), request)

    def videos_made(self, made: Any, request: Request) -> list[str]:
        """Those in what the task made of a document; errors as :meth:`videos`."""
        shown = shown_by(made, is_simple=self.model.is_simple)
        if self.arm != "uniform":
            check_selectable(shown, task=request.task_name)
        return videos_among(shown)

    def plan(self, video: str, question: TaskQuestion, *, num_frames: int | None = None) -> FramePlan:
        """Args:
        num_frames: as many as the task shows; None: as many as were asked for, or as the base would sample.
        """
        query = question.query(options=self.options.query == "options")
        key = (video, query, question.keep_last, num_frames)
        if key not in self._plans:
            frames = num_frames or (self.options.num_frames if isinstance(self.options.num_frames, int) else None)
            if frames is None and self.arm != "uniform":
                frames = self.sampled_frames(video)
            # pictures that a task shows one by one are not fused
            pair = self.pair if num_frames is None else "none"
            self._plans[key] = FramePlan(video, query, self.arm, None, num_frames=frames or 0, pair=pair)
        return self._plans[key]

    def sampled_frames(self, video: str) -> int:
        """How many frames of it the base would take by itself."""
        return sampled_frames(self.settings, video=video)

    def doc(self, request: Request) -> Doc:
        return self._documents(request)[request.doc_id]

    def _documents(self, request: Request) -> Any:
        return self.model.task_dict[request.task_name][request.split]

    def _warn_of_the_prompt(self, request: Request) -> None:
        if not self.model.is_simple or request.task_name in self._warned:
            return
        if prompt_arguments(request.task, self.name) is not None:
            self._warned.add(request.task_name)
            logger.warning(
                "%s has a prompt of its own for %s, which a simple model gets only under that name: prompts differ "
                "from those of --model %s. Set %s=%s and use --model %s",
                request.task_name, self.name, self.name, WRAP_VARIABLE, self.name, self.name,
            )  # fmt: skip


def dataset_kwargs(task: Any) -> Mapping[str, Any]:
    found = getattr(getattr(task, "config", None), "dataset_kwargs", None)
    return found if isinstance(found, Mapping) else {}

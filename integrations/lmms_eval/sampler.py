"""All frames of an evaluation's requests, chosen before the base generates, and put into copies of the requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.bases import Base, sampled_frames
from clamr_select.integrations.lmms_eval.emit import Emitter
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.plan import Arm, FramePlan, Pair
from clamr_select.integrations.lmms_eval.record import write_records
from clamr_select.integrations.lmms_eval.registration import WRAP_VARIABLE
from clamr_select.integrations.lmms_eval.requests import (
    Doc,
    Request,
    Rewrite,
    parse,
    prompt_arguments,
    rewritten,
    with_prompt_of,
)
from clamr_select.integrations.lmms_eval.rewriting import Rewriting, is_video_path, video_blocks
from clamr_select.integrations.lmms_eval.selecting import SelectionSource, Wanted
from clamr_select.integrations.lmms_eval.selection_files import keys_of
from clamr_select.integrations.lmms_eval.tasks.registry import TaskAdapter, TaskQuestion, adapter_of
from clamr_select.store import default_folder

logger = logging.getLogger(__name__)

FRAMES_FUSED = 2
CLIPS = "clips"


@dataclass(frozen=True)
class Asked:
    """One request, read: what it asks of which videos."""

    request: Request
    adapter: TaskAdapter
    question: TaskQuestion
    plans: tuple[FramePlan, ...]
    ids: tuple[str, ...] = ()
    """What the document calls its question."""


class Sampler:
    """Of one model of one process.

    Args:
        model: the base, built.
        base: what is known of it, and its name in lmms-eval.
        source: makes selections; None for ``clamr_mode=uniform``.
    """

    def __init__(
        self, model: Any, *, name: str, base: Base, options: SamplerOptions, source: SelectionSource | None
    ) -> None:
        self.model, self.name, self.base, self.options, self.source = model, name, base, options, source
        self.is_simple = bool(model.is_simple)
        form = emit_form(options, base, name=name)
        self.pair = pair_of(options, base, form=form)
        self.emitter = Emitter(
            form,
            fuses=base.fuses,
            backend=options.backend,
            clip_seconds_per_frame=clip_seconds(options, base),
            folder=(Path(options.store) if options.store else default_folder()) / CLIPS,
        )
        self.arm: Arm = "uniform" if source is None else "cached" if options.mode == "cached" else "select"
        self._plans: dict[tuple[str, str, bool, int | None], FramePlan] = {}
        self._warned: set[str] = set()
        self._selecting = threading.Lock()

    def prepared(self, instances: Sequence[Any]) -> tuple[list[Any], list[Asked]]:
        """Copies of the instances that ask for the frames, all of which are selected when this returns.

        Raises:
            InputError: a document without a question; the base does not say how many frames it samples.
            ModelError, VideoError, ContextError: as ``FrameSelector``.
        """
        asked = [self._ask(parse(instance, is_simple=self.is_simple)) for instance in instances]
        self._select([(plan, one) for one in asked for plan in one.plans])
        if self.source is not None:
            self.source.release()
        copies = [rewritten(one.request, self._rewrite(one), base=self.name, is_simple=self.is_simple) for one in asked]
        return copies, asked

    def check_consumed(self, asked: Sequence[Asked]) -> None:
        """Raises:
        InputError: frames were selected for a request, and the base did not read them.
        """
        plans = {id(plan): plan for one in asked for plan in one.plans}.values()
        lost = [plan for plan in plans if not plan.num_consumed]
        if lost:
            raise InputError(
                f"{type(self.model).__name__} answered without the selected frames of {len(lost)} of {len(plans)} "
                f"videos, e.g. {lost[0].video}: it does not read videos the way clamr_emit={self.emitter.form} hands "
                f"them over. Try another: clamr_emit={' or '.join(self.base.emits)}"
            )

    def record(self, asked: Sequence[Asked]) -> None:
        """Write what every request got into the folder ``clamr_log``, if there is one."""
        if self.options.log is not None:
            write_records(asked, sampler=self, folder=Path(self.options.log))

    def answerer_text(self, one: Asked) -> str:
        """The words that the base reads beside the frames, as it got them."""
        if self.is_simple:
            return self._context(one)
        doc = self._doc(one.request)
        made = with_prompt_of(self.name, one.request.make)(doc)
        messages = made[0] if isinstance(made, tuple) else made
        return self._rewriting(one, doc).words(messages or [])

    def _ask(self, request: Request) -> Asked:
        task = request.task
        if self.is_simple and request.task_name not in self._warned and prompt_arguments(task, self.name) is not None:
            self._warned.add(request.task_name)
            logger.warning(
                "%s has a prompt of its own for %s, which a simple model gets only under that name: prompts differ "
                "from those of --model %s. Set %s=%s and use --model %s",
                request.task_name, self.name, self.name, WRAP_VARIABLE, self.name, self.name,
            )  # fmt: skip
        doc = self._doc(request)
        adapter = adapter_of(request.task_name)
        question = adapter.question(doc, _dataset_kwargs(task))
        videos = self._videos(adapter, request, doc)
        if not videos:
            logger.info("%s %s has no video; it goes through as it is", request.task_name, request.doc_id)
        shown = adapter.num_shown(doc, _dataset_kwargs(task))
        plans = tuple(self._plan(video, question, num_frames=shown) for video in videos)
        return Asked(request, adapter, question, plans, ids=keys_of(doc))

    def _doc(self, request: Request) -> Doc:
        return self.model.task_dict[request.task_name][request.split][request.doc_id]

    def _videos(self, adapter: TaskAdapter, request: Request, doc: Doc) -> list[str]:
        if adapter.videos is not None:
            return list(adapter.videos(doc, _dataset_kwargs(request.task)))
        made = request.make(doc)
        if self.is_simple:
            visuals = [made] if isinstance(made, str) else made or []
            return [visual for visual in visuals if is_video_path(visual)]
        if isinstance(made, tuple):
            made = made[0] or []
        return [block["url"] for block in video_blocks(made)]

    def _plan(self, video: str, question: TaskQuestion, *, num_frames: int | None = None) -> FramePlan:
        query = question.query(options=self.options.query == "options")
        key = (video, query, question.keep_last, num_frames)
        if key not in self._plans:
            frames = num_frames or (self.options.num_frames if isinstance(self.options.num_frames, int) else None)
            if frames is None and self.source is not None:
                frames = sampled_frames(self.model, video=video)
            # pictures that a task shows one by one are not fused
            pair = self.pair if num_frames is None else "none"
            self._plans[key] = FramePlan(video, query, self.arm, None, num_frames=frames or 0, pair=pair)
        return self._plans[key]

    def _select(self, wanted: Sequence[tuple[FramePlan, Asked]]) -> None:
        """Select what was not yet, one video after the other."""
        if self.source is None:
            return
        with self._selecting:
            missing = {id(plan): (plan, one) for plan, one in wanted if plan.selection is None}
            by_video: dict[str, list[tuple[FramePlan, Asked]]] = {}
            for plan, one in missing.values():
                by_video.setdefault(plan.video, []).append((plan, one))
            for number, of_video in enumerate(by_video.values(), start=1):
                logger.info("selecting frames of video %d of %d: %s", number, len(by_video), of_video[0][0].video)
                found = self.source.select([self._wanted(plan, one) for plan, one in of_video])
                for (plan, _), selection in zip(of_video, found, strict=True):
                    plan.selection = selection

    def _wanted(self, plan: FramePlan, one: Asked) -> Wanted:
        per_moment = FRAMES_FUSED if plan.pair in ("repeat", "neighbor") else 1
        return Wanted(
            video=plan.video,
            query=plan.query,
            num_moments=max(1, plan.num_frames // per_moment),
            subtitles=one.question.subtitles,
            keep_last=one.question.keep_last,
            task=one.request.task_name,
            doc_id=str(one.request.doc_id),
            ids=one.ids,
        )

    def _rewrite(self, one: Asked) -> Rewrite:
        """Puts frames in place of videos, whichever document of the task it is called with."""

        def rewrite(made: Any, doc: Doc) -> Any:
            rewriting = self._rewriting(one, doc)
            return rewriting.visuals(made) if self.is_simple else rewriting.messages(made)

        return rewrite

    def _context(self, one: Asked) -> str:
        """The prompt of a simple model, which is written before the frames are known."""
        doc = self._doc(one.request)
        return self._rewriting(one, doc).text(one.request.instance.args[0], videos=[p.video for p in one.plans])

    def _rewriting(self, one: Asked, doc: Doc) -> Rewriting:
        arguments = _dataset_kwargs(one.request.task)
        question = one.adapter.question(doc, arguments)
        shown = one.adapter.num_shown(doc, arguments)

        def plan_of(video: str) -> FramePlan:
            plan = self._plan(video, question, num_frames=shown)
            if plan.selection is None and self.source is not None:
                self._select([(plan, replace(one, question=question, plans=(plan,), ids=keys_of(doc)))])
            return plan

        return Rewriting(doc, one.adapter, arguments, question, self.emitter, plan_of, self._times)

    def _times(self, plan: FramePlan) -> Sequence[float]:
        """Seconds of the frames: those selected, or as many evenly as the base takes."""
        if plan.selection is not None:
            return plan.selection.timestamps_seconds
        from clamr_select.video import open_video

        with open_video(plan.video) as reader:
            clock = reader.timestamps_seconds
        count = min(len(clock), sampled_frames(self.model, video=plan.video))
        return [float(clock[round(place * (len(clock) - 1) / max(1, count - 1))]) for place in range(count)]


def emit_form(options: SamplerOptions, base: Base, *, name: str) -> str:
    """Raises:
    InputError: frames in that form do not reach this base.
    """
    if options.emit == "auto":
        return base.emits[0]
    if options.emit not in base.emits:
        raise InputError(f"clamr_emit={options.emit} does not reach {name}; allowed: auto, {', '.join(base.emits)}")
    return options.emit


def pair_of(options: SamplerOptions, base: Base, *, form: str) -> Pair:
    """Raises:
    InputError: frames were to be repeated where each is a picture of its own.
    """
    fused = base.fuses and form in ("handle", "frames")
    if options.mode == "uniform":
        return "none"
    if options.pair == "auto":
        return "repeat" if fused else "none"
    if options.pair != "none" and form not in ("handle", "frames"):
        raise InputError(f"clamr_pair={options.pair} fills patches of a video; clamr_emit={form} sends none")
    return options.pair


def clip_seconds(options: SamplerOptions, base: Base) -> float | None:
    if options.clip_seconds_per_frame == "auto":
        return base.clip_seconds_per_frame
    return float(options.clip_seconds_per_frame)


def _dataset_kwargs(task: Any) -> Mapping[str, Any]:
    found = getattr(getattr(task, "config", None), "dataset_kwargs", None)
    return found if isinstance(found, Mapping) else {}

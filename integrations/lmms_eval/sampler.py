"""All frames of an evaluation's requests, chosen before the base generates, and put into copies of the requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.asking import Asked, Questions, dataset_kwargs
from clamr_select.integrations.lmms_eval.bases import Base, frames_of_clip
from clamr_select.integrations.lmms_eval.emit import Emitter
from clamr_select.integrations.lmms_eval.forms import clip_seconds, emit_form, pair_of
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.plan import Arm, FramePlan
from clamr_select.integrations.lmms_eval.record import write_records
from clamr_select.integrations.lmms_eval.requests import Doc, Rewrite, parse, rewritten, with_prompt_of
from clamr_select.integrations.lmms_eval.rewriting import Rewriting
from clamr_select.integrations.lmms_eval.selecting import SelectionSource
from clamr_select.integrations.lmms_eval.selection_files import keys_of
from clamr_select.selection import Selection
from clamr_select.store import default_folder

logger = logging.getLogger(__name__)

CLIPS = "clips"
ALONE = 2
"""Parts of a request for the likelihood of an answer by itself: a prompt and the answer, and nothing is shown."""


class Sampler:
    """Of one model of one process.

    Args:
        model: the base, built or about to be.
        base: what is known of it, and its name in lmms-eval.
        source: makes selections; None for ``clamr_mode=uniform``.
        settings: the arguments of the base, or the base itself.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        base: Base,
        options: SamplerOptions,
        source: SelectionSource | None,
        settings: Any,
    ) -> None:
        self.model, self.name, self.base, self.options, self.source = model, name, base, options, source
        self.is_simple = bool(model.is_simple)
        form = emit_form(options, base, name=name)
        self.emitter = Emitter(
            form,
            fuses=base.fuses,
            backend=options.backend,
            clip_seconds_per_frame=clip_seconds(options, base),
            folder=(Path(options.store) if options.store else default_folder()) / CLIPS,
        )
        if form == "clip" and base.clip_times and source is not None:
            logger.warning(
                "%s writes times into its prompt: those of the clip it is handed, which are even, and not those of the "
                "selected frames, which clamr_log keeps",
                name,
            )
        arm: Arm = "uniform" if source is None else "cached" if options.mode == "cached" else "select"
        self.questions = Questions(
            model, name=name, options=options, settings=settings, pair=pair_of(options, base, form=form), arm=arm
        )
        self.closed: str | None = None
        """Why nothing more can be selected."""
        self._selecting = threading.Lock()

    def selected(self, instances: Sequence[Any]) -> list[Asked]:
        """What the instances ask; all frames are selected, and the selector's memory is free, when this returns.

        Raises:
            InputError: a document without a question; the base does not say how many frames it samples, or says fewer
            than a clip for it has.
            ModelError, VideoError, ContextError: as ``FrameSelector``.
        """
        asked = [self.questions.ask(parse(instance, is_simple=self.is_simple)) for instance in instances]
        self._select([(plan, one) for one in asked for plan in one.plans])
        if self.source is not None:
            self.source.release()
        return asked

    def check_shows_no_video(self, instances: Sequence[Any], *, method: str) -> None:
        """Raises:
        InputError: one asks about a video with a method to which no frames are handed over: its base would sample.
        """
        for instance in instances:
            if len(instance.args) == ALONE:
                continue
            request = parse(instance, is_simple=True)  # their form is one for all models
            if self.questions.videos(request):
                raise InputError(
                    f"{request.task_name} asks for {method} about a video, and frames are handed over only where "
                    "answers are generated: take a task with output_type: generate_until, or clamr_mode=off"
                )

    def copies(self, asked: Sequence[Asked]) -> list[Any]:
        """Copies of their instances that ask for the frames."""
        return [
            rewritten(
                one.request, self._rewrite(one), base=self.name, is_simple=self.is_simple,
                context=self._context(one) if self.is_simple else None,
            )
            for one in asked
        ]  # fmt: skip

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
        doc = self.questions.doc(one.request)
        made = with_prompt_of(self.name, one.request.make)(doc)
        messages = made[0] if isinstance(made, tuple) else made
        return self._rewriting(one, doc).words(messages or [])

    def _select(self, wanted: Sequence[tuple[FramePlan, Asked]]) -> None:
        """Select what was not yet, one video after the other."""
        if self.source is None:
            return
        with self._selecting:
            missing = {id(plan): (plan, one) for plan, one in wanted if plan.selection is None}
            if missing and self.closed is not None:
                raise InputError(self.closed)
            by_video: dict[str, list[tuple[FramePlan, Asked]]] = {}
            for plan, one in missing.values():
                by_video.setdefault(plan.video, []).append((plan, one))
            for number, of_video in enumerate(by_video.values(), start=1):
                logger.info("selecting frames of video %d of %d: %s", number, len(by_video), of_video[0][0].video)
                found = self.source.select([one.wanted(plan) for plan, one in of_video])
                for (plan, one), selection in zip(of_video, found, strict=True):
                    self._check_clip(selection, one)
                    plan.selection = selection

    def _check_clip(self, selection: Selection, one: Asked) -> None:
        """Raises:
        InputError: the base would leave out frames of the clip, and nobody would know which.
        """
        if self.emitter.form != "clip" or one.adapter.interleaved is not None:
            return
        size, seconds = len(selection), self.emitter.seconds_per_frame(selection)
        taken = frames_of_clip(self.questions.settings, num_frames=size, seconds_per_frame=seconds)
        if taken is not None and size > taken:
            raise InputError(
                f"{size} frames of {selection.video} were selected, and as it is set up {self.name} takes {taken} of a "
                f"clip: it would sample them again. Set clamr_num_frames={taken} or less, or more frames in the base's "
                "own arguments (max_num_frames, max_frames_num, num_frames, fps …)"
            )

    def _rewrite(self, one: Asked) -> Rewrite:
        """Puts frames in place of videos, whichever document of the task it is called with."""

        def rewrite(made: Any, doc: Doc) -> Any:
            if one.adapter.videos is None:
                # a later round of several may show others than the first
                self.questions.videos_made(made, one.request)
            rewriting = self._rewriting(one, doc)
            return rewriting.visuals(made) if self.is_simple else rewriting.messages(made)

        return rewrite

    def _context(self, one: Asked) -> str:
        """The prompt of a simple model, which is written before the frames are known."""
        doc = self.questions.doc(one.request)
        return self._rewriting(one, doc).text(one.request.instance.args[0], videos=[p.video for p in one.plans])

    def _rewriting(self, one: Asked, doc: Doc) -> Rewriting:
        arguments = dataset_kwargs(one.request.task)
        question = one.adapter.question(doc, arguments)
        shown = one.adapter.num_shown(doc, arguments)

        def plan_of(video: str) -> FramePlan:
            plan = self.questions.plan(video, question, num_frames=shown)
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
        count = min(len(clock), self.questions.sampled_frames(plan.video))
        return [float(clock[round(place * (len(clock) - 1) / max(1, count - 1))]) for place in range(count)]

"""The tasks of lmms-eval whose documents we know: which fields ask, where subtitles lie, what reports group by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clamr_select.integrations.lmms_eval.tasks.fields import (
    data_folder,
    duration_group,
    existing,
    options_of,
    question_of,
    split_prompt,
    stem_of,
    strata_of,
)
from clamr_select.integrations.lmms_eval.tasks.interleaved import retimed_text, task_frames
from clamr_select.integrations.lmms_eval.tasks.registry import Doc, Interleaved, TaskAdapter, TaskQuestion
from clamr_select.integrations.lmms_eval.tasks.subtitle_files import (
    LONGVIDEOBENCH,
    cgbench_subtitles,
    longvideobench_subtitles,
    videomme_v2_subtitles,
)

Arguments = Mapping[str, Any]
SUBTITLES = ("subtitles",)


def videomme(doc: Doc, arguments: Arguments) -> TaskQuestion:
    return TaskQuestion(
        stem=stem_of(doc, "question"),
        options=options_of(doc, "options"),
        subtitles=existing(data_folder(arguments, usual="videomme") / "subtitle" / f"{doc['videoID']}.srt"),
        strata=strata_of(doc, duration="duration", task_type="task_type", domain="domain"),
    )


def videomme_v2(doc: Doc, arguments: Arguments) -> TaskQuestion:
    """Its options are lines of one text."""
    return TaskQuestion(
        stem=stem_of(doc, "question"),
        options=options_of(doc, "options") or split_prompt(str(doc.get("options", "")))[1],
        subtitles=videomme_v2_subtitles(doc, arguments),
    )


def longvideobench(doc: Doc, arguments: Arguments) -> TaskQuestion:
    positions = doc.get("position")
    return TaskQuestion(
        stem=stem_of(doc, "question"),
        options=options_of(doc, "candidates"),
        subtitles=longvideobench_subtitles(doc, arguments),
        strata={
            **strata_of(doc, duration="duration_group", task_type="question_category", level="level"),
            **({"evidence": str(len(positions))} if isinstance(positions, list) else {}),
        },
    )


def longvideobench_video(doc: Doc, arguments: Arguments) -> list[str]:
    return [
        str(
            data_folder(arguments, usual=LONGVIDEOBENCH)
            / str(arguments.get("video_subdir", "videos/"))
            / doc["video_path"]
        )
    ]


def prompt_in(field: str, **strata: str) -> Callable[[Doc, Arguments], TaskQuestion]:
    """Of tasks that keep question and options in one text."""

    def read(doc: Doc, _: Arguments) -> TaskQuestion:
        stem, options = split_prompt(stem_of(doc, field))
        return TaskQuestion(stem=stem, options=options or options_of(doc), strata=strata_of(doc, **strata))

    return read


def cgbench(doc: Doc, _: Arguments) -> TaskQuestion:
    clues = doc.get("clue_intervals")
    seconds = doc.get("duration")
    length = {"duration": duration_group(float(seconds))} if isinstance(seconds, int | float) else {}
    return TaskQuestion(
        stem=stem_of(doc, "question"),
        options=options_of(doc, "choices"),
        subtitles=cgbench_subtitles(doc),
        strata={
            **strata_of(doc, domain="domain", task_type="sub_category"),
            **length,
            **({"evidence": str(len(clues))} if isinstance(clues, list) else {}),
        },
    )


def videott(doc: Doc, _: Arguments) -> TaskQuestion:
    options = split_prompt(f"{doc['question']}\n{doc.get('question_prompt') or ''}")[1]
    return TaskQuestion(stem=stem_of(doc, "question"), options=options, strata=strata_of(doc, task_type="capability"))


def video_mmmu(doc: Doc, arguments: Arguments) -> TaskQuestion:
    asked = question_of(doc, arguments)
    return TaskQuestion(asked.stem, asked.options, strata=strata_of(doc, task_type="question_type"))


def video_mmmu_last_frame(doc: Doc, arguments: Arguments) -> TaskQuestion:
    """The picture of the question is the last frame of the video."""
    asked = video_mmmu(doc, arguments)
    return TaskQuestion(asked.stem, asked.options, keep_last=True, strata=asked.strata)


def in_field(field: str, **strata: str) -> Callable[[Doc, Arguments], TaskQuestion]:
    def read(doc: Doc, _: Arguments) -> TaskQuestion:
        return TaskQuestion(stem=stem_of(doc, field), options=options_of(doc), strata=strata_of(doc, **strata))

    return read


def in_folder(field: str, *, usual: str) -> Callable[[Doc, Arguments], list[str]]:
    """Of tasks that do not hand over a list of paths."""
    return lambda doc, arguments: [str(data_folder(arguments, usual=usual) / doc[field])]


FALLBACK = TaskAdapter(question_of, name="fallback")
KNOWN: Mapping[str, TaskAdapter] = {
    "videomme*": TaskAdapter(videomme, name="videomme"),
    "videomme*_w_subtitle": TaskAdapter(videomme, answerer_reads=SUBTITLES, name="videomme_w_subtitle"),
    "videomme*_clamr_sub": TaskAdapter(videomme, answerer_reads=SUBTITLES, name="videomme_clamr_sub"),
    "videomme_v2*": TaskAdapter(videomme_v2, name="videomme_v2"),
    "videomme_v2*_w_subtitle": TaskAdapter(videomme_v2, answerer_reads=SUBTITLES, name="videomme_v2_w_subtitle"),
    "longvideobench_*_v": TaskAdapter(longvideobench, name="longvideobench_v"),
    "longvideobench_*_clamr_sub": TaskAdapter(
        longvideobench, answerer_reads=SUBTITLES, name="longvideobench_clamr_sub"
    ),
    "longvideobench_*_i": TaskAdapter(
        longvideobench,
        videos=longvideobench_video,
        interleaved=Interleaved(task_frames, retimed_text),
        answerer_reads=SUBTITLES,
        name="longvideobench_i",
    ),
    "mlvu*": TaskAdapter(prompt_in("question", task_type="task_type"), name="mlvu"),
    "lvbench*": TaskAdapter(prompt_in("question", task_type="question_type", domain="type"), name="lvbench"),
    "egoschema*": TaskAdapter(in_field("question"), name="egoschema"),
    "nextqa*": TaskAdapter(in_field("question", task_type="type"), name="nextqa"),
    "cgbench*": TaskAdapter(cgbench, name="cgbench"),
    "cgbench_subtitles": TaskAdapter(cgbench, answerer_reads=SUBTITLES, name="cgbench_subtitles"),
    "cgbench*_clamr_sub": TaskAdapter(cgbench, answerer_reads=SUBTITLES, name="cgbench_clamr_sub"),
    "video_mmmu*": TaskAdapter(video_mmmu, name="video_mmmu"),
    "video_mmmu_adaptation*": TaskAdapter(video_mmmu_last_frame, name="video_mmmu_adaptation"),
    "temporalbench*": TaskAdapter(
        prompt_in("question", task_type="category"),
        videos=in_folder("video_name", usual="temporalbench"),
        name="temporalbench",
    ),
    "timescope*": TaskAdapter(prompt_in("input", duration="length", task_type="type"), name="timescope"),
    "longtimescope*": TaskAdapter(prompt_in("input", duration="length", task_type="type"), name="longtimescope"),
    "videott*": TaskAdapter(videott, name="video-tt"),
    "videott*_audio": TaskAdapter(videott, answerer_reads=SUBTITLES, name="video-tt_audio"),
    "moviechat*": TaskAdapter(in_field("question"), name="moviechat"),
    "moviechat_breakpoint": TaskAdapter(
        in_field("question"), videos=in_folder("video_name", usual="moviechat_1k_test"), name="moviechat_breakpoint"
    ),
    # read like unknown ones; their prompts hold subtitles
    "worldsense_w_subtitle": TaskAdapter(question_of, answerer_reads=SUBTITLES, name="worldsense_w_subtitle"),
    "videomathqa_*_w_subtitles": TaskAdapter(question_of, answerer_reads=SUBTITLES, name="videomathqa_w_subtitles"),
    "cinepile*": TaskAdapter(question_of, answerer_reads=SUBTITLES, name="cinepile"),
}
"""Pattern to adapter; of several that fit, the last one counts."""

"""What is read from the documents of each task, in the fields that its data set has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clamr_select.errors import InputError, SubtitlesError
from clamr_select.integrations.lmms_eval import TaskAdapter, TaskQuestion, register_task
from clamr_select.integrations.lmms_eval.tasks.fields import split_prompt
from clamr_select.integrations.lmms_eval.tasks.registry import adapter_of

FOUR = ["A. Red.", "B. Blue.", "C. Green.", "D. Black."]
VIDEOMME = {
    "video_id": "001", "duration": "short", "domain": "Knowledge", "sub_category": "Law", "url": "https://…",
    "videoID": "fFjv93ACGo8", "question_id": "001-1", "task_type": "Counting Problem", "question": "What colour is it?",
    "options": FOUR, "answer": "C",
}  # fmt: skip
LVB = {
    "video_id": "86CxyhFV9MI", "question": "Which subtitles appear?", "question_wo_referring_query": "Which?",
    "option0": "one", "option1": "two", "option2": "three", "option3": "N/A", "option4": "N/A", "correct_choice": 1,
    "position": [854, 948], "topic_category": "NP", "question_category": "TOS", "level": "L2-Relation",
    "id": "86CxyhFV9MI_0", "video_path": "86CxyhFV9MI.mp4", "subtitle_path": "86CxyhFV9MI_en.json",
    "duration_group": 600, "starting_timestamp_for_subtitles": 0, "duration": 190.16, "view_count": 1,
}  # fmt: skip
V2 = {
    "video_id": "001", "question": "What colour is it?", "options": "\n".join(FOUR), "answer": "C", "level": 2,
    "group_type": "logic",
}  # fmt: skip
MLVU = "What colour is it?\nOptions:\n(A) red\n(B) blue\nOnly give the best option."
DOCS: dict[str, tuple[dict[str, Any], str, tuple[str, ...], dict[str, str]]] = {
    # task: (document, question, options, strata)
    "videomme": (VIDEOMME, "What colour is it?", tuple(FOUR), {"duration": "short", "task_type": "Counting Problem"}),
    "videomme_long_w_subtitle": (VIDEOMME, "What colour is it?", tuple(FOUR), {}),
    "videomme_v2": (V2, "What colour is it?", tuple(FOUR), {}),
    "videomme_v2_w_subtitle": (V2, "What colour is it?", tuple(FOUR), {}),
    "longvideobench_val_v": (
        LVB, "Which subtitles appear?", ("one", "two", "three"), {"duration": "600", "evidence": "2"}
    ),
    "longvideobench_val_i": (LVB, "Which subtitles appear?", ("one", "two", "three"), {"task_type": "TOS"}),
    "mlvu_dev": (
        {"video_name": "a.mp4", "question": MLVU, "answer": "A", "task_type": "plotQA", "duration": 480.0},
        "What colour is it?", ("(A) red", "(B) blue"), {"task_type": "plotQA"},
    ),
    "lvbench": (
        {"key": "Cm7", "type": "cartoon", "video_path": "Cm7.mp4", "uid": "0", "answer": "D",
         "question": "What year appears?\n(A) 1636\n(B) 1366", "question_type": ["key information"]},
        "What year appears?", ("(A) 1636", "(B) 1366"), {"domain": "cartoon"},
    ),
    "egoschema_subset": (
        {"question_idx": "1", "question": "Taking all in all, what?", "video_idx": "v", "answer": "3", "option": FOUR},
        "Taking all in all, what?", tuple(FOUR), {},
    ),
    "nextqa_mc_test": (
        {"video": 4010069381, "question": "how do they sleep", "answer": 2, "qid": 6, "type": "CH",
         "a0": "a", "a1": "b", "a2": "c", "a3": "d", "a4": "e"},
        "how do they sleep", ("a", "b", "c", "d", "e"), {"task_type": "CH"},
    ),
    "cgbench": (
        {"qid": 1, "video_uid": "u", "question": "What?", "choices": ["x", "y"], "right_answer": "A",
         "duration": 1500.0, "domain": "Life", "sub_category": "Text", "clue_intervals": [[1, 2], [5, 9]]},
        "What?", ("x", "y"), {"duration": "long", "evidence": "2"},
    ),
    "video_mmmu_comprehension": (
        {"id": "dev_Art_1", "question": "Which?", "options": ["x", "y"], "answer": "A",
         "question_type": "multiple-choice"},
        "Which?", ("x", "y"), {"task_type": "multiple-choice"},
    ),
    "temporalbench_short_qa": (
        {"video_name": "a/b.mp4", "question": "Which is right?\nA. one\nB. two\nAnswer:", "answer": "A", "idx": 0},
        "Which is right?", ("A. one", "B. two"), {},
    ),
    "timescope": (
        {"id": 1, "input": "What happens?\nA. one\nB. two", "answer": "A", "type": "QA", "length": 60,
         "video": "v.mp4"},
        "What happens?", ("A. one", "B. two"), {"duration": "60", "task_type": "QA"},
    ),
    "longtimescope": (
        {"id": 1, "input": "What happens?\nA. one\nB. two", "answer": "A", "type": "QA", "length": 18000,
         "video": "v.mp4"},
        "What happens?", ("A. one", "B. two"), {"duration": "18000"},
    ),
    "videott_single_mc": (
        {"video_id": "v", "question": "Why?", "question_prompt": "A. one\nB. two\nAnswer.", "capability": "Plot"},
        "Why?", ("A. one", "B. two"), {"task_type": "Plot"},
    ),
    "moviechat_global": ({"video_name": "AWA.mp4", "question": "When?", "answer": "night"}, "When?", (), {}),
    "somebody_elses": ({"Question": "Who?", "choices": {"A": "he", "B": "she"}}, "Who?", ("A. he", "B. she"), {}),
}  # fmt: skip


@pytest.mark.parametrize("task", DOCS)
def test_what_a_document_asks(task: str) -> None:
    doc, stem, options, strata = DOCS[task]
    question = adapter_of(task).question(doc, {"cache_dir": "nowhere"})

    assert (question.stem, question.options) == (stem, options)
    assert strata.items() <= question.strata.items()
    assert question.query(options=False) == stem
    assert question.query(options=True) == "\n".join([stem, *options])


def test_only_the_fallback_reads_unknown_tasks() -> None:
    named = {task: adapter_of(task).name for task in DOCS}

    assert [task for task, name in named.items() if name == "fallback"] == ["somebody_elses"]


@pytest.mark.parametrize(
    ("task", "reads"),
    [
        ("videomme", ()),
        ("videomme_long_w_subtitle", ("subtitles",)),
        ("videomme_v2", ()),
        ("videomme_v2_reasoning", ()),
        ("videomme_v2_w_subtitle", ("subtitles",)),
        ("worldsense", ()),
        ("worldsense_w_subtitle", ("subtitles",)),
        ("videomathqa_mcq_cot", ()),
        ("videomathqa_mcq_cot_w_subtitles", ("subtitles",)),
        ("cinepile", ("subtitles",)),
        ("cgbench_subtitles", ("subtitles",)),
    ],
)
def test_what_the_prompt_of_a_task_holds(task: str, reads: tuple[str, ...]) -> None:
    """A report that says otherwise pairs runs that read different words."""
    assert adapter_of(task).answerer_reads == reads


def test_the_last_frame_belongs_to_some_questions() -> None:
    doc = DOCS["video_mmmu_comprehension"][0]

    assert adapter_of("video_mmmu_adaptation").question(doc, {}).keep_last
    assert not adapter_of("video_mmmu_comprehension").question(doc, {}).keep_last


def test_a_document_without_a_question() -> None:
    with pytest.raises(InputError, match=r"no question in a document with the fields caption, video"):
        adapter_of("somebody_elses").question({"video": "v.mp4", "caption": "x"}, {})


def test_a_task_of_ones_own() -> None:
    register_task("mine_*", TaskAdapter(lambda doc, _: TaskQuestion(stem=doc["ask"]), name="mine"))

    assert adapter_of("mine_1").question({"ask": "Why?"}, {}).stem == "Why?"
    with pytest.raises(InputError, match="pattern must be"):
        register_task("", adapter_of("mine_1"))


@pytest.mark.parametrize(
    ("text", "stem", "options"),
    [
        ("Why?", "Why?", ()),
        ("Why?\n(A) x\n(B) y", "Why?", ("(A) x", "(B) y")),
        ("One line.\nWhy?\nChoices:\nA) x\nB) y\nAnswer:", "One line.\nWhy?", ("A) x", "B) y")),
        ("A. x\nB. y", "A. x\nB. y", ("A. x", "B. y")),
    ],
)
def test_question_and_options_in_one_text(text: str, stem: str, options: tuple[str, ...]) -> None:
    assert split_prompt(text) == (stem, options)


def test_subtitles_are_found_where_the_data_set_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("CGBENCH_ROOT", raising=False)
    places = {
        "videomme": tmp_path / "videomme/subtitle/fFjv93ACGo8.srt",
        "longvideobench_val_v": tmp_path / "lvb/subtitles/86CxyhFV9MI_en.json",
        "cgbench": tmp_path / "cg_videos_720p/subtitles/u.srt",
    }
    for task, place in places.items():
        arguments = {"cache_dir": "lvb" if "longvideo" in task else "videomme"}
        assert adapter_of(task).question(DOCS[task][0], arguments).subtitles is None
        place.parent.mkdir(parents=True)
        place.write_text("…", encoding="utf-8")
        assert adapter_of(task).question(DOCS[task][0], arguments).subtitles == str(place)
    # lmms-eval takes cache_dir away when it loads the videos
    assert adapter_of("videomme").question(VIDEOMME, {}).subtitles == str(places["videomme"])


def test_subtitles_of_a_word_a_line_become_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Video-MME-v2 has them so."""
    from clamr_select.context.subtitles import load_subtitles

    monkeypatch.setenv("HF_HOME", str(tmp_path))
    file = tmp_path / "videomme_v2/subtitle/001.jsonl"
    assert adapter_of("videomme_v2").question(V2, {}).subtitles is None
    file.parent.mkdir(parents=True)
    words = [("The", 1.0, 1.2), ("cart.", 1.2, 1.6), ("It", 1.7, 1.8), ("stops", 1.8, 2.2), ("here", 9.0, 9.5)]
    rows = [{"text": text, "start_time": start, "end_time": end} for text, start, end in words]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = adapter_of("videomme_v2_w_subtitle").question(V2, {"cache_dir": "videomme_v2"}).subtitles

    assert found is not None
    lines = [(line.start_seconds, line.end_seconds, line.text) for line in load_subtitles(found).lines]
    assert lines == [(1.0, 1.6, "The cart."), (1.7, 2.2, "It stops"), (9.0, 9.5, "here")]
    file.write_text('{"text": "The"}', encoding="utf-8")
    with pytest.raises(SubtitlesError, match=r"001\.jsonl' does not hold a word a line with text, start_time and end"):
        adapter_of("videomme_v2").question(V2, {})


def test_subtitles_of_a_part_are_on_the_clock_of_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LongVideoBench cuts videos out of longer ones and keeps the subtitles of the whole."""
    from clamr_select.context.subtitles import load_subtitles

    monkeypatch.setenv("HF_HOME", str(tmp_path))
    file = tmp_path / "lvb/subtitles/86CxyhFV9MI_en.json"
    file.parent.mkdir(parents=True)
    cues = [{"timestamp": [1.0, 2.0], "text": "before"}, {"timestamp": [102.0, 104.0], "text": "within"}]
    file.write_text(json.dumps(cues), encoding="utf-8")
    doc = {**LVB, "starting_timestamp_for_subtitles": 100}
    found = adapter_of("longvideobench_val_v").question(doc, {"cache_dir": "lvb"}).subtitles

    assert found is not None
    (line,) = load_subtitles(found).lines
    assert (line.start_seconds, line.end_seconds, line.text) == (2.0, 4.0, "within")


def test_the_prompt_between_pictures_follows_the_selected_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lmms_eval.tasks.longvideobench.utils")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    file = tmp_path / "lvb/subtitles/86CxyhFV9MI_en.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps([{"timestamp": [100.0, 104.0], "text": "now"}]), encoding="utf-8")
    from lmms_eval.tasks.longvideobench import utils

    subtitles = json.loads(file.read_text(encoding="utf-8"))
    arguments = {"cache_dir": "lvb", "max_num_frames": 4}
    evenly = utils.insert_subtitles_into_frames([0.0, 47.54, 95.08, 142.62], subtitles, 0, 190.16)
    adapter = adapter_of("longvideobench_val_i")
    assert adapter.interleaved is not None
    assert adapter.interleaved.num_frames(LVB, arguments) == 4
    text = adapter.interleaved.retimed(f"{evenly}\nWhich?", LVB, arguments, [99.0, 101.0, 103.0, 180.0])

    assert "now" not in evenly
    assert text == "<image>\n<image>\nnow\n<image>\n<image>\nWhich?"
    with pytest.raises(InputError, match="not where this lmms-eval"):
        adapter.interleaved.retimed("Which?", LVB, arguments, [1.0])

"""Selections from files: ours and other selectors', found for the right question, refused where they do not fit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from clamr_select.cli.main import main
from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.export import export, write_clip_task
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.parts import finished, join, part_of
from clamr_select.integrations.lmms_eval.replay import FileSource
from clamr_select.integrations.lmms_eval.selecting import Wanted, with_last
from clamr_select.integrations.lmms_eval.selection_files import keys_of, read_selection_file
from clamr_select.integrations.plan import planned_selection
from clamr_select.selection import Selection
from clamr_select.text_lines import cut_torn_line
from clamr_select.video import open_video

Evaluate = Callable[..., dict[str, Any]]
CHOSEN = [10, 12, 15, 20]


def wanted(world: Path, **changes: Any) -> Wanted:
    given = {"video": str(world / "media" / "barcode_0.mp4"), "query": "Which?", "num_moments": 4, "task": "t",
             "doc_id": "0", "ids": ("q-0",)}  # fmt: skip
    return Wanted(**{**given, **changes})


# as the repositories of the selectors hold or write them
FILES: dict[str, Any] = {
    "AKS": [CHOSEN, [1]],
    "AKS of Video-MME": [[10.0, 12.0, 15.0, 20.0], [29.0]],
    "AKS with documents": [{"id": "q-0", "question": "Which?", "video": "barcode_0.mp4", "frame_idx": CHOSEN}],
    "WFS-SB": [{"id": "q-0", "question": "Which?", "video_path": "barcode_0.mp4", "keyframe_indices": CHOSEN}],
    "WFS-SB without an id": [{"question": "Which?", "video_path": "barcode_0.mp4", "keyframe_indices": CHOSEN}],
    "QCA": {"q-0": CHOSEN, "q-1": [1]},
    "BOLT": {"barcode_0": [{"question_id": "other", "question": "Which?", "frames": [2.0, 2.4, 3.0, 4.02]}]},
    "BOLT of NExT-QA": {
        "other": [{"question_id": "q-0", "question": "Which?", "frames": [9.0]}],
        "barcode_0": [{"question_id": "q-0", "question": "Which?", "frames": [2.0, 2.4, 3.0, 4.0]}],
    },
    "VideoITG": '{"doc_id": 0, "index": [10, 12, 15, 20]}\n{"doc_id": 1, "index": [1]}\n',
    "VideoITG with scores": (
        '{"doc_id": 0, "video_path": "/v/barcode_0.mp4", "index": [15, 10, 20, 12, 300, 7], '
        '"logits": [0.9, 0.8, 0.8, 0.7, 0.1, 0.0], "contexts": "Which?"}\n'
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_other_selectors(kind: str, world: Path, tmp_path: Path) -> None:
    file = tmp_path / "selections.json"
    content = FILES[kind]
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    source = FileSource(str(file))
    (selection,) = source.select([wanted(world)])

    assert source.kind == kind.partition(" ")[0]
    assert selection.frame_indices == tuple(CHOSEN)
    assert selection.timestamps_seconds == pytest.approx([2.0, 2.4, 3.0, 4.0])
    assert (selection.question, selection.method["selector"]) == ("Which?", source.kind)


def test_what_does_not_fit_is_an_error(world: Path, tmp_path: Path) -> None:
    file = tmp_path / "selections.json"
    file.write_text(json.dumps({"q-0": CHOSEN, "far": [9999], "again": [3, 3, 7]}), encoding="utf-8")
    source = FileSource(str(file))

    with pytest.raises(InputError, match=r"\(QCA\) lacks 1 of 2 questions, e.g. t 7: 'Who\?'"):
        source.select([wanted(world), wanted(world, ids=("q-9",), query="Who?", doc_id="7")])
    with pytest.raises(InputError, match="has 4 frames for 'Which\\?', the base is to get 2 different ones"):
        source.select([wanted(world, num_moments=2)])
    with pytest.raises(InputError, match=r"within 0\.\.319"):
        source.select([wanted(world, ids=("far",))])
    (repeated,) = source.select([wanted(world, ids=("again",))])
    assert (repeated.frame_indices, repeated.warnings[0].code) == ((3, 7), "repeated_frames")
    with pytest.raises(InputError, match=r"is of revision r[0-9a-f]{12}, clamr_rev=0 was asked for"):
        FileSource(str(file), rev="0")


def test_questions_of_mlvu_by_the_rows_of_its_own_files(world: Path, tmp_path: Path) -> None:
    """QCA counts through MLVU's files, the data set on the hub through its tasks in another order."""
    doc = {"video_name": "barcode_0.mp4", "question": "Which?\n(A) a", "task_type": "plotQA", "question_id": "Q1113"}
    assert keys_of(doc) == ("Q1113", "barcode_0_0")
    assert keys_of({**doc, "task_type": "needle", "question_id": "Q0"}) == ("Q0", "barcode_0_539")
    assert keys_of({"question_id": "001-1", "task_type": "Counting Problem"}) == ("001-1",)

    file = tmp_path / "mlvu_keyframes.json"
    file.write_text(json.dumps({"barcode_0_0": CHOSEN, "barcode_0_539": [1]}), encoding="utf-8")
    (selection,) = FileSource(str(file)).select([wanted(world, ids=keys_of(doc))])
    assert selection.frame_indices == tuple(CHOSEN)


def test_numbers_of_another_split_are_refused(world: Path, tmp_path: Path) -> None:
    """A list has no names: a task that shows a part of the data set counts otherwise."""
    file = tmp_path / "aks.json"
    file.write_text(json.dumps([CHOSEN, [1], [2]]), encoding="utf-8")
    with pytest.raises(InputError, match="counts 3 documents, t has 2: its numbers are of another task or split"):
        FileSource(str(file)).select([wanted(world, num_documents=2)])

    file.write_text('{"doc_id": 0, "video_path": "/v/another.mp4", "index": [1], "logits": [1.0]}', encoding="utf-8")
    with pytest.raises(InputError, match="is about another, of t about barcode_0"):
        FileSource(str(file)).select([wanted(world)])


def test_the_same_words_with_other_options(world: Path, tmp_path: Path) -> None:
    """Files that keep the first line alone cannot tell such questions apart; names or whole questions can."""
    documents = [
        {"question": f"Which?\n(A) {option}", "video_name": "barcode_0.mp4", "keyframe_indices": frames}
        for option, frames in (("red", CHOSEN), ("blue", [1, 2, 3, 4]))
    ]
    file = tmp_path / "f.json"
    file.write_text(json.dumps(documents), encoding="utf-8")
    source = FileSource(str(file))

    with pytest.raises(InputError, match="has 2 different selections for t 0, 'Which\\?': "):
        source.select([wanted(world)])
    (second,) = source.select([wanted(world, query="Which?\n(A) blue")])
    assert second.frame_indices == (1, 2, 3, 4)


def test_a_question_that_the_file_lacks_can_be_asked_with_even_frames(world: Path, tmp_path: Path) -> None:
    """QCA's file of Video-MME lacks one of 2,700."""
    file = tmp_path / "f.json"
    file.write_text(json.dumps({"q-0": CHOSEN}), encoding="utf-8")
    source = FileSource(str(file), on_missing="uniform")
    there, lacking = source.select([wanted(world), wanted(world, ids=("q-1",), query="Who?")])

    assert (there.frame_indices, there.warnings) == (tuple(CHOSEN), ())
    assert (lacking.frame_indices, lacking.question) == ((0, 106, 213, 319), "Who?")
    assert [warning.code for warning in lacking.warnings] == ["not_in_file"]
    assert lacking.method["policy"] == "uniform"


@pytest.mark.parametrize(
    "text", ["[]", "[[1.5, 2.0]]", "{}", '{"a": 1}', '[{"question": "x"}]', "no json", '{"x": 1}\n{"y": 2}']
)
def test_what_is_no_file_of_selections(text: str, tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_selection_file(file)
    with pytest.raises(InputError, match="no such file"):
        read_selection_file(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[1, 2]]".encode("utf-16"), "is not UTF-8 text: .*; save it as UTF-8"),
        (b'{"v": [{"question_id": "q-0", "question": "Which?"}]}', "is no file of selections that is known"),
        (b'{"v": [{"question_id": "q-0", "frames": ["first"]}]}', "is no file of selections that is known"),
        (b'{"v": [{"frames": [2.0]}, "q-0"]}', "is no file of selections that is known"),
        (
            b'{"task": "t", "selection": {"video": "v.mp4", "question": "?"}}',
            "line 1: its selection must have frame_in",
        ),
        (
            b'{"selection": {"video": 1, "question": "?", "frame_indices": [1]}}',
            "line 1: its selection must have frame",
        ),
        (b'{"doc_id": "first", "index": [1]}', "line 1: doc_id must be the number of a document, got 'first'"),
        (b'[{"question": "?", "keyframe_indices": null}]', "is no file of selections that is known"),
    ],
)
def test_a_file_with_something_wrong_in_it_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=rf"wrong\.json.* {said}"):
        read_selection_file(file)


def test_files_with_a_byte_order_mark_and_with_two_kinds_of_indices(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_bytes(b"\xef\xbb\xbf[[1, 2]]")
    assert read_selection_file(file)[0] == "AKS"
    file.write_text('[{"question": "?", "keyframe_indices": null, "frame_idx": [3]}]', encoding="utf-8")
    assert [entry.frame_indices for entry in read_selection_file(file)[1]] == [(3,)]


def test_precompute_then_replay_on_a_base(
    world: Path, evaluate: Evaluate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Selected before, by the command; stopped in the middle of a line and gone on; then answered without a model."""
    file = tmp_path / "selections.jsonl"
    command = ["precompute", "--tasks", "barcodes", "--include_path", str(world / "tasks"), "--output", str(file)]
    command += ["clamr_model=clamr-nano", "clamr_policy=topk", "clamr_ocr=off", "clamr_num_frames=4"]
    assert main(command) == 0
    whole = file.read_text(encoding="utf-8")
    said = capsys.readouterr().out.strip()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 8

    part = file.with_name("selections.part0.jsonl")
    file.unlink()
    part.write_text("".join(lines[:3]) + lines[3][:50], encoding="utf-8")
    assert main(command) == 0
    assert [json.loads(line)["selection"]["frame_indices"] for line in file.read_text().splitlines()] == [
        json.loads(line)["selection"]["frame_indices"] for line in lines
    ]
    assert not part.exists()

    assert said.startswith(f"clamr_mode=cached,clamr_selections={file},clamr_rev=")
    result = evaluate("clamr", f"base=oracle,clamr_mode=cached,clamr_selections={file},clamr_num_frames=8")
    assert result["results"]["barcodes"]["accuracy,none"] == 1.0
    assert main([*command[:-1], "clamr_num_frames=auto"]) == 2


@pytest.mark.parametrize(("model", "is_toy"), [("clamr-nano", True), ("meetdavidwan/clamr", False)])
def test_a_replayed_selection_of_the_toy_is_not_for_reporting(
    model: str, is_toy: bool, world: Path, evaluate: Evaluate, tmp_path: Path
) -> None:
    with open_video(world / "media" / "barcode_0.mp4") as reader:
        selection = replace(planned_selection(reader, {"frame_indices": CHOSEN}), method={"model": model})
    row = {"task": "barcodes", "doc_id": 0, "ids": ["barcode_0-0"], "selection": selection.to_dict()}
    file = tmp_path / "selections.jsonl"
    file.write_text(json.dumps(row), encoding="utf-8")
    cached = f"clamr_mode=cached,clamr_selections={file},clamr_num_frames=8,clamr_log={tmp_path / 'log'}"
    evaluate("clamr", f"base=oracle,{cached}", limit=1)

    (log,) = (tmp_path / "log").iterdir()
    assert json.loads(log.read_text(encoding="utf-8"))["not_for_reporting"] is is_toy


def test_a_selection_of_a_changed_video_is_refused(world: Path, tmp_path: Path, color_selection: Selection) -> None:
    file = tmp_path / "selections.jsonl"
    row = {"task": "t", "doc_id": 0, "selection": {**color_selection.to_dict(), "question": "Which?"}}
    file.write_text(json.dumps(row), encoding="utf-8")
    renamed = tmp_path / "lecture.mp4"
    renamed.write_bytes((world / "media" / "barcode_0.mp4").read_bytes())

    with pytest.raises(Exception, match="this is another video, or it changed since"):
        FileSource(str(file)).select([wanted(world, video=str(renamed), ids=(), num_moments=8)])


def test_replaying_imports_no_model() -> None:
    code = (
        "import sys\n"
        "from clamr_select.integrations.lmms_eval.options import SamplerOptions\n"
        "from clamr_select.integrations.lmms_eval.replay import FileSource\n"
        "from clamr_select.integrations.lmms_eval.selecting import ModelSource\n"
        "SamplerOptions(mode='cached', selections='f.json')\n"
        "print([name for name in sys.modules if name.startswith(('clamr_select.model', 'torch', 'transformers'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def our_file(tmp_path: Path, color_selection: Selection) -> Path:
    file = tmp_path / "ours.jsonl"
    rows = [
        {
            "task": "t", "doc_id": number, "ids": [f"q-{number}"],
            "selection": {**color_selection.to_dict(), "question": question},
        }
        for number, question in enumerate(["first?", "second?", "first?"])
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.mark.parametrize("form", ["aks", "bolt", "qca"])
def test_exports_are_read_back(form: Any, our_file: Path, color_selection: Selection, tmp_path: Path) -> None:
    written = export(our_file, form=form, output=tmp_path / "out.json")
    kind, entries = read_selection_file(written)

    assert kind == {"aks": "AKS", "bolt": "BOLT", "qca": "QCA"}[form]
    assert len(entries) == 3
    if form != "aks":
        assert sorted(name for entry in entries for name in entry.ids) == ["q-0", "q-1", "q-2"]
    if form == "bolt":
        assert entries[0].seconds == color_selection.timestamps_seconds
    else:
        assert entries[0].frame_indices == color_selection.frame_indices


def test_export_as_a_table_and_as_clips(our_file: Path, color_selection: Selection, tmp_path: Path) -> None:
    table = export(our_file, form="vlmevalkit", output=tmp_path / "t.tsv").read_text(encoding="utf-8").splitlines()
    assert table[1].split("\t")[:3] == ["0", "lecture", "first?"]
    assert json.loads(table[1].split("\t")[3]) == list(color_selection.frame_indices)

    folder = export(our_file, form="clips", output=tmp_path / "clips", questions=[{"n": n} for n in range(3)])
    docs = [json.loads(line) for line in (folder / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    with open_video(docs[2]["clamr_clip"]) as reader:
        assert reader.info.num_frames == len(color_selection)
    assert docs[2]["n"] == 2
    with pytest.raises(InputError, match="unknown form 'csv'"):
        export(our_file, form="csv", output=tmp_path)  # type: ignore[arg-type]


def of_two_videos(selection: Selection) -> list[Selection]:
    return [replace(selection, video=f"/{folder}/lecture.mp4") for folder in ("left", "right")]


@pytest.mark.parametrize(("form", "holds_both"), [("aks", False), ("qca", False), ("clips", False), ("bolt", True),
                                                  ("vlmevalkit", True)])  # fmt: skip
def test_a_document_of_several_videos(form: Any, holds_both: bool, color_selection: Selection, tmp_path: Path) -> None:
    """Both are written, or the form is refused by name; neither is lost."""
    rows = [
        {"task": "t", "doc_id": number, "ids": [f"q-{number}"], "selection": selection.to_dict()}
        for number, selections in enumerate([[color_selection], of_two_videos(color_selection)])
        for selection in selections
    ]
    file = tmp_path / "ours.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    if not holds_both:
        with pytest.raises(InputError, match=f"several videos of document 1 of t, and {form} has room for one; choose"):
            export(file, form=form, output=tmp_path / "out", questions=[{}, {}])
        return
    written = export(file, form=form, output=tmp_path / "out").read_text(encoding="utf-8")
    assert written.count("lecture") == (1 if form == "bolt" else 3)
    assert written.count(color_selection.question) == 3


def test_the_task_of_exported_clips_finds_its_documents_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "clips: 'a' #1"
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "t.jsonl").touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    text = write_clip_task(Path(folder), task="t", included=Path("t.yaml"), split="test").read_text(encoding="utf-8")
    monkeypatch.chdir("elsewhere")

    task = yaml.safe_load(text.replace("!function ", ""))
    assert Path(task["dataset_kwargs"]["data_files"]["test"]).is_file()
    assert task["include"] == str(tmp_path / "t.yaml")


@pytest.mark.parametrize("character", ["\u2028", "\u0085"])
def test_ends_of_lines_that_json_leaves_in_questions(
    character: str, color_selection: Selection, tmp_path: Path
) -> None:
    options = SamplerOptions(model="m")
    question = f"Which{character}one?"
    row = {"task": "t", "doc_id": 0, "options": options.selecting(),
           "selection": {**color_selection.to_dict(), "question": question}}  # fmt: skip
    output = tmp_path / "selections.jsonl"
    part_of(output, 0).write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    key = ("t", 0, color_selection.video)

    cut_torn_line(part_of(output, 0))
    assert finished(output, options=options) == {key}
    assert join(output, keys={key}) == output
    # two lines, so that the file is not one JSON value
    output.write_text(output.read_text(encoding="utf-8") * 2, encoding="utf-8")
    assert [entry.question for entry in read_selection_file(output)[1]] == [question] * 2


def test_the_last_frame_takes_the_place_of_the_weakest(color_selection: Selection) -> None:
    kept = with_last(color_selection)

    assert len(kept) == len(color_selection)
    assert kept.frame_indices[-1] == 299
    assert min(color_selection.scores) in kept.scores[-1:]
    assert with_last(kept) is kept
    assert "kept_last" in [warning.code for warning in kept.warnings]

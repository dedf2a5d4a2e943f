from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, Subset

from clamr_select.errors import BadRowError, InputError, UnknownNameError
from clamr_select.model import ClamrProcessor
from clamr_select.model.document import Document, TextSegment
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.data.budgets import TextBudgets
from clamr_select.training.data.check import check_rows
from clamr_select.training.data.dataset import RowBatches
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.sources import ListSource, open_rows
from clamr_select.training.labels import relations_elsewhere
from clamr_select.training.prepared import prepare
from clamr_select.training.relations import hash_keys


@pytest.fixture
def make(rows_file: Path, frames_dir: Path) -> Any:
    return partial(RowBatches, RowIndex(open_rows(rows_file)), loader=FrameLoader(frames_dir=frames_dir), batch_size=4)


def same(one: TrainingBatch, other: TrainingBatch) -> bool:
    return (one.queries, one.document_keys, [d.texts for d in one.documents]) == (
        other.queries,
        other.document_keys,
        [d.texts for d in other.documents],
    ) and all(
        np.array_equal(a, b)
        for d, e in zip(one.documents, other.documents, strict=True)
        for a, b in zip(d.frames, e.frames, strict=True)
    )


def test_batches_hold_rows_as_the_losses_see_them(make: Any, processor: ClamrProcessor) -> None:
    dataset = make()
    assert len(dataset) == 4
    seen = Counter(key for i in range(4) for key in dataset[i].document_keys)
    assert seen == Counter({f"{v:06d}_v{v}": 2 if v < 4 else 1 for v in range(12)})
    batch = dataset[0]
    for query, document, key in zip(batch.queries, batch.documents, batch.document_keys, strict=True):
        video = int(key.split("_v")[1])
        assert query.positive_documents == (batch.document_keys.index(key),)
        assert f"{key[:6]}" == f"{video:06d}"
        assert len(document.frames) == 2 + video % 3
        assert abs(int(document.frames[0][0, 0, 0]) - 20 * video) <= 3
        modalities = [segment.modality for segment in document.texts]
        assert modalities == (["ocr", "asr", "description"] if video % 3 else ["ocr", "description"])
    assert prepare(batch, processor=processor).document_relations.diagonal().eq(1).all()


def test_several_questions_are_drawn_from(make: Any) -> None:
    asked = {query.text for i in range(80) for query in make(num_epochs=20)[i].queries}
    assert {"question 0", "question 0 again", "question 1"} <= asked
    assert "question 1 again" not in asked


def test_workers_and_processes_share_the_rows_without_overlap_or_loss(make: Any) -> None:
    from accelerate.data_loader import BatchSamplerShard

    dataset = make(num_processes=2, num_epochs=2)
    alone = [dataset[i] for i in range(len(dataset))]
    by_process = []
    for rank in range(2):
        sampler = BatchSampler(SequentialSampler(dataset), batch_size=1, drop_last=True)
        shard = BatchSamplerShard(sampler, num_processes=2, process_index=rank)
        by_process.append([b for (b,) in DataLoader(dataset, batch_sampler=shard, num_workers=2, collate_fn=list)])
    together = [batch for pair in zip(*by_process, strict=True) for batch in pair]
    assert len(together) == len(alone)
    assert all(same(one, other) for one, other in zip(together, alone, strict=True))


def test_a_run_goes_on_where_it_was(make: Any) -> None:
    whole = [make()[i] for i in range(4)]
    rest = Subset(make(), range(2, 4))
    assert all(same(one, other) for one, other in zip(rest, whole[2:], strict=True))  # type: ignore[arg-type]


def test_rows_of_one_video_are_never_negatives(frames_dir: Path) -> None:
    rows = [{"video_id": f"v{i % 2}", "query": f"q{i}", "query_type": "asr", "asr": f"words {i % 2}"} for i in range(6)]
    dataset = RowBatches(RowIndex(ListSource(rows, name="rows")), loader=FrameLoader(), batch_size=6)
    (batch,) = (dataset[i] for i in range(len(dataset)))
    assert len(batch.queries) == 6
    assert len(batch.documents) == 2
    for query in batch.queries:
        video = f"v{int(query.text[1:]) % 2}"
        assert [batch.document_keys[d] for d in query.positive_documents] == [video]
    # nor in another process
    keys = hash_keys(batch.document_keys)
    relation = torch.tensor([[1, 0]])
    elsewhere = relations_elsewhere(relation, own_keys=keys, other_keys=keys, answer_keys=[keys[:0]])
    assert elsewhere.tolist() == [[2, 0]]


def test_videos_that_answer_the_same_question_are_positives_of_each_other() -> None:
    rows = [
        {"video_id": "a", "query": "The flood", "query_id": "flood_1", "asr": "x"},
        {"video_id": "b", "query": "a flood in the town", "query_id": "flood_1", "asr": "y"},
        {"video_id": "c", "query": " the  flood", "asr": "z"},
        {"video_id": "d", "query": "something else", "asr": "w"},
    ]
    dataset = RowBatches(RowIndex(ListSource(rows, name="rows")), loader=FrameLoader(), batch_size=4)
    batch = dataset[0]
    found = {q.text: sorted(batch.document_keys[d] for d in q.positive_documents) for q in batch.queries}
    assert found == {
        "The flood": ["a", "b", "c"],
        "a flood in the town": ["a", "b"],
        " the  flood": ["a", "c"],
        "something else": ["d"],
    }


def test_modality_dropout_is_seeded_and_spares_what_is_asked_about(make: Any) -> None:
    rates = {"video": 0.5, "ocr": 0.5, "asr": 0.5, "description": 0.5}
    dataset = make(modality_dropout=rates, num_epochs=10, seed=3)
    assert same(dataset[7], make(modality_dropout=rates, num_epochs=10, seed=3)[7])
    present: Counter[str] = Counter()
    for i in range(len(dataset)):
        batch = dataset[i]
        for query in batch.queries:
            (position,) = query.positive_documents
            document = batch.documents[position]
            held = {segment.modality for segment in document.texts} | ({"video"} if len(document.frames) else set())
            present.update(held)
            video = int(batch.document_keys[position].split("_v")[1])
            assert query.target in held or (query.target == "asr" and video % 3 == 0)
    assert all(60 < present[name] < 140 for name in ("video", "ocr", "description"))
    everything = make(modality_dropout=dict.fromkeys(rates, 1.0))[0]
    assert all(len(d.texts) + (len(d.frames) > 0) >= 1 for d in everything.documents)


def test_dropout_spares_what_another_rows_question_is_about(make: Any, processor: ClamrProcessor) -> None:
    """Two videos answer one question about speech: neither loses it, whichever row is its own."""
    rows = [
        {"video_id": "a", "query": "who sings?", "query_type": "asr", "asr": "Ann sings.", "ocr": "A"},
        {"video_id": "b", "query": "who sings?", "query_type": "asr", "asr": "Bob sings.", "ocr": "B"},
        {"video_id": "b", "query": "what is written?", "query_type": "ocr", "asr": "Bob sings.", "ocr": "B"},
        {"video_id": "c", "query": "which letter?", "query_type": "ocr", "asr": "Nobody.", "ocr": "C"},
    ]
    index = RowIndex(ListSource(rows, name="rows"))
    dropout = {"asr": 1.0, "ocr": 1.0}
    dataset = RowBatches(index, loader=FrameLoader(), batch_size=4, modality_dropout=dropout)
    batch = dataset[0]
    held = {
        key: {segment.modality for segment in document.texts}
        for key, document in zip(batch.document_keys, batch.documents, strict=True)
    }
    assert held == {"a": {"asr"}, "b": {"asr", "ocr"}, "c": {"ocr"}}
    budgets = TextBudgets(processor, max_tokens={"asr": 0})
    rows[3]["query_type"] = None
    index = RowIndex(ListSource(rows[2:], name="rows"))
    dataset = RowBatches(index, loader=FrameLoader(), batch_size=2, modality_dropout=dropout, budgets=budgets)
    assert [len(document.texts) for document in dataset[0].documents] == [1, 1]  # speech is out: text on screen stays


def test_a_row_of_which_nothing_is_left_is_bad(processor: ClamrProcessor, tmp_path: Path) -> None:
    rows = [{"video_id": f"v{n}", "query": f"q{n}", "description": f"film {n}"} for n in range(6)]
    rows[2] |= {"description": "", "asr": "words"}
    index = RowIndex(ListSource(rows, name="rows"))
    budgets = TextBudgets(processor, max_tokens={"asr": 0})
    arguments: dict[str, Any] = {"loader": FrameLoader(), "batch_size": 3, "budgets": budgets}
    with pytest.raises(BadRowError, match=r"rows\[2\].*nothing is left"):
        [RowBatches(index, **arguments)[i] for i in range(2)]
    skipping = RowBatches(index, **arguments, on_bad_row="skip", bad_row_log=tmp_path / "bad.jsonl")
    assert [len(skipping[i].queries) for i in range(2)] == [3, 3]
    assert [bad.name.split()[0] for bad in skipping.bad_rows()] == ["rows[2]"]
    report = check_rows(
        RowIndex(ListSource(rows, name="rows"), on_bad_row="skip"), loader=FrameLoader(), budgets=budgets
    )
    assert [bad.name.split()[0] for bad in report.bad_rows] == ["rows[2]"]


def test_budgets(make: Any, processor: ClamrProcessor) -> None:
    tokenizer = processor.tokenizer
    budgets = TextBudgets(processor, max_tokens={"ocr": 3, "asr": 0})
    for text in ("harbor lantern glacier moves", "a–b ‹ünïcödé› 漢字かな", "x"):
        cut, lost = budgets.cut(text, modality="ocr")
        kept = tokenizer(" " + cut, add_special_tokens=False)["input_ids"] if cut else []
        total = len(tokenizer(" " + text, add_special_tokens=False)["input_ids"])
        assert text.startswith(cut)
        assert len(kept) <= 3
        assert lost == max(0, total - len(kept)) if total > 3 else (cut, lost) == (text, 0)
    assert budgets.cut("anything", modality="asr")[0] == ""
    assert budgets.cut("a long description " * 9, modality="description")[1] == 0
    batch = make(budgets=budgets)[0]
    assert all(segment.modality != "asr" for document in batch.documents for segment in document.texts)
    with pytest.raises(InputError, match="at least 0"):
        TextBudgets(processor, max_tokens={"video": 3})
    with pytest.raises(InputError, match=f"at most {processor.max_text_tokens} tokens of a text, got 'ocr': 9999"):
        TextBudgets(processor, max_tokens={"asr": 1, "ocr": 9999})


def test_the_check_counts_what_the_processor_would_cut(processor: ClamrProcessor) -> None:
    long = {"query": ["who?", "where is it " * 40], "asr": "x" * 2 * processor.max_text_tokens}
    rows = [{"video_id": f"v{n}", **long} for n in range(2)]
    index = RowIndex(ListSource(rows, name="rows"))
    arguments: dict[str, Any] = {"loader": FrameLoader(), "processor": processor}
    report = check_rows(index, **arguments, budgets=TextBudgets(processor, max_tokens={}))
    _, texts = processor.process_documents(
        [Document(frames=(), texts=(TextSegment("asr", row["asr"]),)) for row in rows]
    )
    _, questions = processor.process_queries([question for row in rows for question in row["query"]])
    assert report.texts_cut == {"asr": 2, "query": 2}
    assert report.tokens_cut["asr"] == sum(cut.num_tokens_cut for cut in texts)
    assert report.tokens_cut["query"] == sum(cut.num_tokens_cut for cut in questions)
    assert f"cut: {report.tokens_cut['query']} tokens of 2 query texts are past their budget" in report.lines()


def test_unreadable_frames_stop_the_run_or_are_replaced_and_written_down(
    raw_rows: list[dict[str, Any]], frames_dir: Path, tmp_path: Path
) -> None:
    raw_rows[6]["images"] = ["gone.jpg"]
    (frames_dir / "torn.jpg").write_bytes((frames_dir / raw_rows[7]["images"][0]).read_bytes()[:200])
    raw_rows[7]["images"] = ["torn.jpg"]
    index = RowIndex(ListSource(raw_rows, name="rows"))
    arguments: dict[str, Any] = {"loader": FrameLoader(frames_dir=frames_dir), "batch_size": 4, "num_epochs": 2}
    strict = RowBatches(index, **arguments)
    with pytest.raises(BadRowError, match=r"rows\[[67]\]"):
        [strict[i] for i in range(8)]
    log = tmp_path / "logs" / "bad.jsonl"
    skipping = RowBatches(index, **arguments, on_bad_row="skip", bad_row_log=log)
    batches = list(DataLoader(skipping, batch_size=None, num_workers=2))
    assert all(same(one, skipping[i]) for i, one in enumerate(batches))
    assert [len(batch.queries) for batch in batches] == [4] * 8
    assert {bad.name.split()[0] for bad in skipping.bad_rows()} == {"rows[6]", "rows[7]"}
    assert "2 of 16 rows are bad" in skipping.report()


def test_in_evaluation_no_row_stands_in_for_an_unreadable_one(
    raw_rows: list[dict[str, Any]], frames_dir: Path, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"loader": FrameLoader(frames_dir=frames_dir), "batch_size": 4, "stand_ins": False}
    arguments |= {"on_bad_row": "skip", "bad_row_log": tmp_path / "bad.jsonl"}
    whole = RowBatches(RowIndex(ListSource(raw_rows, name="rows")), **arguments)
    asked = Counter(query.text.removesuffix(" again") for i in range(4) for query in whole[i].queries)
    raw_rows[6]["images"] = ["gone.jpg"]
    dataset = RowBatches(RowIndex(ListSource(raw_rows, name="rows")), **arguments)
    left = Counter(query.text.removesuffix(" again") for i in range(4) for query in dataset[i].queries)
    assert asked - left == Counter({"question 6": 1})
    assert left - asked == Counter()
    assert "1 of 16 rows are bad: rows[6]" in dataset.report()
    gone = dataset.plan.rows_of(2)
    for position in gone:
        raw_rows[position]["images"] = ["gone.jpg"]
    dataset = RowBatches(RowIndex(ListSource(raw_rows, name="rows")), **arguments)
    (stand_in,) = dataset[2].queries
    assert (stand_in.positive_documents, stand_in.answer_keys) == ((), ())  # so that no metric counts it
    assert dataset[2].document_keys[0] in {key for i in (0, 1, 3) for key in dataset[i].document_keys}
    assert {bad.name.split()[0] for bad in dataset.bad_rows()} >= {f"rows[{position}]" for position in gone}
    for row in raw_rows:
        row["images"] = ["gone.jpg"]
    with pytest.raises(BadRowError, match="no frame at"):
        RowBatches(RowIndex(ListSource(raw_rows, name="rows")), **arguments)[0]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (["../x.jpg"], "stay in it"),
        (["/etc/x.jpg"], "stay in it"),
        (["gone.jpg"], "no frame at"),
        (["s.png", "b.png"], "several"),
    ],
)
def test_frames_that_are_refused(tmp_path: Path, images: list[str], words: str) -> None:
    from PIL import Image

    Image.new("RGB", (64, 32)).save(tmp_path / "s.png")
    Image.new("RGB", (600, 300)).save(tmp_path / "b.png")
    row = RowIndex(ListSource([{"video_id": "v", "query": "q", "images": images}], name="rows"))[0]
    with pytest.raises(BadRowError, match=words):
        FrameLoader(frames_dir=tmp_path).frames(row)
    with pytest.raises(BadRowError, match="no frames_dir"):
        FrameLoader().frames(row)


def test_a_png_with_a_broken_chunk_is_a_bad_row(tmp_path: Path) -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)  # 120 kB: chunks of 64 kB
    Image.fromarray(noise).save(tmp_path / "a.png")
    first, second, rest = (tmp_path / "a.png").read_bytes().split(b"IDAT", maxsplit=2)
    (tmp_path / "a.png").write_bytes(first + b"IDAT" + second + b"\0\0\0\0" + rest)
    row = RowIndex(ListSource([{"video_id": "v", "query": "q", "images": ["a.png"]}], name="rows"))[0]
    with pytest.raises(BadRowError, match=r"a\.png cannot be read: broken PNG"):
        FrameLoader(frames_dir=tmp_path).frames(row)


def test_frames_are_spread_evenly_and_made_small(tmp_path: Path) -> None:
    from PIL import Image

    for i in range(9):
        Image.new("RGB", (1280, 720), (28 * i, 0, 0)).save(tmp_path / f"{i}.png")
    row = RowIndex(ListSource([{"video_id": "v", "query": "q", "images": [f"{i}.png" for i in range(9)]}], name="r"))[0]
    frames = FrameLoader(frames_dir=tmp_path, num_frames=3).frames(row)
    assert [frame.shape for frame in frames] == [(252, 448, 3)] * 3
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 112, 224]
    with pytest.raises(InputError, match="num_frames"):
        FrameLoader(num_frames=0)
    with pytest.raises(InputError, match="no folder"):
        FrameLoader(frames_dir=tmp_path / "absent")


def test_bad_arguments(make: Any) -> None:
    with pytest.raises(UnknownNameError, match="on_bad_row"):
        make(on_bad_row="ignore")
    with pytest.raises(InputError, match="bad_row_log"):
        make(on_bad_row="skip")
    with pytest.raises(InputError, match="modality_dropout"):
        make(modality_dropout={"asr": 1.5})

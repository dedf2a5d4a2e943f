"""The whole evaluation on ten little videos, against a loop over questions, videos and tokens."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from clamr_select.errors import BadRowError, InputError, UnknownNameError
from clamr_select.eval.ranking.fusion import route
from clamr_select.eval.ranking.words import Bm25
from clamr_select.eval.retrieval.encoders.families import Family, load_family
from clamr_select.eval.retrieval.run import open_corpus, run_retrieval
from clamr_select.eval.retrieval.settings import RowFiles, Settings
from clamr_select.metrics import ndcg_at_k, recall_at_k
from clamr_select.model.checkpoint.report import CheckpointWarning
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.loading import load
from clamr_select.training.data.assemble import row_document, row_texts
from clamr_select.training.data.loading import FrameLoader
from tests.eval.retrieval.conftest import write_rows

SYSTEMS = ("ours", "words", "clip", "rrf:clamr+bm25")
MODALITIES = ("video", "ocr", "asr", "description")


@pytest.fixture
def files(rows_file: Path, videos: Path) -> RowFiles:
    return RowFiles(rows_file, video_dir=videos)


@pytest.fixture
def settings(files: RowFiles, tiny: dict[str, Path], tmp_path: Path) -> Settings:
    return Settings(
        files=files,
        systems=SYSTEMS,
        output=tmp_path / "out",
        num_frames=2,
        device="cpu",
        weights=(f"clip={tiny['clip']}",),
        part_size=4,
        num_resamples=200,
    )


@pytest.fixture(scope="module")
def nano() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu")


def changed(settings: Settings, **values: Any) -> Settings:
    return Settings(**{**vars(settings), **values})


def by_hand(settings: Settings, encoder: Any) -> tuple[list[np.ndarray], dict[tuple[int, int], list[str]]]:
    """One (num_videos, num_modalities + 1) array a question, the last column ``token_max``; and the tokens' choices."""
    corpus = open_corpus(settings)
    loader = FrameLoader(video_dir=settings.files.video_dir, num_frames=settings.num_frames)
    tables, votes = [], {}
    rows = [corpus.row(at) for at in range(len(corpus))]
    documents = [row_document(row, frames=loader.frames(row))[0] for row in rows]
    embedded = [encoder.encode_document([document])[0][0] for document in documents]
    for number, question in enumerate(corpus.questions):
        query = encoder.encode_query([question.text])[0][0]
        table = np.full((len(corpus), 5), -np.inf)
        for video, tokens in enumerate(embedded):
            similarity = query @ tokens.vectors.float().T
            for at in range(4):
                mine = tokens.modality_ids == at + 1
                if bool(mine.any()):
                    table[video, at] = float(similarity[:, mine].amax(dim=1).mean())
            scored = tokens.modality_ids > 0
            table[video, 4] = float(similarity[:, scored].amax(dim=1).mean())
            winners = tokens.modality_ids[scored][similarity[:, scored].argmax(dim=1)]
            votes[number, video] = [encoder.modalities[int(w) - 1] for w in winners]
        tables.append(table)
    return tables, votes


def ranked(scores: np.ndarray) -> list[int]:
    return [int(video) for video in np.argsort(-scores, kind="stable")]


def test_every_number_is_that_of_a_loop(settings: Settings, nano: ClamrEncoder, tiny: dict[str, Path]) -> None:
    report = run_retrieval(settings)
    assert report is not None
    corpus = open_corpus(settings)
    texts = [row_texts(corpus.row(at)) for at in range(len(corpus))]
    bm25 = Bm25([" ".join(text[m] for m in MODALITIES[1:] if text[m]) for text in texts], terms="words")
    ours, votes = by_hand(settings, nano)
    clip, _ = by_hand(settings, load_family(Family(text=str(tiny["clip"]), pictures=str(tiny["clip"])), device="cpu"))
    expected: dict[str, list[np.ndarray]] = {
        "clamr": [],
        "clamr_modality_max": [],
        "clip_average": [],
        "clip_video": [],
    }
    expected["clamr_router"] = []
    for number, question in enumerate(corpus.questions):
        expected["clamr"].append(ours[number][:, 4])
        expected["clamr_modality_max"].append(ours[number][:, :4].max(axis=1))
        expected["clamr_router"].append(ours[number][:, MODALITIES.index(route(question.text))])
        there = np.ma.masked_invalid(clip[number][:, :4])
        expected["clip_average"].append(np.asarray(there.mean(axis=1)))
        expected["clip_video"].append(clip[number][:, 0])
    for name, tables in expected.items():
        found = report["systems"][name]
        for metric, value in (("ndcg@10", _ndcg), ("recall@1", _recall_1), ("recall@5", _recall_5), ("mrr", _mrr)):
            by_loop = [
                value(scores, question.relevance) for scores, question in zip(tables, corpus.questions, strict=True)
            ]
            assert found[metric]["all"]["mean"] == pytest.approx(np.mean(by_loop), abs=1e-6), (name, metric)
            asr = [by_loop[n] for n, question in enumerate(corpus.questions) if question.target == "asr"]
            assert found[metric]["asr"]["mean"] == pytest.approx(np.mean(asr), abs=1e-6)
    ahead = report["systems"]["clip_video"]["ours_less_this"]["ndcg@10"]["all"]["mean"]
    both = [report["systems"][name]["ndcg@10"]["all"]["mean"] for name in ("clamr", "clip_video")]
    assert ahead == pytest.approx(both[0] - both[1])
    assert "ours_less_this" not in report["systems"]["clamr"]
    _check_modality(report, corpus.questions, ours, votes)
    found = bm25.scores(corpus.questions[1].text)
    assert report["systems"]["bm25"]["recall@1"]["ocr"]["mean"] == 1.0
    assert int(found.argmax()) == 1
    assert report["left_out"] == {"clamr_audio": "the model has no such modality"}
    assert report["num_questions"] == {"all": 10, "video": 3, "ocr": 3, "asr": 2, "description": 2}
    assert (report["num_videos"], report["num_answers"], report["num_clusters"]) == (10, 12, 9)


def _check_modality(
    report: Any, questions: Any, ours: list[np.ndarray], votes: dict[tuple[int, int], list[str]]
) -> None:
    right, chosen = [], []
    for number, question in enumerate(questions):
        best = max(question.relevance, key=lambda video: ours[number][video, 4])
        names = votes[number, best]
        right.append(max(MODALITIES, key=lambda m: (names.count(m), -MODALITIES.index(m))) == question.target)
        best = max(question.relevance, key=lambda video: ours[number][video, :4].max())
        chosen.append(MODALITIES[int(ours[number][best, :4].argmax())] == question.target)
    assert report["systems"]["clamr"]["modality"]["accuracy"] == pytest.approx(np.mean(right))
    assert report["systems"]["clamr_modality_max"]["modality"]["accuracy"] == pytest.approx(np.mean(chosen))
    routed = [route(question.text) == question.target for question in questions]
    assert report["systems"]["clamr_router"]["modality"]["accuracy"] == pytest.approx(np.mean(routed))
    assert "modality" not in report["systems"]["bm25"]
    assert "modality" not in report["systems"]["clamr_rrf"]


def _ndcg(scores: np.ndarray, relevance: dict[int, float]) -> float:
    return ndcg_at_k(ranked(scores), relevant=relevance, k=10)


def _recall_1(scores: np.ndarray, relevance: dict[int, float]) -> float:
    return recall_at_k(ranked(scores), relevant=relevance, k=1) * len(relevance)  # of as many as could be there


def _recall_5(scores: np.ndarray, relevance: dict[int, float]) -> float:
    return recall_at_k(ranked(scores), relevant=relevance, k=5)


def _mrr(scores: np.ndarray, relevance: dict[int, float]) -> float:
    return 1 / (1 + min(ranked(scores).index(video) for video in relevance))


def test_parts_shards_and_a_stop_change_nothing(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    whole = run_retrieval(changed(settings, part_size=256))
    apart = changed(settings, output=settings.output / "apart")
    assert run_retrieval(changed(apart, shard=(1, 2))) is None
    made = sorted(path.name for path in apart.output.rglob("part-*"))
    assert made == ["part-00001.safetensors"] * 4  # embeddings and scores of two encoders
    first = {path: path.stat().st_mtime_ns for path in apart.output.rglob("part-*")}
    assert run_retrieval(changed(apart, shard=(0, 2))) is None
    joined = run_retrieval(apart)
    assert joined is not None
    assert whole is not None
    assert joined["systems"] == whole["systems"]
    assert {path: path.stat().st_mtime_ns for path in first} == first
    (folder,) = apart.output.glob("embeddings/clamr-*")
    (folder / "part-00002.safetensors").unlink()
    (scores,) = apart.output.glob(f"scores/{folder.name}/*/part-00002.safetensors")
    scores.unlink()
    again = run_retrieval(apart)
    assert again is not None
    assert again["systems"] == whole["systems"]
    assert {path: path.stat().st_mtime_ns for path in first} == first


def test_other_settings_have_other_folders(settings: Settings) -> None:
    only = changed(settings, systems=("clamr",))
    run_retrieval(only)
    run_retrieval(changed(only, num_frames=1))
    run_retrieval(changed(only, precision="int8"))
    run_retrieval(changed(only, max_tokens={"asr": 2}))
    assert len(list(settings.output.glob("embeddings/clamr-*"))) == 4
    kept = [json.loads(path.read_text()) for path in settings.output.glob("embeddings/*/settings.json")]
    assert sorted(one["num_frames"] for one in kept) == [1, 2, 2, 2]


def test_embeddings_made_without_videos_are_made_anew_with_them(
    settings: Settings, raw_rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Videos are then found by the names of the rows, which name none themselves."""
    unnamed = [{name: value for name, value in row.items() if name != "video"} for row in raw_rows]
    rows = write_rows(tmp_path / "unnamed.jsonl", unnamed)
    only = changed(settings, systems=("clamr",), files=RowFiles(rows))
    with_videos = changed(only, files=RowFiles(rows, video_dir=settings.files.video_dir))
    run_retrieval(only)
    after, afresh = (run_retrieval(changed(with_videos, output=tmp_path / name)) for name in ("out", "afresh"))
    assert after is not None
    assert afresh is not None
    assert after["encoders"] == afresh["encoders"]
    assert after["systems"] == afresh["systems"]
    assert len(list(settings.output.glob("embeddings/clamr-*"))) == 2


def test_codes_move_scores_little(settings: Settings) -> None:
    exact = run_retrieval(changed(settings, systems=("clamr",)))
    coded = run_retrieval(changed(settings, systems=("clamr",), precision="int8"))
    assert exact is not None
    assert coded is not None
    means = [one["systems"]["clamr"]["mrr"]["all"]["mean"] for one in (exact, coded)]
    assert math.isclose(*means, abs_tol=0.05)


def test_texts_that_are_cut_are_counted(settings: Settings) -> None:
    report = run_retrieval(changed(settings, systems=("clamr", "clip_asr"), max_tokens={"asr": 2}))
    assert report is not None
    assert report["tokens_cut"]["clamr"] > 0
    assert report["tokens_cut"]["clip"] > 0
    assert report["questions_cut"] == {"clamr": 0, "clip": 10}


def test_videos_that_cannot_be_read_are_skipped_for_all_and_named(
    settings: Settings, videos: Path, tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    for path in videos.iterdir():
        (spoilt / path.name).write_bytes(path.read_bytes() if path.stem not in ("walrus", "violin") else b"no video")
    files = RowFiles(settings.files.rows, video_dir=spoilt)
    only = changed(settings, files=files, systems=("clamr", "bm25"))
    with pytest.raises(BadRowError, match=r"rows.jsonl:4 \(walrus\)"):
        run_retrieval(only)
    report = run_retrieval(changed(only, on_bad_row="skip"))
    assert report is not None
    assert [name for name, _ in report["bad_rows"]] == ["rows.jsonl:4 (walrus)", "rows.jsonl:10 (violin)"]
    assert report["num_videos"] == 8
    assert report["questions_left_out"] == 2
    assert report["num_questions"]["all"] == 8
    assert report["num_answers"] == 9  # the harbor question keeps two of its three
    with pytest.raises(InputError, match=r"2 of 10 rows are bad: rows.jsonl:4 \(walrus\)"):
        run_retrieval(only)  # the parts are there, and say what they lack
    words = run_retrieval(changed(only, systems=("bm25",)))  # what only reads needs no video
    assert words is not None
    assert words["num_videos"] == 10


def test_a_folder_of_videos_is_searched(settings: Settings, videos: Path, tmp_path: Path) -> None:
    queries = {word: {"query": f"show me the {word}", "query_type": "video"} for word in ("cello", "bugle")}
    path = tmp_path / "queries.json"
    path.write_text(json.dumps(queries), encoding="utf-8")
    files = RowFiles(videos, queries=path, documents=videos)
    report = run_retrieval(changed(settings, files=files, systems=("clamr", "max:clip_average+clamr")))
    assert report is not None
    assert (report["num_videos"], report["num_questions"]["video"]) == (10, 2)
    assert "modality" not in report["systems"]["max:clip_average+clamr"]  # its members are no modalities
    with pytest.raises(UnknownNameError, match="magic"):
        run_retrieval(changed(settings, ours="magic"))


def test_nothing_left_to_ask_is_an_error(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    files = RowFiles(settings.files.rows, video_dir=tmp_path / "none")
    with pytest.raises(InputError, match="no question is left"):
        run_retrieval(changed(settings, files=files, systems=("clamr",), on_bad_row="skip"))


def test_modalities_are_left_out_of_every_video(settings: Settings) -> None:
    read = run_retrieval(changed(settings, systems=("clamr", "clamr_asr"), without=("video", "ocr", "description")))
    assert read is not None
    entries = read["systems"]
    assert entries["clamr"]["ndcg@10"] == entries["clamr_asr"]["ndcg@10"]


def test_a_model_without_checkpoints_of_the_views_leaves_them_out(settings: Settings) -> None:
    report = run_retrieval(changed(settings, systems=("bm25", "pooled")))
    assert report is not None
    assert report["left_out"] == {"pooled": "no checkpoint of its own"}
    with pytest.raises(InputError, match="--checkpoints"):
        run_retrieval(changed(settings, systems=("pooled",)))


def test_views_have_checkpoints_of_their_own(settings: Settings, nano: ClamrEncoder, tmp_path: Path) -> None:
    for view in ("pooled", "separate", "asr", "average"):
        nano.model.save_pretrained(tmp_path / "views" / view)
        nano.processor.save_pretrained(tmp_path / "views" / view)
    names = ("clamr", "pooled", "separate", "asr", "average", "trained_on_asr", "video")
    report = run_retrieval(changed(settings, systems=names, checkpoints=tmp_path / "views"))
    assert report is not None
    assert list(report["left_out"]) == ["video"]
    entries = report["systems"]
    assert entries["trained_on_asr"]["ndcg@10"] == entries["clamr"]["ndcg@10"]  # here, the same weights
    assert "modality" in entries["separate"]
    assert "modality" in entries["average"]
    assert "modality" not in entries["pooled"]


def test_the_sound_of_a_video_is_heard(settings: Settings, tiny: dict[str, Path]) -> None:
    heard = changed(settings, systems=("clap_audio",), weights=(f"clap={tiny['clap']}",), ours="clap_audio")
    report = run_retrieval(heard)
    assert report is not None
    (folder,) = settings.output.glob("scores/clap-*/*")
    scores = torch.cat([load_file(path)["audio"] for path in sorted(folder.glob("part-*"))], dim=1)
    assert scores.shape == (10, 10)
    assert torch.isfinite(scores).all()
    assert scores.std() > 0
    # also where nothing else of a video is left
    alone = changed(heard, without=("video", "ocr", "asr", "description"), output=settings.output / "alone")
    run_retrieval(alone)
    (folder,) = alone.output.glob("scores/clap-*/*")
    without = torch.cat([load_file(path)["audio"] for path in sorted(folder.glob("part-*"))], dim=1)
    assert torch.allclose(without, scores, atol=1e-5)
    silent = run_retrieval(changed(heard, without=("audio",)))
    assert silent is not None
    assert silent["systems"]["clap_audio"]["recall@1"]["description"]["mean"] == pytest.approx(0.1)  # chance


@pytest.mark.usefixtures("omni")
def test_a_model_that_hears_has_a_score_for_sound(settings: Settings, tmp_path: Path) -> None:
    golden = Path(__file__).parents[2] / "golden" / "omni_4_52"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        model, processor = load(golden / "adapter", base=golden / "base", device="cpu")
    for part in (model, processor):
        part.save_pretrained(tmp_path / "omni")
    report = run_retrieval(changed(settings, systems=("ours",), model=str(tmp_path / "omni")))
    assert report is not None
    assert report["left_out"] == {}
    (folder,) = settings.output.glob("scores/clamr-*/*")
    tables = load_file(folder / "part-00000.safetensors")
    assert torch.isfinite(tables["audio"]).all()
    best = torch.stack([tables[name] for name in ("audio", *MODALITIES)]).amax(dim=0)
    assert bool((tables["token_max"] >= best - 1e-5).all())
    assert report["systems"]["clamr_modality_max"]["modality"]["num_questions"] == 10
    unseen = changed(
        settings, systems=("clamr",), model=str(tmp_path / "omni"), without=("video",), output=tmp_path / "unseen"
    )
    run_retrieval(unseen)
    (folder,) = unseen.output.glob("scores/clamr-*/*")
    assert torch.isfinite(load_file(folder / "part-00000.safetensors")["audio"]).all()


def test_damaged_parts_are_named(settings: Settings) -> None:
    only = changed(settings, systems=("clamr",))
    run_retrieval(only)
    path = next(settings.output.glob("scores/*/*/part-00000.safetensors"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="remove it"):
        run_retrieval(only)
    path.unlink()
    embeddings = next(settings.output.glob("embeddings/*/part-00000.safetensors"))
    embeddings.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="remove it"):
        run_retrieval(only)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"num_frames": 0}, InputError, "num_frames=0"),
        ({"part_size": 0}, InputError, "part_size=0"),
        ({"shard": (2, 2)}, InputError, "shard"),
        ({"without": ("smell",)}, UnknownNameError, "smell"),
        ({"precision": "int2"}, UnknownNameError, "int2"),
        ({"on_bad_row": "ignore"}, UnknownNameError, "ignore"),
    ],
)
def test_settings_are_checked(settings: Settings, values: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        changed(settings, **values)


def test_rows_that_are_bad_are_named_or_skipped(
    settings: Settings, raw_rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    bad = write_rows(tmp_path / "bad.jsonl", [*raw_rows, {"video_id": "z", "query": "", "asr": "words"}])
    only = changed(settings, files=RowFiles(bad, video_dir=settings.files.video_dir), systems=("bm25",))
    with pytest.raises(InputError, match=r"bad.jsonl:13 \(z\)"):
        run_retrieval(only)
    report = run_retrieval(changed(only, on_bad_row="skip"))
    assert report is not None
    assert [name for name, _ in report["bad_rows"]] == ["bad.jsonl:13 (z)"]

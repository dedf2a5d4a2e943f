"""The speed profiles with the tiny shape: what they count and check, what they report, and what they do on failure."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.speed import cpu_scoring, text_and_frames
from clamr_select.eval.speed.barcode_video import FPS, write_barcode_video
from clamr_select.eval.speed.cpu_encoding import encoding_ways
from clamr_select.eval.speed.cpu_scoring import scoring_peers
from clamr_select.eval.speed.documents import video_documents
from clamr_select.eval.speed.encoding_sections import encoding, nano
from clamr_select.eval.speed.flops import document_flops
from clamr_select.eval.speed.profile import run_sections, write_report
from clamr_select.eval.speed.question import second_question
from clamr_select.eval.speed.report import markdown_table
from clamr_select.eval.speed.scoring_sections import plain_scoring
from clamr_select.eval.speed.settings import settings_for
from clamr_select.eval.speed.shapes import shaped_encoder
from clamr_select.eval.speed.text_and_frames import choosing, exporting, screen_text
from clamr_select.eval.speed.timing import interleaved, summarize
from clamr_select.eval.speed.video_tokens import question_tokens, video_tokens
from clamr_select.handoff.frames import save_frames
from clamr_select.model.embedding import embed

TINY = settings_for("tiny", device="cpu")


def test_flops_are_those_that_torch_counts():
    """For one document: no padding. Torch counts the products of eager attention, whole squares of which a causal layer
    needs half."""
    encoder = shaped_encoder("tiny", device="cpu")
    encoder.model.set_attn_implementation("eager")
    (batch,) = encoder.batches(video_documents(2, window_candidates=2, side_pixels=224))
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        embed(encoder.model, batch.inputs)
    text = encoder.model.config.get_text_config()
    square = 2 * text.num_hidden_layers * text.hidden_size * batch.inputs["input_ids"].shape[1] ** 2

    # transformers 5.16 multiplies rotary frequencies as a matrix, which is counted
    assert document_flops(encoder.model, batch.inputs) + square == pytest.approx(counter.get_total_flops(), rel=2e-4)


def test_video_tokens_are_as_many_as_said():
    full = video_tokens(num_frames=3, ragged=False)
    ragged = video_tokens(num_frames=200)

    assert len(full) == 3 * (80 + 4 * 128)
    counts = torch.bincount(ragged.first_candidates * 5 + ragged.modality_ids - 1, minlength=1000).view(200, 5)
    assert counts[:, 0].unique().tolist() == [80]
    assert 0.25 < (counts[:, 1:] == 0).float().mean() < 0.35
    assert counts[:, 1:].max() <= 128
    assert question_tokens(full).norm(dim=1).allclose(torch.ones(32))


def test_timings_take_turns():
    order = []
    calls = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}

    timings = interleaved(calls, device=torch.device("cpu"), num_runs=3)

    assert order == ["a", "b", *("a", "b") * 3]
    assert timings["a"].num_runs == 3
    assert timings["a"].low <= timings["a"].median <= timings["a"].high
    assert summarize([2.0]).median == 2.0


def test_tables_hold_what_was_measured():
    timing = {"median": 1.23456, "low": 1.0, "high": 2.0, "num_runs": 3}
    assert markdown_table([{"what": "a", "ms": timing}, {"what": "b", "tokens": 12345}]) == [
        "| what | ms | tokens |",
        "|---|--:|--:|",
        "| a | 1.23 (1–2) |  |",
        "| b |  | 12,345 |",
    ]
    assert markdown_table([]) == []


def test_scoring_is_checked_before_it_is_timed():
    records = list(plain_scoring(TINY))

    assert [record["what"] for record in records] == [
        f"{layout}, {dtype}, blocked" for layout in ("full", "ragged") for dtype in ("float32", "bfloat16")
    ]
    errors = [record["error"] for record in records]
    assert errors[0] < 2e-6 < errors[1] < 1e-2
    assert errors[2] < 2e-6 < errors[3] < 1e-2


def test_sections_of_encoding_measure_all_workloads():
    made, *measured = encoding(TINY)

    assert "tiny" in made["what"]
    assert [record["documents"] for record in measured] == [4, 4, 16]
    assert all(record["frames/s"] > 0 and record["TFLOP"] > 0 for record in measured)
    (of_nano,) = nano(TINY)
    assert of_nano["difference to the CPU"] == 0.0


def test_ways_of_encoding_give_the_same_vectors():
    ours, by_length, padded = encoding_ways(TINY)

    assert [record["what"] for record in (ours, by_length, padded)] == ["tiny, ours", "tiny, sorted", "tiny, padded"]
    assert max(by_length["difference to ours"], padded["difference to ours"]) < 1e-5
    assert padded["ours is faster by"] > 1.0  # 2,048 tokens against some 120
    assert (ours["documents"], padded["documents"]) == (3, 2)


@pytest.mark.slow
def test_scoring_is_held_against_a_loop_in_float64():
    records = {record["what"]: record for record in scoring_peers(TINY)}

    assert len(records) == 10
    for layout in ("ragged", "full"):
        assert records[f"{layout}, ours, float32"]["error"] < 2e-5
        assert records[f"{layout}, ours, float32"]["to ours, float32"] == 1.0
        assert 2e-5 < records[f"{layout}, ours, int8"]["error"] < 5e-2
        assert "error" not in records[f"{layout}, product, torch"]


def test_every_library_has_one_thread(tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os\nprint(json.dumps({n: os.environ.get(n) for n in os.environ if n.endswith('_NUM_THREADS')}))\n"
    )
    monkeypatch.setattr(cpu_scoring.worker, "__file__", str(script))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with cpu_scoring._worker(Path(sys.executable), tmp_path / "inputs.npz") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
    assert told.items() >= cpu_scoring.ONE_THREAD.items()


def test_peers_that_are_not_there_are_said(tmp_path):
    with pytest.raises(InputError, match="make peers"):
        list(scoring_peers(settings_for("tiny", device="cpu", peers_python=str(tmp_path / "python"))))


def test_a_second_question_selects_from_a_made_index():
    records = list(second_question(TINY))

    assert [record["what"] for record in records] == [
        "nano, 600 candidates",
        "nano, 3,600 candidates",
        "nano, 10,800 candidates",
    ]
    assert all(record["CPU ms"]["median"] > 0 for record in records)


@pytest.mark.parametrize("section", [screen_text, choosing, exporting])
def test_the_other_stages_stand_beside_what_does_their_job(section):
    records = list(section(replace(TINY, num_frames=4)))

    ours = [record for record in records if record["what"].endswith(", ours")]
    assert ours
    assert len(records) >= 2 * len(ours)
    assert all(record["to ours"] == 1 for record in ours)
    assert all(record["CPU ms"]["median"] > 0 for record in records)


def test_frames_that_others_choose_and_write_are_the_same(tmp_path):
    scores = np.random.default_rng(1).random(200)
    assert np.diff(text_and_frames._best_peaks(scores, 6)).min() >= 6
    video = write_barcode_video(tmp_path / "video.mp4", num_seconds=6, seconds_per_group=2)
    selection = text_and_frames._selection(video, num_seconds=6, num_frames=3)
    assert selection.frame_indices == tuple(round(FPS * s) for s in selection.timestamps_seconds)
    ours = [np.asarray(Image.open(path), dtype=float) for path in save_frames(selection, tmp_path / "ours")]
    ways = []
    if find_spec("decord") is not None:
        text_and_frames._save_by_decord(selection, tmp_path)
        ways.append("decord")
    if shutil.which("ffmpeg") is not None:
        text_and_frames._save_by_ffmpeg(selection, tmp_path)
        ways.append("ffmpeg")
    for way in ways:
        for number, mine in enumerate(ours):
            theirs = np.asarray(Image.open(tmp_path / f"{way}_{number}.jpg"), dtype=float)
            assert np.abs(mine - theirs).mean() < 4, (way, number)


def test_an_unknown_shape_is_refused():
    with pytest.raises(UnknownNameError, match="qwen2_5_vl_3b"):
        shaped_encoder("3b", device="cpu")  # type: ignore[arg-type]


def test_a_section_that_fails_is_reported_and_the_others_are_kept(tmp_path):
    results = run_sections(["no_such", "roofline"], settings=settings_for("tiny", device="cpu"), max_seconds=90)
    text = write_report(results, name="gpu", output=tmp_path, machine={})

    failed, done = json.loads((tmp_path / "gpu.json").read_text())["sections"]
    assert "exit status" in failed["failure"]
    assert done["failure"] is None
    assert "product of 256^3, bfloat16" in (tmp_path / "gpu.md").read_text()
    assert "**Failed: exit status" in text

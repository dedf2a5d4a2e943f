"""The GPU profile, on a CPU and with the tiny shape: what it counts, what it reports, and what it does on failure."""

from __future__ import annotations

import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from clamr_select.errors import UnknownNameError
from clamr_select.eval.speed.__main__ import main
from clamr_select.eval.speed.documents import video_documents
from clamr_select.eval.speed.encoding_sections import encoding, nano
from clamr_select.eval.speed.flops import document_flops
from clamr_select.eval.speed.report import markdown_table
from clamr_select.eval.speed.scoring_sections import plain_scoring
from clamr_select.eval.speed.settings import settings_for
from clamr_select.eval.speed.shapes import shaped_encoder
from clamr_select.eval.speed.timing import interleaved, summarize
from clamr_select.eval.speed.video_tokens import question_tokens, video_tokens
from clamr_select.model.embedding import embed

CPU = torch.device("cpu")


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

    assert document_flops(encoder.model, batch.inputs) + square == counter.get_total_flops()


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

    timings = interleaved(calls, device=CPU, num_runs=3)

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
    records = list(plain_scoring(settings_for("tiny", device=CPU)))

    assert [record["what"] for record in records] == [
        f"{layout}, {dtype}, blocked" for layout in ("full", "ragged") for dtype in ("float32", "bfloat16")
    ]
    assert all(record["error"] < 1e-2 and record["error beyond storage"] < 2e-6 for record in records)
    assert records[0]["error"] < 2e-6 < records[1]["error"]


def test_sections_of_encoding_measure_all_workloads():
    made, *measured = encoding(settings_for("tiny", device=CPU))

    assert "tiny" in made["what"]
    assert [record["documents"] for record in measured] == [4, 4, 16]
    assert all(record["frames/s"] > 0 and record["TFLOP"] > 0 for record in measured)
    (of_nano,) = nano(settings_for("tiny", device=CPU))
    assert of_nano["difference to the CPU"] == 0.0


def test_an_unknown_shape_is_refused():
    with pytest.raises(UnknownNameError, match="qwen2_5_vl_3b"):
        shaped_encoder("3b", device="cpu")  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_a_section_that_fails_is_reported_and_the_others_are_kept(tmp_path, capsys):
    options = ["gpu", "--shape", "tiny", "--output", str(tmp_path)]

    assert main([*options, "--device", "cpu", "--sections", "triton_scoring", "roofline"]) == 1

    report = json.loads((tmp_path / "gpu.json").read_text())
    failed, done = report["sections"]
    assert "exit status 1" in failed["failure"]
    assert done["failure"] is None
    assert "product of 256^3, bfloat16" in (tmp_path / "gpu.md").read_text()
    assert "**Failed: exit status 1" in capsys.readouterr().out

"""``clamr-select train --preset paper`` on a tiny random Qwen2.5-VL: every flag does what it says, or is refused."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from PIL import Image
from safetensors.torch import load_file

from clamr_select import FrameSelector
from clamr_select.cli import main, train, train_rows
from clamr_select.errors import InputError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.checkpoint.find import find_checkpoint
from clamr_select.model.checkpoint.processor import load_processor

BASE = Path(__file__).parents[1] / "golden" / "vl_4_51" / "base"
WORDS = [
    "harbor", "lantern", "glacier", "walrus", "cello", "bugle", "orchard", "compass", "tunnel", "violin", "meadow",
    "anchor",
]  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Twelve videos of three drawn frames, a word spoken and shown in each."""
    frames = tmp_path / "frames"
    frames.mkdir()
    lines = []
    for number, word in enumerate(WORDS):
        images = [f"{number}_{k}.png" for k in range(3)]
        for k, name in enumerate(images):
            picture = np.full((36, 64, 3), (20 * number, 80 * k, 200 - 10 * number), dtype=np.uint8)
            Image.fromarray(picture).save(frames / name)
        row = {"video_id": f"v{number}", "query": f"the {word}", "query_type": ("asr", "ocr")[number % 2]}
        lines.append({**row, "images": images, "asr": f"here is a {word} " * 9, "ocr": word, "description": "a film"})
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def line(rows: Path, output: Path, *more: str) -> list[str]:
    where = ["--model", str(BASE), "--new-projection", "--data", str(rows), "--frames-dir", str(rows.parent / "frames")]
    small = ["--optimizer", "adamw", "--no-bf16", "--num-workers", "0", "--log-every", "1", "--batch-size", "6"]
    return ["train", "--preset", "paper", "--output", str(output), *where, *small, *more]


def parsed(*more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(["--preset", "paper", "--output", "out", *more])


def history(checkpoint: Path) -> list[dict[str, Any]]:
    entries = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    return [{k: v for k, v in entry.items() if not k.endswith("seconds")} for entry in entries]


def test_lora_on_a_bare_backbone_learns_resumes_and_loads(rows: Path, tmp_path: Path) -> None:
    more = ["--lora-rank", "4", "--lora-alpha", "8", "--num-steps", "12", "--learning-rate", "0.01"]
    more += ["--validation", str(rows), "--evaluate-every", "6", "--modality-dropout", "video=0.3"]
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    assert main(line(rows, whole, *more)) == 0
    losses = [entry["loss"] for entry in history(whole / "checkpoint-12") if "loss" in entry]
    assert len(losses) == 12
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])
    resumed.mkdir()
    shutil.copytree(whole / "checkpoint-6", resumed / "checkpoint-6")
    assert main(line(rows, resumed, *more)) == 0
    assert history(resumed / "checkpoint-12") == history(whole / "checkpoint-12")
    ours, theirs = (load_file(run / "model" / "adapter_model.safetensors") for run in (whole, resumed))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    report = FrameSelector.from_pretrained(whole / "model").encoder.load_report
    assert (report.kind, report.base, report.num_lora_pairs, report.warnings) == ("adapter", str(BASE), 15, ())
    names = (whole / "trained_parameters.txt").read_text().split()
    assert len(names) == 31  # the temperature and a pair of factors for each of 15 layers
    assert all("lora_" in name or name == "log_temperature" for name in names)
    for folder in (whole / "checkpoint-12", whole / "model"):
        card = ModelCard.load(folder / "README.md")
        assert "| weights trained | LoRA |" in card.text
        assert "| rows | 12 |" in card.text
        assert {result.dataset_name for result in card.data.eval_results or []} == {"rows.jsonl"}


def test_all_weights_with_the_tower_frozen(rows: Path, tmp_path: Path) -> None:
    more = ["--full", "--freeze-vision", "--num-epochs", "2", "--save-every", "4", "--learning-rate", "0.001"]
    more += ["--loss", "infonce", "pairwise=0.5", "--similarity", "token_max", "--fixed-temperature"]
    more += ["--temperature", "0.05", "--cache-gradients", "--gradient-checkpointing", "--report-to", "tensorboard"]
    assert main(line(rows, tmp_path / "out", *more)) == 0
    result = tmp_path / "out" / "model"
    assert FrameSelector.from_pretrained(result).encoder.load_report.kind == "own"
    trained = ClamrForRetrieval.from_pretrained(result, dtype=torch.float32)
    start = ClamrForRetrieval.from_pretrained(BASE, new_projection_seed=42, dtype=torch.float32)
    same = {name for (name, one), two in zip(start.named_parameters(), trained.parameters(), strict=True)
            if torch.equal(one, two)}  # fmt: skip
    assert {name for name, _ in start.named_parameters() if ".visual." in name} <= same
    assert "embedding_proj_layer.weight" not in same
    written = json.loads((result / "objective.json").read_text())
    assert [(term["loss"], term["similarity"], term["weight"]) for term in written["terms"]] == [
        ("infonce", "token_max", 1.0),
        ("pairwise", "token_max", 0.5),
    ]
    temperature = load_file(result / "temperature.safetensors")["log_temperature"].exp()
    assert temperature.item() == pytest.approx(0.05)
    assert history(tmp_path / "out" / "checkpoint-4")[-1]["step"] == 4  # twelve rows by six, twice
    assert list((tmp_path / "out").rglob("events.out.tfevents.*"))


def test_a_finished_run_makes_no_step_more(rows: Path, tmp_path: Path) -> None:
    """Three steps end in the middle of the second epoch."""
    arguments = line(rows, tmp_path / "out", "--lora-rank", "2", "--num-steps", "3")
    assert main(arguments) == 0
    weights = (tmp_path / "out" / "model" / "adapter_model.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "out" / "model")  # as if it had been killed before it wrote them

    assert main(arguments) == 0

    assert [path.name for path in (tmp_path / "out").glob("checkpoint-*")] == ["checkpoint-3"]
    assert (tmp_path / "out" / "model" / "adapter_model.safetensors").read_bytes() == weights


def test_a_run_goes_on_with_what_it_began(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    assert main(line(rows, output, "--lora-rank", "2", "--num-steps", "1")) == 0
    other_words = rows.parent / "other.jsonl"
    other_words.write_text(rows.read_text().replace("harbor", "quay"))
    model = ClamrForRetrieval.from_pretrained(BASE, new_projection_seed=42, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
    model.save_pretrained(tmp_path / "other")
    load_processor(find_checkpoint(BASE)).save_pretrained(tmp_path / "other")
    from_other = line(rows, output)
    place = from_other.index("--model")
    from_other[place : place + 3] = ["--model", str(tmp_path / "other")]
    for given, said in (
        (line(other_words, output), "rows was 12, "),
        (line(rows, output, "--num-frames", "2"), "frames was 10, now 2"),
        (line(rows, output, "--max-tokens", "asr=9"), "max tokens was "),
        (line(rows, output, "--modality-dropout", "asr=0.5"), "modality dropout was {}, now {'asr': 0.5}"),
        (line(rows, output, "--lora-alpha", "9"), "LoRA was "),
        (from_other, "frozen weights was "),
    ):
        assert main([*given, "--lora-rank", "2", "--num-steps", "2"]) == 2
        assert said in capsys.readouterr().err


def test_early_stopping(rows: Path, tmp_path: Path) -> None:
    more = ["--lora-rank", "2", "--num-steps", "9", "--learning-rate", "1e-30", "--validation", str(rows)]
    assert main(line(rows, tmp_path / "out", *more, "--evaluate-every", "1", "--patience", "2")) == 0
    state = json.loads((tmp_path / "out" / "checkpoint-3" / "trainer_state.json").read_text())
    assert (state["global_step"], state["best_global_step"]) == (3, 1)


def test_distillation_from_a_scores_file(rows: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.jsonl"
    pairs = [{"query": f"the {word}", "video_id": f"v{v}", "score": 5.0 * (WORDS[v] == word)}
             for word in WORDS for v in range(12)]  # fmt: skip
    scores.write_text("\n".join(map(json.dumps, pairs)))
    more = ["--lora-rank", "4", "--num-steps", "8", "--learning-rate", "0.01", "--loss", "distill_kl"]
    assert main(line(rows, tmp_path / "out", *more, "--teacher-scores", str(scores))) == 0
    losses = [entry["loss"] for entry in history(tmp_path / "out" / "checkpoint-8") if "loss" in entry]
    assert sum(losses[-2:]) < 0.8 * sum(losses[:2])


def test_a_folder_of_videos_with_a_file_of_questions(color_video: Path, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("one", "two", "three", "four"):
        shutil.copy(color_video, videos / f"{name}.mp4")
        (videos / f"{name}.ocr.txt").write_text(name)
    asked = [
        {"video_id": name, "query": f"sign {name}", "query_type": "ocr"} for name in ("one", "two", "three", "four")
    ]
    queries = tmp_path / "queries.jsonl"
    queries.write_text("\n".join(map(json.dumps, asked)))
    more = ["--model", str(BASE), "--new-projection", "--data", str(videos), "--queries", str(queries)]
    more += ["--validation", str(videos), "--validation-queries", str(queries), "--evaluate-every", "1"]
    more += ["--optimizer", "adamw", "--no-bf16", "--num-workers", "0", "--lora-rank", "2", "--num-frames", "2"]
    more += ["--loss", "distill_margin", "infonce", "--teacher-scores", str(tmp_path / "scores.jsonl")]
    pairs = [
        {"query": f"sign {a}", "video_id": b, "score": float(a == b)} for a in ("one", "two") for b in ("one", "two")
    ]
    (tmp_path / "scores.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    assert main(["train", "--preset", "paper", "--output", str(tmp_path / "out"), *more]) == 0
    entries = history(tmp_path / "out" / "checkpoint-2")
    assert [entry["eval_num_queries"] for entry in entries if "eval_num_queries" in entry] == [4.0, 4.0]
    assert "eval_ndcg@10_ocr" in entries[-1]


def test_splits_of_one_data_set(rows: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    every = [json.loads(text) for text in rows.read_text().splitlines()]
    splits = {"train": datasets.Dataset.from_list(every[:8]), "dev": datasets.Dataset.from_list(every[8:])}
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))
    saved = str(tmp_path / "saved")
    more = ["--data", saved, "--row-split", "train", "--validation", saved, "--validation-split", "dev"]
    more += ["--evaluate-every", "1", "--num-steps", "1", "--lora-rank", "2"]
    assert main(line(rows, tmp_path / "out", *more)) == 0
    entries = history(tmp_path / "out" / "checkpoint-1")
    assert [entry["eval_num_queries"] for entry in entries if "eval_num_queries" in entry] == [4.0]
    assert "| rows | 8 |" in (tmp_path / "out" / "model" / "README.md").read_text()


def test_flags_of_the_data(rows: Path, tmp_path: Path) -> None:
    broken = rows.parent / "broken.jsonl"
    broken.write_text(rows.read_text() + '\n{"video_id": "v99"}\n')
    folder = ["--frames-dir", str(rows.parent / "frames")]

    def made(path: Path, *more: str, batch_size: str = "6", world_size: int = 1) -> Any:
        arguments = parsed("--model", "m", "--data", str(path), "--batch-size", batch_size, *folder, *more)
        args = argparse.Namespace(process_index=0, world_size=world_size, gradient_accumulation_steps=1)
        index = train_rows.open_rows(arguments, path, split=None, queries=None)
        processor = load_processor(find_checkpoint(BASE))
        return train_rows.batches(arguments, index, path, processor=processor, args=args)

    plain = made(rows)
    assert len(plain) == 2
    assert {len(d.frames) for d in plain[0].documents} == {3}
    fewer = made(rows, "--num-frames", "2", "--max-tokens", "asr=5", "ocr=0")[0]
    assert {len(d.frames) for d in fewer.documents} == {2}
    assert {segment.modality for d in fewer.documents for segment in d.texts} == {"asr", "description"}
    assert max(len(s.text) for d in fewer.documents for s in d.texts) < len("here is a harbor " * 9)
    lost = made(rows, "--modality-dropout", "video=1", "description=1")[0]
    assert not any(len(d.frames) for d in lost.documents)
    assert {segment.modality for d in lost.documents for segment in d.texts} == {"asr", "ocr"}
    assert len(made(rows, "--num-epochs", "3", batch_size="2", world_size=2)) == 18
    assert len(made(rows, "--num-steps", "5")) == 5
    orders = [[d for b in made(rows, "--seed", s) for d in b.document_keys] for s in ("1", "1", "2")]
    assert orders[0] == orders[1] != orders[2]
    with pytest.raises(InputError, match="v99"):
        made(broken)
    skipping = made(broken, "--on-bad-row", "skip", "--bad-rows", str(tmp_path / "bad.jsonl"))
    assert [bad.name for bad in skipping.bad_rows()] == ["broken.jsonl:13 (v99)"]


def test_steps_that_teach_nothing_are_warned_of(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nine of the twelve rows are of one video: three of six batches of two hold no other."""
    lines = [json.loads(text) for text in rows.read_text().splitlines()]
    rows.write_text("\n".join(json.dumps({**row, "video_id": f"v{max(8, n)}"}) for n, row in enumerate(lines)))
    assert main(line(rows, tmp_path / "out", "--batch-size", "2", "--num-steps", "1", "--lora-rank", "2")) == 0
    assert "3 of the first epoch's 6 steps hold rows of one video alone" in capsys.readouterr().err


def test_rows_that_are_bad_at_the_start_are_kept_in_the_file_once(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training, validation = rows.parent / "broken.jsonl", rows.parent / "unasked.jsonl"
    training.write_text(rows.read_text() + '\n{"video_id": "v\u202899"}\n', encoding="utf-8")
    validation.write_text(rows.read_text() + '\n{"video_id": "v98"}\n')
    output = tmp_path / "out"
    more = ["--on-bad-row", "skip", "--validation", str(validation), "--evaluate-every", "1", "--lora-rank", "2"]
    for steps in ("1", "2"):  # the second goes on
        assert main([*line(training, output, *more), "--num-steps", steps]) == 0
    lines = (output / "bad_rows.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    names = [json.loads(line)["name"] for line in lines]
    assert names == ["broken.jsonl:13 (v\u202899)", "unasked.jsonl:13 (v98)"]
    assert "1 of 13 rows are bad: unasked.jsonl:13" in capsys.readouterr().err


def test_flags_of_the_model_and_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    start = train_rows.starting_point(parsed("--model", "m", "--data", "d"))
    assert (start.lora.rank, start.lora.alpha, start.lora.dropout) == (128, 128, 0.1)  # type: ignore[union-attr]
    assert (start.dtype, start.new_projection, start.quantization, start.seed) == (torch.bfloat16, False, None, 42)
    assert train_rows.starting_point(parsed("--lora-rank", "16")).lora.alpha == 16  # type: ignore[union-attr]
    more = ["--lora", "--lora-dropout", "0.2", "--quantization", "4bit", "--base", "b", "--seed", "3", "--no-bf16"]
    start = train_rows.starting_point(parsed("--model", "m", "--data", "d", *more))
    assert (start.lora.dropout, start.quantization, start.base, start.seed) == (0.2, "4bit", "b", 3)  # type: ignore[union-attr]
    assert start.dtype == torch.float32
    options = train_rows.training_options(
        parsed("--optimizer", "adafactor", "--num-steps", "7", "--gradient-accumulation", "4", "--fsdp", "fsdp")
    )
    assert (options["optim"], options["max_steps"], options["gradient_accumulation_steps"]) == ("adafactor", 7, 4)
    assert options["fsdp_config"]["version"] == 2
    deepspeed = train_rows.training_options(parsed("--deepspeed", "zero3"))
    assert deepspeed["deepspeed"]["zero_optimization"]["stage"] == 3
    (term,) = train_rows.objective(parsed()).terms
    assert (term.loss, term.similarity, train_rows.objective(parsed()).learnable_temperature) == (
        "infonce",
        "modality_max",
        True,
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert "optim" not in train_rows.training_options(parsed())  # the recipe's own, paged_adamw_8bit


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--preset", "nano", "--lora-rank", "4"], "--lora-rank: not with --preset nano"),
        (["--preset", "nano", "--lora-dropout", "0", "--num-epochs", "0"], "--lora-dropout, --num-epochs: not with"),
        (["--preset", "nano", "--log-every", "0"], "--log-every must be at least 1, got 0"),
        (["--preset", "nano", "--threads", "-1"], "--threads must be at least 1, got -1"),
        (["--preset", "nano", "--fsdp", "fsdp"], "--fsdp: not with --preset nano"),
        (["--preset", "paper", "--vocab-size", "9"], "--vocab-size: not with --preset paper"),
        (["--preset", "paper", "--model", "m"], "needs --model"),
        (["--evaluate-every", "3"], "--validation and --evaluate-every"),
        (["--validation-queries", "q.jsonl"], "give them"),
        (["--validation-split", "dev"], "give them"),
        (["--num-steps", "3", "--num-epochs", "2"], "both say when to stop"),
        (["--full", "--lora-dropout", "0.1"], "--lora-dropout is about LoRA"),
        (["--full", "--quantization", "4bit"], "cannot be trained"),
        (["--freeze-vision"], "LoRA trains no tower"),
        (["--optimizer", "muon"], "factors"),
        (["--optimizer", "sgdd"], "sgdd"),
        (["--quantization", "4bit", "--fsdp", "fsdp"], "--quantization does not go with"),
        (["--fsdp", "fsdp", "--deepspeed", "zero2"], "give one"),
        (["--fsdp", "fsdp", "--gradient-checkpointing"], "checkpoint activations already"),
        (["--loss", "distill_kl"], "--teacher-scores"),
        (["--loss", "infonce", "--teacher-scores", "s.jsonl"], "--teacher-scores"),
        (["--loss", "triplet"], "triplet"),
        (["--loss", "infonce=much"], "--loss takes"),
        (["--loss", "infonce", "infonce=2"], "once a name"),
        (["--loss", "hard_positive", "--similarity", "token_max"], "changes nothing"),
        (["--similarity", "mean"], "mean"),
        (["--temperature", "3"], "within its bounds"),
        (["--bad-rows", "bad.jsonl"], "--on-bad-row skip"),
        (["--patience", "3"], "--evaluate-every"),
        (["--patience", "0"], "--patience must be at least 1"),
        (["--evaluate-every", "0"], "--evaluate-every must be at least 1"),
        (["--save-every", "0"], "--save-every must be at least 1"),
        (["--num-steps", "0"], "--num-steps must be at least 1"),
        (["--num-workers", "-1"], "--num-workers must be at least 0"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--learning-rate", "nan"], "--learning-rate must be a number above 0, got nan"),
        (["--learning-rate", "-1"], "--learning-rate must be a number above 0, got -1"),
        (["--report-to", "foo"], "unknown tracker 'foo'; choose from"),
        (["--validation", "v.jsonl", "--evaluate-every", "3", "--save-every", "2"], "saves as often"),
        (["--data", "absent.jsonl"], "absent.jsonl"),
        (["--on-bad-row", "ignore"], "ignore"),
    ],
)
def test_what_cannot_be_is_refused(
    more: list[str], words: str, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = more if "--preset" in more else line(rows, tmp_path / "out", *more)[1:]
    output = [] if "--output" in given else ["--output", str(tmp_path / "out")]
    assert main(["train", *given, *output]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="the paper's optimizer runs there")
def test_the_papers_optimizer_is_not_replaced_in_silence(rows: Path, tmp_path: Path, capsys: Any) -> None:
    given = line(rows, tmp_path / "out")
    place = given.index("--optimizer")
    assert main(given[:place] + given[place + 2 :]) == 2
    assert "--optimizer adamw" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there FSDP shards")
def test_fsdp_is_not_left_out_in_silence(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line(rows, tmp_path / "out", "--lora-rank", "2", "--fsdp", "fsdp", "--num-steps", "1")) == 2
    assert "FSDP was asked for" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_on_rows(rows: Path, tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    two_processes(rows, whole)
    entries = history(whole / "checkpoint-4")
    assert [entry["step"] for entry in entries if "loss" in entry] == [1, 2, 3, 4]
    assert [entry["eval_num_queries"] for entry in entries if "eval_num_queries" in entry] == [12.0, 12.0]
    assert FrameSelector.from_pretrained(whole / "model").encoder.load_report.num_lora_pairs == 15
    resumed.mkdir()
    shutil.copytree(whole / "checkpoint-2", resumed / "checkpoint-2")
    two_processes(rows, resumed)
    assert history(resumed / "checkpoint-4") == entries


def two_processes(rows: Path, output: Path) -> None:
    arguments = line(rows, output, "--lora-rank", "4", "--num-epochs", "2", "--batch-size", "3")
    arguments += ["--validation", str(rows), "--evaluate-every", "2", "--threads", "1"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*launcher, "-m", "clamr_select.cli", *arguments],
        capture_output=True, text=True, env=environment, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_tracker_that_is_not_installed_is_said(monkeypatch):
    from transformers.integrations import integration_utils

    from clamr_select.cli.train_options import check_report_to
    from clamr_select.errors import MissingDependencyError

    check_report_to("none")
    monkeypatch.setattr(integration_utils, "get_available_reporting_integrations", list)
    for name, words in (("tensorboard", r"clamr-select\[train\]"), ("mlflow", "--report-to mlflow needs its package")):
        with pytest.raises(MissingDependencyError, match=words):
            check_report_to(name)

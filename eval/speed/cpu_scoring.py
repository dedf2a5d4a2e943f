"""Scoring one video on a CPU: ours and published libraries' calls, in turns, in the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clamr_select.errors import InputError
from clamr_select.eval.speed.peers import worker
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.timing import summarize
from clamr_select.eval.speed.video_tokens import question_tokens, video_tokens

OURS = ("product, torch", "product, numpy", "ours, float32", "ours, bfloat16", "ours, int8")
PEERS = ("maxsim-cpu", "colpali-engine", "pylate")
TOP = 64
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
"""For every library alike; threads that wait for one another would count as CPU time."""


def scoring_peers(settings: Settings) -> Iterator[Record]:
    """Ragged texts, and texts that all have the most tokens."""
    python = None if settings.peers_python is None else Path(settings.peers_python)
    for layout in ("ragged", "full"):
        records = compare_scoring(
            peers_python=python,
            num_rounds=3 * settings.num_runs,
            num_frames=settings.num_frames,
            ragged=layout == "ragged",
        )
        yield from ({**record, "what": f"{layout}, {record['what']}"} for record in records)


def compare_scoring(
    *, peers_python: Path | None, num_rounds: int, num_frames: int = 768, ragged: bool = True
) -> list[Record]:
    """One record a method; ratios are to ours in float32, medians of CPU time.

    Args:
        peers_python: of the environment that holds the peers; None leaves them out.
        ragged: as :func:`~clamr_select.eval.speed.video_tokens.video_tokens`.

    Raises:
        InputError: there is no such Python, or a library's call failed in it.
    """
    tokens = video_tokens(num_frames=num_frames, ragged=ragged)
    query = question_tokens(tokens)
    num_modalities = len(tokens.modalities)
    rows = tokens.first_candidates * num_modalities + tokens.modality_ids - 1
    lengths = torch.bincount(rows, minlength=num_frames * num_modalities).view(num_frames, num_modalities)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        inputs = Path(folder) / "inputs.npz"
        np.savez(inputs, vectors=tokens.vectors.numpy(), lengths=lengths.numpy(), query=query.numpy())
        methods = dict.fromkeys(OURS, stack.enter_context(_worker(Path(sys.executable), inputs)))
        if peers_python is not None:
            methods |= dict.fromkeys(PEERS, stack.enter_context(_worker(peers_python, inputs)))
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in methods}
        for _ in range(num_rounds):
            for name, process in methods.items():
                runs[name].append(_ask(process, name))
    return [_record(name, runs, exact=_exact(tokens.vectors, lengths, query)) for name in methods]


def _record(name: str, runs: dict[str, list[dict[str, Any]]], *, exact: np.ndarray) -> Record:
    cpu = summarize([run["CPU ms"] for run in runs[name]])
    ours = summarize([run["CPU ms"] for run in runs["ours, float32"]])
    product = min(summarize([run["CPU ms"] for run in runs[which]]).median for which in OURS[:2])
    record: Record = {
        "what": name,
        "with": runs[name][0]["package"],
        "CPU ms": asdict(cpu),
        "wall ms": asdict(summarize([run["ms"] for run in runs[name]])),
        "to ours, float32": cpu.median / ours.median,
        "to the faster product": cpu.median / product,
        "extra MB": max(run["extra MB"] for run in runs[name]),
    }
    if runs[name][0]["scores"] is None:
        return record
    scores = np.array(runs[name][0]["scores"])
    count = min(TOP, len(exact))
    best = [set(np.argsort(-values, kind="stable")[:count].tolist()) for values in (scores, exact)]
    return record | {"error": float(np.abs(scores - exact).max()), f"same of top {count}": len(best[0] & best[1])}


def _exact(vectors: torch.Tensor, lengths: torch.Tensor, query: torch.Tensor) -> np.ndarray:
    """(num_frames,) modality-max scores in float64, summed over query tokens, by a loop."""
    similarities = vectors.double() @ query.double().T
    parts = similarities.split(lengths.flatten().tolist())
    scores = [float(part.amax(dim=0).sum()) if len(part) else -np.inf for part in parts]
    return np.array(scores).reshape(lengths.shape).max(axis=1)


@contextmanager
def _worker(python: Path, inputs: Path) -> Iterator[subprocess.Popen[str]]:
    if not python.is_file():
        raise InputError(f"there is no Python at {python}; make the peers' environment with: make peers")
    command: Sequence[str] = [str(python), str(Path(worker.__file__)), str(inputs)]
    environment = {**os.environ, **ONE_THREAD}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process


def _ask(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise InputError("the worker has no pipes")
    process.stdin.write(name + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise InputError(f"{name} failed in its worker; its error is above, on stderr")
    return json.loads(line)

"""Embeddings that a checkpoint is known to give, kept beside its weights, and whether it still gives them."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from clamr_select.doctor.probe import QUESTION, make_document
from clamr_select.doctor.report import Check
from clamr_select.errors import CheckpointError
from clamr_select.model.checkpoint.source import read_json
from clamr_select.model.encoder import ClamrEncoder

EXPECTED = "expected_embeddings.json"
NUM_COMPONENTS = 16
"""Of each token, kept: a vector has unit length, so any change of it shows in these."""
DECIMALS = 6


def probe_embeddings(encoder: ClamrEncoder) -> dict[str, torch.Tensor]:
    """(tokens, 16) float32 of the probe's question and document."""
    vectors = {
        "question": encoder.encode_query([QUESTION])[0][0],
        "document": encoder.encode_document([make_document(encoder.modalities)])[0][0].vectors,
    }
    return {name: tokens[:, :NUM_COMPONENTS].float() for name, tokens in vectors.items()}


def write_expected(encoder: ClamrEncoder, *, directory: Path) -> Path:
    """Keep what this model gives now, beside its weights; only where it is known to be right.

    Args:
        encoder: in float32 on a CPU, for values that any machine can be held to.
    """
    path = directory / EXPECTED
    rows = {
        name: [[round(value, DECIMALS) for value in token] for token in tokens.tolist()]
        for name, tokens in probe_embeddings(encoder).items()
    }
    lines = ",\n".join(
        f'"{name}": [\n' + ",\n".join(json.dumps(token) for token in tokens) + "\n]" for name, tokens in rows.items()
    )
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    return path


def check_expected(encoder: ClamrEncoder, *, directory: Path, tolerance: float) -> Check:
    """Compare with what was kept.

    Raises:
        CheckpointError: the file is not what :func:`write_expected` writes.
    """
    path = directory / EXPECTED
    if not path.is_file():
        return Check("expected embeddings", "absent", f"none are kept for this model ({EXPECTED})")
    stored = read_json(path)
    differences = []
    for name, tokens in probe_embeddings(encoder).items():
        kept = _tensor(stored.get(name), path=path)
        if kept.shape != tokens.shape:
            message = f"the {name} has {len(tokens)} tokens, {len(kept)} are expected: tokenizer or processor differ"
            return Check("expected embeddings", "failed", f"{message}; get the checkpoint's files anew")
        differences.append((kept - tokens).abs().flatten())
    off = float(torch.cat(differences).max())
    if not off <= tolerance:  # not a number is off too
        message = f"off by {off:.2g}, allowed {tolerance:.2g}: these are not the weights, or not what they computed"
        return Check("expected embeddings", "failed", f"{message}; get the checkpoint's files anew")
    return Check("expected embeddings", "ok", f"off by {off:.1g} at most, allowed {tolerance:.2g}")


def _tensor(rows: object, *, path: Path) -> torch.Tensor:
    try:
        kept = torch.tensor(rows, dtype=torch.float32)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not what was written for this check: {error}") from error
    if kept.ndim != 2:
        raise CheckpointError(f"{path} must hold (tokens, {NUM_COMPONENTS}) numbers, got {tuple(kept.shape)}")
    return kept

"""Does a checkpoint load whole, and compute what a late-interaction model must?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from clamr_select.doctor.expected import check_expected
from clamr_select.doctor.probe import ANSWER, LONGER_QUESTION, OTHER, QUESTION, make_document, text_document
from clamr_select.doctor.report import Check, attempt
from clamr_select.errors import ClamrSelectError
from clamr_select.model.checkpoint.find import find_checkpoint
from clamr_select.model.checkpoint.report import CheckpointWarning
from clamr_select.model.checkpoint.source import HubOptions
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder

EXACT, EXACT_EXPECTED = 1e-5, 1e-4
"""Allowed differences of float32 on a CPU: within one machine, and from one machine to another."""
COARSE = 0.05
"""Allowed elsewhere, where kernels round to ten bits and differ from one shape to another."""


def check_checkpoint(model: str | Path, *, base: str | Path | None = None, device: str = "auto") -> list[Check]:
    """Load it, then look at what it computes; without the first there is no second."""
    try:
        encoder = load(model, base=base, device=device)
    except ClamrSelectError as error:
        return [Check("checkpoint", "failed", " ".join(str(error).split()))]
    directory = directory_of(model, base=base)
    exact = encoder.model.dtype == torch.float32 and encoder.device.type == "cpu"
    expected = EXACT_EXPECTED if exact else COARSE
    return [
        *attempt("checkpoint", partial(_describe, encoder)),
        *attempt("embeddings", partial(check_unit_length, encoder, tolerance=EXACT_EXPECTED if exact else COARSE)),
        *attempt("batching", partial(check_batching, encoder, tolerance=EXACT if exact else COARSE)),
        *attempt("matching", partial(check_matching, encoder)),
        *attempt("expected embeddings", partial(check_expected, encoder, directory=directory, tolerance=expected)),
    ]


def load(model: str | Path, *, base: str | Path | None = None, device: str = "auto") -> ClamrEncoder:
    """As everywhere; what had to be assumed is in the load report, and not shown twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        return ClamrEncoder.from_pretrained(str(model), device=device, base=base)


def directory_of(model: str | Path, *, base: str | Path | None = None) -> Path:
    """Where the files of a model lie that was loaded before."""
    return find_checkpoint(model, base=base, hub=HubOptions(local_files_only=True)).source.directory


def _describe(encoder: ClamrEncoder) -> list[Check]:
    report = encoder.load_report
    if report is None:
        return [Check("checkpoint", "warning", "it says nothing of where its weights came from")]
    parts = [
        f"{report.name}: {report.kind}, {report.backbone}" + (f" on {report.base}" if report.base else ""),
        f"{report.num_tensors} tensors, all from files",
        f"projection from the {report.projection}" if report.projection != "drawn" else "projection drawn, seed 42",
        f"modalities {', '.join(encoder.modalities)}",
        f"{str(encoder.model.dtype).removeprefix('torch.')} on {encoder.device}",
    ]
    if report.num_lora_pairs:
        parts.insert(2, f"{report.num_lora_pairs} LoRA pairs")
    if report.dropped:
        parts.append("left out: " + ", ".join(f"{name} ({number})" for name, number in sorted(report.dropped.items())))
    assumed = [Check(code, "warning", message) for code, message in report.warnings]
    return [Check("checkpoint", "ok", "; ".join(parts)), *assumed]


def check_unit_length(encoder: ClamrEncoder, *, tolerance: float) -> Check:
    """Every token vector is finite and of length one."""
    tokens = [*encoder.encode_query([QUESTION])[0], encoder.encode_document([_document(encoder)])[0][0].vectors.float()]
    vectors = torch.cat(tokens)
    if not bool(torch.isfinite(vectors).all()):
        return Check("embeddings", "failed", "some are not finite; load it in another dtype (float32, bfloat16)")
    off = float((vectors.norm(dim=-1) - 1).abs().max())
    if not off <= tolerance:  # not a number is off too
        return Check("embeddings", "failed", f"lengths are off 1 by {off:.2g}, allowed {tolerance:.2g}; report this")
    return Check("embeddings", "ok", f"{len(vectors)} tokens of {vectors.shape[1]} numbers, finite, of length 1")


def check_batching(encoder: ClamrEncoder, *, tolerance: float) -> Check:
    """A question and a document give the same vectors alone and beside longer ones."""
    questions, documents = [QUESTION, LONGER_QUESTION], [_document(encoder), _document(encoder, num_frames=4)]
    pairs = [
        (encoder.encode_query(questions)[0], [encoder.encode_query([each])[0][0] for each in questions]),
        (
            [embedded.vectors for embedded in encoder.encode_document(documents)[0]],
            [encoder.encode_document([each])[0][0].vectors for each in documents],
        ),
    ]
    off = float(torch.stack([_largest_difference(together, alone) for together, alone in pairs]).max())
    if not off <= tolerance:  # not a number is off too
        message = (
            f"vectors change by {off:.2g} with the batch, allowed {tolerance:.2g}; try attn_implementation='eager'"
        )
        return Check("batching", "failed", message)
    return Check("batching", "ok", f"alone or padded in a batch: off by {off:.1g} at most, allowed {tolerance:.2g}")


def check_matching(encoder: ClamrEncoder) -> Check:
    """A text with the question's words scores above one without."""
    modality = next((name for name in encoder.modalities if name in ("asr", "ocr", "description")), None)
    if modality is None:
        return Check("matching", "absent", "the model has no modality of text")
    texts = encoder.encode_document([text_document(text, modality=modality) for text in (ANSWER, OTHER)])[0]
    with_words, without = encoder.similarity(encoder.encode_query([QUESTION])[0], texts)[0].tolist()
    said = f"a text with the question's words scores {with_words:.2f}, another {without:.2f}"
    if not with_words > without:
        return Check("matching", "failed", f"{said}; these weights do not retrieve: check adapter and base")
    return Check("matching", "ok", said)


def _document(encoder: ClamrEncoder, *, num_frames: int = 2) -> Document:
    return make_document(encoder.modalities, num_frames=num_frames)


def _largest_difference(first: Sequence[torch.Tensor], second: Sequence[torch.Tensor]) -> torch.Tensor:
    """Not a number where any is not."""
    return torch.cat([(a.float() - b.float()).abs().flatten() for a, b in zip(first, second, strict=True)]).max()

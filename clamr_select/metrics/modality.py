"""Does a system look where the answer is? Modality accuracy as the CLaMR paper's Table 3 has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.errors import InputError


@dataclass(frozen=True)
class ModalityReport:
    """All shares are 0..1, over questions whose answer lies in one modality."""

    accuracy: float
    """The modality that most query tokens found their best match in is the gold one; equal counts: the first by name
    order of ``modalities``."""
    any_accuracy: float
    """At least one query token found its best match there."""
    accuracy_by_modality: dict[str, float]
    """Of the questions of each gold modality."""
    macro_precision: float
    macro_recall: float
    macro_f1: float
    """Means over the gold modalities; precision is 0 where a modality is never predicted."""
    predicted: dict[str, float]
    """Share of the questions that each modality was predicted for."""
    num_questions: int


def modality_report(
    winners: Sequence[Sequence[str]], *, gold: Sequence[str], modalities: Sequence[str]
) -> ModalityReport:
    """
    Args:
        winners: for each question, the modality of the document token that each query token found best; one entry for
            a system that chooses one modality.
        gold: for each question, the modality that answers it.
        modalities: all names, in the order that settles equal counts.

    Raises:
        InputError: no question, lengths that differ, a question without a winner, or an unknown modality.
    """
    if not gold or len(gold) != len(winners):
        raise InputError(f"got winners of {len(winners)} questions and {len(gold)} gold modalities; one each, not none")
    unknown = {name for names in (*winners, gold) for name in names} - set(modalities)
    if unknown or not all(len(names) for names in winners):
        raise InputError(
            f"every question needs a winner, each of {', '.join(modalities)}; got {sorted(unknown) or 'none'}"
        )
    votes = np.array([[list(names).count(modality) for modality in modalities] for names in winners])
    predicted = votes.argmax(axis=1)
    truth = np.array([list(modalities).index(name) for name in gold])
    precision, recall, f1 = [], [], []
    for modality in np.unique(truth):
        right = float(((predicted == modality) & (truth == modality)).sum())
        precision.append(right / max(1, int((predicted == modality).sum())))
        recall.append(right / int((truth == modality).sum()))
        f1.append(2 * precision[-1] * recall[-1] / max(precision[-1] + recall[-1], 1e-12))
    return ModalityReport(
        accuracy=float((predicted == truth).mean()),
        any_accuracy=float((votes[np.arange(len(truth)), truth] > 0).mean()),
        accuracy_by_modality={modalities[m]: r for m, r in zip(np.unique(truth), recall, strict=True)},
        macro_precision=float(np.mean(precision)),
        macro_recall=float(np.mean(recall)),
        macro_f1=float(np.mean(f1)),
        predicted={name: float((predicted == position).mean()) for position, name in enumerate(modalities)},
        num_questions=len(truth),
    )

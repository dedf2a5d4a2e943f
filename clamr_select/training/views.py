"""What a model sees of a document, and how it is scored: CLaMR, and the systems that it is compared with.

One encoder class serves all of them, so that a difference between two is one of the view alone. A view is used alike
by training and by whoever scores afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from clamr_select.errors import unknown_name
from clamr_select.model.document import Document
from clamr_select.training.scores import Score, check_score

VIDEO = "video"
TEXT_MODALITIES = ("ocr", "asr", "description")


@dataclass(frozen=True)
class View:
    """
    Raises:
        UnknownNameError: there is no such score.
    """

    score: Score = "token_max"
    modality: str | None = None
    """The one modality that is encoded, and whose questions train; None: all."""
    separate: bool = False
    """Each modality is encoded alone (not contextualized), and their tokens are scored together."""

    def __post_init__(self) -> None:
        check_score(self.score)

    def trains_on(self, target: str) -> bool:
        """Whether questions of this target belong to its training."""
        return self.modality is None or target == self.modality

    def parts(self, document: Document) -> tuple[Document, ...]:
        """What is encoded of it, piece by piece; none where it lacks the modality."""
        if self.modality is not None:
            return alone(document, self.modality)
        if self.separate:
            return tuple(part for modality in (VIDEO, *TEXT_MODALITIES) for part in alone(document, modality))
        return (document,)


def alone(document: Document, modality: str) -> tuple[Document, ...]:
    """One modality of a document, its candidates numbered as before; () where it has none of it."""
    if modality == VIDEO:
        return (Document(document.frames, neighbors=document.neighbors),) if len(document.frames) else ()
    texts = tuple(segment for segment in document.texts if segment.modality == modality)
    return (Document((), texts, num_unseen_candidates=document.num_candidates),) if texts else ()


VIEWS = MappingProxyType(
    {
        "clamr": View(),
        "separate": View(separate=True),
        **{modality: View(modality=modality) for modality in (VIDEO, *TEXT_MODALITIES)},
        "average": View("average"),
        "pooled": View("pooled"),
        "token_max": View("token_max"),
        "modality_max": View("modality_max"),
        "hard_positive": View("token_max"),
        "hard_negative": View("token_max"),
    }
)
"""By the name of the system: the full recipe, then what it is compared with, then the paper's own variants, which
differ in what they are trained with (:func:`clamr_select.training.presets.nano_objective`)."""


def view_of(system: str) -> View:
    """The view of a system.

    Raises:
        UnknownNameError: there is no such system.
    """
    if system not in VIEWS:
        raise unknown_name("system", system, tuple(VIEWS))
    return VIEWS[system]

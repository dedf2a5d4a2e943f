"""Towers with one space as an encoder of documents: one vector a modality, one a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from clamr_select.errors import CheckpointError
from clamr_select.eval.retrieval.encoders.pictures import PictureTower
from clamr_select.eval.retrieval.encoders.sounds import SoundTower
from clamr_select.eval.retrieval.encoders.text import TextTower
from clamr_select.model.document import SAMPLE_RATE, Document
from clamr_select.model.processing_clamr import Truncation
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings
from clamr_select.training.views import TEXT_MODALITIES, VIDEO

AUDIO = "audio"


class DualEncoder:
    """Every modality of a document becomes one vector in the space of the questions.

    Args:
        text: encodes questions, and texts where ``reads``.
        reads: encode on-screen text, speech and description too.

    Raises:
        CheckpointError: the towers' vectors differ in length.
    """

    def __init__(
        self, *, text: TextTower, pictures: PictureTower | None, sounds: SoundTower | None, reads: bool
    ) -> None:
        self._text, self._pictures, self._sounds = text, pictures, sounds
        shown = ((VIDEO, pictures is not None), (AUDIO, sounds is not None), *((m, reads) for m in TEXT_MODALITIES))
        self.modalities = tuple(modality for modality, there in shown if there)
        self.embedding_dim = text.vectors(["a"], side="query")[0].shape[1]
        self._check_space()

    @property
    def hears(self) -> bool:
        return self._sounds is not None

    def identity(self) -> dict[str, Any]:
        """JSON values, equal for encoders that give the same vectors."""
        towers = {"text": self._text, "pictures": self._pictures, "sounds": self._sounds}
        text = {"max_tokens": self._text.max_tokens, "prompts": self._text.prompts}
        return {"modalities": self.modalities, **text} | {n: t.identity for n, t in towers.items() if t is not None}

    def encode_query(self, questions: Sequence[str]) -> tuple[list[torch.Tensor], list[Truncation]]:
        """(1, dim) each, and what did not fit."""
        vectors, cut = self._text.vectors(questions, side="query")
        return list(vectors.split(1)), [Truncation(n, "query", count) for n, count in enumerate(cut) if count]

    def encode_document(self, documents: Sequence[Document]) -> tuple[list[TokenEmbeddings], list[Truncation]]:
        """At most one vector a modality each, none for what a document lacks, and what did not fit."""
        found: list[list[tuple[int, torch.Tensor]]] = [[] for _ in documents]
        truncations: list[Truncation] = []
        for number, modality in enumerate(self.modalities, start=1):
            owners, vectors, cut = self._side(documents, modality)
            truncations += [Truncation(o, modality, count) for o, count in zip(owners, cut, strict=True) if count]
            for owner, vector in zip(owners, vectors, strict=True):
                found[owner].append((number, vector))
        embedded = [self._embedding(vectors, document) for vectors, document in zip(found, documents, strict=True)]
        return embedded, truncations

    def _check_space(self) -> None:
        black = np.zeros((32, 32, 3), dtype=np.uint8)
        silence = np.zeros(SAMPLE_RATE, dtype=np.float32)
        dims = {"text": self.embedding_dim}
        if self._pictures is not None:
            dims["pictures"] = self._pictures.vectors([[black]]).shape[1]
        if self._sounds is not None:
            dims["sounds"] = self._sounds.vectors([silence]).shape[1]
        if len(set(dims.values())) > 1:
            raise CheckpointError(f"its towers are of different spaces: {dims} numbers a vector")

    def _side(self, documents: Sequence[Document], modality: str) -> tuple[list[int], torch.Tensor, list[int]]:
        """Which documents have it, their vectors, and how much of each was cut."""
        if modality == VIDEO and self._pictures is not None:
            owners = [n for n, document in enumerate(documents) if len(document.frames)]
            shown = [documents[n].frames for n in owners]
            return owners, self._pictures.vectors(shown) if owners else torch.zeros(0), [0] * len(owners)
        if modality == AUDIO and self._sounds is not None:
            heard = {n: d.audio.samples for n, d in enumerate(documents) if d.audio is not None}
            return (
                list(heard),
                self._sounds.vectors(list(heard.values())) if heard else torch.zeros(0),
                [0] * len(heard),
            )
        texts = {n: " ".join(s.text for s in d.texts if s.modality == modality) for n, d in enumerate(documents)}
        texts = {n: text for n, text in texts.items() if text}
        if not texts:
            return [], torch.zeros(0), []
        return list(texts), *self._text.vectors(list(texts.values()), side="document")

    def _embedding(self, vectors: Sequence[tuple[int, torch.Tensor]], document: Document) -> TokenEmbeddings:
        untimed = torch.full((len(vectors),), NO_CANDIDATE)
        return TokenEmbeddings(
            vectors=torch.stack([v for _, v in vectors]) if vectors else torch.zeros(0, self.embedding_dim),
            modality_ids=torch.tensor([number for number, _ in vectors], dtype=torch.int64),
            first_candidates=untimed,
            last_candidates=untimed,
            num_candidates=document.num_candidates,
            modalities=self.modalities,
        )

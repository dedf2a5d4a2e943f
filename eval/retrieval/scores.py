"""Exact scores of all questions on all videos, part by part, and read back some questions at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clamr_select.errors import InputError
from clamr_select.eval.ranking.pool import score_blocks, winning_modalities
from clamr_select.eval.retrieval.corpus import CorpusQuestion
from clamr_select.eval.retrieval.parts import EmbeddedPart, PartFolder, Parts, write_tensors
from clamr_select.training.data.report import BadRow

TOKEN_MAX, POOLED = "token_max", "pooled"
Votes = Mapping[tuple[int, int], list[str]]
"""By question and video: the modality in which each query token found its best match."""


class ScoreFolder:
    """Score files of one encoder on one set of questions: for every part, ``token_max``, ``pooled`` and each modality's
    MaxSim, (num_questions, num_videos) float32, ``-inf`` where there is nothing to score; and the votes of the
    questions' tokens in the videos that answer.

    Args:
        questions: all of them.
        folder: for these questions and this encoder alone.
    """

    def __init__(
        self, folder: Path, *, questions: Sequence[CorpusQuestion], parts: Parts, modalities: Sequence[str]
    ) -> None:
        self.modalities = tuple(modalities)
        self._folder = folder
        self._questions = questions
        self._parts = parts

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of what :meth:`block` gives."""
        return (TOKEN_MAX, POOLED, *self.modalities)

    def path(self, number: int) -> Path:
        return self._folder / f"part-{number:05d}.safetensors"

    def has(self, number: int) -> bool:
        return self.path(number).is_file()

    def make(self, number: int, *, queries: Sequence[torch.Tensor], embeddings: PartFolder, device: str) -> None:
        """Score one part.

        Args:
            queries: (num_query_tokens, dim) of each question.
            device: where it is multiplied.
        """
        part = embeddings.read(number)
        moved = replace(part.pool, tokens=replace(part.pool.tokens, vectors=part.pool.tokens.vectors.to(device)))
        blocks = list(_tables(queries, moved, self.modalities))
        tensors = {name: torch.cat([block[name] for block in blocks]) for name in self.tables}
        pairs, votes = self._votes(number, part, queries)
        about = {
            "pairs": pairs,
            "votes": votes,
            "skipped": [[position, bad.name, bad.reason] for position, bad in part.skipped],
            "num_tokens_cut": part.num_tokens_cut,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        write_tensors(self.path(number), tensors, about)

    def _votes(
        self, number: int, part: EmbeddedPart, queries: Sequence[torch.Tensor]
    ) -> tuple[list[list[int]], list[dict[str, int]]]:
        positions = self._parts.positions(number)
        pairs = [[q, v] for q, question in enumerate(self._questions) for v in question.relevance if v in positions]
        winners = [
            winning_modalities(queries[q], pool=part.pool, document=v - positions.start, by_token=True)
            for q, v in pairs
        ]
        return pairs, [dict(Counter(found)) for found in winners]

    def about(self) -> tuple[Votes, dict[int, BadRow], int]:
        """Votes, skipped videos by position, and tokens of text that were cut, over all parts."""
        votes: dict[tuple[int, int], list[str]] = {}
        skipped: dict[int, BadRow] = {}
        num_cut = 0
        for number in range(len(self._parts)):
            found = self._header(number)
            for (question, video), counts in zip(found["pairs"], found["votes"], strict=True):
                votes[question, video] = [name for name, count in counts.items() for _ in range(count)]
            skipped |= {position: BadRow(name, reason) for position, name, reason in found["skipped"]}
            num_cut += found["num_tokens_cut"]
        return votes, skipped, num_cut

    def block(self, table: str, start: int, stop: int) -> np.ndarray:
        """(stop - start, num_videos) float32 of some questions."""
        return np.concatenate([self._rows(number, table, start, stop) for number in range(len(self._parts))], axis=1)

    def _header(self, number: int) -> dict[str, Any]:
        import json

        with _opened(self.path(number)) as file:
            return json.loads(file.metadata()["about"])

    def _rows(self, number: int, table: str, start: int, stop: int) -> np.ndarray:
        with _opened(self.path(number)) as file:
            return file.get_slice(table)[start:stop]


def _opened(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, framework="np")
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); remove it, and it is made again") from error


def _tables(queries: Sequence[torch.Tensor], pool: Any, modalities: Sequence[str]) -> Iterator[dict[str, torch.Tensor]]:
    for found in score_blocks(queries, pool=pool, rows="documents"):
        by_modality = {name: found.by_modality[:, :, at].cpu() for at, name in enumerate(modalities)}
        yield {TOKEN_MAX: found.token_max.cpu(), POOLED: found.pooled.cpu(), **by_modality}

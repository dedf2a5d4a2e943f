"""Scores of a system for some questions at a time, whatever it is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from clamr_select.eval.ranking.encoded import SINGLE_MODALITIES
from clamr_select.eval.ranking.fusion import mean_of_present, reciprocal_rank_fusion, route, routed
from clamr_select.eval.ranking.words import Bm25
from clamr_select.eval.retrieval.corpus import Corpus
from clamr_select.eval.retrieval.encoders.dual import AUDIO
from clamr_select.eval.retrieval.scores import ScoreFolder, Votes
from clamr_select.eval.retrieval.systems import Fused, Scores, System, Words, tables_of
from clamr_select.training.data.assemble import row_texts

MAX_BLOCK_SCORES = 1 << 22
"""Of one table: 16 MiB of float32."""


SCORE_DECIMALS = 5
"""Of similarities: the same text in another batch may score a millionth more, and is a tie."""


class ScoreBlocks:
    """
    Args:
        kept: positions of the videos that are ranked.
        scores, votes: by encoder.
        without: modalities that BM25 does not read.
    """

    def __init__(
        self,
        corpus: Corpus,
        systems: Mapping[str, System],
        *,
        kept: np.ndarray,
        scores: Mapping[str, ScoreFolder],
        votes: Mapping[str, Votes],
        without: Collection[str] = (),
    ) -> None:
        self._questions = [question.text for question in corpus.questions]
        self._kept = kept
        self._scores = scores
        self._votes = votes
        needed = {table for system in systems.values() for table in tables_of(system) if isinstance(table, Words)}
        self._words = {t: Bm25(_texts(corpus, kept, t, without), terms=t.terms) for t in needed}
        self._size = max(1, MAX_BLOCK_SCORES // max(1, len(kept)))

    def ranges(self) -> Iterator[tuple[int, int]]:
        """(first, past the last) question of each block."""
        count = len(self._questions)
        return ((start, min(start + self._size, count)) for start in range(0, count, self._size))

    def table(self, system: System, start: int, stop: int, *, known: dict[System, np.ndarray]) -> np.ndarray:
        """(stop - start, num_kept), ``-inf`` where a video has nothing to score.

        Args:
            known: tables of this block that were made already; filled.
        """
        if system not in known:
            known[system] = self._table(system, start, stop, known)
        return known[system]

    def _table(self, system: System, start: int, stop: int, known: dict[System, np.ndarray]) -> np.ndarray:
        if isinstance(system, Scores):
            table = self._scores[system.encoder].block(system.table, start, stop)[:, self._kept]
            return np.round(table, SCORE_DECIMALS)
        asked = self._questions[start:stop]
        if isinstance(system, Words):
            return np.stack([self._words[system].scores(question) for question in asked])
        members = {label: self.table(member, start, stop, known=known) for label, member in system.members}
        if system.how == "router":
            return routed(members, questions=asked)
        join = {"max": _highest, "average": mean_of_present, "rrf": reciprocal_rank_fusion}[system.how]
        return join(list(members.values()))

    def winners(
        self, system: System, question: int, place: int, *, start: int, known: dict[System, np.ndarray]
    ) -> list[str] | None:
        """The modalities that a question chose in a video that answers it; [] where the video has nothing to choose
        from, None for a system that does not choose.

        Args:
            place: of the video among the kept ones.
            start: of the block whose tables are ``known``.
        """
        if isinstance(system, Scores) and system.votes:
            return self._votes[system.encoder].get((question, int(self._kept[place])), [])
        if not isinstance(system, Fused) or system.how == "rrf":
            return None
        labels = [label for label, _ in system.members]
        if not {*labels} <= {*SINGLE_MODALITIES, AUDIO}:
            return None
        if system.how == "router":
            return [route(self._questions[question], modalities=labels)]
        values = [known[member][question - start, place] for _, member in system.members]
        return [labels[int(np.argmax(values))]] if np.isfinite(values).any() else []


def _highest(tables: Sequence[np.ndarray]) -> np.ndarray:
    return np.max(tables, axis=0)


def _texts(corpus: Corpus, kept: np.ndarray, words: Words, without: Collection[str]) -> Iterator[str]:
    """Whole texts: BM25 has no budget."""
    for position in kept:
        texts = row_texts(corpus.row(int(position)))
        yield " ".join(texts[m] for m in words.modalities if texts[m] and m not in without)

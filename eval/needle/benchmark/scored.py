"""Every system over one set of documents and questions: drawn once, encoded once a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from clamr_select.eval.needle.benchmark.systems import BEST_MOMENT, FUSED, WORDS, views_of
from clamr_select.eval.ranking.encoded import ENCODED, SINGLE_MODALITIES, VOTING
from clamr_select.eval.ranking.fusion import reciprocal_rank_fusion, route, routed
from clamr_select.eval.ranking.pool import PoolBuilder, chunks, score_moments, score_pool, winning_modalities
from clamr_select.eval.ranking.words import Bm25, Terms
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.encoding import EncodedDocuments
from clamr_select.training.objective import Rows
from clamr_select.training.scores import Score
from clamr_select.training.views import view_of

CHOOSING = ("clamr_modality_max", "average")
"""Systems with one similarity a modality: the highest is their choice."""
_TERMS: Mapping[str, Terms] = {"bm25_words": "words", "bm25_trigrams": "trigrams"}


@dataclass(frozen=True)
class Material:
    """What is searched, by which questions."""

    questions: tuple[str, ...]
    documents: Callable[[], Iterable[Document]]
    """Draws them anew."""
    rows: Rows
    """What is ranked: whole documents, or the frames of all of them."""
    oracle: np.ndarray
    """(num_questions, num_rows)."""
    gold_documents: tuple[tuple[int, ...], ...] = ()
    """Of each question, for modality accuracy; () where there is none to report."""


@dataclass
class Scored:
    """(num_questions, num_rows) by system, higher is better."""

    tables: dict[str, np.ndarray] = field(default_factory=dict)
    winners: dict[str, list[list[str]]] = field(default_factory=dict)
    """By system and question, see :func:`winning_modalities`."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Why a system is not in the tables."""
    num_tokens_cut: dict[str, int] = field(default_factory=dict)
    """By view: text that did not fit the model."""


def score_systems(material: Material, *, systems: Sequence[str], encoders: Mapping[str, ClamrEncoder]) -> Scored:
    """
    Args:
        systems: names of :data:`clamr_select.eval.needle.benchmark.systems.SYSTEMS`.
        encoders: by view. A system that lacks one is left out, and named.
    """
    scored = Scored()
    kept = []
    for system in systems:
        missing = [view for view in views_of(system) if view not in encoders]
        if system == BEST_MOMENT and material.rows == "frames":
            scored.left_out[system] = "it ranks documents; of frames it is clamr"
        elif missing:
            scored.left_out[system] = f"no checkpoint of {', '.join(missing)}"
        else:
            kept.append(system)
    views = {view for system in kept for view in views_of(system)}
    builders = {view: PoolBuilder(encoders[view], view=view_of(view)) for view in sorted(views)}
    texts: list[str] = []
    for some in chunks(material.documents()):
        for builder in builders.values():
            builder.add(some)
        texts += [text for document in some for text in row_texts(document, rows=material.rows)]
    for view, builder in builders.items():
        pool = builder.pool()
        scored.num_tokens_cut[view] = builder.num_tokens_cut
        encoded = [name for name in (*ENCODED, BEST_MOMENT) if view in views_of(name)]
        needed = [name for name in encoded if name in kept or _fuses(name, kept)]
        _score_view(scored, material, needed, pool, encoders[view])
    _fuse(scored, material, kept)
    for name in WORDS:
        if name in kept:
            index = Bm25(texts, terms=_TERMS[name])
            scored.tables[name] = np.stack([index.scores(question) for question in material.questions])
    if "uniform" in kept:
        scored.tables["uniform"] = np.zeros(material.oracle.shape, dtype=np.float32)
    if "oracle" in kept:
        scored.tables["oracle"] = material.oracle
    scored.tables = {name: scored.tables[name] for name in kept}
    return scored


def row_texts(document: Document, *, rows: Rows) -> list[str]:
    """What BM25 reads: all text of a document, or what stands at each of its candidates."""
    if rows == "documents":
        return [" ".join(segment.text for segment in document.texts)]
    timed = [(s, s.first_candidate, s.last_candidate) for s in document.texts]
    return [
        " ".join(s.text for s, first, last in timed if first is not None and last is not None and first <= i <= last)
        for i in range(document.num_candidates)
    ]


def _fuses(name: str, kept: Sequence[str]) -> bool:
    return name in SINGLE_MODALITIES and any(system in FUSED for system in kept)


def _score_view(
    scored: Scored, material: Material, names: Sequence[str], pool: EncodedDocuments, encoder: ClamrEncoder
) -> None:
    queries, _ = encoder.encode_query(material.questions)
    if BEST_MOMENT in names:
        scored.tables[BEST_MOMENT] = score_moments(queries, pool=pool)
    names = [name for name in names if name in ENCODED]
    wanted: list[Score] = sorted({ENCODED[name].score for name in names})
    tables = score_pool(queries, pool=pool, rows=material.rows, scores=wanted)
    for name in names:
        table = tables[ENCODED[name].score]
        scored.tables[name] = table
        if material.gold_documents and name in (*VOTING, *CHOOSING):
            scored.winners[name] = [
                winning_modalities(
                    query, pool=pool, document=max(gold, key=lambda d: scores[d]), by_token=name in VOTING
                )
                for query, gold, scores in zip(queries, material.gold_documents, table, strict=True)
            ]


def _fuse(scored: Scored, material: Material, kept: Sequence[str]) -> None:
    single = {name: scored.tables[name] for name in SINGLE_MODALITIES if name in scored.tables}
    if "rrf" in kept:
        scored.tables["rrf"] = reciprocal_rank_fusion(list(single.values()))
    if "router" in kept:
        scored.tables["router"] = routed(single, questions=material.questions)
        if material.gold_documents:
            scored.winners["router"] = [[route(question)] for question in material.questions]

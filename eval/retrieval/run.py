"""The evaluation as one call: embeddings and scores that are not there yet, then the report."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.ranking.encoded import find_checkpoints
from clamr_select.eval.retrieval.blocks import ScoreBlocks
from clamr_select.eval.retrieval.corpus import Corpus
from clamr_select.eval.retrieval.encode import LoadedEncoder, digest_of, encode_corpus
from clamr_select.eval.retrieval.encoders.families import Family, with_weights
from clamr_select.eval.retrieval.load import load_encoders
from clamr_select.eval.retrieval.loading import RowReader
from clamr_select.eval.retrieval.measure import measure, question_groups, report_systems
from clamr_select.eval.retrieval.parts import Parts
from clamr_select.eval.retrieval.scores import ScoreFolder, Votes
from clamr_select.eval.retrieval.settings import Settings
from clamr_select.eval.retrieval.systems import OURS, System, checkpoint_of, encoders_of, expand, part_that_is
from clamr_select.model.loading import device_name
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.opening import open_index, open_loader, open_source
from clamr_select.training.data.report import BadRow, summary

logger = logging.getLogger(__name__)

MAX_SOUND_SECONDS = 300.0
"""Read of a video for encoders that hear; our own cut it to what they were trained on."""


def run_retrieval(settings: Settings) -> dict[str, Any] | None:
    """The report, ready for JSON; None for one shard of several, which makes its part of embeddings and scores alone.

    Raises:
        InputError: nothing to compare, or rows that cannot be used.
        BadRowError: a video cannot be read, and ``on_bad_row`` is ``error``.
        ModelError: a checkpoint cannot be loaded.
    """
    families = with_weights(settings.weights)
    systems = expand(settings.systems, families=families)
    checkpoints = find_checkpoints(settings.checkpoints, model=settings.model)
    left_out = {
        name: "no checkpoint of its own"
        for name, system in systems.items()
        if _lacks_checkpoint(system, checkpoints, families)
    }
    if settings.ours not in systems and settings.ours != OURS:
        raise unknown_name("system to compare with", settings.ours, systems)
    systems = {name: system for name, system in systems.items() if name not in left_out}
    if not systems:
        raise InputError(f"nothing to compare: no checkpoint of {', '.join(left_out)}; give --checkpoints")
    corpus = open_corpus(settings)
    parts = Parts(len(corpus), settings.part_size)
    needed = list(dict.fromkeys(encoder for system in systems.values() for encoder in encoders_of(system)))
    encoders = load_encoders(needed, settings=settings, corpus=corpus, checkpoints=checkpoints, families=families)
    encode_corpus(
        corpus,
        list(encoders.values()),
        reader=_reader(settings, encoders),
        parts=parts,
        shard=settings.shard,
        precision=settings.precision,
        on_bad_row=settings.on_bad_row,
    )
    scores, num_questions_cut = _score(corpus, encoders, parts, settings)
    if settings.shard[1] > 1:
        return None
    tables = {name: folder.tables for name, folder in scores.items()}
    found = {name: part_that_is(system, tables=tables) for name, system in systems.items()}
    left_out |= {name: "the model has no such modality" for name, system in found.items() if system is None}
    report = _report(corpus, {name: s for name, s in found.items() if s is not None}, scores, settings)
    return {
        **report,
        "encoders": {name: encoder.parts.folder.name for name, encoder in encoders.items()},
        "checkpoints": {n: checkpoints[checkpoint_of(n)] for n in needed if checkpoint_of(n) in checkpoints},
        "questions_cut": num_questions_cut,
        "left_out": left_out,
    }


def open_corpus(settings: Settings) -> Corpus:
    """
    Raises:
        InputError: there is nothing to read, or rows are bad and ``on_bad_row`` is ``error``.
    """
    files, on_bad_row = settings.files, settings.on_bad_row
    asked = open_index(files.rows, split=files.split, queries=files.queries, on_bad_row=on_bad_row)
    others = None
    if files.documents is not None:
        others = RowIndex(open_source(files.documents), needs_query=False, on_bad_row=on_bad_row)
    return Corpus(asked, others=others, on_bad_row=on_bad_row)


def _lacks_checkpoint(system: System, checkpoints: Mapping[str, str], families: Mapping[str, Family]) -> bool:
    return any(name not in families and checkpoint_of(name) not in checkpoints for name in encoders_of(system))


def _reader(settings: Settings, encoders: Mapping[str, LoadedEncoder]) -> RowReader:
    files = settings.files
    hears = any(encoder.hears for encoder in encoders.values())
    if not encoders or ("video" in settings.without and not hears):
        return RowReader(None)
    loader = open_loader(
        files.rows, frames_dir=files.frames_dir, video_dir=files.video_dir, num_frames=settings.num_frames
    )
    return RowReader(loader, MAX_SOUND_SECONDS if hears else 0.0)


def _score(
    corpus: Corpus, encoders: Mapping[str, LoadedEncoder], parts: Parts, settings: Settings
) -> tuple[dict[str, ScoreFolder], dict[str, int]]:
    """Score files of every encoder, and how many questions were too long for it."""
    asked = [[question.text, sorted(question.relevance)] for question in corpus.questions]
    found, cut = {}, {}
    for name, loaded in encoders.items():
        folder = settings.output / "scores" / loaded.parts.folder.name / digest_of(asked)
        modalities = loaded.encoder.modalities
        scores = ScoreFolder(folder, questions=corpus.questions, parts=parts, modalities=modalities)
        queries, truncations = loaded.encoder.encode_query([question.text for question in corpus.questions])
        cut[name] = len(truncations)
        for number in parts.of_shard(settings.shard):
            if not scores.has(number):
                scores.make(number, queries=queries, embeddings=loaded.parts, device=device_name(settings.device))
                logger.info("scores of %s: part %d of %d", name, number + 1, len(parts))
        found[name] = scores
    return found, cut


def _report(
    corpus: Corpus, systems: Mapping[str, System], scores: Mapping[str, ScoreFolder], settings: Settings
) -> dict[str, Any]:
    votes: dict[str, Votes] = {}
    skipped: dict[int, BadRow] = {}
    tokens_cut: dict[str, int] = {}
    for name, folder in scores.items():
        votes[name], there, tokens_cut[name] = folder.about()
        skipped |= there
    if skipped and settings.on_bad_row == "error":
        raise InputError(
            f"{summary(list(skipped.values()), num_rows=len(corpus))}. They were skipped when their parts were made: "
            f"repair them and remove embeddings and scores in {settings.output}, or skip them with on_bad_row='skip'"
        )
    kept = np.array([position for position in range(len(corpus)) if position not in skipped], dtype=np.int64)
    place_of = {int(position): place for place, position in enumerate(kept)}
    relevance = [
        {place_of[video]: grade for video, grade in question.relevance.items() if video in place_of}
        for question in corpus.questions
    ]
    asked = np.array([bool(answers) for answers in relevance])
    if not asked.any():
        raise InputError("no question is left: none of the videos that answer can be read")
    blocks = ScoreBlocks(corpus, systems, kept=kept, scores=scores, votes=votes, without=settings.without)
    found = measure(corpus.questions, systems, blocks=blocks, relevance=relevance, num_videos=len(kept))
    groups = question_groups(corpus.questions, asked=asked)
    return {
        "num_videos": len(kept),
        "num_questions": {name: int(mask.sum()) for name, mask in groups.items()},
        "num_clusters": len({q.cluster for q, there in zip(corpus.questions, asked, strict=True) if there}),
        "num_answers": sum(len(answers) for answers in relevance),
        "questions_left_out": int((~asked).sum()),
        "bad_rows": [[bad.name, bad.reason] for bad in (*corpus.bad_rows, *skipped.values())],
        "num_frames": settings.num_frames,
        "max_tokens": dict(settings.max_tokens),
        "without": list(settings.without),
        "precision": settings.precision,
        "seed": settings.seed,
        "ours": settings.ours,
        "tokens_cut": tokens_cut,
        "systems": report_systems(
            corpus.questions,
            found,
            groups=groups,
            ours=settings.ours,
            seed=settings.seed,
            num_resamples=settings.num_resamples,
        ),
    }

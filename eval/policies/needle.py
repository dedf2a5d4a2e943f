"""Score files of the needle benchmark's long videos: each video drawn and encoded once, whatever is measured later."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.needle.long_video import LongQuestion, LongVideo, long_video
from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.vocabulary import Split
from clamr_select.eval.policies.records import ScoreRecord, record_line
from clamr_select.eval.ranking.pool import chunks
from clamr_select.indexing.asking import with_options
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.options import DEFAULT_WINDOW_CANDIDATES
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.identity import encoder_identity
from clamr_select.scoring.frame_similarity import LateInteractionSimilarity, pooled_frames
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate
from clamr_select.selection import VideoFacts

logger = logging.getLogger(__name__)

WITH_OPTIONS = "with_options"
SETTINGS_FILE = "settings.json"
_NUM_OPTIONS = 4
_FIRST_SEED = 70_000
"""Far from the seeds of ``eval needle``, so that the two draw different videos."""


@dataclass(frozen=True)
class NeedleSet:
    """Which videos.

    Raises:
        InputError: a number out of range.
    """

    split: Split
    noise: Noise = "realistic"
    duration_seconds: int = 600
    num_videos: int = 100
    questions_per_video: int = 12
    """At most: where a video has no room for so many with their near misses, as many as it has."""
    late_interaction: bool = True
    """Keep the MaxSim of all pairs of frames, which takes longer than encoding them."""

    def __post_init__(self) -> None:
        if min(self.num_videos, self.questions_per_video) < 1:
            raise InputError(
                f"got {self.num_videos} videos of {self.questions_per_video} questions; at least 1 of each"
            )


def write_score_files(
    settings: NeedleSet, *, encoder: ClamrEncoder, directory: Path, shard: tuple[int, int]
) -> list[Path]:
    """One ``.jsonl`` and one ``.safetensors`` a video; what is there already, of an earlier run, is kept.

    Args:
        directory: of one model and one set; what they are is kept beside the scores, in ``settings.json``.
        shard: (which, of how many): several processes share a folder, each its own videos.

    Returns:
        The ``.jsonl`` files of the set, as far as they are there.

    Raises:
        InputError: the folder's scores are of another model or another set, or the shard has no video.
    """
    which, of = shard
    if which >= settings.num_videos:
        raise InputError(f"shard {which}/{of} has none of {settings.num_videos} videos; take fewer shards")
    directory.mkdir(parents=True, exist_ok=True)
    _check_folder(directory, wanted=_kept_settings(settings, encoder))
    names = [
        f"{settings.split}-{settings.noise}-{settings.duration_seconds}-{number:04d}"
        for number in range(settings.num_videos)
    ]
    for number in range(which, settings.num_videos, of):
        name = names[number]
        if (directory / f"{name}.jsonl").exists():
            continue
        video = draw_video(settings, number=number)
        indexed = index_needle(video, name=name, encoder=encoder)
        _save_frames(indexed.tokens, directory / f"{name}.safetensors", late_interaction=settings.late_interaction)
        lines = [record_line(r, frames_file=f"{name}.safetensors", ignored=i) for r, i in _records(video, indexed)]
        # last and in one step: a video is there whole, or not at all
        _write(directory / f"{name}.jsonl", "\n".join(lines) + "\n")
        logger.info("%s: %d questions", name, len(lines))
    return [path for name in names if (path := directory / f"{name}.jsonl").exists()]


def _kept_settings(settings: NeedleSet, encoder: ClamrEncoder) -> dict[str, Any]:
    """What scores depend on, as JSON values; a set may grow, so not how many videos it has."""
    of_set = {name: value for name, value in asdict(settings).items() if name != "num_videos"}
    of_model = encoder_identity(encoder) or {"name": encoder.name}
    return of_set | {f"model_{name}": value for name, value in of_model.items()}


def _check_folder(directory: Path, *, wanted: dict[str, Any]) -> None:
    """A folder without scores is marked as of these settings; any other must be.

    Raises:
        InputError: it is not.
    """
    path = directory / SETTINGS_FILE
    has_scores = any(directory.glob("*.jsonl"))  # before the settings: another process writes them before its scores
    if not path.exists():
        if has_scores:
            raise InputError(
                f"{directory} holds scores, and no {SETTINGS_FILE} that says of which model and videos; "
                "name another folder"
            )
        _write(path, json.dumps(wanted, indent=1) + "\n")
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} does not say what the scores beside it are of; name another folder") from error
    differing = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
    if differing:
        told = ", ".join(
            f"{name} is {_short(found.get(name))} there, {_short(wanted.get(name))} here" for name in differing
        )
        raise InputError(f"the scores in {directory} are of other settings: {told}; name another folder")


def _short(value: object) -> str:
    """Of digests, what tells them apart."""
    return repr(value[:12] if isinstance(value, str) else value)


def draw_video(settings: NeedleSet, *, number: int) -> LongVideo:
    """Video ``number`` of the set, with the most questions there is room for, up to the number asked for."""
    seed = _FIRST_SEED + number
    for wanted in range(settings.questions_per_video, 1, -1):
        try:
            return long_video(
                seed=seed,
                split=settings.split,
                noise=settings.noise,
                duration_seconds=settings.duration_seconds,
                num_questions=wanted,
            )
        except InputError as error:
            if "have room for" not in str(error):
                raise
    return long_video(
        seed=seed,
        split=settings.split,
        noise=settings.noise,
        duration_seconds=settings.duration_seconds,
        num_questions=1,
    )


def index_needle(video: LongVideo, *, name: str, encoder: ClamrEncoder) -> IndexedVideo:
    """As :class:`clamr_select.FrameSelector` would index it, with the text that the noise left in place of OCR's."""
    words: dict[str, list[list[str]]] = {m: [[] for _ in range(video.duration_seconds)] for m in ("ocr", "asr")}
    parts: list[TokenEmbeddings] = []
    first = 0
    for documents in chunks(video.documents(window=DEFAULT_WINDOW_CANDIDATES)):
        embedded, _ = encoder.encode_document(documents)
        parts += embedded
        for document in documents:
            for segment in document.texts:
                if segment.first_candidate is None or segment.last_candidate is None:
                    continue
                for candidate in range(segment.first_candidate, segment.last_candidate + 1):
                    words[segment.modality][first + candidate].append(segment.text)
            first += document.num_candidates
    count = video.duration_seconds
    return IndexedVideo(
        video=name,
        video_facts=VideoFacts(224, 126, count, 0.0, float(count), 1.0),
        frame_indices=np.arange(count),
        timestamps_seconds=np.arange(count, dtype=np.float64),
        tokens=concatenate(parts),
        words=words,
        method={"selector": "clamr", "model": encoder.name},
        warnings=(),
        timings_seconds={},
        encoder=encoder,
    )


def _records(video: LongVideo, indexed: IndexedVideo) -> Iterator[tuple[ScoreRecord, frozenset[int]]]:
    asked = [question.text for question in video.questions]
    queries, _ = indexed.encoder.encode_query([*asked, *(_with_options(video, at) for at in range(len(asked)))])
    for number, question in enumerate(video.questions):
        yield (
            ScoreRecord(
                id=f"{indexed.video}-{number}",
                gold_intervals=tuple((float(first), float(last)) for first, last in question.gold_intervals),
                timestamps_seconds=indexed.timestamps_seconds,
                scores=indexed.score(queries[number]).competing,
                video=indexed.video,
                question=question.text,
                group=question.target,
                variants={WITH_OPTIONS: indexed.score(queries[len(asked) + number]).competing},
            ),
            question.ignored,
        )


def _with_options(video: LongVideo, number: int) -> str:
    """The question with four options: what is asked of other moments."""
    others: list[LongQuestion] = [q for at, q in enumerate(video.questions) if at != number]
    options = [others[(number + step) % len(others)].text.rstrip("?") for step in range(min(_NUM_OPTIONS, len(others)))]
    return with_options(video.questions[number].text, options)


def _save_frames(tokens: TokenEmbeddings, path: Path, *, late_interaction: bool) -> None:
    from safetensors.numpy import save

    tensors = {"embeddings": pooled_frames(tokens).numpy().astype(np.float16)}
    if late_interaction:
        late = LateInteractionSimilarity(tokens)
        table = np.stack([late.to(position) for position in range(len(late))])
        tensors["late_interaction"] = table.astype(np.float16)
    _write(path, save(tensors))


def _write(path: Path, content: str | bytes) -> None:
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    partial.replace(path)

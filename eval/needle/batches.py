"""Training batches: documents, questions, near misses, and exactly who answers what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.needle.distractors import plant_distractors, plant_listing
from clamr_select.eval.needle.families import NearMissShares, picture_families
from clamr_select.eval.needle.moments import ask_ordering
from clamr_select.eval.needle.plans import DocumentPlan, choose_words, random_plan, some_words
from clamr_select.eval.needle.predicates import DocumentFacts, Verdict
from clamr_select.eval.needle.questions import (
    Question,
    ask_anywhere,
    ask_screen_and_speech,
    ask_video,
    ask_video_and_words,
    ask_words,
    with_typos,
)
from clamr_select.eval.needle.vocabulary import Split, pick
from clamr_select.training.batch import TrainingBatch, TrainingQuery

TARGETS = (
    *("video",) * 7,
    *("asr",) * 3,
    *("ocr",) * 3,
    *("description",) * 2,
    *("anywhere",) * 2,
    *("video+asr",) * 3,
    *("video+ocr",) * 2,
    *("ocr+asr",) * 2,
    *("ordering",) * 3,
)
TEXT_TARGETS = tuple(target for target in TARGETS if "video" not in target and target != "ordering")
BALANCED_TARGETS = (
    *("video", "asr", "ocr", "description", "video+asr", "video+ocr", "ordering", "anywhere"),
    *("video", "asr", "ocr", "description", "video+asr", "video+ocr", "ordering", "ocr+asr", "ocr+asr", "ocr+asr"),
)
"""About as many questions of each target; few documents have words on screen and in speech at one moment."""
TrainingNoise = Literal["clean", "realistic", "mixed"]
_CODEC_SHARE = 0.25  # of the documents with noise: encoding costs as much as drawing


def training_batches(
    *,
    seed: int,
    num_documents: int = 48,
    max_frames: int = 8,
    vision_only_share: float = 0.3,
    split: Split = "train",
    noise: TrainingNoise = "mixed",
    neighbors: bool = False,
    typo_share: float = 0.1,
    targets: Sequence[str] = TARGETS,
    questions_per_document: int = 1,
    near_misses: NearMissShares | None = None,
    pictures: bool = True,
) -> Iterator[TrainingBatch]:
    """Batches without end; the same arguments give the same batches.

    Args:
        num_documents: documents in a batch, at least 2.
        max_frames: candidates in the longest document, at least 1.
        vision_only_share: share of the batches (0 to 1) that hold short documents without text and only
            questions about the picture: small models learn to see slowly, and text drowns it.
        split: where words and combinations come from; the splits share no words but those with synonyms.
        noise: how transcripts and pictures have suffered; ``mixed`` is realistic for every second document, and
            a quarter of those go through the codec.
        neighbors: documents hold the source frame that follows each candidate, and questions ask for motion.
        typo_share: share of the questions (0 to 1) with letters wrong.
        targets: what questions to full batches ask about, drawn evenly from these, repeats counting.
        questions_per_document: about so many, at least 1. A question costs a small part of what its document costs, and
            says as much about the picture. Near misses are planted around the first alone.
        near_misses: in batches of pictures alone; None: they differ in one attribute.
        pictures: False leaves frames grey and small: several times faster, for a model that only reads.
    """
    if num_documents < 2 or max_frames < 1 or questions_per_document < 1:
        raise InputError(
            f"got num_documents={num_documents}, max_frames={max_frames}, questions_per_document="
            f"{questions_per_document}; allowed: at least 2, at least 1, at least 1"
        )
    if not all(0 <= share <= 1 for share in (vision_only_share, typo_share)):
        raise InputError(f"got {vision_only_share=}, {typo_share=}; allowed: 0 to 1")
    if noise not in get_args(TrainingNoise):
        raise unknown_name("noise level", noise, get_args(TrainingNoise))
    for target in targets or [""]:
        if target not in TARGETS:
            raise unknown_name("target", target, sorted(set(TARGETS)))
    if split not in get_args(Split):
        raise unknown_name("split", split, get_args(Split))
    plans = planned_batches(
        seed=seed, num_documents=num_documents, max_frames=max_frames, vision_only_share=vision_only_share,
        split=split, noise=noise, neighbors=neighbors, typo_share=typo_share, targets=targets,
        questions_per_document=questions_per_document, near_misses=near_misses,
    )  # fmt: skip
    return (TrainingBatch(tuple(p.document(pictures=pictures) for p in batch), queries) for batch, queries in plans)


def planned_batches(
    *,
    seed: int,
    num_documents: int,
    max_frames: int,
    vision_only_share: float,
    split: Split,
    noise: TrainingNoise,
    neighbors: bool,
    typo_share: float,
    targets: Sequence[str],
    questions_per_document: int = 1,
    near_misses: NearMissShares | None = None,
) -> Iterator[tuple[list[DocumentPlan], tuple[TrainingQuery, ...]]]:
    """:func:`training_batches` before anything is drawn; arguments as there, unchecked."""
    number = 0
    while True:
        rng = np.random.default_rng((seed, get_args(Split).index(split), number))
        number += 1
        if rng.random() < vision_only_share:
            families = picture_families(
                rng, num_documents=num_documents, max_frames=min(max_frames, 2), split=split, neighbors=neighbors,
                shares=near_misses,
            )  # fmt: skip
            plans, questions = _vision_batch(rng, families, questions_per_document=questions_per_document)
        else:
            plans, questions = full_batch(
                rng, num_documents, max_frames, split,
                neighbors=neighbors, targets=targets, questions_per_document=questions_per_document,
            )  # fmt: skip
        questions = with_typos(questions, rng, share=typo_share)
        for plan in plans:
            if noise == "realistic" or (noise == "mixed" and rng.random() < 0.5):
                plan.add_noise(rng, split=split, codec=rng.random() < _CODEC_SHARE)
        yield plans, label(questions, plans)


def label(questions: Sequence[Question], plans: Sequence[DocumentPlan]) -> tuple[TrainingQuery, ...]:
    """Every question with its positives and what is to be ignored; a question nobody answers is left out.

    Every predicate is evaluated on every frame and document: who answers by chance is no negative.
    """
    facts = [plan.facts() for plan in plans]
    queries = (label_one(question, facts) for question in questions)
    return tuple(query for query in queries if query.positive_documents)


def label_one(question: Question, facts: Sequence[DocumentFacts]) -> TrainingQuery:
    """The question with its answers among documents; its positives may be empty."""
    documents = [question.predicate.document(f) for f in facts]
    frames = [
        ((d, i), verdict)
        for d, whole in enumerate(documents)
        if whole != Verdict.NO  # a frame that answers makes its document one that answers
        for i, verdict in enumerate(question.predicate.frames(facts[d]))
    ]
    return TrainingQuery(
        text=question.text,
        target=question.target,
        positive_documents=tuple(d for d, verdict in enumerate(documents) if verdict == Verdict.YES),
        positive_frames=tuple(address for address, verdict in frames if verdict == Verdict.YES),
        ignored_documents=tuple(d for d, verdict in enumerate(documents) if verdict == Verdict.UNSURE),
        ignored_frames=tuple(address for address, verdict in frames if verdict == Verdict.UNSURE),
    )


def _vision_batch(
    rng: np.random.Generator, plans: list[DocumentPlan], *, questions_per_document: int
) -> tuple[list[DocumentPlan], list[Question]]:
    """The documents in another order, and questions about all of them."""
    questions = [ask_video(pick(rng, plan.scenes), rng) for plan in plans * questions_per_document]
    order = [int(i) for i in rng.permutation(len(plans))]
    return [plans[i] for i in order], questions


def full_batch(
    rng: np.random.Generator,
    num_documents: int,
    max_frames: int,
    split: Split,
    *,
    neighbors: bool,
    planted: bool = True,
    targets: Sequence[str] = TARGETS,
    questions_per_document: int = 1,
) -> tuple[list[DocumentPlan], list[Question]]:
    """Documents and about so many questions each, with near misses around the first unless ``planted`` is False."""
    lengths = [n for n in (1, 2, 3, 4, 6, 8, 12, 16) if n < max_frames] + [max_frames]
    plans = [
        random_plan(rng, num_frames=pick(rng, lengths), split=split, moving=neighbors) for _ in range(num_documents)
    ]
    asked = [(home, _ask(plan, rng, split, targets)) for home, plan in enumerate(plans)]
    further = [
        _ask(plan, rng, split, targets, locked=False) for plan in plans for _ in range(questions_per_document - 1)
    ]
    questions = [question for question in (*(question for _, question in asked), *further) if question is not None]
    if not planted:
        return plans, questions
    for home, question in asked:
        if question is not None:
            plant_distractors(question, plans, home, rng, split=split)
    entries = [word for q in questions for word in (*q.words, *q.screen_words)]
    entries += [q.picture for q in questions if q.picture and rng.random() < 0.2]
    for _ in range(num_documents // 16 + int(rng.integers(0, 2))):
        plant_listing(pick(rng, plans), entries, rng)
    return plans, questions


def _ask(
    plan: DocumentPlan, rng: np.random.Generator, split: Split, targets: Sequence[str], *, locked: bool = True
) -> Question | None:
    """A question about a random moment of the document, of a random target that it can serve.

    ``locked``: near misses leave the scene that it asks about alone; else it may lose its answer.
    """
    frame = int(rng.random() * len(plan.scenes))
    for _ in range(8):
        target = pick(rng, targets)
        if target == "ordering":
            question = ask_ordering(plan, rng, split=split)
        else:
            question = _ask_target(plan, frame, target, rng)
        if question is not None:
            if locked and question.scene is not None:
                plan.locked.update(i for i, scene in enumerate(plan.scenes) if scene == question.scene)
            return question
    return None


def _ask_target(plan: DocumentPlan, frame: int, target: str, rng: np.random.Generator) -> Question | None:
    scene = plan.scenes[frame]
    spoken = some_words(plan.asr, frame, rng)
    written = some_words(plan.ocr, frame, rng) if plan.ocr_recognised else ()
    match target:
        case "video":
            return ask_video(scene, rng)
        case "asr" if spoken:
            return ask_words(spoken, "asr", rng)
        case "ocr" if written:
            return ask_words(written, "ocr", rng)
        case "description" if plan.description_words:
            return ask_words(choose_words(plan.description_words, rng), "description", rng)
        case "anywhere" if spoken or written:
            modality = "asr" if spoken and (not written or rng.random() < 0.5) else "ocr"
            return ask_anywhere(spoken if modality == "asr" else written, modality, rng)
        case "video+asr" if spoken:
            return ask_video_and_words(scene, spoken[:2], "asr", rng)
        case "video+ocr" if written:
            return ask_video_and_words(scene, written[:2], "ocr", rng)
        case "ocr+asr" if spoken and written:
            return ask_screen_and_speech(written[:2], spoken[:2], rng)
    return None

"""Training batches of pictures alone for what chance brings too seldom: motion, and documents of uneven length.

Of two frames a fifth of a second apart, a direction is a small difference whose sign depends on what is brighter. In
batches where few questions turn on it a model had not begun to see it after thousands of steps, and then learned it
within hundreds of these. And a document of many frames has some part of any picture somewhere: among documents of one
or two it never learned what that costs the short ones (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.eval.needle.batches import label
from clamr_select.eval.needle.families import NearMissShares, picture_families, uneven_families
from clamr_select.eval.needle.plans import DocumentPlan
from clamr_select.eval.needle.questions import Question, ask_motion, ask_video, with_typos
from clamr_select.eval.needle.vocabulary import Split, pick
from clamr_select.training.batch import TrainingBatch

_MOTION_SHARE = 0.85
_CODEC_SHARE = 0.125
_LENGTHS = (1, 1, 2, 4, 6, 8)


def motion_batch(
    rng: np.random.Generator,
    *,
    num_documents: int,
    split: Split = "train",
    questions_per_document: int = 4,
    typo_share: float = 0.5,
) -> TrainingBatch:
    """Pictures with their neighbours, most near misses in families of like things that move differently; questions say
    what moves and how.

    Args:
        typo_share: of the questions (0 to 1): a letter is wrong.
    """
    plans = picture_families(
        rng,
        num_documents=num_documents,
        max_frames=2,
        split=split,
        neighbors=True,
        moving_share=1.0,
        shares=NearMissShares(motion=_MOTION_SHARE),
    )
    questions = [_ask_what_moves(plan, rng) for plan in plans * questions_per_document]
    return _finished(plans, questions, rng, typo_share=typo_share)


def uneven_batch(
    rng: np.random.Generator,
    *,
    num_documents: int,
    split: Split = "train",
    questions_per_document: int = 8,
    typo_share: float = 0.5,
) -> TrainingBatch:
    """Documents of one to eight different pictures, and near misses of as many or few: who answers in one frame
    competes with who shows its parts in several.

    Args:
        typo_share: of the questions (0 to 1): a letter is wrong.
    """
    plans = uneven_families(
        rng,
        num_documents=num_documents,
        lengths=_LENGTHS,
        split=split,
        neighbors=True,
        shares=NearMissShares(layout=0.35, motion=0.3),
    )
    questions = [ask_video(pick(rng, plan.scenes), rng) for plan in plans * questions_per_document]
    return _finished(plans, questions, rng, typo_share=typo_share)


def _finished(
    plans: Sequence[DocumentPlan], questions: Sequence[Question], rng: np.random.Generator, *, typo_share: float
) -> TrainingBatch:
    asked = with_typos(questions, rng, share=typo_share)
    for plan in plans:
        plan.codec = bool(rng.random() < _CODEC_SHARE)
    return TrainingBatch(tuple(plan.document() for plan in plans), label(asked, plans))


def _ask_what_moves(plan: DocumentPlan, rng: np.random.Generator) -> Question:
    scene = pick(rng, plan.scenes)
    moves = any(shape.motion is not None for shape in scene.shapes)
    return ask_motion(scene, rng) if moves and rng.random() < _MOTION_SHARE else ask_video(scene, rng)

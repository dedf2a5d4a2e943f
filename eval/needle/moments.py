"""Questions that compare moments of a document, and the second mention or showing that they need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle.plans import DocumentPlan, add_speech, some_words
from clamr_select.eval.needle.questions import Question, ask_later, ask_next, ask_nth, ask_nth_scene
from clamr_select.eval.needle.vocabulary import Split, pick

_NUMBERS = (1, 2, 2, -1)


def ask_ordering(plan: DocumentPlan, rng: np.random.Generator, *, split: Split) -> Question | None:
    """A question about the order of things in the document; None when it is too short or nothing fits."""
    if len(plan.scenes) < 3:
        return None
    draw = float(rng.random())
    if draw < 0.3:
        return _ask_nth_mention(plan, rng, split)
    if draw < 0.5:
        return _ask_nth_scene(plan, rng)
    frame = int(rng.random() * len(plan.scenes))
    if draw < 0.8:
        question = ask_next(plan.scenes[frame], rng) if len(set(plan.scenes)) > 1 else None
    else:
        question = _ask_later(plan, frame, rng)
    # the home must answer: an anchor at the very end has nothing after it
    return question if question is not None and question.predicate.document(plan.facts()) else None


def _ask_nth_mention(plan: DocumentPlan, rng: np.random.Generator, split: Split) -> Question | None:
    frame = int(rng.random() * len(plan.scenes))
    words = some_words(plan.asr, frame, rng)[:2]
    silent = [
        i
        for i in range(len(plan.scenes))
        if words and not any(line.words & set(words) and line.first - 2 < i < line.last + 2 for line in plan.asr)
    ]
    if not silent:
        return None
    at = pick(rng, silent)
    add_speech(plan, rng, first=at, last=at, split=split, words=words)
    return ask_nth(words, pick(rng, _NUMBERS), rng)


def _ask_nth_scene(plan: DocumentPlan, rng: np.random.Generator) -> Question | None:
    frame = int(rng.random() * len(plan.scenes))
    scene = plan.scenes[frame]
    apart = [i for i in plan.free_frames() if scene not in plan.scenes[max(0, i - 1) : i + 2]]
    if not apart:
        return None
    plan.scenes[pick(rng, apart)] = replace(scene, seed=int(rng.integers(1 << 30)))
    return ask_nth_scene(scene, pick(rng, _NUMBERS), rng)


def _ask_later(plan: DocumentPlan, frame: int, rng: np.random.Generator) -> Question | None:
    later = [line for line in plan.asr if line.first > frame and line.words]
    earlier = [line for line in plan.asr if line.last < frame and line.words]
    said_later = bool(later) and (not earlier or rng.random() < 0.5)
    lines = later if said_later else earlier
    if not lines:
        return None
    line = pick(rng, lines)
    return ask_later(plan.scenes[frame], some_words([line], line.first, rng)[:2], rng, said_later=said_later)

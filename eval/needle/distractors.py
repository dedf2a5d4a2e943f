"""Near misses around a question: its words in the wrong modality, half of them, or a scene almost alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.eval.needle.language import base_words
from clamr_select.eval.needle.noise import similar_word
from clamr_select.eval.needle.plans import DocumentPlan, Line, add_screen_text, add_speech, set_description
from clamr_select.eval.needle.questions import Question
from clamr_select.eval.needle.scene import slide_scene
from clamr_select.eval.needle.siblings import sibling_scene
from clamr_select.eval.needle.vocabulary import Split, content_word, pick

_LISTED_AT_MOST = 24


def plant_distractors(
    question: Question, plans: Sequence[DocumentPlan], home: int, rng: np.random.Generator, *, split: Split
) -> None:
    """Change the plans so that the document ``plans[home]`` and its neighbours nearly answer the question.

    Frames that questions are about keep their scenes, and nothing that was said or written is removed, so a
    question keeps its answers; it may gain some, which is why predicates are evaluated afterwards.
    """
    near = [plans[home], plans[home], *plans[max(0, home - 3) : home], *plans[home + 1 : home + 4]]
    if question.scene is not None:
        for _ in range(3):
            _plant_sibling(question, pick(rng, near), rng, split)
    if not (question.words or question.target == "video"):
        return
    for _ in range(2):
        _plant_words(question, pick(rng, near), rng, split)
    if question.target in ("asr", "ocr", "ocr+asr", "video+asr", "video+ocr") and rng.random() < 0.25:
        _plant_title(question.words, pick(rng, near), rng, split)


def plant_listing(plan: DocumentPlan, words: Sequence[str], rng: np.random.Generator) -> bool:
    """Turn a free frame into a contents slide or end credits that list ``words``; False if none is free."""
    free = [i for i in plan.free_frames() if plan.has_room_for_ocr(i, "slide")]
    if not free or not words:
        return False
    frame = free[0] if rng.random() < 0.5 else free[-1]
    listed = [words[int(i)] for i in rng.permutation(len(words))[:_LISTED_AT_MOST]]
    per_row = int(rng.integers(2, 5))
    rows = [" ".join(listed[i : i + per_row]) for i in range(0, len(listed), per_row)]
    text = "\n".join([pick(rng, ("Contents", "Today", "In this film", "Credits", "With thanks to", "Index")), *rows])
    content = base_words(listed)
    plan.scenes[frame] = slide_scene(rng)
    plan.locked.add(frame)
    plan.ocr.append(Line(text, content, frame, frame, "slide"))
    return True


def _plant_sibling(question: Question, plan: DocumentPlan, rng: np.random.Generator, split: Split) -> None:
    free = plan.free_frames()
    scene = question.scene
    if not free or scene is None:
        return
    if plan.portrait and any(shape.place in ("left", "right") for shape in scene.shapes):
        return  # too narrow
    frame = pick(rng, free)
    alike = question.target != "video" and rng.random() < 0.5  # the same picture without the words
    plan.scenes[frame] = (
        scene if alike else sibling_scene(scene, rng, split=split, portrait=plan.portrait, moving=plan.moving)
    )


def _plant_words(question: Question, plan: DocumentPlan, rng: np.random.Generator, split: Split) -> None:
    """Its words where they do not answer: another modality, not all of them, or (of two) only one kind."""
    words = question.words or (question.picture,)
    match question.target:
        case "video":
            modality = pick(rng, ("asr", "ocr", "description"))
        case "asr" | "ocr":
            other = "ocr" if question.target == "asr" else "asr"
            modality = pick(rng, (question.target, other))
            if modality == question.target:
                words = near_words(words, rng, split=split)
        case "description":
            modality = pick(rng, ("asr", "ocr", "description"))
            if modality == "description":
                words = near_words(words, rng, split=split)
        case "ocr+asr":
            modality = pick(rng, ("asr", "ocr"))
            swapped = rng.random() < 0.4
            words = question.words if (modality == "asr") != swapped else question.screen_words
        case target if target.startswith("ordering"):
            modality = "asr"
        case _:  # video+asr, video+ocr: the words elsewhere, or in the other modality beside the picture
            modality = question.target.removeprefix("video+")
            if rng.random() < 0.3:
                modality = "ocr" if modality == "asr" else "asr"
    if words:
        _write(plan, modality, words, rng, split)


def _write(plan: DocumentPlan, modality: str, words: tuple[str, ...], rng: np.random.Generator, split: Split) -> None:
    if modality == "description":
        _plant_title(words, plan, rng, split)
        return
    first = int(rng.random() * len(plan.scenes))
    last = min(len(plan.scenes) - 1, first + int(rng.random() * 2))
    if modality == "asr":
        spoken = [line for line in plan.asr if line.first <= last and line.last >= first]
        if len(spoken) < 4:
            add_speech(plan, rng, first=first, last=last, split=split, words=words)
        return
    for position in ("caption", "title"):
        if all(plan.has_room_for_ocr(i, position) for i in range(first, last + 1)):
            add_screen_text(plan, rng, first=first, last=last, position=position, split=split, words=words)
            return


def _plant_title(words: tuple[str, ...], plan: DocumentPlan, rng: np.random.Generator, split: Split) -> None:
    if not plan.description:
        set_description(plan, rng, split=split, words=words)


def near_words(words: tuple[str, ...], rng: np.random.Generator, *, split: Split) -> tuple[str, ...]:
    """Half of the words, or all with one exchanged for a similar one."""
    if rng.random() < 0.5:
        at = int(rng.random() * len(words))
        other = similar_word(words[at], rng, split=split) or content_word(rng, split=split)
        if base_words((other,)) != base_words((words[at],)):
            return (*words[:at], other, *words[at + 1 :])
    kept = sorted(int(i) for i in rng.permutation(len(words))[: (len(words) + 1) // 2]) if len(words) > 1 else []
    return tuple(words[i] for i in kept)

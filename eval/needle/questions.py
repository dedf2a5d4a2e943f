"""Questions in English from predicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clamr_select.eval.needle import templates
from clamr_select.eval.needle.noise import change_letter
from clamr_select.eval.needle.ordering import After, NextScene, NthTime
from clamr_select.eval.needle.phrases import describe_motion, describe_scene, picture_phrase
from clamr_select.eval.needle.predicates import (
    Both,
    DescribedBy,
    HoldsWords,
    HoldsWordsAnywhere,
    Predicate,
    ShowsShapes,
)
from clamr_select.eval.needle.scene import Scene
from clamr_select.eval.needle.synonyms import any_name
from clamr_select.eval.needle.vocabulary import inflect, pick


@dataclass(frozen=True)
class Question:
    """A question, the predicate its answers satisfy, and what it is made of (for distractors)."""

    text: str
    target: str
    predicate: Predicate
    scene: Scene | None = None
    """The scene it was asked about, when it asks about the picture."""
    picture: str = ""
    """Its words for the picture."""
    words: tuple[str, ...] = ()
    """Its content words, in base form: spoken words when it asks about speech."""
    screen_words: tuple[str, ...] = ()
    """Its words on screen, when it asks about speech and screen both."""
    asked: tuple[str, ...] = ()
    """The names by which it asks for its words: where there are two, the document may hold the other."""


def ask_video(scene: Scene, rng: np.random.Generator) -> Question:
    """About what the picture shows."""
    return _about_picture(scene, describe_scene(scene, rng), rng)


def ask_motion(scene: Scene, rng: np.random.Generator) -> Question:
    """About one of the things that move: what it is and what it does. The scene has one."""
    return _about_picture(scene, describe_motion(scene, rng), rng)


def _about_picture(scene: Scene, predicate: ShowsShapes, rng: np.random.Generator) -> Question:
    picture = picture_phrase(predicate, rng)
    return Question(_say(templates.VIDEO, rng, x=picture), "video", predicate, scene=scene, picture=picture)


def ask_words(words: Sequence[str], modality: str, rng: np.random.Generator) -> Question:
    """About words in one modality: ``asr``, ``ocr`` or ``description``."""
    content = frozenset(words)
    forms: Sequence[str]
    predicate: Predicate
    if modality == "description":
        strict = rng.random() < 0.5
        forms = templates.DESCRIPTION_STRICT if strict else templates.DESCRIPTION_LOOSE
        predicate = DescribedBy(content, strict)
    elif modality == "asr":
        forms, predicate = templates.ASR, HoldsWords(content, "asr")
    else:
        forms, predicate = templates.OCR, HoldsWords(content, "ocr")
    asked = _asked(words, rng)
    return Question(_say(forms, rng, w=_word_phrase(asked, rng)), modality, predicate, words=tuple(words), asked=asked)


def ask_anywhere(words: Sequence[str], modality: str, rng: np.random.Generator) -> Question:
    """About words without a hint where they are. ``modality``, where they were found, is its target."""
    asked = _asked(words, rng)
    text = _say(templates.ANYWHERE, rng, w=_word_phrase(asked, rng))
    return Question(text, modality, HoldsWordsAnywhere(frozenset(words)), words=tuple(words), asked=asked)


def ask_video_and_words(scene: Scene, words: Sequence[str], modality: str, rng: np.random.Generator) -> Question:
    """About a picture and words at one moment; ``modality`` is ``asr`` or ``ocr``."""
    shapes = describe_scene(scene, rng, plain=True)
    picture = picture_phrase(shapes, rng)
    forms = templates.VIDEO_ASR if modality == "asr" else templates.VIDEO_OCR
    held = HoldsWords(frozenset(words), "asr" if modality == "asr" else "ocr")
    asked = _asked(words, rng)
    text = _say(forms, rng, x=picture, w=_word_phrase(asked, rng))
    return Question(text, f"video+{modality}", Both(shapes, held), scene, picture, tuple(words), asked=asked)


def ask_screen_and_speech(screen: Sequence[str], spoken: Sequence[str], rng: np.random.Generator) -> Question:
    """About written and spoken words at one moment."""
    predicate = Both(HoldsWords(frozenset(spoken), "asr"), HoldsWords(frozenset(screen), "ocr"))
    said, written = _asked(spoken, rng), _asked(screen, rng)
    text = _say(templates.OCR_ASR, rng, w=_word_phrase(said, rng), v=_word_phrase(written, rng))
    return Question(
        text, "ocr+asr", predicate, words=tuple(spoken), screen_words=tuple(screen), asked=(*said, *written)
    )


def ask_nth(words: Sequence[str], number: int, rng: np.random.Generator) -> Question:
    """About the first (1), second (2) or last (-1) time that words are said."""
    predicate = NthTime(HoldsWords(frozenset(words), "asr"), number)
    asked = _asked(words, rng)
    nth = pick(rng, templates.NTH_NAMES[number])
    text = _say(templates.NTH_SAID, rng, w=_word_phrase(asked, rng), nth=nth)
    return Question(text, "ordering+asr", predicate, words=tuple(words), asked=asked)


def ask_nth_scene(scene: Scene, number: int, rng: np.random.Generator) -> Question:
    """About the first, second or last time that something is shown."""
    shapes = describe_scene(scene, rng, plain=True)
    picture = picture_phrase(shapes, rng)
    text = _say(templates.NTH_SHOWN, rng, x=picture, nth=pick(rng, templates.NTH_NAMES[number]))
    return Question(text, "ordering+video", NthTime(shapes, number), scene, picture)


def ask_next(scene: Scene, rng: np.random.Generator) -> Question:
    """About what is shown right after, or right before, a scene."""
    shapes = describe_scene(scene, rng, plain=True)
    picture = picture_phrase(shapes, rng)
    step = 1 if rng.random() < 0.7 else -1
    forms = templates.NEXT_AFTER if step == 1 else templates.NEXT_BEFORE
    return Question(_say(forms, rng, x=picture), "ordering+video", NextScene(shapes, step), scene, picture)


def ask_later(scene: Scene, words: Sequence[str], rng: np.random.Generator, *, said_later: bool) -> Question:
    """About words that are said after a scene was shown, or a scene shown after words were said."""
    shapes, held = describe_scene(scene, rng, plain=True), HoldsWords(frozenset(words), "asr")
    picture, asked = picture_phrase(shapes, rng), _asked(words, rng)
    forms = templates.SAID_LATER if said_later else templates.SHOWN_LATER
    predicate = After(held, shapes) if said_later else After(shapes, held)
    text = _say(forms, rng, x=picture, w=_word_phrase(asked, rng))
    return Question(text, "ordering+video+asr", predicate, scene, picture, tuple(words), asked=asked)


def with_typo(question: Question, rng: np.random.Generator) -> Question:
    """One letter wrong in one of its longer content words, if it has any, and in every second of the others; its
    answers stay the same."""
    content = {word for entry in (*question.asked, question.picture) for word in entry.lower().split()}
    tokens = question.text.split(" ")
    longer = [i for i, token in enumerate(tokens) if len(token) >= 5 and token.lower() in content]
    if not longer:
        return question
    first = pick(rng, longer)
    for at in longer:
        if at == first or rng.random() < 0.5:
            tokens[at] = change_letter(tokens[at], rng)
    return replace(question, text=" ".join(tokens))


def with_typos(questions: Sequence[Question], rng: np.random.Generator, *, share: float) -> list[Question]:
    """That share (0 to 1) of them by :func:`with_typo`."""
    return [with_typo(q, rng) if rng.random() < share else q for q in questions]


def _asked(words: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(any_name(word, rng) for word in words)


def _word_phrase(words: Sequence[str], rng: np.random.Generator) -> str:
    surfaces = [inflect(w, rng) if rng.random() < 0.2 else w for w in words]
    if rng.random() < 0.15:
        surfaces = [surfaces[int(i)] for i in rng.permutation(len(surfaces))]
    draw = float(rng.random())
    if len(surfaces) == 1:
        return f"the {surfaces[0]}" if draw < 0.4 else surfaces[0]
    if draw < 0.4:
        return " ".join(surfaces)
    if draw < 0.65:
        return f"{' '.join(surfaces[:-1])} and {surfaces[-1]}"
    if draw < 0.9:
        return f"the {surfaces[0]} {pick(rng, ('of', 'and', 'in', 'with', 'near'))} the {' '.join(surfaces[1:])}"
    return '"' + " ".join(surfaces) + '"'


def _say(forms: Sequence[str], rng: np.random.Generator, **parts: str) -> str:
    text = pick(rng, forms).format(**parts)
    if text.endswith("?") and rng.random() < 0.35:
        text = text[:-1]
    draw = float(rng.random())
    if draw < 0.35:
        return text[0].upper() + text[1:]
    return text.upper() if draw < 0.39 else text

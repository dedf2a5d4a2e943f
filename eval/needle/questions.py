"""Questions in English from predicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clamr_select.eval.needle import templates
from clamr_select.eval.needle.combinations import is_held_out
from clamr_select.eval.needle.noise import change_letter
from clamr_select.eval.needle.ordering import After, NextScene, NthTime
from clamr_select.eval.needle.predicates import (
    Both,
    DescribedBy,
    HoldsWords,
    HoldsWordsAnywhere,
    Predicate,
    ShapePattern,
    ShowsShapes,
)
from clamr_select.eval.needle.scene import BAR_CHART, KINDS, NUMBER, Scene, Shape
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
    predicate = describe_scene(scene, rng)
    picture = picture_phrase(predicate, rng)
    text = _say(templates.VIDEO, rng, x=picture)
    return Question(text, "video", predicate, scene=scene, picture=picture)


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
    """One letter wrong in one of its longer content words, if it has any; its answers stay the same."""
    content = {word for entry in (*question.asked, question.picture) for word in entry.lower().split()}
    tokens = question.text.split(" ")
    longer = [i for i, token in enumerate(tokens) if len(token) >= 5 and token.lower() in content]
    if not longer:
        return question
    at = pick(rng, longer)
    tokens[at] = change_letter(tokens[at], rng)
    return replace(question, text=" ".join(tokens))


def picture_phrase(predicate: ShowsShapes, rng: np.random.Generator) -> str:
    """E.g. ``a small striped crimson disc to the left of a blue star on a white background``."""
    phrase = _shape_phrase(predicate.patterns[0], rng)
    if len(predicate.patterns) == 2:
        if predicate.relation is None:
            joint = pick(rng, (" and ", " with ", " together with ", " next to "))
        else:
            joint = f" {pick(rng, templates.RELATION_PHRASES[predicate.relation])} "
        phrase += joint + _shape_phrase(predicate.patterns[1], rng)
    if predicate.background is not None:
        colour = pick(rng, templates.COLOUR_NAMES[predicate.background])
        phrase += pick(rng, (f" on a {colour} background", f" against a {colour} background", f" on {colour}"))
    return phrase.replace(" a orange", " an orange")


def describe_scene(scene: Scene, rng: np.random.Generator, *, plain: bool = False) -> ShowsShapes:
    """A predicate that the scene satisfies; ``plain`` keeps to few attributes."""
    background = scene.background.colour if rng.random() < (0.05 if plain else 0.15) else None
    order = [int(i) for i in rng.permutation(len(scene.shapes))]
    order.sort(key=lambda i: not is_held_out(scene.shapes[i]))
    one = scene.shapes[order[0]]
    if len(order) == 1 or rng.random() < 0.3 or any(s.motion for s in scene.shapes):
        extra = 1 if plain else int(rng.integers(0, 3))
        pattern = _pattern(one, scene, rng, extra=extra + (background is None and len(order) > 1))
        return ShowsShapes((pattern,), None, background)
    other = scene.shapes[order[1]]
    relation = None
    if rng.random() < 0.7:
        relation = _relation(one, other)
    patterns = (_pair_pattern(one, rng), _pair_pattern(other, rng))
    return ShowsShapes(patterns, relation, background)


def _pattern(shape: Shape, scene: Scene, rng: np.random.Generator, *, extra: int) -> ShapePattern:
    pattern = _pair_pattern(shape, rng, bare_share=0.1)
    total = sum(s.count for s in scene.shapes if s.kind == shape.kind)
    if shape.count > 1 and total == shape.count and rng.random() < 0.85:
        pattern = replace(pattern, count=shape.count)
    choices = ["size"] if shape.count == 1 else []
    if shape.kind in KINDS and (shape.texture != "plain" or rng.random() < 0.3):
        choices += ["texture", "texture"]
    if shape.place is not None:
        choices += ["place", "place"]
    if shape.direction is not None:
        choices += ["direction"] * 4
    if shape.motion is not None:
        choices += ["motion"] * 6
    for name in {pick(rng, choices) for _ in range(extra)} if choices else ():
        pattern = replace(pattern, **{name: getattr(shape, name)})
    return pattern


def _pair_pattern(shape: Shape, rng: np.random.Generator, *, bare_share: float = 0.2) -> ShapePattern:
    """Kind and mostly colour, or colour and texture without a kind."""
    draw = float(rng.random())
    number = shape.number if shape.kind == NUMBER else None
    if is_held_out(shape) and rng.random() < 0.8:  # ask for what training never shows
        texture = shape.texture if shape.texture != "plain" else None
        return ShapePattern(kind=shape.kind, number=number, colour=shape.colour, texture=texture)
    pattern = ShapePattern(kind=shape.kind, number=number)
    if draw < bare_share:
        return pattern
    pattern = replace(pattern, colour=shape.colour)
    if draw < bare_share + 0.15 and shape.texture != "plain":
        return replace(pattern, texture=shape.texture)
    if draw > 0.7 and shape.direction is not None:
        return replace(pattern, direction=shape.direction)
    if draw > 0.6 and shape.motion is not None:
        return replace(pattern, motion=shape.motion)
    return pattern


def _relation(one: Shape, other: Shape) -> str | None:
    across = {"left": 0, "centre": 1, "right": 2}
    if one.place in across and other.place in across and one.place != other.place:
        return "left of" if across[one.place] < across[other.place] else "right of"
    if {one.place, other.place} == {"top", "bottom"}:
        return "above" if one.place == "top" else "below"
    return None


def _shape_phrase(pattern: ShapePattern, rng: np.random.Generator) -> str:
    noun, article = _noun(pattern, rng)
    in_bars = pattern.kind == BAR_CHART and pattern.colour is not None  # the colour is the tallest bar's
    adjectives = [
        pick(rng, names[value])
        for names, value in (
            (templates.SIZE_NAMES, pattern.size),
            (templates.TEXTURE_NAMES, pattern.texture),
            (templates.COLOUR_NAMES, None if in_bars else pattern.colour),
        )
        if value is not None
    ]
    if len(adjectives) > 1 and rng.random() < 0.2:
        adjectives.reverse()
    if pattern.count is not None and pattern.count > 1:
        amount = templates.NUMBER_WORDS[pattern.count] if rng.random() < 0.75 else str(pattern.count)
        words = [amount, *adjectives, _plural(noun)]
    else:
        bare = rng.random() < 0.2
        words = [*([] if bare else [article]), *adjectives, noun]
    if words[0] == "a" and words[1][0] in "aeiou":
        words[0] = "an"
    phrase = " ".join(words)
    if in_bars:
        colour = pick(rng, templates.COLOUR_NAMES[pattern.colour or ""])
        phrase = pick(rng, templates.TALLEST_BAR).format(chart=phrase, colour=colour)
    for names, value in (
        (templates.DIRECTION_NAMES, pattern.direction),
        (templates.MOTION_NAMES, pattern.motion),
        (templates.PLACE_PHRASES, pattern.place),
    ):
        phrase += f" {pick(rng, names[value])}" if value is not None else ""
    return phrase


def _noun(pattern: ShapePattern, rng: np.random.Generator) -> tuple[str, str]:
    """Noun and article."""
    if pattern.kind != NUMBER:
        return pick(rng, templates.KIND_NAMES[pattern.kind or "circle"]), "a" if rng.random() < 0.75 else "the"
    number = pattern.number or 0
    written = str(number) if number > 9 or rng.random() < 0.75 else templates.NUMBER_WORDS[number]
    names = ("number", "number", "figure") if number > 9 else ("number", "number", "digit", "figure")
    return f"{pick(rng, names)} {written}", "the"


def _plural(noun: str) -> str:
    if noun == "fish" or " that " in noun:
        return noun.replace("chart that goes", "charts that go")
    return noun + ("es" if noun.endswith(("s", "x")) else "s")


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

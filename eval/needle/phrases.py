"""English for pictures: which of a scene's attributes are asked for, and how they are put."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle import templates
from clamr_select.eval.needle.combinations import is_held_out
from clamr_select.eval.needle.predicates import ShapePattern, ShowsShapes
from clamr_select.eval.needle.scene import BAR_CHART, KINDS, NUMBER, Scene, Shape
from clamr_select.eval.needle.vocabulary import pick


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


def describe_motion(scene: Scene, rng: np.random.Generator) -> ShowsShapes:
    """What one of the scene's moving things is, mostly its colour, and how it moves."""
    shape = pick(rng, [shape for shape in scene.shapes if shape.motion is not None])
    return ShowsShapes((replace(_pair_pattern(shape, rng), motion=shape.motion),))


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

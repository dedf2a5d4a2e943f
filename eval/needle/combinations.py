"""Combinations of attributes that training never shows: (colour, kind) and (texture, kind), split by hash."""

from __future__ import annotations

from functools import lru_cache

from clamr_select.eval.needle.scene import ALL_KINDS, COLOURS, KINDS, NUMBER, TEXTURES, Scene, Shape
from clamr_select.eval.needle.vocabulary import Split, split_of


@lru_cache(maxsize=16_384)
def pair_split(attribute: str, kind: str) -> Split:
    """The split that a colour or texture on a kind of shape (or on a number, as digits) belongs to.

    Pairs of ``train`` come up in every split, those of ``validation`` and ``test`` in their own only.
    """
    return split_of(f"{attribute} {kind}")


def pair_splits(shape: Shape) -> tuple[Split, ...]:
    """The splits of the pairs a shape shows. The plain texture goes with everything."""
    colour = pair_split(shape.colour, str(shape.number) if shape.kind == NUMBER else shape.kind)
    return (colour,) if shape.texture == "plain" else (colour, pair_split(shape.texture, shape.kind))


def is_allowed(scene: Scene, split: Split) -> bool:
    """Whether the scene shows pairs of ``train`` and of ``split`` only."""
    return all(s in ("train", split) for shape in scene.shapes for s in pair_splits(shape))


def is_held_out(shape: Shape) -> bool:
    """Whether the shape shows a pair that training never does."""
    return any(s != "train" for s in pair_splits(shape))


@lru_cache(maxsize=4)
def held_out_colours(split: Split) -> tuple[tuple[str, str], ...]:
    """(colour, kind) of ``split``, numbers apart."""
    return tuple((c, k) for k in ALL_KINDS for c in COLOURS if pair_split(c, k) == split)


@lru_cache(maxsize=4)
def held_out_textures(split: Split) -> tuple[tuple[str, str], ...]:
    """(texture, kind) of ``split``."""
    return tuple((t, k) for k in KINDS for t in TEXTURES[1:] if pair_split(t, k) == split)

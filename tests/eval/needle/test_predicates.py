from __future__ import annotations

import itertools

import numpy as np
import pytest

from clamr_select.eval.needle.predicates import (
    Both,
    DescribedBy,
    DocumentFacts,
    FrameFacts,
    HoldsWords,
    HoldsWordsAnywhere,
    ShapePattern,
    ShowsShapes,
    Verdict,
)
from clamr_select.eval.needle.questions import ask_video, ask_video_and_words
from clamr_select.eval.needle.scene import Background, Scene, Shape, random_scene

NO, UNSURE, YES = Verdict
CIRCLE = Shape("circle", "red", place="left")
SQUARE = Shape("square", "blue", texture="striped", place="right")
PAIR = Scene((CIRCLE, SQUARE), Background("grey"))
STARS = Scene((Shape("star", "green", "small", place=None, count=3),))


def shows(scene: Scene, *patterns: ShapePattern, **details: str) -> Verdict:
    return ShowsShapes(patterns, **details).frame(FrameFacts(scene))


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [
        (ShapePattern("circle"), YES),
        (ShapePattern("circle", "red"), YES),
        (ShapePattern("circle", "blue"), NO),
        (ShapePattern(colour="blue", texture="striped"), YES),
        (ShapePattern("square", texture="dotted"), NO),
        (ShapePattern("circle", place="left"), YES),
        (ShapePattern("circle", place="right"), NO),
    ],
)
def test_one_shape(pattern: ShapePattern, verdict: Verdict) -> None:
    assert shows(PAIR, pattern) == verdict


def test_counts_and_places_of_groups() -> None:
    assert shows(STARS, ShapePattern("star", count=3)) == YES
    assert shows(STARS, ShapePattern("star", count=2)) == NO
    assert shows(STARS, ShapePattern("star")) == YES
    assert shows(STARS, ShapePattern("star", place="left")) == UNSURE  # one of them is on the left
    two = Scene((CIRCLE, Shape("circle", "blue", place="right")))
    assert shows(two, ShapePattern("circle", count=2)) == YES
    assert shows(two, ShapePattern("circle", "red", count=2)) == NO


def test_relations_backgrounds_and_binding() -> None:
    circle, square = ShapePattern("circle", "red"), ShapePattern("square", "blue")
    assert shows(PAIR, circle, square, relation="left of") == YES
    assert shows(PAIR, circle, square, relation="right of") == NO
    assert shows(PAIR, square, circle, relation="right of") == YES
    assert shows(PAIR, circle, square, relation="above") == NO
    assert shows(PAIR, circle, square) == YES
    assert shows(PAIR, circle, square, background="grey") == YES
    assert shows(PAIR, circle, background="white") == NO
    assert shows(PAIR, ShapePattern("circle", "blue"), ShapePattern("square", "red")) == NO
    assert shows(PAIR, circle, circle) == NO  # one shape cannot be both


def test_words_by_modality() -> None:
    frame = FrameFacts(PAIR, frozenset({"a", "b"}), frozenset({"b", "c"}), frozenset({"b", "c", "d"}))
    for words, asr, ocr, anywhere in [
        ("ab", YES, NO, YES),
        ("bc", NO, YES, YES),
        ("cd", NO, UNSURE, UNSURE),
        ("ac", NO, NO, UNSURE),
        ("ax", NO, NO, NO),
    ]:
        wanted = frozenset(words)
        assert HoldsWords(wanted, "asr").frame(frame) == asr
        assert HoldsWords(wanted, "ocr").frame(frame) == ocr
        assert HoldsWordsAnywhere(wanted).frame(frame) == anywhere


def test_documents() -> None:
    spoken = FrameFacts(PAIR, frozenset("a"))
    written = FrameFacts(STARS, ocr=frozenset("b"), unsure_ocr=frozenset("b"))
    document = DocumentFacts((spoken, written), frozenset("t"))
    assert HoldsWords(frozenset("a"), "asr").document(document) == YES
    assert HoldsWordsAnywhere(frozenset("at")).document(document) == UNSURE
    assert DescribedBy(frozenset("t"), strict=True).document(document) == YES
    assert DescribedBy(frozenset("a"), strict=True).document(document) == NO
    assert DescribedBy(frozenset("a"), strict=False).document(document) == UNSURE
    assert DescribedBy(frozenset("t"), strict=True).frame(spoken) == NO
    stars = ShowsShapes((ShapePattern("star"),))
    assert Both(stars, HoldsWords(frozenset("b"), "ocr")).document(document) == YES
    assert Both(stars, HoldsWords(frozenset("a"), "asr")).document(document) == NO  # not at one moment
    assert Both(stars, stars).document(DocumentFacts((), frozenset())) == NO


def naive(predicate: ShowsShapes, scene: Scene) -> bool:
    """Brute force over single shapes standing where they are drawn, for scenes without groups."""
    if predicate.background and scene.background.colour != predicate.background:
        return False
    wanted = [{k: v for k, v in vars(p).items() if v is not None and k != "count"} for p in predicate.patterns]
    for chosen in itertools.permutations(scene.shapes, len(wanted)):
        fits = all(getattr(s, k) == v for s, w in zip(chosen, wanted, strict=True) for k, v in w.items())
        if fits and predicate.relation:
            order = ["left", "centre", "right"] if "of" in predicate.relation else ["top", "bottom"]
            if not all(s.place in order for s in chosen):
                continue
            first, second = (order.index(s.place or "") for s in chosen)
            fits = first < second if predicate.relation in ("left of", "above") else first > second
        if fits:
            return True
    return False


def test_against_brute_force() -> None:
    rng = np.random.default_rng(11)
    scenes = [scene for scene in (random_scene(rng) for _ in range(300)) if scene.shapes[0].count == 1]
    hits = 0
    for scene in scenes[:120]:
        predicate = ask_video(scene, rng).predicate
        assert isinstance(predicate, ShowsShapes)
        assert predicate.frame(FrameFacts(scene)) == YES
        for other in scenes:
            found = predicate.frame(FrameFacts(other))
            assert (found == YES) == naive(predicate, other)
            hits += found == YES
    assert hits > 200


def test_two_modalities_need_both_at_once() -> None:
    rng = np.random.default_rng(1)
    question = ask_video_and_words(PAIR, ["lantern"], "asr", rng)
    assert question.target == "video+asr"
    assert question.predicate.frame(FrameFacts(PAIR, frozenset({"lantern", "oak"}))) == YES
    assert question.predicate.frame(FrameFacts(PAIR, ocr=frozenset({"lantern"}))) == NO
    assert question.predicate.frame(FrameFacts(STARS, frozenset({"lantern"}))) == NO

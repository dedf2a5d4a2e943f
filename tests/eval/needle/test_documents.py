from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.documents import DocumentSet, documents
from clamr_select.eval.needle.oracle import Oracle
from clamr_select.eval.needle.plans import DocumentPlan, add_screen_text, add_speech
from clamr_select.eval.needle.predicates import Both, HoldsWords, ShapePattern, ShowsShapes
from clamr_select.eval.needle.questions import Question
from clamr_select.eval.needle.scene import Scene, Shape


@pytest.fixture(scope="module")
def clean() -> DocumentSet:
    return documents(seed=3, split="test", noise="clean", num_documents=80)


@pytest.fixture(scope="module")
def noisy() -> DocumentSet:
    return documents(seed=3, split="test", noise="realistic", num_documents=80)


def test_noise_keeps_questions_and_answers(clean: DocumentSet, noisy: DocumentSet) -> None:
    assert clean.questions == noisy.questions
    assert len(clean.documents) == len(noisy.documents) == 80
    assert len(clean.questions) > 70
    assert clean.documents[5].texts != noisy.documents[5].texts
    assert np.abs(clean.documents[5].frames[0].astype(int) - noisy.documents[5].frames[0]).mean() > 0.3


def test_documents_are_the_same_in_any_order(clean: DocumentSet) -> None:
    last, first = clean.documents[-1], clean.documents[0]
    assert clean.documents[79] is not first
    assert np.array_equal(clean.documents[79].frames[0], last.frames[0])
    assert [d.texts for d in clean.documents[:2]] == [clean.documents[0].texts, clean.documents[1].texts]
    assert first.neighbors is not None
    again = documents(seed=3, split="test", noise="clean", num_documents=80)
    assert again.questions == clean.questions
    assert again.documents[7].texts == clean.documents[7].texts
    with pytest.raises(IndexError):
        clean.documents[80]


def test_every_target_and_kind_of_question_comes_up(clean: DocumentSet) -> None:
    targets = {question.target for question in clean.questions}
    both = {"video+asr", "video+ocr", "ocr+asr"}
    assert targets == {"video", "asr", "ocr", "description", "ordering", *both}
    assert any(question.paraphrased for question in clean.questions)
    assert any(question.held_out for question in clean.questions)
    train = documents(seed=3, split="train", noise="clean", num_documents=30, planted=False)
    assert not any(question.held_out for question in train.questions)
    assert all(question.query.positive_documents for question in train.questions)


def test_without_noise_the_oracle_ranks_every_answer_first(clean: DocumentSet, noisy: DocumentSet) -> None:
    def share_right(given: DocumentSet) -> float:
        right = []
        for question, scores in zip(given.questions, given.oracle_scores, strict=True):
            yes = list(question.query.positive_documents)
            no = np.setdiff1d(np.arange(80), yes + list(question.query.ignored_documents))
            right.append(scores[yes].min() > scores[no].max())
        return float(np.mean(right))

    assert clean.oracle_scores.shape == (len(clean.questions), 80)
    assert share_right(clean) == 1
    assert 0.7 < share_right(noisy) < 1


def test_the_oracle_reads_what_was_heard() -> None:
    rng = np.random.default_rng(0)
    circle = Scene((Shape("circle", "red"),))
    plans = [DocumentPlan(224, 126, [circle, circle]) for _ in range(3)]
    for plan, heard in zip(plans, ("a lantem here", "nothing", "the lantern"), strict=True):
        add_speech(plan, rng, first=1, last=1, split="test", words=("lantern",))
        plan.asr[0] = plan.asr[0].__class__("the lantern", frozenset({"lantern"}), 1, 1, heard=heard)
    add_screen_text(plans[1], rng, first=0, last=0, position="title", split="test", words=("lantern",))
    oracle = Oracle(plans, [plan.facts() for plan in plans])
    said = HoldsWords(frozenset({"lantern"}), "asr")
    frames = oracle.frame_scores(Question("", "asr", said))
    assert frames.tolist() == pytest.approx([0, 1 - 2 / 7, 0, 0, 0, 1])
    both = Both(ShowsShapes((ShapePattern("circle", "blue"),)), said)
    assert oracle.document_scores(Question("", "video+asr", both)).tolist() == [0, 0, 0]


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="at least 2"):
        documents(seed=0, split="test", noise="clean", num_documents=1)
    with pytest.raises(UnknownNameError, match="realistic"):
        documents(seed=0, split="test", noise="loud", num_documents=4)  # type: ignore[arg-type]

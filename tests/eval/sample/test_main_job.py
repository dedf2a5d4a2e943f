"""The main job on a shorter sample: all four questions, and what must not capture or flatten the scores."""

from __future__ import annotations

import pytest

from clamr_select.eval.sample.narration import CONTENTS, TITLE
from clamr_select.eval.sample.programme import build_programme
from clamr_select.eval.sample.sample import make_sample
from clamr_select.metrics import evidence_recall, hit_at_k
from clamr_select.selector import FrameSelector

NUM_CHAPTERS = 3
NUM_FRAMES = 8

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return make_sample(tmp_path_factory.mktemp("sample"), num_chapters=NUM_CHAPTERS)


@pytest.fixture(scope="module")
def selector():
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="module")
def indexed(selector, sample):
    return selector.index(sample.video, subtitles=sample.subtitles, title=sample.title)


def listings() -> dict[str, tuple[float, float]]:
    """When the contents slide and the end credits are on screen."""
    programme = build_programme(num_chapters=NUM_CHAPTERS)
    starts = programme.starts_seconds()
    shots = [(shot.title, start, shot.num_frames) for shot, start in zip(programme.shots, starts, strict=True)]
    return {
        title: (start, start + frames / 25) for title, start, frames in shots if title in ("Contents", "With thanks to")
    }


def test_clamr_answers_all_four_questions(indexed, sample):
    for question in sample.questions:
        selection = indexed.select(question.question, num_frames=NUM_FRAMES)
        truth = [(question.start_seconds, question.end_seconds)]
        assert hit_at_k(selection.timestamps_seconds, evidence_seconds=truth), question.question


def test_a_slide_that_lists_every_word_takes_at_most_one_frame(indexed, sample):
    shown = listings()
    assert len(shown) == 2
    asked = [q.question for q in sample.questions] + [f"when is {entry} shown?" for entry in CONTENTS[:NUM_CHAPTERS]]
    for selection in indexed.select(asked, num_frames=NUM_FRAMES):
        for title, (start, end) in shown.items():
            taken = [t for t in selection.timestamps_seconds if start <= t <= end]
            assert len(taken) <= 1, (selection.question, title, taken)


def test_title_words_in_the_question_change_recall_by_at_most_two_points(indexed, sample):
    """Of questions about words; the picture question drowns in thirteen words of title (docs/log.md)."""
    questions = [question for question in sample.questions if question.modality != "video"]
    assert len(questions) == 3
    recalls = []
    for asked in ("{question}", f"In {TITLE}, {{question}}"):
        selections = indexed.select([asked.format(question=q.question) for q in questions], num_frames=NUM_FRAMES)
        recalls.append(
            [
                evidence_recall(s.timestamps_seconds, evidence_seconds=[(q.start_seconds, q.end_seconds)])
                for s, q in zip(selections, questions, strict=True)
            ]
        )
    plain, titled = (sum(values) / len(values) for values in recalls)
    assert titled >= plain - 0.02


def test_metadata_that_holds_the_answer_words_flattens_nothing(selector, indexed, sample):
    words = " ".join(q.question for q in sample.questions)
    loaded = selector.index(sample.video, subtitles=sample.subtitles, title=words, ocr="off")
    plain = selector.index(sample.video, subtitles=sample.subtitles, ocr="off")
    for question in sample.questions:
        one, other = (i.select(question.question, num_frames=NUM_FRAMES).candidates.scores for i in (loaded, plain))
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 1e-5

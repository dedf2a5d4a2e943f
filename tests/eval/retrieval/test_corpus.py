"""Rows as questions and videos, and what cannot be."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from clamr_select.errors import InputError
from clamr_select.eval.retrieval.corpus import Corpus
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.sources import ListSource


def index(rows: list[dict[str, Any]], **options: Any) -> RowIndex:
    return RowIndex(ListSource(rows, name="rows"), **options)


def row(video: str, query: Any = "q", **more: Any) -> dict[str, Any]:
    return {"video_id": video, "query": query, "asr": f"words of {video}", **more}


def test_each_video_and_each_question_is_there_once(raw_rows: list[dict[str, Any]]) -> None:
    corpus = Corpus(index(raw_rows))
    assert len(corpus) == 10
    assert len(corpus.questions) == 10
    assert corpus.video_ids[3] == "walrus"
    assert corpus.row(3).description == "a film of walrus"
    assert corpus.questions[0].relevance == {0: 1.0, 3: 3.0, 4: 2.0}
    assert corpus.questions[1].relevance == {1: 1.0}
    assert [question.target for question in corpus.questions[:4]] == ["video", "ocr", "asr", "description"]


def test_questions_without_ids_are_their_words() -> None:
    rows = [row("a", "The  Harbor"), row("b", "the harbor"), row("train_c", ["one", "two"], query_type="ocr")]
    corpus = Corpus(index([*rows, row("c", "one", query_type="asr")]))
    assert [question.text for question in corpus.questions] == ["The  Harbor", "one", "two"]
    assert [dict(question.relevance) for question in corpus.questions] == [{0: 1, 1: 1}, {2: 1}, {2: 1}]
    assert [question.target for question in corpus.questions] == ["", "", "ocr"]  # "one" asks about two modalities
    assert corpus.row(2).asr == "words of train_c"


def test_questions_with_one_best_answer_are_one_cluster() -> None:
    rows = [row("a", "1"), row("b", "1"), row("a", "2"), row("b", "3"), row("c", "4"), row("b", "4", relevance=2)]
    first, second, third, fourth = [question.cluster for question in Corpus(index(rows)).questions]
    assert first == second != third == fourth


def test_others_are_searched_and_not_asked_about(raw_rows: list[dict[str, Any]]) -> None:
    others = index([{"video_id": "z", "asr": "more"}, {"video_id": "harbor", "asr": "not this"}], needs_query=False)
    corpus = Corpus(index(raw_rows), others=others)
    assert len(corpus) == 11
    assert len(corpus.questions) == 10
    assert corpus.row(10).asr == "more"
    assert corpus.row(0).description == "a film of harbor"


def test_the_digest_is_of_what_rows_say(raw_rows: list[dict[str, Any]]) -> None:
    changed = copy.deepcopy(raw_rows)
    changed[2]["asr"] = "something else"
    asked = copy.deepcopy(raw_rows)
    asked[2]["query"] = "another question"
    digest = Corpus(index(raw_rows)).digest
    assert Corpus(index(changed)).digest != digest
    assert Corpus(index(asked)).digest == digest


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (row("b", "another", query_id="x"), "asks 'another' here and 'q' elsewhere"),
        (row("b", ["q", "r"], query_id="x"), "has 2 texts"),
    ],
)
def test_contradictions_are_named_or_skipped(second: dict[str, Any], message: str) -> None:
    rows = [row("a", query_id="x"), second]
    with pytest.raises(InputError, match=message):
        Corpus(index(rows))
    corpus = Corpus(index(rows), on_bad_row="skip")
    assert len(corpus.bad_rows) == 1
    assert message in corpus.bad_rows[0].reason
    assert corpus.questions[0].relevance == {0: 1.0}


def test_nothing_to_ask_is_an_error() -> None:
    with pytest.raises(InputError, match="no question"):
        Corpus(index([row("a", ["q", "r"], query_id="x")]), on_bad_row="skip")

"""Hard negatives against a full ranking of the same corpus."""

from __future__ import annotations

import pytest

from clamr_select.errors import InputError
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.mining import mine_hard_negatives

from .rows import keyed_batch

QUESTIONS = ["the harbor", "the glacier"]
POSITIVES = [{"video-0"}, {"video-2"}]


@pytest.fixture
def corpus():
    batch = keyed_batch([0, 1, 2, 3, 4, 5, 6, 7])  # row 5 is video 1 once more
    return list(zip(batch.document_keys, batch.documents, strict=True))


@pytest.fixture
def encoder(make_retriever, processor):
    return ClamrEncoder(make_retriever().eval(), processor=processor)


@pytest.mark.parametrize("documents_at_once", [3, 64])
def test_negatives_are_the_best_ranked_that_are_not_positive(corpus, encoder, documents_at_once):
    mined = mine_hard_negatives(
        QUESTIONS,
        positive_keys=POSITIVES,
        corpus=iter(corpus),
        encoder=encoder,
        num_negatives=3,
        max_share_of_positive=9.0,
        documents_at_once=documents_at_once,
    )
    queries, _ = encoder.encode_query(QUESTIONS)
    documents, _ = encoder.encode_document([document for _, document in corpus])
    for row, positives, found in zip(encoder.similarity(queries, documents), POSITIVES, mined, strict=True):
        best: dict[str, float] = {}
        for (key, _), score in zip(corpus, row.tolist(), strict=True):
            best[key] = max(score, best.get(key, -9.0))
        expected = sorted((key for key in best if key not in positives), key=lambda key: -best[key])[:3]
        assert list(found.keys) == expected
        assert found.scores == pytest.approx([best[key] for key in expected], abs=1e-5)
        assert found.num_too_close == 0


def test_what_scores_like_a_positive_is_left_out_and_counted(corpus, encoder):
    options = {"positive_keys": POSITIVES, "corpus": corpus, "encoder": encoder, "num_negatives": 99}
    for found in mine_hard_negatives(QUESTIONS, max_share_of_positive=0.8, **options):
        assert len(found.keys) + found.num_too_close == 6
    everything = mine_hard_negatives(QUESTIONS, max_share_of_positive=9.0, **options)
    assert [len(found.keys) for found in everything] == [6, 6]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"positive_keys": [{"video-0"}]}, "one set a question"),
        ({"positive_keys": [{"video-0"}, {"video-99"}]}, "video-99"),
        ({"positive_keys": [{"video-0"}, set()]}, "positives"),
        ({"corpus": []}, "empty"),
        ({"num_negatives": 0}, "at least 1"),
        ({"similarity": "mean"}, "token_max"),
    ],
)
def test_bad_input(corpus, encoder, change, word):
    options = {"positive_keys": POSITIVES, "corpus": corpus, "encoder": encoder, **change}
    with pytest.raises(InputError, match=word):
        mine_hard_negatives(QUESTIONS, **options)

"""Scores of a pool against a naive loop over documents, frames and systems."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.benchmark.retrieval import retrieval_material
from clamr_select.eval.needle.benchmark.scored import row_texts, score_systems
from clamr_select.eval.needle.benchmark.systems import SYSTEMS, check_systems, views_of
from clamr_select.eval.ranking.encoded import find_checkpoints
from clamr_select.eval.ranking.fusion import reciprocal_rank_fusion, route
from clamr_select.eval.ranking.pool import encode_pool, score_moments, score_pool, winning_modalities
from clamr_select.model.document import Document, TextSegment
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings
from clamr_select.training.encoding import EncodedDocuments
from clamr_select.training.views import View


def naive(query, vectors, modality_ids, score):
    """One question and one row, by the definitions."""
    present = sorted(set(modality_ids.tolist()))
    best = {m: (query @ vectors[modality_ids == m].T).amax(dim=1) for m in present}
    if score == "token_max":
        return float((query @ vectors.T).amax(dim=1).mean())
    means = [float(b.mean()) for b in best.values()]
    if score == "modality_max":
        return max(means)
    if score == "average":
        return sum(means) / len(means)
    q, d = query.mean(dim=0), vectors.mean(dim=0)
    return float(q @ d / (q.norm() * d.norm()))


@pytest.mark.parametrize("view", [View(), View(separate=True), View(modality="asr")])
def test_pool_scores_are_those_of_a_loop(encoder, few, view):
    drawn = [few.documents[i] for i in range(len(few.documents))]
    pool = encode_pool(encoder, iter(drawn), view=view)
    queries, _ = encoder.encode_query([question.query.text for question in few.questions[:4]])
    names = ["token_max", "modality_max", "average", "pooled"]
    tables = score_pool(queries, pool=pool, rows="documents", scores=names)
    frames = score_pool(queries, pool=pool, rows="frames", scores=["token_max"])["token_max"]
    moments = score_moments(queries, pool=pool)
    row = 0
    for position, document in enumerate(drawn):
        parts = view.parts(document)
        if not parts:
            assert all(np.isneginf(table[:, position]).all() for table in (*tables.values(), moments))
            row += document.num_candidates
            continue
        embedded = encoder.encode_document(parts)[0]
        vectors = np.concatenate([part.vectors.float().numpy() for part in embedded])
        modality_ids = np.concatenate([part.modality_ids.numpy() for part in embedded])
        first = np.concatenate([part.first_candidates.numpy() for part in embedded])
        last = np.concatenate([part.last_candidates.numpy() for part in embedded])
        for q, query in enumerate(queries):
            tensor = query.new_tensor(vectors)
            for name in names:
                expected = naive(query, tensor, modality_ids, name)
                assert math.isclose(tables[name][q, position], expected, abs_tol=1e-4), name
            whenever = first == NO_CANDIDATE
            best = [naive(query, tensor[whenever], modality_ids[whenever], "token_max")] if whenever.any() else []
            for frame in range(document.num_candidates):
                there = (first <= frame) & (last >= frame)
                if there.any():
                    seen = there | whenever
                    best.append(naive(query, tensor[seen], modality_ids[seen], "token_max"))
                    expected = naive(query, tensor[there], modality_ids[there], "token_max")
                    assert math.isclose(frames[q, row + frame], expected, abs_tol=1e-4)
            assert math.isclose(moments[q, position], max(best), abs_tol=1e-4)
        row += document.num_candidates
    assert row == frames.shape[1]


def test_parts_of_an_answer_in_two_frames_are_none_by_the_best_moment():
    apart, together, other = torch.eye(3)
    tokens = TokenEmbeddings(
        vectors=torch.stack([apart, together, apart, together, other]),
        modality_ids=torch.ones(5, dtype=torch.int64),
        first_candidates=torch.tensor([0, 1, 2, 2, 3]),
        last_candidates=torch.tensor([0, 1, 2, 2, 3]),
        num_candidates=4,
        modalities=("video",),
    )
    pool = EncodedDocuments(tokens, torch.tensor([0, 0, 1, 1, 1]), torch.tensor([2, 2]))
    query = [torch.stack([apart, together])]
    assert score_pool(query, pool=pool, rows="documents", scores=["token_max"])["token_max"].tolist() == [[1.0, 1.0]]
    assert score_moments(query, pool=pool).tolist() == [[0.5, 1.0]]


def test_documents_are_ranked_by_their_best_moment_and_frames_are_not(encoder, few):
    material = retrieval_material(few)
    names = ["clamr", "clamr_best_moment"]
    scored = score_systems(material, systems=names, encoders={"clamr": encoder})
    assert (scored.tables["clamr_best_moment"] <= scored.tables["clamr"] + 1e-5).all()
    assert not np.allclose(scored.tables["clamr_best_moment"], scored.tables["clamr"])
    frames = replace(material, rows="frames", oracle=np.zeros((len(material.questions), 1)), gold_documents=())
    scored = score_systems(frames, systems=names, encoders={"clamr": encoder})
    assert list(scored.tables) == ["clamr"]
    assert scored.left_out == {"clamr_best_moment": "it ranks documents; of frames it is clamr"}


def test_winners_are_the_modalities_of_the_best_tokens(encoder, few):
    document = max((few.documents[i] for i in range(len(few.documents))), key=lambda d: len(d.texts))
    pool = encode_pool(encoder, [few.documents[0], document], view=View())
    (query,), _ = encoder.encode_query(["the narrator talks about the red circle"])
    mine = pool.document_of_token == 1
    vectors, ids = pool.tokens.vectors[mine].float(), pool.tokens.modality_ids[mine]
    best = ids[(query @ vectors.T).argmax(dim=1)]
    expected = [encoder.modalities[int(m) - 1] for m in best]
    assert winning_modalities(query, pool=pool, document=1, by_token=True) == expected
    means = {m: float((query @ vectors[ids == m].T).amax(dim=1).mean()) for m in set(ids.tolist())}
    (chosen,) = winning_modalities(query, pool=pool, document=1, by_token=False)
    assert encoder.modalities.index(chosen) + 1 == max(means, key=lambda m: means[m])
    silent = Document(few.documents[0].frames)
    both = encode_pool(encoder, [silent, document], view=View(modality="ocr"))
    assert winning_modalities(query, pool=both, document=0, by_token=True) == []
    assert set(winning_modalities(query, pool=both, document=1, by_token=True)) == {"ocr"}


def test_systems_without_a_checkpoint_are_named_and_the_others_scored(encoder, few):
    material = retrieval_material(few)
    chosen = ["clamr", "average", "rrf", "bm25_words", "bm25_trigrams", "uniform", "oracle"]
    scored = score_systems(material, systems=chosen, encoders={"clamr": encoder})
    assert list(scored.tables) == ["clamr", "bm25_words", "bm25_trigrams", "uniform", "oracle"]
    assert scored.left_out == {
        "average": "no checkpoint of average",
        "rrf": "no checkpoint of video, ocr, asr, description",
    }
    shape = (len(few.questions), len(few.documents))
    assert all(table.shape == shape for table in scored.tables.values())
    assert len(scored.winners["clamr"]) == len(few.questions)


def test_fusions_join_the_single_modalities(encoder, few):
    material = retrieval_material(few)
    names = ["video", "ocr", "asr", "description", "rrf", "router"]
    scored = score_systems(material, systems=names, encoders=dict.fromkeys(names[:4], encoder))
    single = [scored.tables[name] for name in names[:4]]
    np.testing.assert_allclose(scored.tables["rrf"], reciprocal_rank_fusion(single))
    for row, question in enumerate(material.questions):
        assert np.array_equal(scored.tables["router"][row], scored.tables[route(question)][row])


def test_frames_are_read_with_the_text_of_their_time(few):
    frames = few.documents[0].frames[:1] * 3
    segments = [TextSegment("asr", "one", 0, 1), TextSegment("ocr", "two", 1, 2), TextSegment("description", "all")]
    document = Document(frames, tuple(segments))
    assert [text.split() for text in row_texts(document, rows="frames")] == [["one"], ["one", "two"], ["two"]]
    (whole,) = row_texts(document, rows="documents")
    assert sorted(whole.split()) == ["all", "one", "two"]


def test_names_and_checkpoints_are_found_or_refused(tmp_path):
    assert check_systems(["oracle", "clamr", "oracle"]) == ("clamr", "oracle")
    with pytest.raises(UnknownNameError, match="clamr"):
        check_systems(["magic"])
    assert views_of("router") == ("video", "ocr", "asr", "description")
    assert not views_of("bm25_words")
    for folder in ("average/model", "pooled"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.json").write_text("{}")
    (tmp_path / "video").mkdir()
    found = find_checkpoints(tmp_path, model="clamr-nano")
    assert found == {
        "clamr": "clamr-nano",
        "average": str(tmp_path / "average" / "model"),
        "pooled": str(tmp_path / "pooled"),
    }
    assert find_checkpoints(None, model="x") == {"clamr": "x"}
    with pytest.raises(InputError, match="no such directory"):
        find_checkpoints(tmp_path / "none", model="x")
    assert len(set(SYSTEMS)) == len(SYSTEMS)

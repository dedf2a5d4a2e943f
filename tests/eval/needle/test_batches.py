from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.batches import label, training_batches
from clamr_select.eval.needle.distractors import plant_distractors, plant_listing
from clamr_select.eval.needle.plans import DocumentPlan, add_screen_text, add_speech, random_plan
from clamr_select.eval.needle.questions import Question, ask_anywhere, ask_video, ask_words
from clamr_select.eval.needle.vocabulary import load_words, split_of
from clamr_select.training.batch import TrainingBatch


@pytest.fixture(scope="module")
def batches() -> list[TrainingBatch]:
    return list(islice(training_batches(seed=7, num_documents=24), 12))


def test_the_same_seed_gives_the_same_batches(batches: list[TrainingBatch]) -> None:
    again = islice(training_batches(seed=7, num_documents=24), 4)
    for one, other in zip(batches, again, strict=False):
        assert one.queries == other.queries
        for a, b in zip(one.documents, other.documents, strict=True):
            assert a.texts == b.texts
            assert all(np.array_equal(x, y) for x, y in zip(a.frames, b.frames, strict=True))
    different = next(training_batches(seed=8, num_documents=24))
    assert different.queries != batches[0].queries


def test_every_question_has_answers_and_addresses_are_valid(batches: list[TrainingBatch]) -> None:
    for batch in batches:
        assert len(batch.documents) == 24
        assert len(batch.queries) >= 20
        for query in batch.queries:
            assert query.positive_documents
            assert bool(query.positive_frames) == (query.target != "description")
            assert not set(query.positive_documents) & set(query.ignored_documents)
            assert not set(query.positive_frames) & set(query.ignored_frames)
            for d, i in query.positive_frames:
                assert d in query.positive_documents
                assert 0 <= i < len(batch.documents[d].frames)
            for d, i in query.ignored_frames:
                assert d in query.positive_documents + query.ignored_documents
                assert 0 <= i < len(batch.documents[d].frames)


def test_every_target_comes_up(batches: list[TrainingBatch]) -> None:
    targets = Counter(query.target for batch in batches for query in batch.queries)
    ordering = {target for target in targets if target.startswith("ordering+")}
    assert ordering <= {"ordering+asr", "ordering+video", "ordering+video+asr"}
    assert ordering
    assert set(targets) - ordering == {"video", "asr", "ocr", "description", "video+asr", "video+ocr", "ocr+asr"}
    assert targets["video"] == max(targets.values())


def test_documents_vary(batches: list[TrainingBatch]) -> None:
    documents = [document for batch in batches for document in batch.documents]
    assert {len(d.frames) for d in documents} == {1, 2, 3, 4, 6, 8}
    assert {d.frames[0].shape[:2] for d in documents} == {(126, 224), (126, 168), (126, 126), (224, 126)}
    modalities = {frozenset(t.modality for t in d.texts) for d in documents}
    assert frozenset({"asr"}) in modalities
    assert frozenset({"asr", "ocr", "description"}) in modalities
    assert frozenset() in modalities


def test_vision_only() -> None:
    for batch in islice(training_batches(seed=1, num_documents=12, vision_only_share=1.0), 3):
        assert all(not document.texts and len(document.frames) <= 2 for document in batch.documents)
        assert {query.target for query in batch.queries} == {"video"}


@pytest.mark.parametrize("vision_only_share", [0.0, 1.0])
def test_several_questions_a_document_are_asked_of_the_same_documents(vision_only_share: float) -> None:
    one, four = (
        next(training_batches(seed=3, num_documents=12, vision_only_share=vision_only_share, questions_per_document=n))
        for n in (1, 4)
    )
    assert len(one.queries) <= 12
    assert len(four.queries) >= 2.5 * len(one.queries)
    assert all(query.positive_documents for query in four.queries)
    lengths = [sorted(len(document.frames) for document in batch.documents) for batch in (one, four)]
    assert lengths[0] == lengths[1]
    if vision_only_share:
        assert len(four.queries) == 48
        assert {query.target for query in four.queries} == {"video"}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_words_come_from_the_split(split: str) -> None:
    words = set(load_words())  # those with synonyms, which all splits share, are not among them
    found_in = training_batches(seed=3, num_documents=12, vision_only_share=0.0, split=split, noise="clean")  # type: ignore[arg-type]
    batch = next(found_in)
    text = " ".join(segment.text.lower() for document in batch.documents for segment in document.texts)
    found = [w for w in text.split() if w in words]
    wrong = [w for w in found if split_of(w) != split]
    assert len(found) > 40
    assert not wrong


def test_bad_arguments() -> None:
    wrong = {"num_documents": 1, "max_frames": 0, "vision_only_share": 1.5, "questions_per_document": 0}
    for name, value in wrong.items():
        with pytest.raises(InputError, match="allowed"):
            training_batches(seed=0, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        training_batches(seed=0, split="dev")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="mixed"):
        training_batches(seed=0, noise="loud")  # type: ignore[arg-type]


def test_noise_changes_texts_and_pictures_and_no_label() -> None:
    clean, noisy = (
        next(training_batches(seed=5, num_documents=12, vision_only_share=0.0, noise=noise))
        for noise in ("clean", "realistic")  # type: ignore[arg-type]
    )
    assert clean.queries == noisy.queries
    assert [len(d.frames) for d in clean.documents] == [len(d.frames) for d in noisy.documents]
    texts = [
        (a.text, b.text)
        for one, other in zip(clean.documents, noisy.documents, strict=True)
        for a, b in zip(one.texts, other.texts, strict=True)
        if a.modality != "description"
    ]
    assert sum(a != b for a, b in texts) > len(texts) / 2


def test_neighbors_show_what_moves() -> None:
    batch = next(training_batches(seed=5, num_documents=24, vision_only_share=1.0, neighbors=True, noise="clean"))
    moved = 0
    for document in batch.documents:
        assert document.neighbors is not None
        moved += any(not np.array_equal(a, b) for a, b in zip(document.frames, document.neighbors, strict=True))
    assert 4 < moved < 24
    still = next(training_batches(seed=5, num_documents=4, vision_only_share=1.0))
    assert all(document.neighbors is None for document in still.documents)
    motions = ("mov", "grow", "shrink", "spin", "rotat", "turn", "rises", "sinks", "getting")
    assert any(word in query.text.lower() for query in batch.queries for word in motions)
    assert not any(word in query.text.lower() for query in still.queries for word in motions)


def _naive_words(plan: DocumentPlan, frame: int, modality: str, *, listings: bool) -> set[str]:
    words: set[str] = set()
    for line in plan.asr if modality == "asr" else plan.ocr:
        if frame in range(line.first, line.last + 1) and (listings or line.position != "slide"):
            words |= set(line.words)
    return words


def _naive_frame(question: Question, plan: DocumentPlan, frame: int) -> str:
    """The label of one frame for a question about words, by going through the lines one by one."""
    wanted = set(question.words)
    asr = _naive_words(plan, frame, "asr", listings=True)
    ocr = _naive_words(plan, frame, "ocr", listings=False) if plan.ocr_recognised else set()
    all_ocr = _naive_words(plan, frame, "ocr", listings=True)
    kind = type(question.predicate).__name__
    if kind == "HoldsWordsAnywhere":
        if wanted <= asr or wanted <= ocr:
            return "positive"
        return "ignored" if wanted <= asr | all_ocr else "negative"
    if question.target == "asr":
        return "positive" if wanted <= asr else "negative"
    if wanted <= ocr:
        return "positive"
    return "ignored" if wanted <= all_ocr else "negative"


def test_labels_against_a_naive_loop() -> None:
    rng = np.random.default_rng(4)
    plans = [random_plan(rng, num_frames=4, split="train") for _ in range(16)]
    questions: list[Question] = []
    for home, plan in enumerate(plans):
        for modality, lines in (("asr", plan.asr), ("ocr", plan.ocr)):
            if lines:
                words = sorted(lines[0].words)[:2]
                questions += [ask_words(words, modality, rng), ask_anywhere(words, modality, rng)]
        for question in questions[-2:]:
            plant_distractors(question, plans, home, rng, split="train")
    for plan in plans[:5]:
        plant_listing(plan, [w for q in questions for w in q.words], rng)
    by_text = {query.text: query for query in label(questions, plans)}
    counts: Counter[str] = Counter()
    for question in questions:
        query = by_text.get(question.text)
        for d, plan in enumerate(plans):
            for i in range(len(plan.scenes)):
                expected = _naive_frame(question, plan, i)
                counts[expected] += 1
                if query is None:
                    assert expected != "positive"
                    continue
                assert ((d, i) in query.positive_frames) == (expected == "positive")
                assert ((d, i) in query.ignored_frames) == (expected == "ignored")
    assert min(counts["positive"], counts["ignored"], counts["negative"]) > 20


def test_a_listing_is_ignored_for_screen_questions_and_wrong_for_speech() -> None:
    rng = np.random.default_rng(0)
    plans = [random_plan(rng, num_frames=1, split="train") for _ in range(2)]
    for plan in plans:
        plan.asr.clear()
        plan.ocr.clear()
        plan.ocr_recognised = True
    words = ("lantern", "harbor")
    add_speech(plans[0], rng, first=0, last=0, split="train", words=words)
    add_screen_text(plans[0], rng, first=0, last=0, position="caption", split="train", words=words)
    assert plant_listing(plans[1], ["lantern", "harbor", "oak"], rng)
    spoken, written = label([ask_words(words, m, rng) for m in ("asr", "ocr")], plans)
    assert spoken.positive_frames == written.positive_frames == ((0, 0),)
    assert spoken.ignored_frames == ()
    assert written.ignored_frames == ((1, 0),)
    assert written.ignored_documents == (1,)
    assert "lantern" in plans[1].document().texts[-1 if not plans[1].description else 0].text


def test_a_locked_frame_keeps_its_scene() -> None:
    rng = np.random.default_rng(0)
    plan = random_plan(rng, num_frames=1, split="train")
    question = ask_video(plan.scenes[0], rng)
    plan.locked.add(0)
    before = plan.scenes[0]
    for _ in range(20):
        plant_distractors(question, [plan, plan], 0, rng, split="train")
    assert plan.scenes[0] == before
    assert not plant_listing(plan, ["lantern"], rng)

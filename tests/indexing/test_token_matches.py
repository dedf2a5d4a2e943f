"""Which word and patch met which word of the question, against loops over tokens."""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.token_matches import _grid, frame_matches
from clamr_select.model.pixels import smart_resize
from clamr_select.selection import VideoFacts
from clamr_select.selector import FrameSelector

QUESTION = "What does the walrus say?"
SPOKEN_AT, SILENT_AT = 12, 3


def test_the_word_that_answers_is_found_in_its_line(spoken_video: IndexedVideo) -> None:
    (matches,) = frame_matches(spoken_video, QUESTION, [SPOKEN_AT])
    (walrus,) = [m for m in matches.words if matches.question_words[m.question_word] == "walrus"]
    line = spoken_video.words["asr"][SPOKEN_AT][walrus.line]

    assert matches.question_words == ("What", "does", "the", "walrus", "say?")
    assert walrus.modality == "asr"
    assert line[walrus.start : walrus.end] == "walrus"
    assert walrus.score > 0.7


def test_word_scores_are_those_of_a_loop_over_tokens(spoken_video: IndexedVideo) -> None:
    (query,), _ = spoken_video.encoder.encode_query([QUESTION])
    tokens, processor = spoken_video.tokens, spoken_video.encoder.processor
    (matches,) = frame_matches(spoken_video, QUESTION, [SPOKEN_AT])
    said = [
        tokens.vectors[i].float()
        for i in range(len(tokens))
        if tokens.modalities[tokens.modality_ids[i] - 1] == "asr"
        and tokens.first_candidates[i] <= SPOKEN_AT <= tokens.last_candidates[i]
    ]
    (line,) = spoken_video.words["asr"][SPOKEN_AT]
    spans = processor.tokenizer(" " + line, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert len(said) == len(spans)

    for number, (_, positions) in enumerate(processor.question_words(QUESTION)):
        by_word = {}
        for word in line.split():
            start = 1 + line.index(word)
            inside = [v for v, (a, b) in zip(said, spans, strict=True) if a < start + len(word) and b > start]
            by_word[word] = float(np.mean([max(float(v @ query[p]) for v in inside) for p in positions]))
        (found,) = [m for m in matches.words if m.question_word == number]
        assert found.score == pytest.approx(max(by_word.values()), abs=1e-5)
        assert by_word[line[found.start : found.end]] == pytest.approx(found.score, abs=1e-5)


def test_patches_are_those_of_a_loop_over_tokens(spoken_video: IndexedVideo) -> None:
    (query,), _ = spoken_video.encoder.encode_query([QUESTION])
    tokens = spoken_video.tokens
    first, second = frame_matches(spoken_video, QUESTION, [SILENT_AT, SPOKEN_AT])
    seen = [
        tokens.vectors[i].float()
        for i in range(len(tokens))
        if tokens.modalities[tokens.modality_ids[i] - 1] == "video" and tokens.first_candidates[i] == SILENT_AT
    ]
    height, width = spoken_video.encoder.processor.frame_size(180, 320)
    rows, columns = height // 28, width // 28

    assert first.words == ()
    assert first.patches is not None
    assert second.patches is not None
    assert first.patches.shape == second.patches.shape == (5, rows, columns)
    for (number, (_, positions)), row, column in product(
        enumerate(spoken_video.encoder.processor.question_words(QUESTION)), range(rows), range(columns)
    ):
        cosine = np.mean([float(seen[row * columns + column] @ query[p]) for p in positions])
        assert first.patches[number, row, column] == pytest.approx(cosine, abs=1e-5)


def test_pooled_tokens_have_words_and_no_place_in_the_picture(
    nano: FrameSelector, spoken_video: IndexedVideo, color_video: Path, spoken_subtitles: Path
) -> None:
    """They are means of patches that lie apart."""
    pooled = nano.index(color_video, subtitles=spoken_subtitles, ocr="off", token_pooling=4)
    (whole,), (matches,) = (frame_matches(video, QUESTION, [SPOKEN_AT]) for video in (spoken_video, pooled))

    assert matches.patches is None
    assert [(m.start, m.end) for m in matches.words] == [(m.start, m.end) for m in whole.words]
    assert [m.score for m in matches.words] == pytest.approx([m.score for m in whole.words], abs=1e-5)


def test_the_best_patch_of_a_word_is_what_the_frame_scored(spoken_video: IndexedVideo) -> None:
    """A word of one token: the heat map's maximum is that token's MaxSim over the picture."""
    question = "is it in a box"  # nano's pieces are short
    (query,), _ = spoken_video.encoder.encode_query([question])
    by_token = spoken_video.score(query).by_query_token
    (matches,) = frame_matches(spoken_video, question, [SILENT_AT])
    video = spoken_video.tokens.modalities.index("video")
    single = [
        (number, positions[0])
        for number, (_, positions) in enumerate(spoken_video.encoder.processor.question_words(question))
        if len(positions) == 1
    ]

    assert single
    assert matches.patches is not None
    for number, position in single:
        assert matches.patches[number].max() == pytest.approx(by_token[SILENT_AT, video, position], abs=1e-5)


def test_common_words_are_typical_and_the_answer_is_not(spoken_video: IndexedVideo) -> None:
    (query,), _ = spoken_video.encoder.encode_query([QUESTION])
    by_token = spoken_video.score(query).by_query_token
    (matches,) = frame_matches(spoken_video, QUESTION, [SPOKEN_AT])
    for number, (_, positions) in enumerate(spoken_video.encoder.processor.question_words(QUESTION)):
        bests = [float(np.mean([candidate[:, p].max() for p in positions])) for candidate in by_token]
        assert matches.typical[number] == pytest.approx(sorted(bests)[14] / 2 + sorted(bests)[15] / 2, abs=1e-5)

    (walrus,) = [m for m in matches.words if matches.question_words[m.question_word] == "walrus"]
    assert walrus.score > matches.typical[walrus.question_word] + 0.2


def test_the_grid_is_that_of_the_resized_frame(spoken_video: IndexedVideo) -> None:
    sizes = [(360, 640), (640, 360), (480, 640), (1080, 1920), (1920, 1080), (816, 1920), (500, 500), (144, 256)]
    for (height, width), max_pixels, factor in product(sizes, (128 * 784, 224 * 224, 602_112), (28, 32)):
        small = smart_resize(height, width, factor=factor, min_pixels=784, max_pixels=max_pixels)
        true = (small[0] // factor, small[1] // factor)
        video = dataclasses.replace(spoken_video, video_facts=VideoFacts(width, height, 1, 0.0, 1.0, 25.0))
        assert _grid(video, num_patches=true[0] * true[1]) == true, (height, width, max_pixels, factor)


def test_words_cut_by_the_budget_have_no_match(spoken_video: IndexedVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index must hold the tokens that its words make; another count is refused, not misplaced."""
    monkeypatch.setattr(spoken_video.encoder.processor, "max_text_tokens", 3)
    with pytest.raises(InputError, match="index the video again"):
        frame_matches(spoken_video, QUESTION, [SPOKEN_AT])


def test_bad_input_is_refused(spoken_video: IndexedVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"candidate 30 is outside 0\.\.29"):
        frame_matches(spoken_video, QUESTION, [30])
    with pytest.raises(InputError, match="empty"):
        frame_matches(spoken_video, " ", [0])
    monkeypatch.setattr(spoken_video.encoder.processor, "compat", "reference")
    with pytest.raises(InputError, match="corrected"):
        frame_matches(spoken_video, QUESTION, [0])


def test_special_tokens_in_speech_are_spelled_as_the_index_spelled_them(nano, color_video, tmp_path) -> None:
    path = tmp_path / "odd.srt"
    path.write_text("1\n00:00:05,000 --> 00:00:07,500\n<|im_end|> walrus\u3000ätzend 🦭 </s>\n", encoding="utf-8")
    indexed = nano.index(color_video, subtitles=path, ocr="off")
    (matches,) = frame_matches(indexed, "walrus", [6])
    (walrus,) = matches.words
    line = indexed.words["asr"][6][walrus.line]

    assert line[walrus.start : walrus.end] == "walrus"
    assert torch.isfinite(torch.tensor(walrus.score))

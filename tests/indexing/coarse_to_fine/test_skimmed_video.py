"""A few windows looked at closely: as a full index encodes them, and chosen from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clamr_select.answer import VideoQA
from clamr_select.cli.main import main
from clamr_select.errors import InputError, UnknownNameError
from clamr_select.indexing import indexer
from clamr_select.indexing.coarse_to_fine import file_windows, opening, skimmer
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.indexing.token_matches import frame_matches
from clamr_select.selector import FrameSelector
from clamr_select.video.reader import DecodedFrame
from clamr_select.video.stream import decode_candidates

from .conftest import GLACIERS, WALRUS, plain

pytestmark = pytest.mark.usefixtures("small_plans")


def test_the_answer_is_found_and_what_was_skipped_is_said(nano: FrameSelector, talk: Path) -> None:
    selection = nano.select(talk, WALRUS, num_frames=2, effort="fast", ocr="off")

    assert 12.0 in selection.timestamps_seconds
    assert "walrus" in selection.text[selection.timestamps_seconds.index(12.0)]["asr"]
    method = selection.method
    assert (method["effort"], method["skim_step"], method["num_windows"]) == ("fast", 4, 3)
    assert method["num_candidates"] == 30
    assert method["num_candidates_with_words"] in (10, 12)
    assert selection.candidates is not None
    assert method["num_candidates_seen"] == len(selection.candidates.frame_indices) < 30
    (warning,) = [w for w in selection.warnings if w.code == "not_all_seen"]
    assert f"{method['num_candidates_seen']} of 30" in warning.message


def test_windows_are_what_a_full_index_has(nano: FrameSelector, talk: Path, skimmed: SkimmedVideo) -> None:
    full = nano.index(talk, ocr="off", cache_dir=None)
    for window in skimmed.source.windows([0, 2, 3, 7]):
        assert window.tokens is not None
        mine = (full.tokens.first_candidates >= window.candidates[0]) & (
            full.tokens.last_candidates <= window.candidates[-1]
        )
        mine &= full.tokens.first_candidates >= 0
        timed = window.tokens.first_candidates >= 0
        torch.testing.assert_close(window.tokens.vectors[timed], full.tokens.vectors[mine], atol=1e-5, rtol=0)
        assert torch.equal(
            window.tokens.first_candidates[timed] + window.candidates[0], full.tokens.first_candidates[mine]
        )


def test_scores_of_windows_are_those_of_full(nano: FrameSelector, talk: Path) -> None:
    fast = nano.select(talk, WALRUS, effort="fast", ocr="off")
    full = nano.select(talk, WALRUS, ocr="off")
    assert fast.candidates is not None
    assert full.candidates is not None
    of_full = dict(zip(full.candidates.frame_indices, full.candidates.scores, strict=True))
    skimmed = nano.skim(talk, ocr="off")
    close = [at for window in skimmed.source.windows(skimmed.propose(WALRUS)) for at in window.candidates]
    indices = set(skimmed.skim.frame_indices[close].tolist())
    compared = 0
    for index, score in zip(fast.candidates.frame_indices, fast.candidates.scores, strict=True):
        if index in indices:
            assert score == pytest.approx(of_full[index], abs=1e-5)
            compared += 1
    assert compared == len(indices) >= 10


def test_a_short_video_is_encoded_whole(nano: FrameSelector, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "EFFORT_PLANS", {"fast": EffortPlan(4, 8)})
    fast = nano.select(talk, WALRUS, effort="fast", ocr="off")
    full = nano.select(talk, WALRUS, ocr="off")

    assert fast.frame_indices == full.frame_indices
    assert fast.scores == pytest.approx(full.scores, abs=1e-5)
    assert fast.candidates is not None
    assert len(fast.candidates.scores) == 30
    assert "not_all_seen" not in {warning.code for warning in fast.warnings}


def test_a_span_has_the_windows_to_itself(skimmed: SkimmedVideo) -> None:
    selection = skimmed.select(WALRUS, num_frames=3, between_seconds=(20.0, 29.0))

    assert all(20 <= seconds <= 29 for seconds in selection.timestamps_seconds)
    assert set(skimmed.propose(WALRUS, between_seconds=(20.0, 29.0))) <= {5, 6, 7}
    with pytest.raises(InputError, match="no candidate frame between"):
        skimmed.select(WALRUS, between_seconds=(90.0, 99.0))


@pytest.mark.parametrize(
    ("include", "span", "included"),
    [
        (["first", "last"], None, [0.0, 29.0]),
        ([5.2, 14.9, 27.4], None, [5.0, 15.0, 27.0]),
        (["first", 24.0], (19.5, 26.0), [20.0, 24.0]),
    ],
)
@pytest.mark.parametrize("modalities", [None, ["asr"]])
def test_the_frames_to_be_included_are_those_of_full(
    nano: FrameSelector,
    talk: Path,
    include: list[float | str],
    span: tuple[float, float] | None,
    included: list[float],
    modalities: list[str] | None,
) -> None:
    for effort in ("full", "fast", "balanced"):
        selection = nano.select(
            talk,
            WALRUS,
            num_frames=4,
            include=include,
            between_seconds=span,
            modalities=modalities,
            effort=effort,
            ocr="off",
        )
        assert selection.method["included"] == included
        assert set(included) <= set(selection.timestamps_seconds)


@pytest.mark.parametrize("span", [(14.0, 15.0), (20.0, 29.0), (0.0, 29.0)])
def test_a_span_without_evidence_is_looked_at_evenly(skimmed: SkimmedVideo, span: tuple[float, float]) -> None:
    """No word is like the question, and pictures are not to count."""
    proposed = skimmed.propose("xyzzy", between_seconds=span, modalities=["asr"])
    selection = skimmed.select("xyzzy", num_frames=2, between_seconds=span, modalities=["asr"])

    assert proposed == {14.0: (3,), 20.0: (5, 6, 7), 0.0: (1, 3, 6)}[span[0]]
    assert all(span[0] <= seconds <= span[1] for seconds in selection.timestamps_seconds)
    assert len(selection) == 2


def test_only_the_modalities_asked_for_propose(skimmed: SkimmedVideo) -> None:
    assert skimmed.propose(GLACIERS, modalities=["asr"])[0] in (2, 3, 5)
    assert len(skimmed.propose("xyzzy", modalities=["asr"])) == 0
    assert len(skimmed.propose("xyzzy", modalities=["video"])) == 3


def test_several_questions_have_a_selection_each(skimmed: SkimmedVideo) -> None:
    both = skimmed.select([WALRUS, GLACIERS], num_frames=2)

    assert [plain(one) for one in both] == [plain(skimmed.select(q, num_frames=2)) for q in (WALRUS, GLACIERS)]


def test_a_language_model_is_asked_once_a_question(skimmed: SkimmedVideo) -> None:
    asked: list[str] = []

    def reply(prompt: str) -> str:
        asked.append(prompt)
        return json.dumps({"text": "the walrus", "place": "end"})

    selections = skimmed.select([WALRUS, GLACIERS], num_frames=2, question_rules=reply)

    assert len(asked) == len(set(asked)) == 2
    assert {selection.method["question_plan"]["by"] for selection in selections} == {"model"}


@pytest.mark.parametrize("policy", ["uniform", "mmr", "aks", "dpp"])
def test_any_policy_chooses_among_what_was_seen(skimmed: SkimmedVideo, policy: str) -> None:
    selection = skimmed.select(WALRUS, num_frames=5, policy=policy)

    assert len(selection.frame_indices) == 5
    assert selection.candidates is not None
    assert set(selection.frame_indices) <= set(selection.candidates.frame_indices)


def test_neighbors_pooling_and_codes_reach_the_windows(nano: FrameSelector, talk: Path) -> None:
    given = {"ocr": "off", "pair": "neighbor", "token_pooling": 2, "precision": "int8"}
    first = nano.select(talk, WALRUS, effort="fast", **given)
    again = nano.select(talk, WALRUS, effort="fast", **given)
    whole = nano.select(talk, WALRUS, effort="fast", ocr="off")

    assert plain(again) == plain(first)
    assert first.method["token_pooling"] == 2
    assert first.scores != whole.scores


def test_what_cannot_be_skimmed_is_refused(nano: FrameSelector, talk: Path) -> None:
    with pytest.raises(UnknownNameError, match="quick"):
        nano.select(talk, WALRUS, effort="quick")  # type: ignore[call-overload]
    with pytest.raises(UnknownNameError, match="full"):
        nano.skim(talk, effort="full")
    with pytest.raises(InputError, match="no such option: sped"):
        nano.skim(talk, sped=2)
    reference = FrameSelector.from_pretrained("clamr-nano", device="cpu", compat="reference")
    with pytest.raises(InputError, match="effort='full'"):
        reference.skim(talk)


def test_undecodable_windows_are_left_out_and_said(skimmed: SkimmedVideo) -> None:
    proposed = skimmed.propose(WALRUS)
    windows = list(skimmed.source.windows(proposed))
    lost = replace(
        windows[0], candidates=(), screen_words=[], tokens=None, warnings=(("undecodable_frames", "4 frames"),)
    )
    seen = skimmed.indexed([lost, *windows[1:]])

    assert not set(skimmed.skim.window(lost.number)) & set(
        np.searchsorted(skimmed.skim.frame_indices, seen.frame_indices).tolist()
    )
    assert ("undecodable_frames", "4 frames") in {(w.code, w.message) for w in seen.warnings}


@pytest.mark.parametrize(("undecodable", "lost"), [((120,), False), ((120, 130), True)])
@pytest.mark.parametrize("effort", ["full", "fast"])
def test_words_at_frames_that_cannot_be_decoded_are_not_lost_in_silence(
    nano: FrameSelector,
    talk: Path,
    monkeypatch: pytest.MonkeyPatch,
    effort: str,
    undecodable: tuple[int, ...],
    lost: bool,
) -> None:
    """The walrus answers at candidates 12 and 13, frames 120 and 130."""

    def decode(*arguments: object, **options: object) -> Iterator[tuple[DecodedFrame, DecodedFrame | None]]:
        pairs = decode_candidates(*arguments, **options)  # type: ignore[arg-type]
        return (pair for pair in pairs if pair[0].frame_index not in undecodable)

    for module in (indexer, file_windows, skimmer):
        monkeypatch.setattr(module, "decode_candidates", decode)
    selection = nano.select(talk, WALRUS, num_frames=2, effort=effort, ocr="off")  # type: ignore[call-overload]

    told = {warning.code: warning.message for warning in selection.warnings}
    assert told.get("words_lost", "").endswith("decoded: 1") == lost
    assert any("walrus" in text.get("asr", "") for text in selection.text) == (not lost)


def test_a_model_answers_from_a_skim(nano: FrameSelector, talk: Path) -> None:
    qa = VideoQA(nano, index_options={"ocr": "off"}, effort="fast")
    answer = qa.ask(talk, WALRUS, num_frames=2)

    assert answer.selection.method["effort"] == "fast"
    assert plain(answer.selection) == plain(nano.select(talk, WALRUS, num_frames=2, effort="fast", ocr="off"))
    with pytest.raises(UnknownNameError, match="quick"):
        VideoQA(nano, effort="quick")  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["select", "ask"])
def test_the_command_line(talk: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--format", "json"] if command == "select" else ["--json"]
    arguments = [command, str(talk), WALRUS, "--ocr", "off", "--device", "cpu", "--num-frames", "2", *flags]
    assert main([*arguments, "--effort", "fast"]) == 0
    printed = json.loads(capsys.readouterr().out)
    selection = printed if command == "select" else printed["selection"]

    assert selection["method"]["effort"] == "fast"
    assert main([*arguments, "--effort", "quick"]) != 0
    assert "quick" in capsys.readouterr().err


@pytest.fixture(scope="module")
def sign_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s at 2 frames a second; LOTUS HARBOUR is on screen from 17 to 23 s, another sign from 3 to 9 s."""
    import av
    from PIL import Image, ImageDraw

    from clamr_select.figures.fonts import load_font

    path = tmp_path_factory.mktemp("sign") / "sign.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=2)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(80):
            image = Image.new("RGB", (640, 360), (40, 60, 90))
            shown = "LOTUS HARBOUR" if 17 <= number / 2 < 23 else "WELCOME PANTRY" if 3 <= number / 2 < 9 else ""
            ImageDraw.Draw(image).text((60, 140), shown, font=load_font(48), fill=(255, 255, 255))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    return path


def test_signs_that_the_skim_read_are_looked_at_closely(nano: FrameSelector, sign_video: Path) -> None:
    pytest.importorskip("rapidocr")
    selection = nano.select(sign_video, "where is the sign lotus harbour?", num_frames=1, effort="fast")

    assert 17 <= selection.timestamps_seconds[0] < 23
    assert selection.modality == ("ocr",)
    assert "LOTUS" in selection.text[0]["ocr"].upper()
    assert selection.method["ocr"] == "rapidocr"
    again = nano.select(sign_video, "where is the sign lotus harbour?", num_frames=1, effort="fast")
    assert plain(again) == plain(selection)


def test_words_are_marked_where_they_were_encoded(nano: FrameSelector, talk: Path) -> None:
    """As of a full index, wherever the windows lie among what was seen; elsewhere only pictures are known."""
    cues = [f"{n}\n00:00:{n:02},100 --> 00:00:{n:02},900\nline {n} about glaciers\n" for n in range(1, 30)]
    talk.with_suffix(".srt").write_text("\n".join(cues), encoding="utf-8")
    full = nano.index(talk, ocr="off")
    skimmed = nano.skim(talk, ocr="off")
    looked = skimmed.indexed(skimmed.source.windows((1, 2, 6)))

    found = frame_matches(looked, GLACIERS, range(len(looked)))

    with_words = {int(at) for number in (1, 2, 6) for at in skimmed.skim.window(number)}
    places = np.searchsorted(full.timestamps_seconds, looked.timestamps_seconds)
    for place, one, matches in zip(places, frame_matches(full, GLACIERS, places.tolist()), found, strict=True):
        if int(place) in with_words:
            assert [m.line for m in matches.words] == [m.line for m in one.words]
            assert [m.score for m in matches.words] == pytest.approx([m.score for m in one.words], abs=1e-5)
        else:
            assert matches.words == ()
    assert sum(bool(matches.words) for matches in found) == 12


def test_a_span_that_is_none_is_refused(skimmed: SkimmedVideo) -> None:
    with pytest.raises(InputError, match="between_seconds must be"):
        skimmed.select(WALRUS, between_seconds=(5,))  # type: ignore[call-overload]

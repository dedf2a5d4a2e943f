"""A few windows looked at closely: as a full index encodes them, whatever was asked before, and kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clamr_select.answer import VideoQA
from clamr_select.cli.main import main
from clamr_select.errors import InputError, UnknownNameError, UnreadableVideoError, VideoNotFoundError
from clamr_select.indexing import indexer
from clamr_select.indexing.coarse_to_fine import file_windows, opening, skimmer
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.indexing.token_matches import frame_matches
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selection import Selection
from clamr_select.selector import FrameSelector
from clamr_select.store import Store
from clamr_select.video.reader import DecodedFrame
from clamr_select.video.stream import decode_candidates

SRT = """1
00:00:11,500 --> 00:00:13,400
The walrus answered the harbor master, twice.

2
00:00:21,000 --> 00:00:23,000
Then the lantern keeper told a story about glaciers.
"""
WALRUS, GLACIERS = "what is said about the walrus?", "who told a story about glaciers?"
SMALL = EffortPlan(skim_step=4, dense_windows=3)
SECOND_PROCESS = """
import json, sys
import av
from clamr_select import FrameSelector
from clamr_select.indexing.coarse_to_fine import opening
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.model.encoder import ClamrEncoder

def never(*arguments, **options):
    raise AssertionError("something was decoded or encoded")

av.open = ClamrEncoder.encode_document = never
opening.EFFORT_PLANS = {"fast": EffortPlan(4, 3)}
selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
print(json.dumps(selector.select(sys.argv[1], sys.argv[2], num_frames=3, ocr="off", effort="fast").to_dict()))
"""


@pytest.fixture(autouse=True)
def _small_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plans are made for hours, the video is half a minute."""
    monkeypatch.setattr(opening, "EFFORT_PLANS", {"fast": SMALL, "balanced": EffortPlan(2, 5)})


@pytest.fixture
def talk(tmp_path: Path, color_video: Path) -> Path:
    """Thirty candidates in eight windows, with subtitles beside them."""
    path = tmp_path / "talk.mp4"
    shutil.copy(color_video, path)
    path.with_suffix(".srt").write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture
def skimmed(nano: FrameSelector, talk: Path) -> SkimmedVideo:
    return nano.skim(talk, ocr="off")


def plain(selection: Selection) -> dict[str, object]:
    return json.loads(json.dumps({**selection.to_dict(), "timings_seconds": None}))


def never(*_arguments: object, **_options: object) -> None:
    raise AssertionError("something was decoded or encoded")


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


@pytest.mark.parametrize("cached", [True, False])
def test_what_was_asked_before_changes_nothing(nano: FrameSelector, talk: Path, tmp_path: Path, cached: bool) -> None:
    def folder(name: str) -> Path | None:
        return tmp_path / name if cached else None

    fresh = nano.select(talk, WALRUS, effort="fast", ocr="off", cache_dir=folder("fresh"))
    used = nano.skim(talk, ocr="off", cache_dir=folder("used"))
    for question in (GLACIERS, "a green picture", "something red"):
        used.select(question)
    if cached:
        nano.select(talk, GLACIERS, ocr="off", cache_dir=folder("used"))
        nano.select(talk, GLACIERS, effort="balanced", ocr="off", cache_dir=folder("used"))

    assert plain(used.select(WALRUS)) == plain(fresh)


def test_full_never_takes_a_part(nano: FrameSelector, talk: Path) -> None:
    nano.select(talk, [WALRUS, GLACIERS], effort="fast", ocr="off")
    after = nano.select(talk, WALRUS, ocr="off")

    assert after.candidates is not None
    assert len(after.candidates.scores) == 30
    assert "effort" not in after.method
    assert plain(after) == plain(nano.select(talk, WALRUS, ocr="off", cache_dir=None))


def test_a_second_question_uses_what_was_encoded(
    nano: FrameSelector, talk: Path, skimmed: SkimmedVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    real = ClamrEncoder.encode_document

    def spy(self: ClamrEncoder, documents: list[object], **options: object) -> object:
        encoded.append(len(documents))
        return real(self, documents, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ClamrEncoder, "encode_document", spy)
    both = f"{WALRUS} {GLACIERS}"  # so that some window is looked at for either question
    first, second = set(skimmed.propose(WALRUS)), set(skimmed.propose(both))
    skimmed.select(WALRUS)
    nano.skim(talk, ocr="off").select(both)  # from the store: another object, the same windows

    assert first & second
    assert sum(encoded) == len(first | second)


def test_asked_again_nothing_is_decoded(
    nano: FrameSelector, talk: Path, skimmed: SkimmedVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = skimmed.select(WALRUS)
    monkeypatch.setattr("av.open", never)
    monkeypatch.setattr(ClamrEncoder, "encode_document", never)

    assert plain(nano.select(talk, WALRUS, effort="fast", ocr="off")) == plain(before)


def test_nor_in_a_new_process(nano: FrameSelector, talk: Path) -> None:
    before = nano.select(talk, WALRUS, num_frames=3, effort="fast", ocr="off")
    done = subprocess.run(
        [sys.executable, "-c", SECOND_PROCESS, str(talk), WALRUS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    assert {**json.loads(done.stdout), "timings_seconds": None} == plain(before)


def test_a_damaged_window_is_made_anew(nano: FrameSelector, talk: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "kept")
    before = nano.select(talk, WALRUS, effort="fast", ocr="off", cache_dir=store)
    (damaged, *_) = [file for file, _ in store.entries(kind="window")]
    damaged.path.write_bytes(damaged.path.read_bytes()[:-7])
    after = nano.select(talk, WALRUS, effort="fast", ocr="off", cache_dir=Store(tmp_path / "kept"))

    assert after.frame_indices == before.frame_indices
    assert "cache_damaged" in {warning.code for warning in after.warnings}


def test_a_file_that_changed_is_an_error(nano: FrameSelector, talk: Path) -> None:
    skimmed = nano.skim(talk, ocr="off", cache_dir=None)
    with open(talk, "ab") as file:
        file.write(b"more")

    with pytest.raises(UnreadableVideoError, match="changed since it was skimmed"):
        skimmed.select(WALRUS)


def test_a_file_that_is_gone_is_an_error_of_ours(nano: FrameSelector, talk: Path) -> None:
    skimmed = nano.skim(talk, ocr="off")
    talk.unlink()

    with pytest.raises(VideoNotFoundError, match="no such file"):
        skimmed.select(WALRUS)


def test_what_was_looked_at_while_the_file_went_is_answered_and_not_stored(
    nano: FrameSelector, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skimmed = nano.skim(talk, ocr="off")
    real = ClamrEncoder.encode_document

    def remove(*arguments: object, **options: object) -> object:
        talk.unlink(missing_ok=True)
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ClamrEncoder, "encode_document", remove)

    assert 12.0 in skimmed.select(WALRUS, num_frames=2).timestamps_seconds
    assert list(Store().entries(kind="window")) == []


def test_a_touched_file_is_skimmed_anew_from_its_bytes(nano: FrameSelector, talk: Path) -> None:
    before = nano.select(talk, WALRUS, effort="fast", ocr="off")
    os.utime(talk, (1, 1))

    assert plain(nano.select(talk, WALRUS, effort="fast", ocr="off")) == plain(before)


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

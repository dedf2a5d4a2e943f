"""Sound on its way from the file into the windows, and into the scores of a model that hears."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import MissingDependencyError
from clamr_select.indexing.sound import WindowSound
from clamr_select.model.checkpoint.report import CheckpointWarning
from clamr_select.model.document import MIN_SAMPLES
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selector import FrameSelector
from clamr_select.video.audio import SAMPLE_RATE, open_audio

GOLDEN = Path(__file__).parents[1] / "golden" / "omni_4_52"
SECONDS, FPS, RATE = 8, 5, 44_100
LOUD = (2.0, 5.0)
"""When the tone sounds."""


def write_video(path: Path, *, sound_seconds: float | None, hertz: float = 440) -> Path:
    """Grey pictures; a tone during ``LOUD`` on a track of that length, or no track."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 112, 84, "yuv420p"
        audio = None
        if sound_seconds is not None:
            audio = container.add_stream("aac", rate=RATE, layout="mono")
        for index in range(SECONDS * FPS):
            frame = av.VideoFrame.from_ndarray(np.full((84, 112, 3), 5 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            times = np.arange(round(sound_seconds * RATE)) / RATE
            tone = np.where((times >= LOUD[0]) & (times < LOUD[1]), 0.5 * np.sin(2 * np.pi * hertz * times), 0.0)
            for start in range(0, len(tone), 1024):
                frame = av.AudioFrame.from_ndarray(
                    tone[None, start : start + 1024].astype(np.float32), format="fltp", layout="mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path


@pytest.fixture(scope="module")
def tone_video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("sound") / "tone.mp4", sound_seconds=SECONDS)


@pytest.fixture(scope="module")
def short_sound_video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("sound") / "short.mkv", sound_seconds=5.0)


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        try:
            encoder = ClamrEncoder.from_pretrained(str(GOLDEN / "adapter"), base=GOLDEN / "base", device="cpu")
        except MissingDependencyError as error:  # this transformers is too old for it, and the error says so
            pytest.skip(str(error))
    encoder.processor.enlarge_to_pixels = None  # small frames, for speed
    return FrameSelector(encoder)


def windows_of(path: Path, times: np.ndarray, *, max_seconds: float = 30.0) -> WindowSound:
    end = max(float(SECONDS), times[-1])
    return WindowSound(str(path), timestamps_seconds=times, start_seconds=0.0, end_seconds=end, max_seconds=max_seconds)


def test_windows_hold_the_sound_of_their_time_and_together_all_of_it(tone_video):
    times = np.arange(8.0)
    with windows_of(tone_video, times) as sound:
        cuts = [sound.cut(times[i : i + 3].tolist()) for i in (0, 3, 6)]
        assert sound.warnings == []
    with open_audio(tone_video) as stream:
        whole = stream.take(start_seconds=0.0, end_seconds=SECONDS)
    assert np.array_equal(np.concatenate([cut.samples for cut in cuts])[: len(whole)], whole)
    assert [cut.candidate_starts_seconds for cut in cuts] == [(0.0, 0.5, 1.5), (0.0, 1.0, 2.0), (0.0, 1.0)]
    assert [len(cut.samples) for cut in cuts[:2]] == [round(2.5 * SAMPLE_RATE), 3 * SAMPLE_RATE]


def test_a_sound_is_heard_at_its_time(tone_video):
    times = np.arange(8.0)
    with windows_of(tone_video, times) as sound:
        loud = [np.abs(sound.cut([t]).samples).mean() > 0.1 for t in times]
    # the candidate at 2 s stands for 1.5 to 2.5 s, that at 5 s for 4.5 to 5.5 s: half of each sounds
    assert loud == [False, False, True, True, True, True, False, False]


def test_candidates_that_were_not_decoded_lose_no_sound(tone_video):
    times = np.arange(8.0)
    with windows_of(tone_video, times) as sound:
        sound.cut([0.0, 1.0])
        cut = sound.cut([4.0, 5.0])  # 2 and 3 are missing
    assert len(cut.samples) == 4 * SAMPLE_RATE
    assert cut.candidate_starts_seconds == (0.0, 3.0)


def test_windows_after_the_end_of_the_sound_have_none(short_sound_video):
    times = np.arange(8.0)
    with windows_of(short_sound_video, times) as sound:
        cuts = [sound.cut(times[i : i + 2].tolist()) for i in (0, 2, 4, 6)]
        assert [code for code, _ in sound.warnings] == ["audio_partial"]
    assert [cut is not None for cut in cuts] == [True, True, True, False]
    assert len(cuts[2].samples) == pytest.approx(1.5 * SAMPLE_RATE, abs=1100)  # 3.5 to 5 s, and the codec's last frame


def test_a_window_holds_no_more_than_a_document_may(tone_video):
    with windows_of(tone_video, np.arange(8.0), max_seconds=1.0) as sound:
        cuts = [sound.cut([0.0, 1.0, 2.0]), sound.cut([3.0]), sound.cut([4.0, 5.0, 6.0, 7.0])]
        (code, message), *more = sound.warnings
    with open_audio(tone_video) as stream:
        whole = stream.take(start_seconds=0.0, end_seconds=SECONDS)
    for start, cut in zip((0.0, 2.5, 3.5), cuts, strict=True):
        first = round(start * SAMPLE_RATE)
        np.testing.assert_array_equal(cut.samples, whole[first : first + SAMPLE_RATE])
    assert (code, more) == ("audio_truncated", [])
    assert message.startswith("5.0 s of sound were left out: 2 windows")


def test_a_window_shorter_than_a_token_hears_one_token(tone_video):
    times = 3.0 + np.arange(10) / 100
    with windows_of(tone_video, times) as sound:
        sound.cut([times[0]])
        cuts = [sound.cut([time]) for time in times[1:-1]]
    assert {len(cut.samples) for cut in cuts} == {MIN_SAMPLES}


def test_sound_that_cannot_be_read_is_said(tone_video, tmp_path):
    data = tone_video.read_bytes()
    path = tmp_path / "unknown.mp4"
    path.write_bytes(data.replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    with windows_of(path, np.arange(3.0)) as sound:
        assert sound.cut([0.0, 1.0, 2.0]) is None
        (code, message), *more = sound.warnings
    assert (code, more) == ("no_audio", [])
    assert "no decoder" in message


def test_a_file_without_sound_is_said(color_video):
    with windows_of(color_video, np.arange(3.0)) as sound:
        assert sound.cut([0.0, 1.0, 2.0]) is None
        assert sound.warnings == [("no_audio", "the model hears, and the file has no sound")]
        assert sound.source == "none"


def test_frames_are_scored_by_what_is_heard(selector, tone_video):
    selection = selector.select(str(tone_video), "a tone", num_frames=3, ocr="off", window_candidates=3)
    assert np.isfinite(selection.candidates.scores_by_modality["audio"]).all()
    assert len(set(selection.candidates.scores_by_modality["audio"])) > 1
    assert "no_audio" not in [warning.code for warning in selection.warnings]
    assert "aac" in selection.method["audio"]
    assert selection.timings_seconds["sound"] >= 0


def test_another_sound_gives_other_scores(selector, tone_video, tmp_path):
    other = write_video(tmp_path / "other.mp4", sound_seconds=SECONDS, hertz=2500)
    options = {"num_frames": 3, "ocr": "off", "window_candidates": 1}
    one, two = (selector.select(str(path), "a tone", **options).candidates for path in (tone_video, other))
    heard, video = (
        np.abs(np.subtract(one.scores_by_modality[name], two.scores_by_modality[name])) for name in ("audio", "video")
    )
    assert (heard[2:5] > 1e-4).all()  # where the tones sound
    assert video.max() < 1e-5


def test_sound_can_be_left_out(selector, tone_video):
    selection = selector.select(str(tone_video), "a tone", num_frames=3, ocr="off", audio="off")
    assert "audio" not in selection.scores_by_modality
    assert selection.method["audio"] == "off"
    assert not [warning for warning in selection.warnings if "audio" in warning.code]


def test_a_model_that_does_not_hear_never_opens_the_sound(tone_video, monkeypatch):
    monkeypatch.setattr("clamr_select.indexing.indexer.WindowSound", None)
    monkeypatch.setattr("clamr_select.indexing.sound.open_audio", None)
    nano = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    selection = nano.select(str(tone_video), "a tone", num_frames=3, ocr="off")
    assert selection.method["audio"] == "off"
    assert not [warning for warning in selection.warnings if "audio" in warning.code]


def test_frames_after_the_end_of_the_sound_have_no_score_for_it(selector, short_sound_video):
    selection = selector.select(str(short_sound_video), "a tone", num_frames=3, ocr="off", window_candidates=2)
    heard = [score is not None for score in selection.candidates.scores_by_modality["audio"]]
    assert heard == [True] * 6 + [False] * 2
    assert "audio_partial" in [warning.code for warning in selection.warnings]


def test_a_hearing_model_without_sound_says_so(selector, color_video):
    selection = selector.select(str(color_video), "a tone", num_frames=3, ocr="off", candidate_fps=0.5)
    assert "no_audio" in [warning.code for warning in selection.warnings]
    assert "audio" not in selection.scores_by_modality
    assert selection.method["audio"] == "none"


def test_sound_past_the_budget_of_a_document_is_said(selector, tone_video):
    budget, selector.encoder.processor.max_audio_seconds = selector.encoder.processor.max_audio_seconds, 1.0
    try:
        selection = selector.select(str(tone_video), "a tone", num_frames=2, ocr="off", window_candidates=4)
    finally:
        selector.encoder.processor.max_audio_seconds = budget
    message = next(warning.message for warning in selection.warnings if warning.code == "audio_truncated")
    assert "2 windows are longer than the 1 s" in message

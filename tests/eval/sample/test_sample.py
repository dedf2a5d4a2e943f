"""The sample as files: what a player and a subtitle reader find in them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.eval.needle.scene import COLOURS
from clamr_select.eval.sample.audio import SAMPLE_RATE, shot_sound
from clamr_select.eval.sample.narration import SIGN, TITLE
from clamr_select.eval.sample.programme import FPS, SampleQuestion, build_programme
from clamr_select.eval.sample.sample import SampleVideo, load_sample, make_sample
from clamr_select.eval.sample.video_file import write_mp4


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleVideo:
    return make_sample(tmp_path_factory.mktemp("sample"), num_chapters=1)


def frame_at(path: Path, seconds: float) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        container.seek(int(seconds / float(stream.time_base)), stream=stream)
        for frame in container.decode(stream):
            if frame.time >= seconds:
                return frame.to_ndarray(format="rgb24")
    raise AssertionError(f"no frame at {seconds} s")


def middle(question: SampleQuestion) -> float:
    return (question.start_seconds + question.end_seconds) / 2


def where(image: np.ndarray, colour: str) -> tuple[float, int]:
    """Mean column (0..1) and number of the pixels of a colour, up to what H.264 changes."""
    columns = np.nonzero(np.abs(image.astype(int) - COLOURS[colour]).max(axis=2) <= 30)[1]
    return float(columns.mean()) / image.shape[1], len(columns)


def test_the_container(sample: SampleVideo) -> None:
    import av

    with av.open(str(sample.video)) as container:
        assert container.metadata["title"] == sample.title == TITLE
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec.name, video.width, video.height) == ("h264", 640, 360)
        assert video.average_rate == FPS
        assert video.frames == round(sample.duration_seconds * FPS)
        assert audio.codec.name == "aac"
        assert audio.duration * audio.time_base == pytest.approx(sample.duration_seconds, abs=0.2)


def test_pictures_show_what_the_questions_claim(sample: SampleVideo) -> None:
    picture, _, sign, both = sample.questions
    image = frame_at(sample.video, middle(picture))
    (star, star_size), (hexagon, hexagon_size) = where(image, "yellow"), where(image, "purple")
    assert star < 0.45 < 0.55 < hexagon
    assert min(star_size, hexagon_size) > 5000
    assert where(frame_at(sample.video, middle(both)), "green")[1] > 5000
    band = frame_at(sample.video, middle(sign))[305:]
    assert (band < 60).all(axis=2).mean() > 0.8  # a dark band …
    assert (band > 180).all(axis=2).sum() > 200  # … with light letters


@pytest.mark.slow
def test_the_sign_can_be_read(sample: SampleVideo) -> None:
    from rapidocr import RapidOCR

    image = frame_at(sample.video, middle(sample.questions[2]))
    assert SIGN in (RapidOCR()(image[:, :, ::-1]).txts or ())


def test_pictures_move_gently(sample: SampleVideo) -> None:
    question = sample.questions[0]
    first, second = (frame_at(sample.video, question.start_seconds + t) for t in (1.0, 3.0))
    assert 2 < abs(where(first, "yellow")[0] - where(second, "yellow")[0]) * 640 < 60


def test_subtitles(sample: SampleVideo) -> None:
    import pysubs2

    events = pysubs2.load(str(sample.subtitles), encoding="utf-8").events
    expected = build_programme(num_chapters=1).subtitles
    assert [e.plaintext for e in events] == [t.text for t in expected]
    assert [e.start for e in events] == [round(t.start_seconds * 1000) for t in expected]
    assert [e.end for e in events] == [round(t.end_seconds * 1000) for t in expected]
    speech = sample.questions[1]
    said = [e.plaintext for e in events if e.start / 1000 <= middle(speech) < e.end / 1000]
    assert len(said) == 1
    assert "walrus" in said[0]
    assert "cello" in said[0]


def test_questions_on_disk(sample: SampleVideo) -> None:
    record = json.loads((sample.video.parent / "questions.json").read_text(encoding="utf-8"))
    assert record["schema_version"] == 1
    assert [q["modality"] for q in record["questions"]] == ["video", "asr", "ocr", "video+asr"]
    assert load_sample(sample.video.parent) == sample
    assert sorted(p.name for p in sample.video.parent.iterdir()) == [
        "orrin-island.mp4",
        "orrin-island.srt",
        "questions.json",
    ]


def test_loading_refuses_what_is_not_a_sample(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make_sample"):
        load_sample(tmp_path)
    (tmp_path / "questions.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not JSON"):
        load_sample(tmp_path)
    (tmp_path / "questions.json").write_text('{"schema_version": 7}', encoding="utf-8")
    with pytest.raises(InputError, match="7"):
        load_sample(tmp_path)


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    programme = build_programme(num_chapters=1)
    short = replace(programme, shots=programme.shots[2:5])
    for name in ("one.mp4", "two.mp4"):
        write_mp4(short, tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_sound_is_audible_louder_where_someone_speaks_and_bounded() -> None:
    quiet, murmur = (
        shot_sound(num_samples=5 * SAMPLE_RATE, chapter=2, speaks=speaks, seed=1) for speaks in (False, True)
    )
    for sound in (quiet, murmur):
        assert sound.dtype == np.float32
        assert sound.shape == (5 * SAMPLE_RATE,)
        assert np.abs(sound).max() <= 1
        assert np.sqrt((sound**2).mean()) > 0.01
    assert np.sqrt((murmur**2).mean()) > 1.3 * np.sqrt((quiet**2).mean())
    other = shot_sound(num_samples=5 * SAMPLE_RATE, chapter=3, speaks=False, seed=1)
    assert np.abs(quiet - other).max() > 0.02

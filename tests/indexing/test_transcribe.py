"""From a video's sound to lines at their frames; broken off, it goes on from where it was."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clamr_select.context.speech.recognizer import Heard
from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import InputError, SpeechError
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.transcribe import transcribe
from clamr_select.selector import FrameSelector
from clamr_select.store import Store

pytest.importorskip("silero_vad")

SENTENCES = ("A red boat waits at the harbor.", "The home team scored three goals and won the game.")
STARTS = (4.0, 14.0)
SECONDS = 22
RATE = 16_000


def write_talk(path: Path, sound: np.ndarray | None, *, audio_offset_seconds: float = 0.0) -> Path:
    """A grey video of 22 s at 5 fps with a sound track."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        track = None if sound is None else container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(SECONDS * 5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        if sound is not None and track is not None:
            whole = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
            whole.sample_rate, whole.time_base = RATE, Fraction(1, RATE)
            whole.pts = round(audio_offset_seconds * RATE)
            container.mux(track.encode(whole))
            container.mux(track.encode())
    return path


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """22 s of sound, a sentence at 4 and at 14 s."""
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed (apt-get install flite)")
    folder = tmp_path_factory.mktemp("said")
    sound = np.zeros(SECONDS * RATE, np.float32)
    for sentence, start in zip(SENTENCES, STARTS, strict=True):
        path = folder / "said.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", sentence, "-o", str(path)], check=True, capture_output=True)
        with av.open(str(path)) as container:
            pcm = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
        first = round(start * RATE)
        sound[first : first + len(pcm)] = pcm / 32_768
    return sound


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory, spoken: np.ndarray) -> Path:
    return write_talk(tmp_path_factory.mktemp("talk") / "talk.mp4", spoken)


class Counting:
    """A recogniser that hears how long each stretch is."""

    source, batch_size, warnings = "counting", 1, ()

    def __init__(self, *, identity: str = "counting 1", fail_at: int | None = None) -> None:
        self.identity, self.fail_at = identity, fail_at
        self.calls = 0

    def hear(self, stretches: Sequence[np.ndarray]) -> list[Heard]:
        if self.calls == self.fail_at:
            raise SpeechError("out of breath")
        self.calls += 1
        return [
            Heard((TimedWord(0.25, len(s) / RATE - 0.25, f" {len(s)}", 0.5),), "de" if i else "en")
            for i, s in enumerate(stretches)
        ]


def hear(path: Path, recognizer: Counting, **options):
    return transcribe(str(path), recognizer=recognizer, end_seconds=SECONDS, **options)


def test_words_stand_where_they_are_spoken(talk: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    track = hear(talk, Counting(), progress=lambda *report: reports.append(report))

    assert [line.start_seconds for line in track.lines] == [pytest.approx(start + 0.1, abs=0.35) for start in STARTS]
    assert (track.modality, track.source, track.languages) == ("asr", "counting", ("en",))
    assert {stage for stage, _, _ in reports} == {"hearing speech"}
    assert reports[-1][1:] == (SECONDS, SECONDS)
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)


def test_sound_that_starts_late_is_at_its_time(tmp_path: Path, spoken: np.ndarray) -> None:
    late = write_talk(tmp_path / "late.mkv", spoken[: 12 * RATE], audio_offset_seconds=3.0)
    (line,) = hear(late, Counting()).lines

    assert line.start_seconds == pytest.approx(STARTS[0] + 3.1, abs=0.35)


def test_what_was_heard_is_kept_stretch_by_stretch(talk: Path, tmp_path: Path) -> None:
    whole, broken, again = Counting(), Counting(fail_at=1), Counting()
    store = Store(tmp_path / "store")
    expected = hear(talk, whole)
    with pytest.raises(SpeechError, match="out of breath"):
        hear(talk, broken, store=store)

    assert hear(talk, again, store=store) == expected
    assert (whole.calls, broken.calls, again.calls) == (2, 1, 1)
    other = Counting(identity="counting 2")
    hear(talk, other, store=store)
    assert other.calls == 2


@pytest.mark.parametrize(
    ("sound", "code"), [(None, "no_audio"), (np.zeros(SECONDS * RATE, np.float32), "no_speech_heard")]
)
def test_no_sound_and_no_speech(sound: np.ndarray | None, code: str, tmp_path: Path) -> None:
    track = hear(write_talk(tmp_path / "quiet.mp4", sound), Counting())

    assert track.lines == ()
    assert [warning for warning, _ in track.warnings] == [code]


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


def test_a_video_is_heard_and_asked(selector: FrameSelector, talk: Path) -> None:
    pytest.importorskip("pocketsphinx")
    video = selector.index(talk, asr="pocketsphinx", ocr="off")
    selection = video.select("who scored three goals?", num_frames=2)
    again = selector.index(talk, asr="pocketsphinx", ocr="off")

    best = selection.timestamps_seconds[int(np.argmax(selection.scores))]
    assert STARTS[1] - 1 < best < STARTS[1] + 5
    assert "goals" in " ".join(text.get("asr", "") for text in selection.text)
    assert video.method["asr"].startswith("pocketsphinx")
    assert video.method["asr_languages"] == ["en"]
    assert "asr_low_quality" in [warning.code for warning in video.warnings]
    assert "load" in again.timings_seconds
    assert again.tracks == video.tracks
    assert video.tracks[0].lines[0].words


def test_auto_hears_where_there_are_no_subtitles(
    selector: FrameSelector, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pocketsphinx")
    monkeypatch.setattr("clamr_select.context.speech.choose.downloaded", lambda engine, *, preference: None)
    path = tmp_path / "talk.mp4"
    shutil.copy(talk, path)
    quick = {"asr": "auto", "ocr": "off", "candidate_fps": 0.5}
    heard = selector.index(path, **quick)
    path.with_suffix(".srt").write_text("1\n00:00:04,000 --> 00:00:06,000\nA blue boat.\n", encoding="utf-8")
    subtitled = selector.index(path, **quick)

    assert heard.method["asr"].startswith("pocketsphinx")
    assert "chosen:" in heard.method["asr"]
    assert subtitled.method["asr"] == "talk.srt"
    assert [line.text for line in subtitled.tracks[0].lines] == ["A blue boat."]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"asr": "whisper"}, "unknown asr 'whisper'"),
        ({"asr_model": "tiny"}, "no effect"),
        ({"asr_language": "en"}, "no effect"),
        ({"asr": "pocketsphinx", "subtitles": "a.srt"}, "one of them"),
    ],
)
def test_options_that_contradict(options: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        IndexOptions(**options)

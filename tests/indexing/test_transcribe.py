"""From a video's sound to lines at their frames; broken off, it goes on from where it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
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

STARTS = (4.0, 14.0)
"""Of the sentences in ``talk``."""
SECONDS = 22
RATE = 16_000


QUESTION = "who scored three goals?"
SECOND_PROCESS = """
import json, subprocess, sys
import av, onnxruntime, pocketsphinx
from clamr_select import FrameSelector
from clamr_select.context.speech.voice_activity import VoiceDetector
from clamr_select.model.encoder import ClamrEncoder

def never(*arguments, **options):
    raise AssertionError("something was decoded, heard, read or encoded")

av.open = onnxruntime.InferenceSession = pocketsphinx.Decoder = subprocess.Popen = never
ClamrEncoder.encode_document = VoiceDetector.__init__ = never
selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
selection = selector.select(sys.argv[1], sys.argv[2], num_frames=2, asr="pocketsphinx", candidate_fps=0.5)
print(json.dumps(selection.to_dict()))
"""


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


@pytest.mark.parametrize("batch_size", [1, 8])
def test_progress_counts_what_was_heard_and_not_what_was_read(talk: Path, batch_size: int) -> None:
    """The whole sound is read at once here; a bar that showed that would be full before anything is heard."""
    events: list[object] = []

    class Telling(Counting):
        def hear(self, stretches: Sequence[np.ndarray]) -> list[Heard]:
            events.append("heard")
            return super().hear(stretches)

    recognizer = Telling()
    recognizer.batch_size = batch_size
    hear(talk, recognizer, progress=lambda stage, done, total: events.append(done))
    before_first = events[: events.index("heard")]
    after_last = events[len(events) - events[::-1].index("heard") :]

    assert events[0] == 0
    assert max(before_first) <= STARTS[0]
    assert after_last[0] == pytest.approx(STARTS[1] + 3.5, abs=2)
    assert after_last[-1] == SECONDS


def test_sound_without_speech_moves_on(tmp_path: Path) -> None:
    """So that whoever waits for it sees it, and can stop it."""
    path = tmp_path / "quiet.mkv"
    with av.open(str(path), "w") as container:
        track = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 95 * RATE), np.int16), format="s16", layout="mono")
        quiet.sample_rate = RATE
        container.mux(track.encode(quiet))
        container.mux(track.encode())
    done: list[int] = []
    transcribe(str(path), recognizer=Counting(), end_seconds=95, progress=lambda stage, at, total: done.append(at))

    assert done == [0, 0, 30, 60, 90, 95]


def test_sound_that_starts_late_is_at_its_time(
    tmp_path: Path, spoken: np.ndarray, write_talk: Callable[..., Path]
) -> None:
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
def test_no_sound_and_no_speech(
    sound: np.ndarray | None, code: str, tmp_path: Path, write_talk: Callable[..., Path]
) -> None:
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


@pytest.mark.slow
def test_in_a_new_process_nothing_is_decoded_heard_read_or_encoded(selector: FrameSelector, talk: Path) -> None:
    pytest.importorskip("pocketsphinx")
    first = selector.select(talk, QUESTION, num_frames=2, asr="pocketsphinx", candidate_fps=0.5)
    done = subprocess.run(
        [sys.executable, "-c", SECOND_PROCESS, str(talk), QUESTION], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    again = json.loads(done.stdout)
    assert first.method["ocr"] == "rapidocr"
    assert first.method["asr"].startswith("pocketsphinx")
    assert set(again.pop("timings_seconds")) == {"load", "encode_question", "score", "policy"}
    assert again == {name: part for name, part in json.loads(json.dumps(first.to_dict())).items() if name in again}


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

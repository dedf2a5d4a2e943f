"""Readers are timed on a video that says which frame each is; what grows is drawn."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.eval.speed.barcode_video import BARCODE_BITS, FPS, draw, write_barcode_video
from clamr_select.eval.speed.peers import decoding
from clamr_select.eval.speed.plot import save_growth, save_timings
from clamr_select.eval.speed.profile import SectionResult, write_report
from clamr_select.eval.speed.reading import compare_readers, reading
from clamr_select.eval.speed.scaling import scaling
from clamr_select.eval.speed.settings import settings_for

TINY = settings_for("tiny", device="cpu")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_barcode_video(tmp_path_factory.mktemp("barcodes") / "video.mp4", num_seconds=6, seconds_per_group=2)


@pytest.mark.parametrize("number", [0, 1, 12345, 2**BARCODE_BITS - 1])
def test_a_frame_spells_its_number(number: int) -> None:
    image = draw(number, texture=np.full((1600, 1600, 3), 128, dtype=np.uint8))

    assert decoding.read_barcode(image) == number
    assert decoding.read_barcode(image[::2, ::2]) == number
    assert decoding.read_barcode(image + 0) != number + 1


def test_the_video_is_as_described(video: Path) -> None:
    import av
    from av.video.frame import PictureType

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        types = [PictureType(int(frame.pict_type)).name for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 640, 360)
    assert len(types) == 6 * FPS
    assert types.count("B") > len(types) / 3
    assert [number for number, name in enumerate(types) if name == "I"] == [0, 2 * FPS, 4 * FPS]


def test_every_way_here_reads_the_frames_it_asked_for(video: Path) -> None:
    pythons = {name: sys.executable for name in ("ours", "ours, key frames", "PyAV")}
    records = {
        record["what"]: record
        for record in compare_readers(video, task="candidates", pythons=pythons, num_cores=1, num_rounds=2)
    }

    assert [records[name]["frames"] for name in pythons] == [6, 3, 6]
    assert all(record["exact"] == 1 for record in records.values())
    assert records["ours"]["CPU, to ours"] == 1
    assert records["PyAV"]["CPU s"]["num_runs"] == 2


def test_wrong_frames_are_seen(video: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def late(path: str) -> decoding.Frames:
        yield from ((asked - 1, image) for asked, image in decoding.ours_candidates(path))

    monkeypatch.setitem(decoding.TASKS["candidates"], "ours", late)
    monkeypatch.setattr(sys, "argv", ["decoding.py", "candidates", "ours", str(video), "64"])
    assert decoding.main() == 0

    assert '"exact": 0' in capsys.readouterr().out


def test_a_way_that_is_not_there_says_why(video: Path) -> None:
    pythons = {"ours": sys.executable, "lmms-eval": sys.executable}
    if subprocess.run([sys.executable, "-c", "import lmms_eval"], capture_output=True, check=False).returncode == 0:
        pytest.skip("lmms-eval is here")
    ours, other = compare_readers(video, task="candidates", pythons=pythons, num_cores=1, num_rounds=1)

    assert ours["exact"] == 1
    assert "lmms_eval" in other["failed"]
    with pytest.raises(InputError, match="no Python"):
        compare_readers(video, task="open", pythons={"ours": "/no/python"}, num_cores=1, num_rounds=1)


def test_tasks_and_readers_can_be_chosen() -> None:
    chosen = settings_for("tiny", device="cpu", reading_tasks=("open", "candidates"), readers=("PyAV",))
    records = list(reading(replace(chosen, video_seconds=4, num_runs=1, num_cores=(1, 2))))

    assert {record["what"].split(",")[0] for record in records} == {"open", "candidates"}
    assert {record["what"].split(", ", 3)[3] for record in records} == {"ours", "PyAV"}
    assert {record["what"].split(", ")[2] for record in records} == {"1 core", "2 cores"}
    assert all(record.get("exact") in (None, 1) for record in records)


@pytest.mark.slow
def test_the_section_has_every_task(tmp_path: Path) -> None:
    records = list(reading(TINY))

    for task in decoding.TASKS:
        ours = [record for record in records if record["what"].startswith(task) and record["what"].endswith("ours")]
        assert len(ours) == 2
    assert all(record.get("exact") in (None, 1) for record in records)
    assert save_timings(records, tmp_path / "bars.png", title="reading")
    assert (tmp_path / "bars.png").stat().st_size > 5000


@pytest.mark.slow
def test_what_grows_is_drawn(tmp_path: Path) -> None:
    records = list(scaling(TINY))
    units = {record["with"] for record in records}

    assert units == {"minutes of video", "hours of video", "tokens", "questions", "frames selected"}
    questions = [record["CPU ms"]["median"] for record in records if record["with"] == "questions"]
    assert questions[-1] > questions[0]
    save_growth(records, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 5000


def test_a_report_shows_its_pictures(tmp_path: Path) -> None:
    timed = {"what": "ours", "CPU ms": {"median": 2.0, "low": 1.0, "high": 3.0, "num_runs": 3}}
    results = [SectionResult("reading", [timed], 1.0, None), SectionResult("facts", [{"what": "a", "n": 1}], 1.0, None)]
    text = write_report(results, name="cpu", output=tmp_path, machine={})

    assert "![reading](cpu_reading.png)" in text
    assert (tmp_path / "cpu_reading.png").exists()
    assert "cpu_facts.png" not in text

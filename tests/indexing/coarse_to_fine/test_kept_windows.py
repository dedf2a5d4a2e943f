"""What a question had encoded is kept for the next, and for as long as the file is what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clamr_select.errors import UnreadableVideoError, VideoNotFoundError
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selector import FrameSelector
from clamr_select.store import Store

from .conftest import GLACIERS, WALRUS, plain

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

pytestmark = pytest.mark.usefixtures("small_plans")


def never(*_arguments: object, **_options: object) -> None:
    raise AssertionError("something was decoded or encoded")


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

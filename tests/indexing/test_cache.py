"""A video is decoded and encoded once, whatever the process; whatever changes what comes out makes it anew."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from clamr_select.errors import (
    InputError,
    SpeechError,
    StoreError,
    SubtitlesError,
    UnreadableVideoError,
    VideoNotFoundError,
    VideoTooLargeError,
)
from clamr_select.indexing.index_key import index_key
from clamr_select.indexing.options import IndexOptions
from clamr_select.limits import Limits
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selector import FrameSelector
from clamr_select.store import Entry, Key, Store

SRT = "1\n00:00:11,500 --> 00:00:13,400\nThe walrus answered the harbor master.\n"
QUESTION = "what is said about the walrus?"
QUICK = {"ocr": "off", "candidate_fps": 0.4, "chapters": "off"}  # an old PyAV cannot read them, and says so
SECOND_PROCESS = """
import json, sys
import av
from clamr_select import FrameSelector
from clamr_select.model.encoder import ClamrEncoder

def never(*arguments, **options):
    raise AssertionError("something was decoded or encoded")

av.open = ClamrEncoder.encode_document = never
selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
selection = selector.select(sys.argv[1], sys.argv[2], num_frames=3, ocr="off", candidate_fps=0.4, chapters="off")
print(json.dumps(selection.to_dict()))
"""


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture
def talk(tmp_path: Path, color_video: Path) -> Path:
    """A video with subtitles beside it."""
    path = tmp_path / "talk.mp4"
    shutil.copy(color_video, path)
    path.with_suffix(".srt").write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture
def count_indexing(monkeypatch) -> list[str]:
    """Every video that was opened to be indexed."""
    from clamr_select.indexing import opening

    opened: list[str] = []
    real = opening.opener

    def spying_opener(*, isolate: bool):
        opens = real(isolate=isolate)

        def spy(video, **options):
            opened.append(Path(video).name)
            return opens(video, **options)

        return spy

    monkeypatch.setattr(opening, "opener", spying_opener)
    return opened


def never(*_arguments: object, **_options: object) -> None:
    raise AssertionError("something was decoded or encoded")


def plain(selection) -> dict:
    """Without what differs from run to run."""
    return {**selection.to_dict(), "timings_seconds": None}


def test_a_second_question_decodes_and_encodes_nothing(selector, talk, monkeypatch):
    first = selector.select(talk, QUESTION, num_frames=3, **QUICK)
    monkeypatch.setattr("clamr_select.indexing.opening.opener", never)
    monkeypatch.setattr("av.open", never)
    monkeypatch.setattr(ClamrEncoder, "encode_document", never)
    again = selector.select(talk, QUESTION, num_frames=3, **QUICK)
    other = selector.select(talk, "green", num_frames=3, **QUICK)

    assert plain(again) == plain(first)
    assert set(again.timings_seconds) == {"load", "encode_question", "score", "policy"}
    assert other.question == "green"


def test_nor_does_it_in_a_new_process(selector, talk):
    first = selector.select(talk, QUESTION, num_frames=3, **QUICK)
    command = [sys.executable, "-c", SECOND_PROCESS, str(talk), QUESTION]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    assert {**json.loads(done.stdout), "timings_seconds": None} == json.loads(json.dumps(plain(first)))


def test_what_was_stored_is_what_was_computed(selector, talk):
    made = selector.index(talk, **QUICK)
    read = selector.index(talk, **QUICK)

    assert dataclasses.replace(read, tokens=made.tokens, timings_seconds={}, frame_indices=0, timestamps_seconds=0) == (
        dataclasses.replace(made, timings_seconds={}, frame_indices=0, timestamps_seconds=0)
    )
    np.testing.assert_array_equal(read.frame_indices, made.frame_indices)
    np.testing.assert_array_equal(read.timestamps_seconds, made.timestamps_seconds)
    for name in ("vectors", "modality_ids", "first_candidates", "last_candidates"):
        found, expected = getattr(read.tokens, name), getattr(made.tokens, name)
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected)


@pytest.mark.parametrize("precision", ["bfloat16", "int8", "int4"])
def test_compact_embeddings_answer_alike_before_and_after_they_were_stored(selector, talk, tmp_path, precision):
    """And take less room, and are near the whole ones."""
    whole = selector.index(talk, cache_dir=Store(tmp_path / "whole"), **QUICK)
    compact = {"precision": precision, "token_pooling": 4, **QUICK}
    made = selector.index(talk, cache_dir=Store(tmp_path / "compact"), **compact)
    read = selector.index(talk, cache_dir=Store(tmp_path / "compact"), **compact)

    assert torch.equal(read.tokens.vectors, made.tokens.vectors)
    assert len(made.tokens) < len(whole.tokens)
    first, again = (plain(found.select(QUESTION, num_frames=3)) for found in (made, read))
    assert again == first
    assert first["method"]["precision"] == precision
    assert first["method"]["token_pooling"] == 4
    assert (first["method"]["scoring"]["storage"] == "float32") == (precision == "int4")
    sizes = [sum(f.stat().st_size for f in (tmp_path / name).rglob("*.safetensors")) for name in ("whole", "compact")]
    assert sizes[1] < sizes[0] / 2
    query = selector.encoder.encode_query([QUESTION])[0][0]
    np.testing.assert_allclose(made.score(query).total, whole.score(query).total, atol=0.05)


def test_the_same_bytes_under_another_name_are_the_same_video(selector, talk, count_indexing):
    selector.index(talk, subtitles=None, **QUICK)
    copied = talk.with_name("copy.mp4")
    shutil.copy(talk, copied)

    assert selector.index(copied, subtitles=None, **QUICK).video == str(copied)
    assert count_indexing == ["talk.mp4"]


def test_an_edited_video_is_another(selector, talk, count_indexing):
    selector.index(talk, **QUICK)
    stamp = talk.stat()
    data = bytearray(talk.read_bytes())
    position = data.index(b"isomiso2")
    data[position : position + 4] = b"iso4"  # a brand of the header: the pictures stay
    talk.write_bytes(data)
    os.utime(talk, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    selector.index(talk, **QUICK)

    assert count_indexing == ["talk.mp4", "talk.mp4"]


def test_edited_subtitles_are_read_anew(selector, talk, count_indexing):
    before = selector.select(talk, QUESTION, num_frames=1, **QUICK)
    talk.with_suffix(".srt").write_text(SRT.replace("11", "21").replace("13", "23"), encoding="utf-8")
    after = selector.select(talk, QUESTION, num_frames=1, **QUICK)

    assert 10 <= before.timestamps_seconds[0] <= 15
    assert 20 <= after.timestamps_seconds[0] <= 25
    assert len(count_indexing) == 2


def test_other_options_and_weights_have_other_entries(selector, talk):
    digest, encoder = "ab" * 32, {"weights": "1"}
    talk.with_name("other.srt").write_text(SRT + "\n", encoding="utf-8")
    options = [
        IndexOptions(),
        IndexOptions(candidate_fps=2),
        IndexOptions(max_candidates=10),
        IndexOptions(window_candidates=1),
        IndexOptions(pair="neighbor"),
        IndexOptions(backend="decord"),
        IndexOptions(ocr="off"),
        IndexOptions(audio="off"),
        IndexOptions(asr="transformers"),
        IndexOptions(asr="transformers", asr_model="tiny"),
        IndexOptions(asr="transformers", asr_language="de"),
        IndexOptions(asr="faster-whisper"),
        IndexOptions(chapters="off"),
        IndexOptions(precision="int8"),
        IndexOptions(token_pooling=2),
        IndexOptions(limits=Limits(max_pixels=10**9)),
        IndexOptions(title="a"),
        IndexOptions(title=""),
        IndexOptions(description="a"),
        IndexOptions(subtitles=None),
        IndexOptions(subtitles=talk.with_name("other.srt")),
        IndexOptions(subtitles=talk.with_name("absent.srt")),
    ]
    keys = [index_key(talk, digest=digest, options=option, encoder=encoder).digest for option in options]
    keys.append(index_key(talk, digest="cd" * 32, options=IndexOptions(), encoder=encoder).digest)
    keys.append(index_key(talk, digest=digest, options=IndexOptions(), encoder={"weights": "2"}).digest)

    assert len(set(keys)) == len(keys)
    apart = IndexOptions(isolate=True)  # where it is decoded changes nothing
    assert index_key(talk, digest=digest, options=apart, encoder=encoder).digest == keys[0]
    for option in dataclasses.fields(IndexOptions):
        assert option.name == "isolate" or any(
            getattr(made, option.name) != getattr(options[0], option.name) for made in options
        ), f"{option.name} is not in this test"
    patient = IndexOptions(limits=Limits(max_bytes=10**9, max_download_bytes=10**12, max_download_seconds=3600.0))
    assert index_key(talk, digest=digest, options=patient, encoder=encoder).digest == keys[0]
    named = IndexOptions(subtitles=talk.with_suffix(".srt"))
    assert index_key(talk, digest=digest, options=named, encoder=encoder).digest == keys[0]
    whole = IndexOptions(candidate_fps=1)
    assert index_key(talk, digest=digest, options=whole, encoder=encoder).digest == keys[0]


def test_isolation_is_of_the_run_and_not_of_the_video(selector, talk, monkeypatch):
    apart = selector.index(talk, **QUICK, isolate=True)
    monkeypatch.setattr("clamr_select.indexing.opening.opener", never)
    here = selector.index(talk, **QUICK)

    assert apart.method == {**here.method, "isolate": True}
    assert selector.index(talk, **QUICK, isolate=True).method["isolate"] is True


def test_limits_are_of_the_run_and_hold_for_what_is_stored(selector, talk, count_indexing):
    raised = selector.index(talk, **QUICK, limits=Limits(max_bytes=10**12))
    plain_limits = selector.index(talk, **QUICK)
    lowered = Limits(max_bytes=talk.stat().st_size)
    assert count_indexing == ["talk.mp4"]
    assert raised.method["limits"] == {"max_bytes": 10**12}
    assert "limits" not in plain_limits.method
    assert selector.index(talk, **QUICK, limits=lowered).method["limits"] == {"max_bytes": talk.stat().st_size}
    with pytest.raises(VideoTooLargeError, match="max_bytes"):
        selector.index(talk, **QUICK, limits=Limits(max_bytes=talk.stat().st_size - 1))


def test_a_changed_weight_makes_it_anew(selector, talk, count_indexing):
    selector.index(talk, **QUICK)
    changed = ClamrEncoder(copy.deepcopy(selector.encoder.model), processor=selector.encoder.processor)
    with torch.no_grad():
        next(changed.model.parameters()).view(-1)[0] += 1e-3
    FrameSelector(changed).index(talk, **QUICK)

    assert len(count_indexing) == 2


def test_without_a_cache_nothing_is_kept(selector, talk, tmp_path, count_indexing):
    for _ in range(2):
        selector.index(talk, **QUICK, cache_dir=None)

    assert len(count_indexing) == 2
    assert not Path(os.environ["CLAMR_SELECT_CACHE"]).exists()


def test_a_folder_or_a_store_of_ones_own(selector, talk, tmp_path, count_indexing):
    selector.index(talk, **QUICK, cache_dir=tmp_path / "mine")
    selector.index(talk, **QUICK, cache_dir=Store(tmp_path / "mine"))
    ((file, label),) = Store(tmp_path / "mine").entries()

    assert (file.kind, label) == ("embeddings", "talk.mp4")
    assert len(count_indexing) == 1


def test_a_damaged_entry_is_made_anew_and_said(selector, talk, count_indexing):
    first = selector.select(talk, QUESTION, num_frames=3, **QUICK)
    ((file, _),) = Store().entries()
    data = bytearray(file.path.read_bytes())
    data[len(data) // 2] ^= 1
    file.path.write_bytes(data)
    second = selector.select(talk, QUESTION, num_frames=3, **QUICK)
    third = selector.select(talk, QUESTION, num_frames=3, **QUICK)

    assert [warning.code for warning in second.warnings] == ["cache_damaged"]
    assert third.warnings == first.warnings == ()
    assert second.scores == third.scores == first.scores
    assert len(count_indexing) == 2


@pytest.mark.parametrize("effort", ["full", "fast"])
def test_what_went_wrong_with_another_video_is_not_told_of_this_one(selector, talk, tmp_path, effort):
    store, key = Store(tmp_path / "shared"), Key("transcript", {"video": "another"})
    store.put(key, Entry({}))
    ((file, _),) = store.entries()
    file.path.write_bytes(b"damaged")
    assert store.get(key) is None

    assert selector.select(talk, QUESTION, effort=effort, cache_dir=store, **QUICK).warnings == ()


def test_where_nothing_can_be_written_the_work_is_done_with_one_warning(selector, talk, monkeypatch):
    monkeypatch.setenv("CLAMR_SELECT_CACHE", "/proc/nowhere")
    selection = selector.select(talk, QUESTION, num_frames=3, **QUICK)

    assert len(selection) == 3
    assert [warning.code for warning in selection.warnings] == ["not_cached"]


def test_a_default_folder_that_may_not_be_used_is_left_alone_a_named_one_is_an_error(selector, talk, monkeypatch):
    public = talk.parent / "public"
    public.mkdir()
    public.chmod(0o777)
    monkeypatch.setenv("CLAMR_SELECT_CACHE", str(public))
    selection = selector.select(talk, QUESTION, num_frames=3, **QUICK)

    assert [warning.code for warning in selection.warnings] == ["not_cached"]
    assert list(public.iterdir()) == []
    with pytest.raises(StoreError, match="everyone may write"):
        selector.index(talk, cache_dir=public)


@pytest.mark.parametrize("change_file", [os.utime, Path.unlink])
def test_a_video_that_changes_or_goes_while_it_is_read_is_not_kept(selector, talk, monkeypatch, change_file):
    real = ClamrEncoder.encode_document

    def change(*arguments, **options):
        if talk.exists():
            change_file(talk)
        return real(*arguments, **options)

    monkeypatch.setattr(ClamrEncoder, "encode_document", change)
    selection = selector.select(talk, QUESTION, num_frames=3, **QUICK)

    assert len(selection) == 3
    assert [warning.code for warning in selection.warnings] == ["not_cached"]
    assert list(Store().entries()) == []


def test_weights_that_lie_on_disk_are_not_kept_under_a_wrong_name(selector, talk, monkeypatch):
    monkeypatch.setattr("clamr_select.indexing.cached_indexer.encoder_identity", lambda encoder: None)
    selection = selector.select(talk, QUESTION, num_frames=3, **QUICK)

    assert [warning.code for warning in selection.warnings] == ["not_cached"]
    assert list(Store().entries()) == []


def test_wrong_input_is_the_same_error_with_a_cache(selector, talk, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoNotFoundError):
        selector.index(tmp_path / "absent.mp4")
    with pytest.raises(UnreadableVideoError, match="text"):
        selector.index(tmp_path / "text.mp4")
    with pytest.raises(UnreadableVideoError, match="not a regular file"):
        selector.index(tmp_path / "pipe.mp4")
    with pytest.raises(InputError, match="URL"):
        selector.index("https://example.com/talk.mp4")
    with pytest.raises(SubtitlesError):
        selector.index(talk, subtitles=tmp_path / "absent.srt")
    assert list(Store().entries()) == []


def test_auto_needs_nothing_that_listens_where_there_are_subtitles(
    selector: FrameSelector, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_arguments: object, **_options: object) -> None:
        raise SpeechError("nothing can listen here")

    monkeypatch.setattr("clamr_select.indexing.index_key.choose", nothing)
    indexed = selector.index(talk, asr="auto", **QUICK, cache_dir=tmp_path / "cache")

    assert indexed.method["asr"] == "talk.srt"


def test_subtitles_that_come_while_a_video_is_read_are_not_taken_for_read(
    selector: FrameSelector, color_video: Path, tmp_path: Path
) -> None:
    path = tmp_path / "talk.mp4"
    shutil.copy(color_video, path)
    options = {**QUICK, "cache_dir": tmp_path / "cache"}

    def come(stage: str, done: int, total: int) -> None:
        if stage == "encoding":
            path.with_suffix(".srt").write_text(SRT, encoding="utf-8")

    first = selector.index(path, progress=come, **options)
    again = selector.index(path, **options)

    assert first.method["asr"] == "none"
    assert "not_cached" in {warning.code for warning in first.warnings}
    assert again.method["asr"] == "talk.srt"

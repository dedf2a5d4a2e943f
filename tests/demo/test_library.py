"""The demo's library: what it finds, what it refuses, and whom it lets in."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

import gradio as gr

from clamr_select.cli import main
from clamr_select.demo.hearing import SWITCHED_OFF, Hearing
from clamr_select.demo.indexes import Indexes
from clamr_select.demo.library import MAX_TOP_K, Library, Wanted, lines_of
from clamr_select.demo.library_tab import LibraryTab, Visit
from clamr_select.demo.messages import sentence
from clamr_select.demo.settings import DemoSettings
from clamr_select.demo.views.library import NO_MOMENTS, NOT_SHOWN, Found, library_view, moment_pictures
from clamr_select.errors import (
    ClamrSelectError,
    CorpusMismatchError,
    CorpusNotFoundError,
    CorpusServerError,
    InputError,
    MissingDependencyError,
    UnreadableVideoError,
    VideoNotFoundError,
)
from clamr_select.retrieval import StoredVideo, VideoCorpus
from clamr_select.selector import FrameSelector

from .library_fixtures import HOSTILE, WORDS, MadeLibrary, make_library

QUESTION = "what is said about the {}?"


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, selector: FrameSelector, color_video: Path) -> MadeLibrary:
    return make_library(tmp_path_factory.mktemp("library"), selector, color_video)


def settings_of(made: MadeLibrary, **changes: Any) -> DemoSettings:
    return DemoSettings(
        **{"library": made.place, "library_cache_dir": made.cache_dir, "media_dir": made.media_dir, **changes}
    )


@pytest.fixture
def library(selector: FrameSelector, made: MadeLibrary) -> Iterator[Library]:
    opened = Library(selector, model_lock=threading.Lock(), settings=settings_of(made))
    yield opened
    opened.close()


@pytest.mark.parametrize("name", WORDS)
def test_the_video_and_its_moment_are_found(library: Library, name: str) -> None:
    result = library.search(Wanted(QUESTION.format(name)))
    view = library_view(Found(result, "q"), library=library)
    row = view["rows"][0]

    assert row["name"] == {"walrus": f"The {HOSTILE} animal"}.get(name, f"{name}.mp4")
    assert row["modality"] == row["moments"][row["best"]]["modality"] == "asr"
    assert row["moments"][row["best"]]["words"] == WORDS[name]
    assert row["moments"][row["best"]]["label"].startswith("00:1")
    assert row["duration"] == "00:30"
    assert view["note"].startswith("The best 3 of 3 videos, in ")
    assert json.loads(json.dumps(view)) == view


def test_long_words_are_cut_and_it_shows(library: Library) -> None:
    result = library.search(Wanted(QUESTION.format("treaty"), top_k=1))
    moments = result.hits[0].moments
    assert moments is not None
    wordy = replace(moments, text=tuple({**words, moments.modality[0]: "a" * 999} for words in moments.text))
    found = Found(replace(result, hits=(replace(result.hits[0], moments=wordy),)), "q")
    (words,) = {moment["words"] for moment in library_view(found, library=library)["rows"][0]["moments"][:1]}
    assert (len(words), words[-2:]) == (160, "a…")


def test_filters_and_modalities_are_those_of_search(library: Library) -> None:
    late = library.search(Wanted("walrus", filters=("year>=2021",)))
    seen = library.search(Wanted("walrus", modalities=["video"]))

    assert {hit.video.metadata["topic"] for hit in late.hits} == {"treaty", "bicycle"}
    assert {hit.modality for hit in seen.hits} == {"video"}
    assert len(library.search(Wanted("walrus", top_k=1)).hits) == 1
    assert lines_of(" year>=2020 \n\nchannel=MIT\n") == ("year>=2020", "channel=MIT")
    assert library_view(Found(library.search(Wanted("a", filters=("year>3000",))), "a"), library=library)[
        "note"
    ].startswith("No video fits.")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(" "), "question is empty"),
        (Wanted("x" * 1001), "longer than 1000"),
        (Wanted("a", top_k=0), "1 to 50"),
        (Wanted("a", top_k=MAX_TOP_K + 1), "1 to 50"),
        (Wanted("a", filters=("year",)), "FIELD=VALUE"),
        (Wanted("a", filters=("x" * 1001,)), "longer than 1000"),
        (Wanted("a", filters="year>1"), "list of texts"),
        (Wanted("a", filters=(1,)), "list of texts"),  # type: ignore[arg-type]
        (Wanted("a", modalities=["smell"]), "modalities must be"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(library: Library, wanted: Wanted, told: str) -> None:
    with pytest.raises(InputError, match=told):
        library.search(wanted)


def test_where_a_file_lies_is_not_to_be_guessed(library: Library, made: MadeLibrary) -> None:
    for text in (f"path={made.videos['walrus']}", "path!=x"):
        with pytest.raises(InputError, match="no field 'path'"):
            library.search(Wanted("a", filters=(text,)))
    view = library_view(Found(library.search(Wanted("a")), "a"), library=library)
    assert str(made.media_dir.parent) not in json.dumps(view)


def test_pictures_are_of_videos_in_the_media_folder_alone(library: Library, made: MadeLibrary) -> None:
    result = library.search(Wanted("what is seen?"))
    for hit in result.hits:
        shown = hit.video.metadata["topic"] != "bicycle"
        pictures, why_not = moment_pictures(hit, [0, 2], library=library)
        assert set(pictures) == ({0, 2} if shown else set())
        assert all(url.startswith("data:image/jpeg") for url in pictures.values())
        assert why_not == ""
    view = library_view(Found(result, "q"), library=library)
    assert {row["name"]: (row["canAsk"], NOT_SHOWN in row["told"]) for row in view["rows"]} == {
        f"The {HOSTILE} animal": (True, False),
        "treaty.mp4": (True, False),
        "bicycle.mp4": (False, True),
    }


def test_a_row_may_name_any_path_and_is_not_believed(
    library: Library, made: MadeLibrary, tmp_path: Path, color_video: Path
) -> None:
    way_out = made.media_dir / "out.mp4"
    way_out.symlink_to(color_video)
    (made.media_dir / "list.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    paths = [
        "/etc/passwd",
        str(color_video),
        str(way_out),
        f"{made.media_dir}/../bicycle.mp4",
        "\0",
        "",
        "http://a/b.mp4",
    ]
    paths += [str(made.media_dir), f"{made.media_dir}/none.mp4"]
    for path in [*paths, None]:
        row = StoredVideo("id", path, 1.0, {}, {}, {})
        assert library.file(row) is None
        assert library.name(row) is None
        with pytest.raises(InputError, match="not in the folder"):
            library.source(row)
    with pytest.raises(ClamrSelectError, match="playlist"):
        library.source(StoredVideo("id", str(made.media_dir / "list.mp4"), 1.0, {}, {}, {}))
    inside = StoredVideo("id", str(made.videos["walrus"]), 1.0, {}, {}, {})
    assert library.file(inside) == made.videos["walrus"].resolve()
    assert library.name(inside) == "walrus.mp4"


def test_a_video_is_asked_on_by_the_index_of_the_library(
    library: Library, selector: FrameSelector, tmp_path: Path
) -> None:
    hit = library.search(Wanted(QUESTION.format("treaty"))).hits[0]
    indexes = Indexes(selector, max_videos=2, index_options={}, keep_dir=tmp_path, hearing=Hearing(SWITCHED_OFF))
    steps, ready = [], None
    stages = indexes.ready(library.source(hit.video))
    while ready is None:
        try:
            steps.append(next(stages))
        except StopIteration as done:
            ready = done.value
    selection = ready.video.select("the treaty of Lisbon", num_frames=1)

    assert steps == []  # nothing was decoded
    assert ready.speech == "read"
    assert selection.text[0]["asr"] == WORDS["treaty"]


def test_a_video_is_indexed_again_with_its_own_title(library: Library) -> None:
    hit = library.search(Wanted(QUESTION.format("walrus"))).hits[0]
    kept = library.source(hit.video).kept
    assert kept is not None
    assert (kept.options["title"], kept.options["ocr"]) == (f"The {HOSTILE} animal", "off")


def test_frames_that_are_gone_are_said(selector: FrameSelector, made: MadeLibrary, tmp_path: Path) -> None:
    settings = settings_of(made, library_cache_dir=tmp_path / "empty")
    library = Library(selector, model_lock=threading.Lock(), settings=settings)
    view = library_view(Found(library.search(Wanted("the treaty")), "q"), library=library)
    library.close()

    assert all(NO_MOMENTS in row["told"] and row["moments"] == [] for row in view["rows"])
    assert view["warnings"] == []


def test_the_library_is_let_go_so_that_others_can_add_to_it(selector: FrameSelector, made: MadeLibrary) -> None:
    library = Library(selector, model_lock=threading.Lock(), settings=settings_of(made), idle_seconds=0.05)
    library.search(Wanted("a"))
    released = threading.Event()
    closed = library._close
    library._close = lambda: (closed(), released.set())  # type: ignore[method-assign,assignment,func-returns-value]
    library.search(Wanted("a"))
    assert released.wait(20)
    with VideoCorpus.open(made.place, selector=selector) as writer:
        assert len(writer) == 3
    assert len(library.search(Wanted("a")).hits) == 3
    library.close()


HOLD = """
import sys
from clamr_select.retrieval.locking import DirectoryLock
from pathlib import Path
lock = DirectoryLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_library_that_another_process_holds_is_asked_later(selector: FrameSelector, made: MadeLibrary) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(made.place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        library = Library(selector, model_lock=threading.Lock(), settings=settings_of(made))  # no error yet
        with pytest.raises(ClamrSelectError) as caught:
            library.search(Wanted("a"))
        assert sentence(caught.value).startswith("The library is in use by another process")
        writer.communicate("")
    assert len(library.search(Wanted("a")).hits) == 3
    library.close()


def test_errors_are_sentences_without_paths(selector: FrameSelector, made: MadeLibrary, tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFoundError):
        Library(selector, model_lock=threading.Lock(), settings=settings_of(made, library=tmp_path / "none"))
    other = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    other.encoder.model.embedding_proj_layer.weight.data[0, 0] += 1.0
    with pytest.raises(CorpusMismatchError):
        Library(other, model_lock=threading.Lock(), settings=settings_of(made))
    settings = settings_of(made, library="http://127.0.0.1:9", library_cache_dir=None)
    with pytest.raises(CorpusServerError):
        Library(selector, model_lock=threading.Lock(), settings=settings)
    for error in (CorpusNotFoundError, CorpusMismatchError, CorpusServerError):
        assert "/secret" not in sentence(error("/secret/place"))
        assert "library" in sentence(error("/secret/place"))


def test_without_the_engine_the_extra_is_named(
    selector: FrameSelector, made: MadeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "qdrant_edge", None)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[library\]"):
        Library(selector, model_lock=threading.Lock(), settings=settings_of(made))


def test_an_empty_library_says_how_it_is_filled(selector: FrameSelector, made: MadeLibrary, tmp_path: Path) -> None:
    VideoCorpus.open(tmp_path / "empty", selector=selector).close()
    library = Library(selector, model_lock=threading.Lock(), settings=settings_of(made, library=tmp_path / "empty"))
    with pytest.raises(InputError, match="empty: add videos with clamr-select index"):
        library.search(Wanted("a"))
    library.close()


def write_white(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((36, 64, 3), 255, np.uint8), format="rgb24")))
        container.mux(stream.encode())


def test_pictures_of_a_file_that_was_replaced_are_not_shown(library: Library, made: MadeLibrary) -> None:
    path = made.videos["walrus"]
    whole = path.read_bytes()
    before = library.pictures(path).data_urls({0: 0.0}, max_side=64)
    try:
        write_white(path)
        assert library.pictures(path).data_urls({0: 0.0}, max_side=64) != before
    finally:
        path.write_bytes(whole)
    path.rename(path.with_suffix(".away"))
    with pytest.raises(VideoNotFoundError):
        library.pictures(path)
    path.with_suffix(".away").rename(path)


def test_a_file_that_was_replaced_has_no_pictures_and_says_so(
    library: Library, made: MadeLibrary, color_video: Path
) -> None:
    path = made.videos["walrus"]
    whole = path.read_bytes()
    hit = library.search(Wanted(QUESTION.format("walrus"))).hits[0]
    try:
        path.write_bytes(b"no video")
        pictures, why_not = moment_pictures(hit, [0], library=library)
        assert (pictures, why_not) == ({}, sentence(UnreadableVideoError("")))
    finally:
        path.write_bytes(whole)


def test_a_video_chosen_before_a_new_search_leaves_nothing_in_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, visit, searching = LibraryTab(library, serve=str, nothing_asked=lambda session: []), Visit(), []

    def search(name: str) -> Iterator[list[Any]]:
        return tab._search(QUESTION.format(name), 3, list(library.selector.encoder.modalities), "", visit)

    def slow_pictures(*_: Any, **__: Any) -> tuple[dict[int, str], str]:
        searching.append(search("treaty"))  # while the pictures of a row of the old search are decoded
        next(searching[0])
        return {0: "data:old"}, ""

    list(search("walrus"))
    monkeypatch.setattr("clamr_select.demo.library_tab.moment_pictures", slow_pictures)
    tab._choose(visit, gr.EventData(None, {"place": 0}))
    assert visit.found == Found(question=QUESTION.format("treaty"))
    list(searching[0])
    assert visit.found.question == QUESTION.format("treaty")
    assert (visit.found.chosen, visit.found.images) == (None, {})


def test_places_that_no_search_gave_are_nothing(library: Library) -> None:
    visit = Visit()
    assert visit.hit(0) is None
    visit.found = replace(visit.found, result=library.search(Wanted("a")))
    assert visit.hit(2) is not None
    for place in (-1, 3, True, "0", None, 1.0, [0]):
        assert visit.hit(place) is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cache-dir", "x"], "give --library too"),
        (["--collection", "x"], "give --library too"),
        (["--library", "x", "--collection", "y"], "is for a server"),
        (["--library", "not-there"], "no library in not-there"),
    ],
)
def test_wrong_options_are_one_line(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line

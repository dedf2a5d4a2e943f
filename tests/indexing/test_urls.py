"""URLs are opened only when asked for, and only by the fetcher."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clamr_select.answer import VideoQA
from clamr_select.cli import main
from clamr_select.errors import InputError, UnreadableVideoError, UnsafeUrlError
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.selector import FrameSelector
from clamr_select.store import Store

URL = "https://media.example/talk.mp4"


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture
def web(monkeypatch, color_video) -> dict[str, bytes]:
    """URL to bytes: what the fetcher would bring."""
    pages = {URL: color_video.read_bytes()}

    def fetch(url: str, *, folder: Path, limits: object) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("0" * 64)
        if not path.exists() or path.read_bytes() != pages[url]:
            path.write_bytes(pages[url])
        return path

    monkeypatch.setattr("clamr_select.indexing.cached_indexer.fetch", fetch)
    return pages


def test_a_url_is_refused_unless_it_is_asked_for(selector, web):
    with pytest.raises(InputError, match=r"is a URL.*allow_urls=True"):
        selector.index(URL, ocr="off")


def test_a_url_that_is_asked_for_is_downloaded_and_indexed(selector, web):
    selection = selector.select(URL, "green", num_frames=2, ocr="off", candidate_fps=0.4, allow_urls=True)

    assert selection.method["url"] == URL
    assert Path(selection.video).parent == Store().downloads
    assert len(selection.frames(max_side=32)) == 2
    assert {file.state for file in Store().clear()} == {"entry", "download"}


def test_a_skim_of_a_url_does_not_evict_its_own_video(selector, web, tmp_path, monkeypatch):
    monkeypatch.setattr("clamr_select.indexing.coarse_to_fine.opening.EFFORT_PLANS", {"fast": EffortPlan(4, 3)})
    store = Store(tmp_path / "small", max_bytes=150_000)  # more than any entry, less than two
    skimmed = selector.skim(URL, ocr="off", allow_urls=True, cache_dir=store)
    os.utime(skimmed.video, (1e9, 1e9))
    skimmed = selector.skim(URL, ocr="off", allow_urls=True, cache_dir=store)

    for question in ("green", "what is red?"):
        assert len(skimmed.select(question, num_frames=2)) == 2
    assert Path(skimmed.video).exists()


@pytest.mark.parametrize("effort", ["full", "fast"])
def test_a_url_that_is_asked_for_can_be_asked_about(selector, web, effort):
    options = {"ocr": "off", "candidate_fps": 0.4, "allow_urls": True}
    qa = VideoQA(selector, index_options=options, effort=effort)

    assert qa.ask(URL, "green", num_frames=2).selection.method["url"] == URL
    assert "index" not in qa.ask(URL, "red", num_frames=2).timings_seconds
    with pytest.raises(InputError, match=r"is a URL.*allow_urls=True"):
        VideoQA(selector, effort=effort).ask(URL, "green")


def test_what_a_url_gives_is_checked_like_a_file(selector, web):
    web[URL] = b"just some words\n" * 10
    with pytest.raises(UnreadableVideoError):
        selector.index(URL, allow_urls=True)


def test_a_download_needs_a_cache(selector, web):
    with pytest.raises(InputError, match="needs one"):
        selector.index(URL, allow_urls=True, cache_dir=None)


def test_a_url_inside_is_refused(selector):
    with pytest.raises(UnsafeUrlError, match="not public"):
        selector.index("http://127.0.0.1:1/talk.mp4", allow_urls=True)


def test_the_command_line(capsys):
    for options in ([], ["--allow-urls", "--no-cache"], ["--allow-urls"]):
        assert main(["select", "http://127.0.0.1:1/talk.mp4", "green", *options]) == 2
        assert capsys.readouterr().err.count("\n") == 1

"""A small library of real videos, as ``clamr-select index`` makes one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clamr_select.retrieval import VideoCorpus, VideoFile
from clamr_select.selector import FrameSelector

WORDS = {
    "walrus": "The walrus answered the harbor master.",
    "treaty": "Seven ministers signed the treaty of Lisbon.",
    "bicycle": "Take the chain off the bicycle first.",
}
OUTSIDE = "bicycle"
"""Its file lies outside the folder whose videos are shown."""
QUICK = {"ocr": "off", "candidate_fps": 0.4}


@dataclass(frozen=True)
class MadeLibrary:
    place: Path
    cache_dir: Path
    media_dir: Path
    videos: dict[str, Path]

    @property
    def options(self) -> list[str | Path]:
        """Of ``clamr-select demo``."""
        return ["--library", self.place, "--cache-dir", self.cache_dir, "--media-dir", self.media_dir]


def make_library(folder: Path, selector: FrameSelector, video: Path) -> MadeLibrary:
    """The same pictures three times, with other words at 12 s; a byte is added, so that they differ."""
    made = MadeLibrary(folder / "library", folder / "frames", folder / "shown", {})
    made.media_dir.mkdir()
    for number, (name, words) in enumerate(WORDS.items()):
        path = (folder if name == OUTSIDE else made.media_dir) / f"{name}.mp4"
        path.write_bytes(video.read_bytes() + b"\0\0\0\x09free" + bytes([number]))
        path.with_suffix(".srt").write_text(f"1\n00:00:11,500 --> 00:00:13,400\n{words}\n", encoding="utf-8")
        made.videos[name] = path
    titled = {"walrus": f"The {HOSTILE} animal"}
    files = [
        VideoFile(str(path), title=titled.get(name), metadata={"topic": name, "year": 2020 + number})
        for number, (name, path) in enumerate(made.videos.items())
    ]
    with VideoCorpus.open(made.place, selector=selector, index_options=QUICK, cache_dir=made.cache_dir) as corpus:
        corpus.add(files)
    return made


HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"

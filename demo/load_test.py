"""Many visitors at once: are all served, in order, with their own data, and does memory stay flat?

    python -m clamr_select.demo.load_test [--visitors 20] [--questions 200]

Starts ``clamr-select demo`` in a process of its own. Each visitor uploads a video of their own, in which another word
is spoken, and asks for it, over the same HTTP interface as the page's clients.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clamr_select.demo.process import start
from clamr_select.errors import InputError

WORDS = (
    "walrus", "cello", "bugle", "lotus", "pantry", "pier", "lantern", "glacier", "harbour", "kiln",
    "orange", "violin", "meadow", "copper", "falcon", "saddle", "temple", "winter", "anchor", "basket",
)  # fmt: skip
"""One a visitor: what is spoken in their video, and in no other."""
VIDEO_SECONDS = 60
FPS = 10


@dataclass(frozen=True)
class Asked:
    """One question as its visitor saw it."""

    visitor: int
    submitted: float
    finished: float
    is_own: bool
    """The best moment is where the visitor's own word is spoken, and every word shown is of their own video."""


@dataclass
class Outcome:
    """What the run showed."""

    asked: list[Asked] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    """Resident memory of the demo after each question."""
    errors: list[str] = field(default_factory=list)

    @property
    def waits_seconds(self) -> list[float]:
        return [asked.finished - asked.submitted for asked in self.asked]

    @property
    def num_overtaken(self) -> int:
        """Questions answered before one that was submitted more than a second earlier."""
        in_order = sorted(self.asked, key=lambda asked: asked.submitted)
        return sum(
            later.finished < earlier.finished and later.submitted - earlier.submitted > 1
            for place, earlier in enumerate(in_order)
            for later in in_order[place + 1 :]
        )

    @property
    def growth_mib(self) -> float:
        """Memory at the end against the middle: medians of the last and of the second quarter."""
        quarter = max(1, len(self.memory_mib) // 4)
        return statistics.median(self.memory_mib[-quarter:]) - statistics.median(self.memory_mib[quarter : 2 * quarter])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=20, metavar="N", help=f"1 to {len(WORDS)} (default: 20)")
    parser.add_argument("--questions", type=int, default=200, metavar="N", help="of all together (default: 200)")
    arguments = parser.parse_args(argv)
    outcome = run(num_visitors=arguments.visitors, num_questions=arguments.questions)
    print(report(outcome))
    return 0 if not outcome.errors and all(asked.is_own for asked in outcome.asked) else 1


def run(*, num_visitors: int, num_questions: int) -> Outcome:
    """Start a demo, let the visitors in, and collect what they saw.

    Raises:
        InputError: more visitors than there are words, or fewer questions than visitors.
    """
    if not 1 <= num_visitors <= len(WORDS) or num_questions < num_visitors:
        raise InputError(
            f"visitors are 1 to {len(WORDS)}, questions at least as many; got {num_visitors}, {num_questions}"
        )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clamr-select-load-")))
        url, process = start(folder, stack, "--no-examples", "--device", "cpu")
        visitors = [Visitor(url, number, folder) for number in range(num_visitors)]
        outcome, lock = Outcome(), threading.Lock()

        def visit(visitor: Visitor) -> None:
            for turn in range(visitor.number, num_questions, num_visitors):
                asked = visitor.ask(turn)
                with lock:
                    if isinstance(asked, Asked):
                        outcome.asked.append(asked)
                    else:
                        outcome.errors.append(asked)
                    outcome.memory_mib.append(resident_mib(process.pid))

        with ThreadPoolExecutor(num_visitors) as pool:
            list(pool.map(visit, visitors))
        return outcome


class Visitor:
    """A visitor with a video of their own.

    Args:
        url: of the demo.
        number: of the visitor; names their word.
        folder: where their video is made.
    """

    def __init__(self, url: str, number: int, folder: Path) -> None:
        from gradio_client import Client

        self.number, self.word = number, WORDS[number]
        self.start_seconds = 5.0 + 2 * number
        self.client = Client(url, verbose=False, analytics_enabled=False)
        video, subtitles = make_video(folder / self.word, word=self.word, start_seconds=self.start_seconds)
        self.files = {"video": uploaded(url, video), "subtitles": uploaded(url, subtitles)}

    def ask(self, turn: int) -> Asked | str:
        """One question; an error as text."""
        from gradio_client.exceptions import AppError

        submitted = time.perf_counter()
        question = f"What is said about the {self.word}, question {turn}?"
        try:
            text = self.client.predict(
                question=question, num_frames=4, read_text_on_screen=False, **self.files, api_name="/select"
            )
        except AppError as error:
            return f"visitor {self.number}: {error}"
        return Asked(self.number, submitted, time.perf_counter(), self._is_own(json.loads(text), question))

    def _is_own(self, found: dict[str, Any], question: str) -> bool:
        best = max(found["moments"], key=lambda moment: moment["score"])
        here = self.start_seconds - 0.5 <= best["seconds"] <= self.start_seconds + 3.5
        words = " ".join(" ".join(moment["words"].values()) for moment in found["moments"])
        strangers = [word for word in WORDS if word != self.word and word in words]
        return here and not strangers and found["question"] == question


def uploaded(url: str, path: Path) -> str:
    """Uploads a file; the path that the demo gave it."""
    import httpx

    with path.open("rb") as stream:
        answer = httpx.post(f"{url}/gradio_api/upload", files={"files": (path.name, stream)}, timeout=120)
    answer.raise_for_status()
    return answer.json()[0]


def make_video(folder: Path, *, word: str, start_seconds: float) -> tuple[Path, Path]:
    """A minute of one colour a visitor, with one sentence; (video, subtitles)."""
    import av
    import numpy as np

    folder.mkdir()
    video, subtitles = folder / "video.mp4", folder / "video.srt"
    colour = [37 * (WORDS.index(word) + 1) % 200 + 20, 91 * (WORDS.index(word) + 1) % 200 + 20, 90]
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for number in range(VIDEO_SECONDS * FPS):
            image = np.full((180, 320, 3), colour, dtype=np.uint8)
            image[100:120, number % 300 : number % 300 + 20] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    start, end = clock(start_seconds), clock(start_seconds + 3)
    subtitles.write_text(f"1\n{start} --> {end}\nHere they speak about the {word} at length.\n", encoding="utf-8")
    return video, subtitles


def clock(seconds: float) -> str:
    """As srt writes it."""
    return f"00:00:{int(seconds):02d},{round(1000 * (seconds % 1)):03d}"


def resident_mib(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * resource.getpagesize() / 2**20


def report(outcome: Outcome) -> str:
    """A few lines of figures."""
    waits = sorted(outcome.waits_seconds)
    lines = [
        f"questions answered  {len(outcome.asked)}, errors {len(outcome.errors)}",
        f"with one's own data {sum(asked.is_own for asked in outcome.asked)}",
        f"overtaken           {outcome.num_overtaken}",
    ]
    if waits:
        lines.append(
            f"wait in seconds     median {statistics.median(waits):.2f}, 95th percentile "
            f"{waits[int(0.95 * (len(waits) - 1))]:.2f}, longest {waits[-1]:.2f} (the first questions index)"
        )
    if len(outcome.memory_mib) >= 4:
        lines.append(
            f"memory in MiB       after a quarter {outcome.memory_mib[len(outcome.memory_mib) // 4]:.0f}, at the end "
            f"{outcome.memory_mib[-1]:.0f}; last quarter against second {outcome.growth_mib:+.0f}"
        )
    return "\n".join([*lines, *outcome.errors[:5]])


if __name__ == "__main__":
    sys.exit(main())

"""Read every file of the corpus with every backend, each in a process of its own that has 20 seconds.

    python tests/robustness/run.py [FOLDER] [--flips 200] [--cut-percent 5] [--backends pyav …] [--json FILE]
        [--threads 1]

Prints how often each outcome came, as the tables of docs/robustness.md. Ends with status 1 where a process was killed
by a signal or ran out of time, an error was not one of ours, a frame was not the one at its timestamp, frames were
missing without a warning, or the default backend did not do what the documentation says.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import av
import corpus
import numpy as np

from clamr_select.errors import ClamrSelectError, MissingDependencyError
from clamr_select.video import open_video, read_plan

LIMIT_SECONDS = 20
BACKENDS = ("pyav", "decord", "torchcodec")
BAD = ("wrong frames", "silently short", "foreign error", "signal", "out of time")
OUTCOMES = ("exact", "partial, said", "damage unnoticed", "refused", *BAD)
RECOVERED_SHARE = 0.9
"""Of the frames that the ffmpeg command line gets out of a file that was cut."""
INTACT_DIFFERENCE = 4.0
"""Mean levels between a picture and the barcode it spells, below which nothing but compression changed it: 2 at most in
the corpus, and one column of the barcode is 8."""
DAMAGED = -1
"""In place of the number that a damaged picture spells."""

MIRRORED: dict[str, Callable[[np.ndarray], np.ndarray]] = {"mirrored.mp4": np.flipud, "mirrored_90.mp4": np.fliplr}

Shown = list[tuple[float, int]]
"""Time of each frame, to the microsecond, and the number it shows."""


def in_a_process(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``work`` returns; ``{"ended": …}`` where its process was killed or had to be."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            result = work()
        except ClamrSelectError as error:
            result = {"error": type(error).__name__}
        except Exception:  # noqa: BLE001  (whatever it is, it is what this looks for)
            result = {"foreign": traceback.format_exc()}
        with os.fdopen(writing, "w") as pipe:
            json.dump(result, pipe)
        os._exit(0)
    os.close(writing)
    watched = os.pidfd_open(child)
    with os.fdopen(reading) as pipe:
        # a result may be larger than a pipe holds, so it is read before the end is waited for
        ready, _, _ = select.select([pipe], [], [], LIMIT_SECONDS)
        text = pipe.read() if ready else ""
        finished, _, _ = select.select([watched], [], [], LIMIT_SECONDS)
    os.close(watched)
    if not (ready and finished):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return {"ended": "out of time"}
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"ended": "signal", "signal": signal.Signals(os.WTERMSIG(status)).name}
    return json.loads(text)


def read(path: Path, backend: str, videos: Any, *, num_threads: int) -> dict[str, Any]:
    """All frames of a file through one backend."""
    if num_threads > 1:
        read_plan.LONG_STRETCH = 1  # the files are short: each group of pictures may go to another thread
    with open_video(path, backend=backend, num_threads=num_threads) as reader:  # type: ignore[arg-type]
        shown = [
            (round(frame.timestamp_seconds, 6), number_of(frame.image, videos))
            for frame in reader.frames(range(reader.info.num_frames), on_undecodable="skip")
        ]
        return {"shown": shown, "warnings": [code for code, _ in reader.warnings]}


def number_of(image: np.ndarray, videos: Any) -> int:
    """The number a picture shows, ``DAMAGED`` where it is not the picture of any."""
    number = videos.barcode_of(image)
    drawn = videos.draw_barcode(number, image.shape[1], image.shape[0]).astype(float)
    return number if np.abs(image - drawn).mean() < INTACT_DIFFERENCE else DAMAGED


def plainly(path: Path, videos: Any) -> dict[str, Any]:
    """What a plain decode shows, nothing of the package being used."""
    shown = []
    try:
        with av.open(str(path)) as container:
            video = container.streams.video[1 if path.name == "two_streams.mp4" else 0]
            for packet in container.demux(video):
                try:
                    frames = [frame for frame in packet.decode() if frame.pts is not None]
                except av.FFmpegError:
                    continue
                for frame in frames:
                    image = np.rot90(frame.to_ndarray(format="rgb24"), k=frame.rotation // 90)
                    # PyAV's rotation says nothing of a mirror; turning half round undoes part of one
                    image = MIRRORED.get(path.name, np.asarray)(image)
                    shown.append((round(float(frame.pts * frame.time_base), 6), number_of(image, videos)))
    except (av.FFmpegError, IndexError):
        pass
    return {"shown": shown}


def outcome(found: dict[str, Any], truth: Shown, *, whole: Shown) -> str:
    """One of ``OUTCOMES``.

    Args:
        truth: what a plain decode of the file shows.
        whole: of the file it was damaged from, else the same.
    """
    if "ended" in found:
        return found["ended"]
    if "foreign" in found:
        return "foreign error"
    if "error" in found:
        return "refused"
    allowed: dict[float, set[int]] = defaultdict(set)
    for time, number in (*truth, *whole):
        allowed[time].add(number)
    differing = [(time, number) for time, number in found["shown"] if number not in allowed.get(time, ())]
    if not found["shown"] or any(time not in allowed for time, _ in differing):
        return "wrong frames"
    shifted = _is_shifted(found["shown"], dict(whole)) and _is_shifted(found["shown"], dict(truth))
    if shifted and "damaged_frames" not in found["warnings"]:  # which names those that older pictures may stand in
        return "wrong frames"
    if found["warnings"]:
        return "partial, said"
    if any(number == DAMAGED for _, number in found["shown"]) or differing:
        return "damage unnoticed"
    return "exact" if len(found["shown"]) == len({time for time, _ in truth}) else "silently short"


def _is_shifted(shown: Shown, expected: dict[float, int]) -> bool:
    """Whether three frames in a row are those of the same number of frames before or after: a count that slipped.

    A decoder that fills in what is damaged repeats a picture, so it shows no such run.
    """
    offsets = [DAMAGED if n == DAMAGED else n - expected.get(time, n) for time, n in shown]
    numbers = [number for _, number in shown]
    return any(
        offsets[i] == offsets[i + 1] == offsets[i + 2] != 0 and numbers[i] < numbers[i + 1] < numbers[i + 2]
        for i in range(len(offsets) - 2)
    )


def frames_of_ffmpeg(path: Path) -> int | None:
    """Frames that the ffmpeg command line decodes; None where it is not installed."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return None
    command = [ffmpeg, "-v", "quiet", "-i", path, "-map", "0:v:0", "-vsync", "passthrough", "-f", "framecrc", "-"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return sum(1 for line in done.stdout.splitlines() if line and not line.startswith(b"#"))


def works(backend: str, path: Path) -> bool:
    """Whether a backend can be used on this machine; what it imports is then imported once, before the forks."""
    try:
        open_video(path, backend=backend).close()  # type: ignore[arg-type]
    except MissingDependencyError as error:
        sys.stderr.write(f"{backend} is left out: {error}\n")
        return False
    return True


def examine(
    folder: Path, members: Sequence[corpus.Member], backends: Sequence[str], *, num_threads: int
) -> list[dict[str, Any]]:
    """One row a file and backend."""
    videos = corpus.makers()
    backends = [backend for backend in backends if works(backend, folder / "h264.mp4")]
    plain: dict[str, Shown] = {}

    def truth(name: str) -> Shown:
        if name not in plain:
            found = in_a_process(lambda: plainly(folder / name, videos)).get("shown", ())
            plain[name] = [(time, number) for time, number in found]
        return plain[name]

    rows = []
    for member in members:
        path = folder / member.name
        for backend in backends:
            found = in_a_process(
                lambda path=path, backend=backend: read(path, backend, videos, num_threads=num_threads)
            )  # type: ignore[misc]
            row = {
                "file": member.name,
                "group": member.group,
                "backend": backend,
                "outcome": outcome(found, truth(member.name), whole=truth(member.base or member.name)),
                "frames": len(found.get("shown", ())),
                "in_the_file": len({time for time, _ in truth(member.name)}),
                "detail": found.get("error") or found.get("signal") or found.get("foreign") or found.get("warnings"),
            }
            if backend == "pyav" and member.group == "cut":
                row["ffmpeg"] = frames_of_ffmpeg(path)
            rows.append(row)
    return rows


def failures(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What breaks a promise, a line each."""
    found = [
        f"{row['backend']} {row['file']}: {row['outcome']} {row['detail']}" for row in rows if row["outcome"] in BAD
    ]
    for row in rows:
        name = f"{row['backend']} {row['file']}"
        if row["backend"] == "pyav" and row["group"] == "valid" and row["frames"] != row["in_the_file"]:
            found.append(f"{name}: a valid file must give all frames, got {row['frames']} of {row['in_the_file']}")
        if row["group"] == "valid" and row["outcome"] == "damage unnoticed":
            found.append(f"{name}: the frames of a valid file are not as they were made")
        if row["group"] in ("hostile", "no video") and row["outcome"] != "refused":
            found.append(f"{name}: must be refused, got {row['outcome']} of {row['frames']} frames")
        if row.get("ffmpeg") and row["frames"] < RECOVERED_SHARE * row["ffmpeg"]:
            found.append(f"{name}: {row['frames']} frames {row['detail']}, ffmpeg recovers {row['ffmpeg']}")
    return found


def tables(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: outcomes by backend and group."""
    lines = []
    for backend in dict.fromkeys(row["backend"] for row in rows):
        lines += ["", f"| {backend} | files | " + " | ".join(OUTCOMES) + " |", "|---" * (2 + len(OUTCOMES)) + "|"]
        for group in dict.fromkeys(row["group"] for row in rows):
            counted = Counter(row["outcome"] for row in rows if (row["backend"], row["group"]) == (backend, group))
            cells = [str(counted[name]) for name in OUTCOMES]
            lines.append(f"| {group} | {sum(counted.values())} | " + " | ".join(cells) + " |")
    cut = [row for row in rows if row.get("ffmpeg") is not None]
    if cut:
        ours, theirs = sum(row["frames"] for row in cut), sum(row["ffmpeg"] for row in cut)
        lowest = min((row["frames"] / row["ffmpeg"] for row in cut if row["ffmpeg"]), default=1.0)
        lines += ["", f"Cut files: {ours} frames by pyav, {theirs} by ffmpeg; lowest share of one file {lowest:.2f}."]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the corpus is made (default: a temporary folder)")
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--cut-percent", type=int, default=5)
    parser.add_argument("--backends", nargs="+", default=BACKENDS, choices=BACKENDS)
    parser.add_argument("--threads", type=int, default=1, help="that decode; more read every group of pictures apart")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        members = corpus.build(folder, num_flips=arguments.flips, cut_percent=arguments.cut_percent)
        rows = examine(folder, members, arguments.backends, num_threads=arguments.threads)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    broken = failures(rows)
    sys.stdout.write(tables(rows) + "\n\n" + "\n".join(broken) + f"\n{len(broken)} promises broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

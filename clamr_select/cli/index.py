"""``clamr-select index``: many videos into a library, by several processes or a Ray cluster."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.cli.arguments import add_model_arguments, check_collection, limits, load_selector
from clamr_select.cli.exit_status import ENDED_BY_CTRL_C
from clamr_select.cli.printable import printable_line
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.retrieval.corpus import VideoCorpus
    from clamr_select.retrieval.ingest.run import IngestReport
    from clamr_select.retrieval.ingest.settings import IngestSettings

DEFAULT_LIBRARY = "library"
SHOWN_FAILURES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a folder, a file of a path a line (.txt) or of an object a line (.jsonl: path, title, description, "
        "subtitles, and what to filter by), or videos",
    )
    parser.add_argument(
        "--library",
        default=DEFAULT_LIBRARY,
        metavar="PLACE",
        help="a folder, made where it is absent, or the URL of a Qdrant server (default: library)",
    )
    parser.add_argument("--collection", metavar="NAME", help="on a server (default: clamr-select)")
    add_model_arguments(parser)
    running = parser.add_argument_group("running")
    running.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes, each with a model (default: 1; with --ray: all there is room for)",
    )
    running.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="of a running Ray cluster, or auto; files at the same paths on all its machines",
    )
    running.add_argument(
        "--journal", type=Path, metavar="FILE", help="what became of each file (default: in the library's folder)"
    )
    running.add_argument("--retry-failed", action="store_true", help="try again what was set aside")
    running.add_argument(
        "--max-seconds", type=float, default=3600.0, metavar="S", help="for one video (default: an hour)"
    )
    running.add_argument("--format", choices=["table", "json"], default="table", help="on stdout (default: table)")
    how = parser.add_argument_group("how videos are indexed: the same for all of a library")
    how.add_argument("--candidate-fps", type=float, metavar="F", help="candidates a second (default: 1)")
    how.add_argument("--max-candidates", type=int, metavar="N", help="(default: 10800, 3 h at 1 fps)")
    how.add_argument("--ocr", metavar="NAME", help="auto (default) reads text on screen; or off")
    how.add_argument("--asr", metavar="NAME", help="off (default), auto, transformers, faster-whisper or pocketsphinx")
    how.add_argument("--asr-model", metavar="NAME", help="tiny … turbo, a hub id or a directory")
    how.add_argument("--precision", metavar="NAME", help="of the frames' embeddings: docs/store.md")
    how.add_argument("--limit", action="append", default=[], metavar="NAME=N", help="as of clamr-select select")
    how.add_argument("--isolate", action="store_true", default=None, help="decode in one more process")
    how.add_argument(
        "--cache-dir", metavar="DIR", help="where the frames' embeddings are kept, for moments inside a video"
    )
    how.add_argument("--no-cache", action="store_true", help="keep none: a search then finds videos, not moments")
    kept = parser.add_argument_group("what a new library keeps")
    kept.add_argument("--storage", metavar="NAME", help="of vectors: float16 (default), float32 or turbo8")
    kept.add_argument("--codes", metavar="NAME", help="smaller ones for a first look: none (default), int8 or turbo4")
    kept.add_argument("--max-tokens", type=int, metavar="N", help="of one modality of one video (default: 2000)")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 where videos are set aside, 130 after Ctrl-C."""
    check(arguments)
    from clamr_select.retrieval.ingest.listing import list_videos
    from clamr_select.retrieval.ingest.run import ingest

    files = list_videos(arguments.sources)
    with _open(arguments) as corpus, _Progress(len(files)) as progress:
        try:
            report = ingest(
                corpus,
                files,
                settings=_settings(arguments, corpus),
                journal_path=arguments.journal,
                num_workers=arguments.workers if arguments.ray is not None else arguments.workers or 1,
                ray_address=arguments.ray,
                retry_failed=arguments.retry_failed,
                told=progress,
                skipped=progress.skip,
            )
        except KeyboardInterrupt:
            print(f"ended; {len(corpus)} videos are in {corpus.where}, the same command goes on", file=sys.stderr)
            return ENDED_BY_CTRL_C
        corpus.optimize()
        _print(report, corpus, as_json=arguments.format == "json")
    return 1 if report.failed else 0


def check(arguments: argparse.Namespace) -> None:
    """What can be known to be wrong before a model is loaded.

    Raises:
        InputError, UnknownNameError
    """
    from clamr_select.indexing.options import IndexOptions
    from clamr_select.retrieval.ingest.journal import check_journal_path

    for name in ("workers", "threads", "max_tokens"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} must be at least 1, got {value}")
    if arguments.no_cache and arguments.cache_dir is not None:
        raise InputError("give --cache-dir or --no-cache, not both")
    check_collection(arguments)
    if arguments.journal is not None:
        check_journal_path(arguments.journal)
    IndexOptions(**index_options(arguments))


def index_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those that were given; a library remembers the others."""
    names = ("candidate_fps", "max_candidates", "ocr", "asr", "asr_model", "precision", "isolate")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return given | ({"limits": limits(arguments.limit)} if arguments.limit else {})


def _open(arguments: argparse.Namespace) -> VideoCorpus:
    from clamr_select.retrieval.corpus import VideoCorpus
    from clamr_select.retrieval.server import ServerOptions

    given = {"storage": arguments.storage, "quantization": arguments.codes, "max_tokens": arguments.max_tokens}
    kept = {name: value for name, value in given.items() if value is not None}
    return VideoCorpus.open(
        arguments.library,
        selector=load_selector(arguments),
        options=kept or None,
        server=None if arguments.collection is None else ServerOptions(collection=arguments.collection),
        index_options=index_options(arguments) or None,
        cache_dir=None if arguments.no_cache else arguments.cache_dir or "auto",
    )


def _settings(arguments: argparse.Namespace, corpus: VideoCorpus) -> IngestSettings:
    from clamr_select.retrieval.ingest.settings import IngestSettings

    model = {
        "name_or_path": arguments.model,
        "device": arguments.device,
        "compat": arguments.compat,
        **{
            name: getattr(arguments, name)
            for name in ("base", "quantization", "revision")
            if getattr(arguments, name, None) is not None
        },
    }
    return IngestSettings(
        max_tokens=corpus.schema.options.max_tokens,
        options=corpus.index_options,
        model=model,
        cache_dir=None if arguments.no_cache else arguments.cache_dir or "auto",
        num_threads=arguments.threads,
        max_seconds=arguments.max_seconds,
    )


class _Progress:
    """Rate and time left, on stderr where that is a terminal."""

    def __init__(self, num_files: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=num_files, unit="video", file=sys.stderr, disable=not sys.stderr.isatty())
        self._failed = 0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, ended: Any) -> None:
        self._failed += ended.embeddings is None
        self._bar.set_postfix(set_aside=self._failed, refresh=False)
        self._bar.update()

    def skip(self, num_files: int) -> None:
        """That many need no worker; rate and time left are of the others."""
        self._bar.total -= num_files
        self._bar.refresh()


def _print(report: IngestReport, corpus: VideoCorpus, *, as_json: bool) -> None:
    if as_json:
        summary = {
            "library": corpus.where,
            "num_videos": len(corpus),
            "num_added": report.num_added,
            "num_already": report.num_already,
            "num_moved": report.num_moved,
            "failed": [{"path": line.path, "error": line.error, "attempts": line.attempts} for line in report.failed],
            "seconds": round(report.seconds, 3),
        }
        print(json.dumps(summary))  # in ASCII: names of files may be no Unicode
        return
    rate = f", {60 * report.num_added / report.seconds:.0f} a minute" if report.num_added else ""
    moved = f", {report.num_moved} of them under another path" if report.num_moved else ""
    print(
        f"{report.num_added} videos added in {report.seconds:.0f} s{rate}; {report.num_already} were there{moved}; "
        f"{len(corpus)} in {corpus.where}"
    )
    for line in report.failed[:SHOWN_FAILURES]:
        print(printable_line(f"set aside: {line.path}: {line.error}"))
    if report.failed:
        print(f"{len(report.failed)} set aside, named in {report.failed_file}; --retry-failed tries them again")

"""``clamr-select search``: the videos of a library that answer a question, and where in them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.cli.arguments import add_model_arguments, load_selector
from clamr_select.cli.printable import print_json, printable_line
from clamr_select.errors import InputError
from clamr_select.time_format import format_time

if TYPE_CHECKING:
    from clamr_select.retrieval.results import Hit, SearchResult

DEFAULT_LIBRARY = "library"
NAME_COLUMNS, TEXT_COLUMNS = 32, 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY", help="what the videos should answer")
    parser.add_argument(
        "--library",
        default=DEFAULT_LIBRARY,
        metavar="PLACE",
        help="the folder of clamr-select index, or the URL of a Qdrant server (default: library)",
    )
    parser.add_argument("--collection", metavar="NAME", help="on a server (default: clamr-select)")
    parser.add_argument("--top-k", type=int, default=10, metavar="N", help="videos (default: 10)")
    parser.add_argument("--num-frames", type=int, default=4, metavar="N", help="moments of each (default: 4)")
    parser.add_argument("--modality", action="append", metavar="NAME", help="search by it alone; may be repeated")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="also !=, >=, >, <=, <: e.g. channel=MIT, year>=2020; all must fit",
    )
    parser.add_argument("--similarity", metavar="NAME", help="token_max or modality_max (default: docs/library.md)")
    parser.add_argument(
        "--mode", default="auto", metavar="NAME", help="auto (default), exact, codes or two_stage: docs/library.md"
    )
    parser.add_argument("--index-missing", action="store_true", help="index anew what is no longer in the store")
    parser.add_argument("--cache-dir", metavar="DIR", help="where clamr-select index kept the frames' embeddings")
    parser.add_argument("--json", action="store_true", help="JSON on stdout instead of the table")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write a picture of the best moments, e.g. found.png"
    )
    parser.add_argument("--open", action="store_true", help="show that picture; without --sheet, in a file of its own")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.query.strip():
        raise InputError("the question is empty; ask something, e.g. 'when does the bridge open?'")
    if arguments.num_frames < 1:
        raise InputError(f"--num-frames must be at least 1, got {arguments.num_frames}")
    if arguments.sheet is not None:
        check_sheet(arguments.sheet)
    from clamr_select.retrieval import ServerOptions, VideoCorpus
    from clamr_select.retrieval.filter_text import parsed_filters

    filters = parsed_filters(arguments.filter)
    server = None if arguments.collection is None else ServerOptions(collection=arguments.collection)
    with VideoCorpus.open(
        arguments.library,
        selector=load_selector(arguments),
        server=server,
        cache_dir=arguments.cache_dir or "auto",
        must_exist=True,
    ) as corpus:
        result = corpus.locate(
            arguments.query,
            top_k=arguments.top_k,
            num_frames=arguments.num_frames,
            modalities=arguments.modality,
            filters=filters,
            search_similarity=arguments.similarity,
            mode=arguments.mode,
            index_missing=arguments.index_missing,
        )
    if arguments.json:
        print_json(result.to_dict())
    else:
        print(table(result))
    if arguments.sheet is not None or arguments.open:
        write_sheet(result, path=arguments.sheet, show=arguments.open)
    return 0


def check_sheet(path: Path) -> None:
    """Raises InputError where no picture can be written, before anything is searched."""
    from PIL import Image

    known = Image.registered_extensions()
    if known.get(path.suffix.lower()) not in Image.SAVE:
        raise InputError(f"--sheet {path}: no picture has the ending {path.suffix!r}; use .png, .jpg or .webp")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--sheet {path}: there is no folder {path.absolute().parent}; make it, or name another")


def table(result: SearchResult) -> str:
    """One line a video: score, winning modality, its best moment and the words there; warnings below."""
    lines = [f"{'':>3}  {'video':<{NAME_COLUMNS}}  {'score':>6}  {'modality':<11}  {'moment':>9}  words"]
    for number, hit in enumerate(result.hits, start=1):
        time, words = best_moment(hit)
        name = _cut(hit.video.name, NAME_COLUMNS)
        line = f"{number:>3}  {name:<{NAME_COLUMNS}}  {hit.score:6.3f}  {hit.modality:<11}  {time:>9}  {words}"
        lines.append(line.rstrip())
    if not result.hits:
        lines.append("nothing was found")
    lines.append(f"{len(result)} of {result.num_videos} videos, by {result.similarity}, {result.mode}")
    lines += [printable_line(f"note: {warning.code}: {warning.message}") for warning in result.warnings]
    return "\n".join(lines)


def best_moment(hit: Hit) -> tuple[str, str]:
    """Its time, and the words of the modality that answers there; empty where no moment is known."""
    moments, best = hit.moments, hit.best_moment
    if moments is None or best is None:
        return "", ""
    words = moments.text[best].get(moments.modality[best], "")
    return format_time(moments.timestamps_seconds[best]), _cut(" / ".join(words.split("\n")), TEXT_COLUMNS)


def write_sheet(result: SearchResult, *, path: Path | None, show: bool) -> None:
    from PIL import ImageShow

    from clamr_select.figures.library_sheet import FoundVideo, library_sheet

    if not result.hits:
        print("nothing was found, so there is no picture", file=sys.stderr)
        return
    videos = [
        FoundVideo(hit.video.name, hit.score, hit.modality, None if hit.best_moment is None else hit.moments)
        for hit in result.hits
    ]
    subtitle = f"{len(result)} of {result.num_videos} videos · {result.similarity} · {result.mode}"
    picture = library_sheet(result.question or "", videos=videos, subtitle=subtitle)
    if path is not None:
        try:
            picture.save(path)
        except (OSError, ValueError) as error:  # the latter where the format takes no such size
            raise InputError(f"--sheet {path} cannot be written: {error}; name another file") from error
        print(f"wrote {path}", file=sys.stderr)
    if show and not ImageShow.show(picture, title=result.question):
        raise InputError("no program that shows pictures was found; write the picture with --sheet FILE")


def _cut(text: str, columns: int) -> str:
    text = printable_line(text)
    return text if len(text) <= columns else text[: columns - 1] + "…"

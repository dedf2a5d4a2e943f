"""``clamr-select make-queries``: a language model writes queries about videos, each aimed at one modality."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.cli.printable import printable_lines
from clamr_select.cli.train_data import add_row_arguments
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.training.queries.checks import QueryChecks
    from clamr_select.training.queries.writers import QueryWriter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_row_arguments(parser, queries=False)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="json; goes on where it was stopped")
    parser.add_argument("--endpoint", metavar="URL", help="OpenAI-compatible server, up to /v1")
    parser.add_argument("--model", metavar="NAME", required=True, help="the server's name of the model; else a hub id")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable with the server's key")
    parser.add_argument("--no-images", action="store_true", help="the server's model takes no images")
    parser.add_argument(
        "--targets",
        default="video,ocr,asr,description",
        metavar="A,B",
        help="modalities to ask about, by 4,000 characters of text at most (default: video,ocr,asr,description)",
    )
    parser.add_argument("--num-queries", type=int, default=1, metavar="N", help="a video and target (default: 1)")
    parser.add_argument("--temperature", type=float, default=0.7, metavar="T", help="(default: 0.7)")
    parser.add_argument("--max-tokens", type=int, default=256, metavar="N", help="of an answer (default: 256)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")
    parser.add_argument("--parallel", type=int, default=4, metavar="N", help="requests at once (default: 4)")
    parser.add_argument(
        "--held-out", type=Path, action="append", default=[], metavar="FILE", help="evaluation queries; repeat it"
    )
    parser.add_argument(
        "--test-rows", type=Path, action="append", default=[], metavar="ROWS", help="rows whose titles stay unnamed"
    )
    parser.add_argument(
        "--max-copied-words", type=int, default=5, metavar="N", help="in a row, from the video's text (default: 5)"
    )
    parser.add_argument("--on-bad-row", default="error", metavar="NAME", help="error (default) or skip")


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from clamr_select.training.data.opening import open_loader, open_source
    from clamr_select.training.queries.generate import generate_queries
    from clamr_select.training.queries.jobs import GenerationOptions

    options = GenerationOptions(
        targets=tuple(target.strip() for target in arguments.targets.split(",") if target.strip()),
        num_queries=arguments.num_queries,
        seed=arguments.seed,
        parallel_requests=arguments.parallel,
        on_bad_row=arguments.on_bad_row,
    )
    source = open_source(arguments.rows, split=arguments.row_split)
    loader = open_loader(
        arguments.rows,
        frames_dir=arguments.frames_dir,
        video_dir=arguments.video_dir,
        num_frames=arguments.num_frames,
    )
    checks = _checks(arguments)
    total = len(source) * len(options.targets)
    with tqdm(total=total, desc="writing", unit="job", disable=not sys.stderr.isatty()) as bar:
        report = generate_queries(
            source,
            writer=_writer(arguments),
            output=arguments.output,
            loader=loader,
            checks=checks,
            options=options,
            progress=lambda done: bar.update(done - bar.n),
        )
    print(printable_lines("\n".join(report.lines())))
    print(f"wrote {arguments.output}", file=sys.stderr)
    return 0


def _checks(arguments: argparse.Namespace) -> QueryChecks:
    from clamr_select.training.queries.checks import QueryChecks, read_held_out

    return QueryChecks(
        held_out=[query for path in arguments.held_out for query in read_held_out(path)],
        test_titles=[title for path in arguments.test_rows for title in _titles(path)],
        max_copied_words=arguments.max_copied_words,
    )


def _titles(path: Path) -> list[str]:
    """Those of ``--test-rows``, and how many there are is said: rows without titles protect none."""
    from clamr_select.training.data.opening import open_source
    from clamr_select.training.queries.checks import read_titles

    source = open_source(path)
    titles = read_titles(source)
    print(f"{path}: {len(titles)} of {len(source)} rows have a title", file=sys.stderr)
    return titles


def _writer(arguments: argparse.Namespace) -> QueryWriter:
    from clamr_select.training.queries.writers import LocalWriter, OpenAIWriter

    if arguments.temperature < 0 or arguments.max_tokens < 1:
        raise InputError(
            f"--temperature must be at least 0 and --max-tokens at least 1, got {arguments.temperature} and "
            f"{arguments.max_tokens}"
        )
    if arguments.endpoint is None:
        return LocalWriter.from_pretrained(
            arguments.model, temperature=arguments.temperature, max_tokens=arguments.max_tokens
        )
    return OpenAIWriter.connect(
        arguments.endpoint,
        model=arguments.model,
        api_key=_api_key(arguments.api_key_env),
        temperature=arguments.temperature,
        max_tokens=arguments.max_tokens,
        takes_images=not arguments.no_images,
    )


def _api_key(variable: str | None) -> str:
    if variable is None:
        return "none"
    if not os.environ.get(variable):
        raise InputError(f"--api-key-env names {variable}, which is not set")
    return os.environ[variable]

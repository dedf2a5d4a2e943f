"""Arguments in, exit status out: 0, 2 with one clear line where the input is wrong, 130 after Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from clamr_select import __version__
from clamr_select.cli import (
    ask,
    cache,
    demo,
    doctor,
    eval,
    export,
    index,
    lmms_tasks,
    make_queries,
    models,
    precompute,
    search,
    select,
    train,
    train_data,
    why,
)
from clamr_select.cli.exit_status import ENDED_BY_CTRL_C
from clamr_select.errors import ClamrSelectError

COMMANDS = {
    "select": (select, "the frames of a video that answer a question"),
    "ask": (ask, "a vision-language model answers from the frames that answer"),
    "why": (why, "why a moment was selected, or was not"),
    "search": (search, "the videos of a library that answer, and where in them"),
    "cache": (cache, "what is kept of videos: list it, verify it, clear it"),
    "index": (index, "many videos into a library, by several processes; resumable"),
    "demo": (demo, "a page on this machine: drop a video, ask, see the moments and why"),
    "models": (models, "what can be loaded: sizes, licences, modalities, memory"),
    "doctor": (doctor, "whether an installation and a checkpoint are sound"),
    "eval": (eval, "measurements: quality, exactness, speed, and runs of lmms-eval compared"),
    "precompute": (precompute, "the frames of whole lmms-eval tasks, selected before they are run"),
    "lmms-tasks": (lmms_tasks, "the folder of task files for lmms-eval's --include_path"),
    "export": (export, "selections in the forms of other harnesses: AKS, BOLT, QCA, VLMEvalKit, clips"),
    "train-data": (train_data, "data sets to rows of training data, and a check of rows"),
    "make-queries": (make_queries, "a language model writes queries about videos, to train on"),
    "train": (train, "train a retriever on rows of videos, or clamr-nano on procedural ones"),
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="clamr-select", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read our output has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest when it ends
        return 1
    # of the system: a name that is too long, a full disk, a folder that may not be read
    except (ClamrSelectError, OSError) as error:
        print(f"clamr-select: {error}".replace("\n", " "), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("clamr-select: ended by Ctrl-C", file=sys.stderr)
        return ENDED_BY_CTRL_C


if __name__ == "__main__":
    sys.exit(main())

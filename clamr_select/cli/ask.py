"""``clamr-select ask``: a vision-language model answers a question from the frames that answer it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from clamr_select.cli.arguments import (
    add_effort_argument,
    add_num_frames_argument,
    add_selection_arguments,
    check,
    index_options,
    load_selector,
)
from clamr_select.cli.bars import Bars
from clamr_select.cli.printable import print_json, printable_lines
from clamr_select.cli.select import table
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.answer import Answer, VideoQA
    from clamr_select.answer.vlm import Vlm

FRAMES_AS = ("images", "video", "video-or-images")
SCHEMES = ("http://", "https://")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection_arguments(parser)
    add_num_frames_argument(parser)
    add_effort_argument(parser)
    add_vlm_arguments(parser)
    parser.add_argument(
        "--option", action="append", default=[], metavar="TEXT", help="of a multiple-choice question; repeat it"
    )
    parser.add_argument(
        "--quote-subtitles",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="show the model the words spoken around each frame (default: yes)",
    )
    parser.add_argument("--json", action="store_true", help="print the answer and all it rests on as JSON")
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        help="print the answer as it comes (default: on a terminal)",
    )


def add_vlm_arguments(parser: argparse.ArgumentParser) -> None:
    """Which vision-language model answers, and how it is asked."""
    parser.add_argument(
        "--vlm",
        metavar="MODEL|URL",
        help="hub id or directory of an image-text-to-text model, or an OpenAI-compatible server up to /v1; "
        "without one the evidence is shown and nothing is answered",
    )
    parser.add_argument("--vlm-model", metavar="NAME", help="the server's name of the model (default: its only one)")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable with the server's key")
    parser.add_argument(
        "--frames-as",
        choices=FRAMES_AS,
        help="images, with the time written before each; video, where the model or server (vLLM) takes times with it; "
        "or video, and images where it does not (default: what keeps the seconds right)",
    )
    parser.add_argument(
        "--max-new-tokens", type=int, default=512, metavar="N", help="the longest answer (default: 512)"
    )


def run(arguments: argparse.Namespace) -> int:
    check_ask(arguments)
    from clamr_select.answer import VideoQA
    from clamr_select.indexing.coarse_to_fine.effort import check_effort

    check_effort(arguments.effort)

    selector = load_selector(arguments)
    vlm = load_vlm(arguments)
    with Bars() as bars:
        qa = VideoQA(selector, vlm, index_options=index_options(arguments), effort=arguments.effort, progress=bars)
        if arguments.json:
            print_json(_ask(qa, arguments).to_dict())
            return 0
        wants_stream = sys.stdout.isatty() if arguments.stream is None else arguments.stream
        answer = _print_stream(qa, arguments) if wants_stream and vlm is not None else _ask(qa, arguments)
    if answer.text is None:
        print("no VLM is configured (--vlm MODEL or URL), so nothing was answered; this is the evidence")
    elif not wants_stream:
        print(printable_lines(answer.text))
    print(printable_lines(report(answer)))
    return 0


def check_ask(arguments: argparse.Namespace) -> None:
    """What can be known to be wrong before a model is loaded.

    Raises:
        InputError, UnknownNameError, VideoNotFoundError
    """
    from clamr_select.answer.choices import option_letters

    check(arguments)
    if arguments.option:
        option_letters(arguments.option)
    check_vlm(arguments)


def check_vlm(arguments: argparse.Namespace) -> None:
    """Raises InputError where the arguments of :func:`add_vlm_arguments` do not go together."""
    if arguments.max_new_tokens < 1:
        raise InputError(f"--max-new-tokens must be at least 1, got {arguments.max_new_tokens}")
    if not is_server(arguments.vlm):
        for name in ("vlm_model", "api_key_env"):
            if getattr(arguments, name) is not None:
                raise InputError(f"--{name.replace('_', '-')} is for a server: give its address as --vlm http://…/v1")
    elif arguments.api_key_env is not None and not os.environ.get(arguments.api_key_env):
        raise InputError(f"--api-key-env names {arguments.api_key_env}, which is not set")


def is_server(vlm: str | None) -> bool:
    return vlm is not None and vlm.lower().startswith(SCHEMES)


def load_vlm(arguments: argparse.Namespace) -> Vlm | None:
    from clamr_select.answer import OpenAIVlm, TransformersVlm

    if arguments.vlm is None:
        return None
    if is_server(arguments.vlm):
        return OpenAIVlm(
            arguments.vlm,
            model=arguments.vlm_model,
            api_key=os.environ[arguments.api_key_env] if arguments.api_key_env else None,
            style="images" if arguments.frames_as in (None, "images") else "video_url",
            on_refusal="images" if arguments.frames_as == "video-or-images" else "error",
        )
    return TransformersVlm.from_pretrained(
        arguments.vlm,
        device_map=arguments.device,
        style="auto" if arguments.frames_as in (None, "video-or-images") else arguments.frames_as,
    )


def report(answer: Answer) -> str:
    """What is printed below the answer: the choice, the frames with their words, and notes."""
    lines = []
    if answer.options and answer.text is not None:
        chosen = answer.choice and answer.options[ord(answer.choice) - ord("A")]
        lines.append(f"choice: {answer.choice}. {chosen}" if answer.choice else "choice: unparsed, counts as none")
    lines += ["", table(answer.selection)]
    own = answer.warnings[len(answer.selection.warnings) :]
    lines += [f"note: {warning.code}: {warning.message}" for warning in own if warning.code != "no_vlm"]
    return "\n".join(lines)


def _question(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "video": arguments.video,
        "question": arguments.question,
        "options": arguments.option or None,
        "num_frames": arguments.num_frames,
        "max_new_tokens": arguments.max_new_tokens,
        "subtitles": arguments.quote_subtitles,
        "policy": arguments.policy,
        "similarity": arguments.similarity,
    }


def _ask(qa: VideoQA, arguments: argparse.Namespace) -> Answer:
    return qa.ask(**_question(arguments))


def _print_stream(qa: VideoQA, arguments: argparse.Namespace) -> Answer:
    pieces = qa.ask_stream(**_question(arguments))
    while isinstance(piece := next(pieces), str):
        print(printable_lines(piece), end="", flush=True)
    print()
    return piece

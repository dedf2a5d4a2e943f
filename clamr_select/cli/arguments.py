"""Arguments that several commands share, and how they reach the selector."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.limits import Limits
    from clamr_select.model.reference_labels import Compat
    from clamr_select.selector import FrameSelector

DEFAULT_MODEL = "clamr-nano"
DEFAULTS = {
    "num_frames": 8,
    "policy": "topk_gap",
    "similarity": "token_max",
    "candidate_fps": 1.0,
    "max_candidates": 10_800,
    "pair": "repeat",
    "audio": "auto",
    "ocr": "auto",
    "chapters": "auto",
}
"""Of options that a preset may set too."""


def add_selection_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything that decides which frames come out, but for how many there are."""
    parser.add_argument("video", metavar="VIDEO", help="a local video file")
    parser.add_argument("question", metavar="QUESTION", help="what the frames should answer")
    parser.add_argument(
        "--subtitles", metavar="FILE", help="srt, vtt, ass or json; default: beside or inside the video"
    )
    parser.add_argument("--title", metavar="T", help="the video's title")
    parser.add_argument("--description", metavar="T", help="what the video is about")
    add_model_arguments(parser)
    parser.add_argument(
        "--policy", metavar="NAME", help="topk_gap (default), topk, uniform, aks, mmr, …: docs/policies.md"
    )
    parser.add_argument("--similarity", metavar="NAME", help="token_max (default) or modality_max")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="as_published: the paper's use on long video; options given beside it win over it",
    )
    parser.add_argument("--candidate-fps", type=float, metavar="F", help="candidates a second (default: 1)")
    parser.add_argument("--max-candidates", type=int, metavar="N", help="(default: 10800, 3 h at 1 fps)")
    parser.add_argument(
        "--pair",
        metavar="NAME",
        help="repeat (default) or neighbor: what fills the backbone's two-frame patch",
    )
    parser.add_argument("--backend", default="pyav", metavar="NAME", help="pyav (default), decord or torchcodec")
    parser.add_argument("--audio", metavar="NAME", help="auto (default): the sound, where the model hears; or off")
    parser.add_argument(
        "--ocr", metavar="NAME", help="auto (default) reads text on screen with rapidocr; rapidocr or off"
    )
    add_speech_arguments(
        parser,
        default="off",
        told="speech recognition: off (default), auto (where there are no subtitles; downloads nothing), transformers, "
        "faster-whisper or pocketsphinx",
    )
    parser.add_argument("--chapters", metavar="NAME", help="auto (default): titles of the video's chapters; or off")
    parser.add_argument(
        "--token-pooling", type=int, default=1, metavar="N", help="divides the video tokens of a frame (default: 1)"
    )
    parser.add_argument(
        "--precision",
        default="as_encoded",
        metavar="NAME",
        help="of kept embeddings: as_encoded (default), bfloat16, int8 or int4; docs/store.md has what each costs",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=N",
        help="what the file may be at most: max_pixels (of a frame), max_duration_seconds, max_bytes, max_streams, "
        "max_frames, max_download_bytes, max_download_seconds; may be given several times",
    )
    parser.add_argument(
        "--isolate", action="store_true", help="decode in a worker process: a decoder that crashes is then an error"
    )
    parser.add_argument(
        "--allow-urls",
        action="store_true",
        help="VIDEO may be a public http or https URL; it is downloaded to the cache",
    )
    parser.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="where embeddings are kept (default: $CLAMR_SELECT_CACHE or ~/.cache/clamr-select)",
    )
    parser.add_argument("--no-cache", action="store_true", help="keep nothing, and use nothing that was kept")


def add_num_frames_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--num-frames", type=int, metavar="N", help="frames to select (default: 8)")


def add_effort_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--effort",
        default="full",
        metavar="NAME",
        help="full (default) encodes every candidate; balanced and fast look closely only where the answer may be",
    )


def add_speech_arguments(parser: argparse.ArgumentParser, *, default: str, told: str) -> None:
    """Which recogniser hears; ``told`` is the help of ``--asr``."""
    parser.add_argument("--asr", default=default, metavar="NAME", help=told)
    parser.add_argument(
        "--asr-model", metavar="NAME", help="tiny, base, small, medium, large-v3, turbo, a hub id or a directory"
    )
    parser.add_argument("--asr-language", metavar="CODE", help="what is spoken, e.g. en (default: detected)")


def add_model_arguments(parser: argparse.ArgumentParser, *, compat: Compat = "corrected") -> None:
    """Which model is loaded and how; ``compat`` is that option's default."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME",
        help="clamr-nano (embedded: words, and simple shapes), a hub id or a directory; see `clamr-select models`",
    )
    parser.add_argument("--base", metavar="NAME", help="what an adapter is put on, instead of what its config names")
    parser.add_argument("--revision", metavar="NAME", help="branch, tag or commit of the hub repository")
    parser.add_argument("--quantization", metavar="NAME", help="4bit or 8bit, with bitsandbytes (default: none)")
    parser.add_argument(
        "--compat",
        default=compat,
        metavar="NAME",
        help=f"reference labels and scores as the released CLaMR code, or corrected (default: {compat})",
    )
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's choice)")


def check_collection(arguments: argparse.Namespace) -> None:
    """Raises InputError where ``--collection`` is given and ``--library`` is no server."""
    from clamr_select.retrieval.opening import is_server

    if arguments.collection is not None and not is_server(arguments.library):
        raise InputError(f"--collection is for a server, http:// or https://; got --library {arguments.library}")


def check(arguments: argparse.Namespace) -> None:
    """What can be known to be wrong before a model is loaded or a frame decoded; options that were not given are
    filled in from the preset, or by default.

    Raises:
        InputError, UnknownNameError, VideoNotFoundError
    """
    from clamr_select.container import is_url
    from clamr_select.errors import VideoNotFoundError
    from clamr_select.indexing.presets import preset
    from clamr_select.policies import find_policy
    from clamr_select.scoring.codes import check_precision
    from clamr_select.scoring.maxsim import check_similarity

    chosen = preset(arguments.preset)
    for name, default in DEFAULTS.items():
        if name in arguments and getattr(arguments, name) is None:
            setattr(arguments, name, {**chosen.index, **chosen.select}.get(name, default))
    if not arguments.question.strip():
        raise InputError("the question is empty; ask something, e.g. 'when does the bridge open?'")
    if "num_frames" in arguments and arguments.num_frames < 1:
        raise InputError(f"--num-frames must be at least 1, got {arguments.num_frames}")
    if not math.isfinite(arguments.candidate_fps):
        raise InputError(f"--candidate-fps must be a positive number, got {arguments.candidate_fps}")
    if arguments.threads is not None and arguments.threads < 1:
        raise InputError(f"--threads must be at least 1, got {arguments.threads}")
    find_policy(arguments.policy)
    check_similarity(arguments.similarity)
    check_precision(arguments.precision)
    if arguments.token_pooling < 1:
        raise InputError(f"--token-pooling must be at least 1, got {arguments.token_pooling}")
    limits(arguments.limit)
    if arguments.no_cache and arguments.cache_dir is not None:
        raise InputError("give --cache-dir or --no-cache, not both")
    if arguments.allow_urls and is_url(arguments.video):
        if arguments.no_cache:
            raise InputError("a URL is downloaded to the cache: leave out --no-cache, or give a file")
    elif not os.path.exists(arguments.video) and not is_url(arguments.video):  # Path.exists raises for a long name
        raise VideoNotFoundError(f"no such file: {arguments.video}")


def index_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The part of the arguments that ``FrameSelector.index`` takes."""
    given = {} if arguments.title is None else {"title": arguments.title}
    given |= {} if arguments.description is None else {"description": arguments.description}
    return {
        **given,
        "limits": limits(arguments.limit),
        "preset": arguments.preset,
        "candidate_fps": arguments.candidate_fps,
        "max_candidates": arguments.max_candidates,
        "pair": arguments.pair,
        "backend": arguments.backend,
        "subtitles": arguments.subtitles or "auto",
        "audio": arguments.audio,
        "ocr": arguments.ocr,
        "asr": arguments.asr,
        "asr_model": arguments.asr_model,
        "asr_language": arguments.asr_language,
        "chapters": arguments.chapters,
        "token_pooling": arguments.token_pooling,
        "precision": arguments.precision,
        "isolate": arguments.isolate,
        "allow_urls": arguments.allow_urls,
        "cache_dir": None if arguments.no_cache else arguments.cache_dir or "auto",
    }


def limits(given: Sequence[str]) -> Limits:
    """``max_pixels=40000000`` and the like.

    Raises:
        InputError: not of that form, no such limit, or not a positive number, or too large.
    """
    from clamr_select.limits import Limits

    values: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            values[name] = int(number) if number.isdecimal() else float(number)
        except ValueError as error:
            raise InputError(f"--limit must be NAME=N, e.g. max_pixels=40000000, got {text!r}") from error
    return Limits.from_mapping(values)


def set_threads(num_threads: int | None) -> None:
    """CPU threads of the models; None leaves torch its choice.

    Raises:
        InputError: fewer than 1.
    """
    if num_threads is None:
        return
    if num_threads < 1:
        raise InputError(f"--threads must be at least 1, got {num_threads}")
    import torch

    torch.set_num_threads(num_threads)


def load_selector(arguments: argparse.Namespace) -> FrameSelector:
    from transformers.utils import logging as transformers_logging

    from clamr_select.cli.memory import return_large_blocks
    from clamr_select.selector import FrameSelector

    return_large_blocks()
    transformers_logging.disable_progress_bar()  # it draws even where stderr is no terminal
    set_threads(arguments.threads)
    given = {"base": arguments.base, "quantization": arguments.quantization, "revision": arguments.revision}
    return FrameSelector.from_pretrained(
        arguments.model,
        device=arguments.device,
        compat=arguments.compat,
        **{name: value for name, value in given.items() if value is not None},
    )


def parse_shard(text: str) -> tuple[int, int]:
    """(which, of how many) of ``I/N``.

    Raises:
        InputError: another form.
    """
    which, _, of = text.partition("/")
    if not (which.isdigit() and of.isdigit() and int(which) < int(of)):
        raise InputError(f"--shard must be I/N with 0 <= I < N, e.g. 0/2, got {text!r}")
    return int(which), int(of)

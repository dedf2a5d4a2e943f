"""``clamr-select demo``: drop a video, ask, and see which moments were chosen and why."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from clamr_select.cli.arguments import add_model_arguments, add_speech_arguments, check_collection, load_selector
from clamr_select.cli.ask import add_vlm_arguments, check_vlm, load_vlm
from clamr_select.errors import InputError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MEGABYTE = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    add_vlm_arguments(parser)
    add_speech_arguments(
        parser,
        default="auto",
        told="what makes subtitles where a visitor wants them: auto (default; downloads nothing), off, transformers, "
        "faster-whisper or pocketsphinx",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="127.0.0.1 (default): this machine alone"
    )
    parser.add_argument("--port", type=int, default=7860, metavar="N", help="(default: 7860)")
    parser.add_argument(
        "--media-dir",
        type=Path,
        metavar="DIR",
        help="videos that agents may ask by name, without an upload, and that are shown where a library finds them",
    )
    parser.add_argument(
        "--library",
        metavar="PLACE",
        help="a tab to search it: the folder of clamr-select index, or the URL of a Qdrant server",
    )
    parser.add_argument("--collection", metavar="NAME", help="on a server (default: clamr-select)")
    parser.add_argument("--cache-dir", metavar="DIR", help="where clamr-select index kept the frames' embeddings")
    parser.add_argument(
        "--examples-dir", type=Path, metavar="DIR", help="where the two examples are made (default: the user's cache)"
    )
    parser.add_argument("--no-examples", dest="examples", action="store_false", help="make and show no examples")
    parser.add_argument(
        "--max-upload-mb", type=int, default=500, metavar="N", help="largest video that is taken (default: 500)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def run(arguments: argparse.Namespace) -> int:
    check_demo(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    # as Ctrl-C does: a demo that is stopped by a service manager deletes what was uploaded, too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="clamr-select-demo-") as uploads:
        # read by Gradio when it is imported: all that visitors bring lies here, and goes when the demo ends
        os.environ.setdefault("GRADIO_TEMP_DIR", uploads)
        blocks = build(arguments)
        host = url_host(arguments.host)
        if host not in LOOPBACK:
            print(f"warning: anybody who reaches {host} can upload videos and ask", file=sys.stderr)
        address = f"http://{host}:{arguments.port}"
        print(f"clamr-select demo at {address} (agents: {address}/gradio_api/mcp/); Ctrl-C ends it", flush=True)
        blocks.launch(server_name=host, server_port=arguments.port, inbrowser=arguments.open)
    return 0


def url_host(host: str) -> str:
    """An address as it stands in a URL, which is what Gradio takes: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def check_demo(arguments: argparse.Namespace) -> None:
    """What can be known to be wrong before a model is loaded.

    Raises:
        InputError, UnknownNameError
    """
    from clamr_select.indexing.options import IndexOptions
    from clamr_select.retrieval.opening import MANIFEST_FILE, is_server

    IndexOptions(asr=arguments.asr, asr_model=arguments.asr_model, asr_language=arguments.asr_language)
    check_vlm(arguments)
    if not 0 < arguments.port < 1 << 16:
        raise InputError(f"--port must be 1 to 65535, got {arguments.port}")
    if arguments.threads is not None and arguments.threads < 1:
        raise InputError(f"--threads must be at least 1, got {arguments.threads}")
    if arguments.max_upload_mb < 1:
        raise InputError(f"--max-upload-mb must be at least 1, got {arguments.max_upload_mb}")
    if arguments.media_dir is not None and not arguments.media_dir.is_dir():
        raise InputError(f"--media-dir must be a folder, got {arguments.media_dir}")
    if arguments.library is None and (arguments.collection is not None or arguments.cache_dir is not None):
        raise InputError("--collection and --cache-dir are of a library; give --library too")
    check_collection(arguments)
    in_folder = arguments.library is not None and not is_server(arguments.library)
    if in_folder and not (Path(arguments.library) / MANIFEST_FILE).is_file():
        raise InputError(f"there is no library in {arguments.library}; make one with clamr-select index --library")


def build(arguments: argparse.Namespace) -> Any:
    """The demo's Blocks, with what was asked for."""
    from clamr_select.demo import build_demo, check_installed

    check_installed()
    given = {} if arguments.examples_dir is None else {"examples_dir": arguments.examples_dir}
    making = "; on the first start two example videos are made" if arguments.examples else ""
    print(f"loading the model{making}", file=sys.stderr, flush=True)
    return build_demo(
        load_selector(arguments),
        vlm=load_vlm(arguments),
        examples=arguments.examples,
        media_dir=arguments.media_dir,
        library=arguments.library,
        collection=arguments.collection,
        library_cache_dir=arguments.cache_dir,
        asr=arguments.asr,
        asr_model=arguments.asr_model,
        asr_language=arguments.asr_language,
        max_upload_bytes=arguments.max_upload_mb * MEGABYTE,
        max_new_tokens=arguments.max_new_tokens,
        **given,
    )

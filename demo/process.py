"""A demo in a process of its own, for commands that visit it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path


def start(folder: Path, stack: ExitStack, *options: str | Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A demo that ends with the stack; its address, once it answers, and its process.

    Args:
        folder: where it runs.
        options: of ``clamr-select demo``.

    Raises:
        RuntimeError: it ended before it answered; what it said is on stderr.
    """
    import httpx

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "clamr_select.cli", "demo", "--port", str(port), *map(str, options)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    url = f"http://127.0.0.1:{port}"
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the demo ended with status {process.returncode} before it answered")
        try:
            httpx.get(f"{url}/config", timeout=10)
            return url, process
        except httpx.TransportError:
            time.sleep(0.5)

"""Gradio Blocks that are safe to launch without an argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import InputError

LOOPBACK = "127.0.0.1"


class DemoBlocks(gr.Blocks):
    """Serves this machine alone, shares nothing, limits uploads, and opens no address that a user names.

    Args:
        settings: limits.
        look: ``theme``, ``css`` and ``head`` of the page, as ``launch`` takes them.
        public_files: the examples; no other file of this machine is served.
        **blocks: for ``gr.Blocks``.
    """

    def __init__(
        self, *, settings: DemoSettings, look: Mapping[str, Any], public_files: Sequence[Path], **blocks: Any
    ) -> None:
        age = settings.delete_files_after_seconds
        super().__init__(analytics_enabled=False, delete_cache=(min(age, 600), age), **blocks)
        self.limits, self.look = settings, dict(look)
        self.served: set[str] = set()
        self.public_files = [str(Path(path).resolve()) for path in public_files]

    def launch(self, *args: Any, **options: Any) -> Any:
        """As ``gr.Blocks.launch``, by keyword; its arguments win over the safe ones, but ``share`` stays off.

        Raises:
            InputError: ``share`` was asked for: a tunnel to the world is not the demo's to open.
        """
        if args or options.get("share"):
            raise InputError(
                "launch() takes keywords and no share=True; to serve a network, give server_name and use your own proxy"
            )
        safe = {
            **self.look,
            "server_name": LOOPBACK,
            "strict_cors": True,
            "max_file_size": self.limits.max_upload_bytes,
            "allowed_paths": self.public_files,
            "show_error": False,
            "mcp_server": True,
            "run_history": False,
            "enable_monitoring": False,
            "state_session_capacity": 1000,
            "footer_links": ["api", "settings"],
            "ssr_mode": False,
            "quiet": True,
        }
        self.queue(max_size=self.limits.max_waiting, default_concurrency_limit=1)
        return super().launch(**{**safe, **options, "share": False})

    def serve(self, path: Path) -> str:
        """Serve one more file of this machine, where it lies: a copy of a long video would take long to make."""
        served = str(path.resolve())
        if served not in self.served:
            self.served.add(served)
            self.allowed_paths.append(served)
            gr.set_static_paths([served])
        return served

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        """As Gradio's, which would fetch files from addresses; here files are uploaded."""
        if any("://" in path for path in _file_paths(inputs)):  # whatever the scheme, and however it is spelt
            raise gr.Error("addresses are not opened; upload the file", print_exception=False)
        return await super().preprocess_data(block_fn, inputs, *args, **kwargs)


def _file_paths(value: Any) -> Iterator[str]:
    """Paths of all files anywhere in what a client sent."""
    if isinstance(value, Mapping):
        if isinstance(value.get("path"), str):
            yield value["path"]
        for part in value.values():
            yield from _file_paths(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _file_paths(part)

"""Parts of the page that we draw ourselves: JSON in, events out, text never as HTML."""

from __future__ import annotations

import itertools
import json
import time
from functools import cache
from importlib.resources import files
from typing import Any

import gradio as gr

from clamr_select.figures.palette import MODALITY_COLORS

PARTS = ("starter", "conversation", "timeline", "frames", "library")
FOLDER = "components"


_versions = itertools.count(time.time_ns() // 1_000_000)
"""Higher at every start, so that a page that was open before goes on drawing."""


def new_version() -> int:
    """Of what is drawn next; to be taken before the data of it are looked at, and after they were changed."""
    return next(_versions)


def drawing(version: int, view: Any) -> str:
    """What several events may draw at once: the page keeps the highest version, in whatever order they arrive.

    A text: Gradio sends what an event draws next as changes to what it drew before, and makes them inside the object,
    which the page may not have drawn yet. A text is only ever replaced.
    """
    return json.dumps({"version": version, "view": view})


@cache
def asset(name: str) -> str:
    """Text of a file in ``components/``."""
    return files("clamr_select.demo").joinpath(FOLDER, name).read_text(encoding="utf-8")


TAKING_ENDS = "() => window.clamrUploads.end()"
"""The server has what :func:`taking_begins` told of, or has refused it."""


def taking_begins(num_inputs: int) -> str:
    """For an event that tells the server of a file or a setting; see ``components/page.js``."""
    return f"(...given) => {{ window.clamrUploads.begin(); return given.slice(0, {num_inputs}); }}"


def once_taken(num_inputs: int) -> str:
    """For an event that asks: it is sent once the server has what is on the page."""
    return f"async (...given) => {{ await window.clamrUploads.taken(); return given.slice(0, {num_inputs}); }}"


def part(name: str, *, value: Any = None, label: str) -> gr.HTML:
    """One part of the page, drawn by ``components/<name>.js`` from its value.

    The template is fixed and holds no value: the script makes elements and sets their text, so that nothing a
    visitor, a subtitle or a model says is ever read as HTML.

    Args:
        label: what a screen reader calls it.
    """
    return gr.HTML(
        value=value,
        html_template=f'<section class="cs-{name}" aria-label="{label}"></section>',
        js_on_load=f"{asset('shared.js')}\n{asset(f'{name}.js')}",
        apply_default_css=False,
        elem_id=f"cs-{name}",
        elem_classes=["cs-part"],
        container=False,
        padding=False,
    )


def page_css() -> str:
    """The page's style sheet; each modality has the colour that it has in all our figures."""
    colors = "\n".join(f"  --cs-{name}: {color};" for name, color in MODALITY_COLORS.items())
    return f":root {{\n{colors}\n}}\n{asset('page.css')}"

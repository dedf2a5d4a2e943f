"""The video QA demo: drop a video, ask, and see which moments were chosen and why: seen, said or written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clamr_select.errors import missing_dependency

if TYPE_CHECKING:
    from clamr_select.answer.vlm import Vlm
    from clamr_select.demo.blocks import DemoBlocks
    from clamr_select.selector import FrameSelector


def build_demo(selector: FrameSelector | None = None, *, vlm: Vlm | None = None, **settings: Any) -> DemoBlocks:
    """The demo as Gradio Blocks; ``build_demo().launch()`` serves it on this machine alone.

    Args:
        selector: chooses the frames; None loads ``clamr-nano``.
        vlm: answers in words, e.g. :class:`~clamr_select.answer.OpenAIVlm`; None shows the evidence alone.
        **settings: fields of :class:`clamr_select.demo.settings.DemoSettings`.

    Raises:
        MissingDependencyError: gradio is not installed.
        InputError: a setting is out of range.
    """
    check_installed()
    from clamr_select.demo.app import build
    from clamr_select.demo.settings import DemoSettings
    from clamr_select.selector import FrameSelector

    return build(selector or FrameSelector.from_pretrained("clamr-nano"), vlm=vlm, settings=DemoSettings(**settings))


def check_installed() -> None:
    """Raises MissingDependencyError where gradio is not installed."""
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise missing_dependency("gradio", extra="demo", purpose="the demo") from error

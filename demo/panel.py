"""The settings: subtitles or listening, and how frames are chosen."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from clamr_select.demo.hearing import Hearing
from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import InputError
from clamr_select.indexing.coarse_to_fine.skimmer import check_can_skim
from clamr_select.indexing.options import IndexOptions
from clamr_select.policies import DEFAULT_POLICY, policy_names
from clamr_select.selector import FrameSelector

SUBTITLE_TYPES = [".srt", ".vtt", ".ass", ".ssa", ".json"]
EFFORTS = [("Full: at every frame", "full"), ("Balanced", "balanced"), ("Fast", "fast")]
EFFORT_ABOUT = (
    "For long videos. Fast and balanced look closely only where the answer may be: that costs less, and may miss what "
    "is shown for seconds. Up to a quarter of an hour they leave nothing out."
)
MODALITY_NAMES = {"video": "Seen", "ocr": "Written", "asr": "Said", "audio": "Heard"}


@dataclass(frozen=True)
class Panel:
    """Its inputs."""

    subtitles: gr.File
    listen: gr.Checkbox
    read_text: gr.Checkbox
    num_frames: gr.Slider
    policy: gr.Dropdown
    modalities: gr.CheckboxGroup
    effort: gr.Dropdown


def lay_out_panel(selector: FrameSelector, *, settings: DemoSettings, hearing: Hearing) -> Panel:
    """Inside Blocks."""
    known = [name for name in selector.encoder.modalities if name in MODALITY_NAMES]
    with gr.Accordion("Subtitles and settings", open=False, elem_id="cs-settings"):
        return Panel(
            subtitles=gr.File(
                label="Subtitles (srt, vtt, ass, json)", file_types=SUBTITLE_TYPES, height=150, elem_id="cs-subtitles"
            ),
            listen=gr.Checkbox(
                hearing.by_default,
                label="Listen to what is said",
                info=hearing.about,
                interactive=hearing.is_possible,
                elem_id="cs-listen",
            ),
            read_text=gr.Checkbox(
                True, label="Read the text on screen", info="The slowest part of indexing.", elem_id="cs-read-text"
            ),
            num_frames=gr.Slider(
                1, settings.max_frames, value=8, step=1, label="Frames to select", elem_id="cs-num-frames"
            ),
            policy=gr.Dropdown(list(policy_names()), value=DEFAULT_POLICY, label="Policy", elem_id="cs-policy"),
            modalities=gr.CheckboxGroup(
                [(MODALITY_NAMES[name], name) for name in known],
                value=known,
                label="Search what is",
                elem_id="cs-modalities",
            ),
            effort=_effort(selector),
        )


def _effort(selector: FrameSelector) -> gr.Dropdown:
    """Where the model can do nothing but all of it, this says so."""
    try:
        check_can_skim(selector.encoder, IndexOptions())
        possible, about = True, EFFORT_ABOUT
    except InputError:
        possible, about = False, "This model looks at every frame."
    return gr.Dropdown(
        EFFORTS, value="full", label="Look at the video", info=about, interactive=possible, elem_id="cs-effort"
    )


def question_box(*, label: str, placeholder: str, settings: DemoSettings, elem_id: str) -> gr.Textbox:
    """Where a question is written; inside a row, beside its button."""
    return gr.Textbox(
        placeholder=placeholder,
        label=label,
        show_label=False,
        lines=1,
        max_lines=4,
        max_length=settings.max_question_characters,
        scale=5,
        container=False,
        elem_id=elem_id,
    )

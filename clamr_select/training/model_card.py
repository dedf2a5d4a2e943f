"""A model card for every checkpoint: what it is, what it was trained on and how, what it scores, what made it."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from clamr_select.errors import InputError

CARD_FILE = "README.md"
LIBRARY = "clamr-select"
TAGS = ("clamr", "late-interaction", "multi-vector", "video-retrieval", "frame-selection")
PAPER = "https://arxiv.org/abs/2506.06144"
SOFTWARE = ("torch", "transformers", "accelerate")


@dataclass(frozen=True)
class TrainingData:
    """What a model was trained on, in words and numbers."""

    name: str
    """``MultiVENT 2.0++``, ``needle (procedural)``, or the name of a file."""
    description: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """``rows``, ``videos``, ``bad rows left out``, …"""
    hub_ids: tuple[str, ...] = ()
    """Data sets on the hub, as they go into the front matter."""


@dataclass(frozen=True)
class CardFacts:
    """All that a card says.

    Raises:
        InputError: no name.
    """

    name: str
    data: TrainingData
    recipe: Mapping[str, object]
    """Name to value: steps, batch, rate, losses, seed, …"""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Name, as ``ndcg@10``, to value; empty before the first evaluation."""
    metrics_on: str = ""
    """The data they were measured on."""
    modalities: Sequence[str] = ()
    num_parameters: int | None = None
    num_trained_parameters: int | None = None
    base_model: str | None = None
    """A hub id, where the weights come from one."""
    license: str | None = None
    """Of the weights, by the hub's names; left out where nobody said."""
    limits: str = ""
    """What the model is known not to do."""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a model card needs the model's name, got nothing")


def write_model_card(directory: Path, *, facts: CardFacts) -> Path:
    """Write ``README.md`` with front matter that the hub reads."""
    path = directory / CARD_FILE
    path.write_text(str(model_card(facts)), encoding="utf-8")
    return path


def model_card(facts: CardFacts) -> ModelCard:
    """The card; ``card.data`` is its front matter."""
    sections = [
        f"# {_line(facts.name)}",
        _introduction(facts),
        "## Use\n\n" + _use(facts.name),
        "## Data\n\n" + _data(facts.data),
        "## Recipe\n\n" + _table(("", "value"), facts.recipe),
        "## Metrics\n\n" + _metrics(facts),
        "## Limits\n\n" + (facts.limits.strip() or "Nobody has written down what it does not do. Measure before use."),
        "## Made with\n\n" + _table(("", "version"), software()),
    ]
    return ModelCard(f"---\n{_front_matter(facts).to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n")


def software() -> dict[str, str]:
    """The versions that made a checkpoint, with the commit where this library runs from a git checkout."""
    versions = {LIBRARY: version(LIBRARY), **{name: version(name) for name in SOFTWARE}}
    commit = source_commit()
    return versions if commit is None else {**versions, "commit": commit}


def source_commit() -> str | None:
    """The commit this library's source is at, ``+ changes`` where files differ from it; None outside a checkout."""
    repository = Path(__file__).resolve().parents[2]
    if not (repository / ".git").exists():
        return None
    try:
        commit = _git(repository, "rev-parse", "HEAD")
        changed = _git(repository, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit} + changes" if changed else commit


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def _front_matter(facts: CardFacts) -> ModelCardData:
    results = [
        EvalResult(
            task_type="video-retrieval",
            dataset_type=_slug(facts.metrics_on or "validation"),
            dataset_name=_line(facts.metrics_on or "validation"),
            metric_type=_slug(name.replace("@", " at ")),
            metric_name=name,
            metric_value=round(value, 6),
        )
        for name, value in facts.metrics.items()
        if math.isfinite(value)  # not a number in JSON, which the hub makes of it
    ]
    return ModelCardData(
        library_name=LIBRARY,
        license=facts.license,
        base_model=facts.base_model,
        datasets=list(facts.data.hub_ids) or None,
        tags=list(TAGS),
        model_name=_line(facts.name) if results else None,
        eval_results=results or None,
    )


def _introduction(facts: CardFacts) -> str:
    parts = [f"A CLaMR retriever ([paper]({PAPER})): video, speech, on-screen text and metadata encoded jointly into"]
    parts.append("token vectors, scored by late interaction.")
    if facts.modalities:
        parts.append(f"Modalities: {', '.join(facts.modalities)}.")
    if facts.num_parameters is not None:
        parts.append(f"{facts.num_parameters:,} parameters.")
    if facts.num_trained_parameters is not None:
        parts.append(f"{facts.num_trained_parameters:,} of them were trained.")
    return " ".join(parts)


def _use(name: str) -> str:
    shown = _line(name).replace('"', "")
    return (
        "```python\nfrom clamr_select import FrameSelector\n\n"
        f'selector = FrameSelector.from_pretrained("{shown}")  # or the folder this file is in\n```'
    )


def _data(data: TrainingData) -> str:
    parts = [f"**{_line(data.name)}**", data.description.strip()]
    if data.counts:
        parts.append(_table(("", "count"), {name: f"{count:,}" for name, count in data.counts.items()}))
    return "\n\n".join(part for part in parts if part)


def _metrics(facts: CardFacts) -> str:
    if not facts.metrics:
        return "This checkpoint has not been evaluated."
    measured = f"Measured on {_line(facts.metrics_on)}.\n\n" if facts.metrics_on else ""
    return measured + _table(("metric", "value"), {name: f"{value:.4f}" for name, value in facts.metrics.items()})


def _table(header: tuple[str, str], rows: Mapping[str, object]) -> str:
    lines = [f"| {header[0]} | {header[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items())])


def _cell(value: object) -> str:
    return _line(str(value)).replace("|", "\\|")


def _line(text: str) -> str:
    return " ".join(text.split())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "unnamed"

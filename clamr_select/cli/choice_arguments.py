"""Budgets, frames to include, clips and words of time: options of ``select`` beside the policy."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable
from typing import Any

from clamr_select.errors import InputError


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("budgets and what must be shown (docs/policies.md)")
    add = group.add_argument
    add("--policy-option", action="append", metavar="N=V", help="a parameter of the policy; may be repeated")
    add("--adaptive", action="store_true", help="fewer than --num-frames where evidence is concentrated")
    add("--vlm", metavar="NAME", help="with --max-tokens: qwen2.5-vl, qwen3-vl, internvl3, llava-onevision")
    add("--max-tokens", type=int, metavar="N", help="visual tokens to spend, in place of --num-frames")
    add("--vlm-pair", metavar="NAME", help="repeat (default), neighbor or none: frames of a fusing --vlm")
    add("--max-seconds", type=float, metavar="S", help="of the video's time, in place of --num-frames")
    add("--clip-seconds", type=float, metavar="S", help="frames as clips of so long around the hits")
    add("--include", nargs="+", metavar="T", help="first, last, or seconds that must be among the frames")
    add("--resolution", metavar="NAME", help="full (default), more_smaller or tiers")
    add("--question-rules", action="store_true", help="read words of time and count in the question")
    add("--question-llm", metavar="URL", help="an OpenAI-compatible server reads them instead")
    add("--question-model", metavar="NAME", help="of --question-llm")
    add("--diversity", metavar="NAME", help="pooled (default) or late_interaction: how frames are compared")


def choice_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was given, as ``IndexedVideo.select`` takes it; checked before a model loads.

    Raises:
        InputError, UnknownNameError: as :class:`clamr_select.indexing.choice.ChoiceOptions`.
    """
    from clamr_select.indexing.choice import ChoiceOptions

    given: dict[str, Any] = {"num_frames": arguments.num_frames, "policy": arguments.policy}
    if arguments.adaptive:
        given |= {"num_frames": "auto", "max_frames": arguments.num_frames}
    for name in ("vlm", "max_tokens", "vlm_pair", "max_seconds", "clip_seconds", "resolution", "diversity"):
        if getattr(arguments, name) is not None:
            given[name] = getattr(arguments, name)
    if arguments.include:
        given["include"] = tuple(_time_or_name(entry) for entry in arguments.include)
    rules = _rules(arguments)
    if rules is not None:
        given["question_rules"] = rules
    given |= dict(_option(entry) for entry in arguments.policy_option or [])
    ChoiceOptions.of(given)
    return given


def _rules(arguments: argparse.Namespace) -> str | Callable[[str], str] | None:
    if (arguments.question_llm is None) != (arguments.question_model is None):
        raise InputError("--question-llm URL and --question-model NAME go together")
    if arguments.question_llm is None:
        return "rules" if arguments.question_rules else None
    from clamr_select.answer.question_reader import OpenAIQuestionReader

    return OpenAIQuestionReader(arguments.question_llm, model=arguments.question_model)


def _time_or_name(entry: str) -> float | str:
    try:
        return float(entry)
    except ValueError:
        return entry


def _option(entry: str) -> tuple[str, Any]:
    name, equals, value = entry.partition("=")
    if not equals:
        raise InputError(f"--policy-option takes NAME=VALUE, e.g. min_gap_seconds=4, got {entry!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value

"""One section of ``eval.speed gpu``: its records on stdout, one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

import torch

from clamr_select.eval.speed.settings import settings_for

SECTIONS = {
    "roofline": ("clamr_select.eval.speed.scoring_sections", "roofline"),
    "plain_scoring": ("clamr_select.eval.speed.scoring_sections", "plain_scoring"),
    "triton_scoring": ("clamr_select.eval.speed.scoring_sections", "triton_scoring"),
    "encoding": ("clamr_select.eval.speed.encoding_sections", "encoding"),
    "nano": ("clamr_select.eval.speed.encoding_sections", "nano"),
}
"""Module and function of each: only what a section needs is imported."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", choices=list(SECTIONS))
    parser.add_argument("--device", required=True)
    parser.add_argument("--shape", required=True)
    arguments = parser.parse_args(argv)
    settings = settings_for(arguments.shape, device=torch.device(arguments.device))
    module, name = SECTIONS[arguments.section]
    for record in getattr(import_module(module), name)(settings):
        print(json.dumps(record), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One section of a profile: its records on stdout, one JSON object a line.

python -m clamr_select.eval.speed.section NAME SETTINGS   (both made by eval.speed.profile)
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

from clamr_select.eval.speed.settings import Settings

SECTIONS = {
    "roofline": "scoring_sections",
    "plain_scoring": "scoring_sections",
    "encoding": "encoding_sections",
    "nano": "encoding_sections",
    "scoring_peers": "cpu_scoring",
    "encoding_ways": "cpu_encoding",
    "second_question": "question",
    "reading": "reading",
    "scaling": "scaling",
    "screen_text": "text_and_frames",
    "choosing": "text_and_frames",
    "exporting": "text_and_frames",
}
"""Function to the module that holds it: only what a section needs is imported."""


def main() -> int:
    name, settings = sys.argv[1:]
    section = getattr(import_module(f"clamr_select.eval.speed.{SECTIONS[name]}"), name)
    for record in section(Settings(**json.loads(settings))):
        print(json.dumps(record), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

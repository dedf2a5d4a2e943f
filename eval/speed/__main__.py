"""``clamr-select eval speed`` where only this package's model and scoring can be imported (no video decoder, no OCR).

python -m clamr_select.eval.speed gpu --output DIR
"""

from __future__ import annotations

import argparse
import sys

from clamr_select.eval.speed.command import add_arguments, run

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
add_arguments(parser)
sys.exit(run(parser.parse_args()))

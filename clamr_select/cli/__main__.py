"""``python -m clamr_select.cli``."""

import sys

from clamr_select.cli.main import main

sys.exit(main())

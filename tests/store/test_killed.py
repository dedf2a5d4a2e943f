"""Writers that are killed at any moment leave no wrong entry; the full count is in docs/store.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.mark.slow
def test_killed_writers_leave_nothing_wrong() -> None:
    script = Path(__file__).parent / "killed_writers.py"
    done = subprocess.run([sys.executable, script, "--kills", "20"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)

    assert counts["kills"] == 20
    assert counts["wrong"] == counts["warnings"] == counts["damaged_at_the_end"] == 0
    assert counts["hits"] > 20
    assert counts["half_written_files"] > 0, "some were killed while they wrote"
    assert counts["whole_at_the_end"] == 4

"""The ``clamr-select`` command."""

from clamr_select.cli.main import main

__all__ = ["main"]

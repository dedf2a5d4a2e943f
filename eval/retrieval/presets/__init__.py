"""Data sets by name: where they come from, how they become rows, and how they are evaluated."""

from clamr_select.eval.retrieval.presets.read import PRESETS, DataSet, read_preset

__all__ = ["PRESETS", "DataSet", "read_preset"]

"""Peaks of a curve of scores, by scipy."""

from __future__ import annotations

import numpy as np

from clamr_select.errors import missing_dependency


def find_peaks(curve: np.ndarray, *, distance: int, prominence: float, height: float | None = None) -> np.ndarray:
    """Positions of local maxima, in order; of a flat top, its middle.

    Args:
        distance: least number of candidates from one to the next; higher peaks win.
        prominence: how far each must stand above the higher of the valleys at its sides.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    try:
        from scipy.signal import find_peaks as scipy_find_peaks
    except ImportError as error:
        raise missing_dependency("scipy", extra="policies", purpose="finding peaks of scores") from error
    found, _ = scipy_find_peaks(curve, distance=distance, prominence=prominence, height=height)
    return found


def median_step_seconds(timestamps_seconds: np.ndarray) -> float:
    """Seconds from one candidate to the next; 1 of a single one."""
    return float(np.median(np.diff(timestamps_seconds))) if len(timestamps_seconds) > 1 else 1.0

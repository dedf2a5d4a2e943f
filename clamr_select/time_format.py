"""Seconds as people write them: one place, so that every figure, file name and message agrees."""

from __future__ import annotations


def format_time(seconds: float, *, decimals: int = 1) -> str:
    """``mm:ss.s``, or ``h:mm:ss.s`` from one hour on: ``01:23.4``, ``1:02:03.4``, ``-00:00.5``.

    Args:
        seconds: any finite time; containers may start below zero.
        decimals: digits after the second, 0..3.
    """
    sign, hours, minutes, rest = _split(seconds, decimals=decimals)
    return f"{sign}{hours}:{minutes:02d}:{rest}" if hours else f"{sign}{minutes:02d}:{rest}"


def format_time_for_filename(seconds: float) -> str:
    """``hh-mm-ss.mmm``: no colon, which Windows does not allow, and a width that sorts in time."""
    sign, hours, minutes, rest = _split(seconds, decimals=3)
    return f"{sign}{hours:02d}-{minutes:02d}-{rest}"


def _split(seconds: float, *, decimals: int) -> tuple[str, int, int, str]:
    """Sign, hours, minutes, and seconds as text."""
    scale = 10**decimals
    # rounded before it is split: 59.96 s is 01:00.0, not 00:60.0
    ticks = round(abs(seconds) * scale)
    whole, fraction = divmod(ticks, scale)
    sign = "-" if seconds < 0 and ticks else ""
    rest = f"{whole % 60:02d}.{fraction:0{decimals}d}" if decimals else f"{whole % 60:02d}"
    return sign, whole // 3600, whole % 3600 // 60, rest

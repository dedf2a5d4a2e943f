from __future__ import annotations

import pytest

from clamr_select.time_format import format_time, format_time_for_filename


@pytest.mark.parametrize(
    ("seconds", "decimals", "expected"),
    [
        (0.0, 1, "00:00.0"),
        (83.4, 1, "01:23.4"),
        (59.96, 1, "01:00.0"),  # not 00:60.0
        (3599.99, 1, "1:00:00.0"),
        (3723.456, 1, "1:02:03.5"),
        (36000.0, 0, "10:00:00"),
        (65.0, 0, "01:05"),
        (-0.5, 1, "-00:00.5"),
        (-0.01, 1, "00:00.0"),  # nothing is left of the sign
        (1.23456, 3, "00:01.235"),
    ],
)
def test_format_time(seconds, decimals, expected):
    assert format_time(seconds, decimals=decimals) == expected


def test_file_names_have_no_colon_and_sort_in_time():
    times = [0.0, 9.999, 83.4, 599.0, 3600.0, 36000.04]
    names = [format_time_for_filename(t) for t in times]
    assert names[2] == "00-01-23.400"
    assert names[5] == "10-00-00.040"
    assert names == sorted(names)

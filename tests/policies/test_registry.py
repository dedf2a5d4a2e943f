"""Policies of other packages, by entry point."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clamr_select.errors import InputError, MissingDependencyError, UnknownNameError
from clamr_select.policies import find_policy, policy_inputs, policy_names, policy_parameters, select_indices
from clamr_select.policies.registry import _entry_points

CODE = """
from clamr_select.policies import PolicyResult

def first(scores, timestamps_seconds, num_frames, *, offset=0):
    return PolicyResult(tuple(range(offset, offset + num_frames)), parameters={"offset": offset})

NO_FUNCTION = 3
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Lays a package with entry points on the path, as pip would."""

    def lay(package: str, *entries: str) -> None:
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[clamr_select.policies]\n" + "\n".join(entries) + "\n")
        (tmp_path / f"{package}.py").write_text(CODE)
        _entry_points.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield lay
    _entry_points.cache_clear()
    sys.modules.pop("first_frames", None)


def choose_first(**parameters: object):
    return select_indices(
        [0.1, 0.2, 0.3, 0.4], timestamps_seconds=[0.0, 1.0, 2.0, 3.0], num_frames=2, policy="first", **parameters
    )


def test_a_policy_of_another_package_is_found_by_name(install):
    install("first_frames", "first = first_frames:first")
    assert policy_names()[-1] == "first"
    assert policy_parameters("first") == ("offset",)
    assert choose_first(offset=1).indices == (1, 2)


def test_one_that_breaks_its_promise_is_named(install):
    install("first_frames", "first = first_frames:first")
    with pytest.raises(InputError, match=r"policy 'first' must return 2 strictly increasing positions below 4, got 2"):
        choose_first(offset=3)


def test_one_that_is_no_function_is_named(install):
    install("first_frames", "first = first_frames:NO_FUNCTION")
    with pytest.raises(InputError, match="policy 'first' of first_frames is a int; it must be a function"):
        find_policy("first")


def test_a_name_that_is_taken_is_an_error(install):
    install("first_frames", "topk = first_frames:first")
    with pytest.raises(InputError, match="policy 'topk' is registered by clamr-select, first_frames"):
        find_policy("topk")


def test_a_name_of_two_packages_is_an_error(install):
    install("first_frames", "first = first_frames:first")
    install("other_frames", "first = other_frames:first")
    with pytest.raises(InputError, match="policy 'first' is registered by"):
        choose_first()


def test_without_the_package_the_name_is_unknown():
    with pytest.raises(UnknownNameError, match="unknown policy 'first'"):
        choose_first()


def test_what_policies_look_at():
    assert policy_inputs("topk") == {}
    assert policy_inputs("mmr") == {"similarity": True}
    assert policy_inputs("wfs_sb") == {"similarity": False}
    assert policy_inputs("qca") == {"embeddings": True}


@pytest.mark.parametrize(("policy", "package"), [("peak_and_spread", "scipy"), ("wfs_sb", "PyWavelets")])
def test_a_missing_package_is_named_with_its_extra(policy, package, monkeypatch):
    for name in ("scipy.signal", "pywt"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=rf"{package}.*clamr-select\[policies\]"):
        select_indices(
            [0.1, 0.2, 0.3] * 30, timestamps_seconds=[float(i) for i in range(90)], num_frames=8, policy=policy
        )


def test_policies_need_no_extra_until_one_is_asked_for():
    code = "import sys, clamr_select.policies; sys.exit('scipy' in sys.modules or 'pywt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

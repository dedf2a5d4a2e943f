"""Who may know whom: walls between the rooms, and what importing them may pull in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE_FOLDERS: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]

FOUNDATION = {"errors", "selection"}
CONSUMERS = {"cli", "eval", "integrations", "demo"}
"""They know the library; the library never knows them."""

MAY_KNOW: dict[str, set[str]] = {
    "errors": set(),
    "selection": {"errors"},
    "saved_selection": FOUNDATION,
    "scoring": FOUNDATION,
    "policies": FOUNDATION,
    "metrics": FOUNDATION,
    "limits": {"errors"},
    "fetch": {"errors", "limits"},
    "container": FOUNDATION | {"limits"},
    "video": FOUNDATION | {"container", "limits"},
    "context": FOUNDATION | {"container", "limits"},
    "store": FOUNDATION,
    "model": FOUNDATION | {"scoring"},
    "training": FOUNDATION | {"video", "context", "model", "scoring", "metrics", "text_lines"},
}
"""Rooms with walls (``container`` opens files safely, for the two rooms that read them). Any other room of
the library joins rooms, and knows all but the consumers."""

HEAVY = (
    "torch",
    "transformers",
    "av",
    "decord",
    "torchcodec",
    "rapidocr",
    "onnxruntime",
    "cv2",
    "matplotlib",
)
CONSUMER_PACKAGES = ("gradio", "lmms_eval", "vllm", "sglang", "qwen_vl_utils", "openai")
STAYS_LIGHT: dict[str, tuple[str, ...]] = {
    "clamr_select": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.answer": (*HEAVY, "openai", *CONSUMER_PACKAGES),
    "clamr_select.cli": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.demo": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.policies": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.metrics": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.context": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.retrieval": (*HEAVY, *CONSUMER_PACKAGES, "qdrant_client", "qdrant_edge", "ray"),
    "clamr_select.store": HEAVY + CONSUMER_PACKAGES,
    "clamr_select.video": ("torch", "transformers", *CONSUMER_PACKAGES),
    "clamr_select.scoring": ("transformers", "av", *CONSUMER_PACKAGES),
    **{
        f"clamr_select.integrations.{name}": HEAVY + CONSUMER_PACKAGES
        for name in ("openai", "qwen", "sglang", "transformers", "vllm")
    },
    "clamr_select.model": ("av", "rapidocr", "matplotlib", *CONSUMER_PACKAGES),
}
"""Module to the packages that importing it must not import."""

ON_TOP = {"doctor"}
"""Joins rooms too, for the command line; no other room knows it."""

BROUGHT_BY = {
    "tokenizers": "transformers",
    "gradio_client": "gradio",
    "httpx": "gradio",
    "huggingface_hub": "transformers",
    "packaging": "transformers",
}
"""Packages that are imported and not declared: each is a part of one that is."""


def shipped_modules() -> Iterator[tuple[str, Path]]:
    """Dotted name and file of every module that is installed."""
    for package, folder in PACKAGE_FOLDERS.items():
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            parts = [package, *path.relative_to(REPOSITORY / folder).with_suffix("").parts]
            yield ".".join(part for part in parts if part != "__init__"), path


MODULES = dict(shipped_modules())
ROOMS = {name.split(".")[1] for name in MODULES if "." in name}


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a piece of code imports; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def without_functions(tree: ast.Module) -> ast.Module:
    """The module with the bodies of its functions emptied: what an import of it runs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return tree


def walls_broken(module: str, source: str) -> list[str]:
    """Imports of ``module`` that its room is not allowed, e.g. ``policies.topk -> model``."""
    room, _, _ = module.removeprefix("clamr_select.").partition(".")
    tree = ast.parse(source)
    if room == "selection":  # its methods fetch the rooms that draw and decode when they are called
        tree = without_functions(tree)
    known = {name.split(".")[1] for name in imported_names(tree) if name.startswith("clamr_select.")}
    if room in CONSUMERS:
        return []
    allowed = MAY_KNOW.get(room, ROOMS - CONSUMERS - ON_TOP) | {room}
    # a name that is no room comes from the front door, clamr_select/__init__.py
    return [f"{module} -> {name}" for name in sorted(known) if name not in allowed]


@pytest.mark.parametrize("module", MODULES)
def test_rooms_keep_to_whom_they_may_know(module: str) -> None:
    assert walls_broken(module, MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("clamr_select.policies.topk", "from clamr_select.model.document import Document"),
        ("clamr_select.policies.topk", "import clamr_select.model"),
        ("clamr_select.video.reader", "def f():\n    from clamr_select import context"),
        ("clamr_select.training.trainer", "from clamr_select import FrameSelector"),
        ("clamr_select.selector", "from clamr_select.eval import needle"),
        ("clamr_select.selector", "from clamr_select.doctor import examine"),
        ("clamr_select.doctor.examine", "from clamr_select.cli import main"),
        ("clamr_select.selection", "from clamr_select.figures import timeline"),
    ],
)
def test_a_broken_wall_is_seen(module: str, source: str) -> None:
    assert len(walls_broken(module, source)) == 1


def test_selection_may_fetch_a_room_inside_a_method() -> None:
    source = "class A:\n    def show(self):\n        from clamr_select.figures import timeline"

    assert walls_broken("clamr_select.selection", source) == []


@pytest.mark.parametrize("module", STAYS_LIGHT)
def test_importing_stays_light(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(STAYS_LIGHT[module]) & set(done.stdout.split()) == set()


def test_every_imported_package_is_declared() -> None:
    project = PYPROJECT["project"]
    requirements = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        requirements += extra
    declared = {normalised(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}
    distributions = packages_distributions()
    undeclared = set()
    for path in MODULES.values():
        for name in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
            package = name.split(".")[0]
            owners = {normalised(owner) for owner in distributions.get(package, [package])}
            if package != "clamr_select" and package not in sys.stdlib_module_names | BROUGHT_BY.keys():
                undeclared |= {package} if not owners & declared else set()

    assert undeclared == set()
    assert {normalised(owner) for owner in BROUGHT_BY.values()} <= declared


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_house_rules_of_the_linter_are_not_switched_off() -> None:
    """Ruff holds them (pyproject.toml says which); in shipped code no comment may wave one through."""
    waved = re.compile(r"#\s*(ruff:\s*)?noqa(?!:)|#\s*(ruff:\s*)?noqa:.*\b(BLE|S\d|TID|T20)")
    lines = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in MODULES.values()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if waved.search(line)
    ]

    assert lines == []

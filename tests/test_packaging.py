"""What is installed: the list of packages is whole, and a wheel alone does the job from any folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import av
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE_FOLDERS: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]
MAX_WEIGHTS_BYTES = 16 * 1024 * 1024


def installed_names() -> Iterator[tuple[Path, PurePosixPath]]:
    """Every file that belongs into a wheel, with the name it has there."""
    for package, folder in PACKAGE_FOLDERS.items():
        for path in sorted((REPOSITORY / folder).rglob("*")):
            relative = path.relative_to(REPOSITORY / folder)
            if path.is_file() and "__pycache__" not in relative.parts and not path.name.startswith("."):
                yield path, PurePosixPath(*package.split("."), *relative.parts)


def test_packages_are_the_folders_on_disk() -> None:
    on_disk = {".".join(name.parent.parts) for _, name in installed_names() if name.name == "__init__.py"}
    listed = PYPROJECT["tool"]["setuptools"]["packages"]

    assert listed == sorted(on_disk)


def test_every_folder_with_modules_is_a_package() -> None:
    with_modules = {path.parent for path, _ in installed_names() if path.suffix == ".py"}

    assert [folder for folder in sorted(with_modules) if not (folder / "__init__.py").is_file()] == []


def test_mapped_folders_are_mapped() -> None:
    mapped = {f"clamr_select.{folder}": folder for folder in ("eval", "integrations", "demo")}
    on_disk = {package: folder for package, folder in mapped.items() if (REPOSITORY / folder).is_dir()}

    assert {"clamr_select": "clamr_select"} | on_disk == PACKAGE_FOLDERS


def test_files_named_in_the_metadata_exist() -> None:
    project = PYPROJECT["project"]

    assert all((REPOSITORY / name).is_file() for name in [project["readme"], *project["license-files"]])


def test_lowest_versions_are_those_declared() -> None:
    """tests/lowest.txt and the lower bounds of pyproject.toml say the same."""
    declared = [*PYPROJECT["project"]["dependencies"]]
    (extras,) = re.findall(r"^EXTRAS \?= (.*)$", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.M)
    for extra in extras.split(","):
        declared += PYPROJECT["project"]["optional-dependencies"][extra]
    plain = [re.sub(r"\[.*?\]", "", requirement.partition(";")[0]) for requirement in declared]
    bounds = dict(requirement.split(",")[0].strip().split(">=") for requirement in plain)
    pins = dict(
        line.split("==")
        for line in (REPOSITORY / "tests/lowest.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    linters = {"ruff", "mypy"}  # only the newest are run

    assert pins.keys() == bounds.keys() - linters
    for name, pin in pins.items():
        assert pin == bounds[name] or pin.startswith(f"{bounds[name]}."), name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy, so that nothing an older build left behind can get in."""
    source = tmp_path_factory.mktemp("source")
    for folder in PACKAGE_FOLDERS.values():
        shutil.copytree(REPOSITORY / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", PYPROJECT["project"]["readme"], *PYPROJECT["project"]["license-files"]):
        shutil.copy(REPOSITORY / name, source)
    output = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", output, source, folder=source)
    (built,) = output.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment which holds the wheel alone and borrows this one's third-party packages."""
    environment = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    # After the installation, or pip would take this environment's copy for an older one to replace. A folder
    # named in a .pth file does not have its own .pth files read: the editable install here stays unseen.
    here = sysconfig.get_paths()
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(f"{here['purelib']}\n{here['platlib']}\n", encoding="utf-8")
    return environment


def run(*command: str | Path, folder: Path | None = None) -> str:
    """Run a command without this process's import path; its standard output, or a failure that shows both."""
    arguments = [str(part) for part in command]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    held = {PurePosixPath(name) for name in zipfile.ZipFile(wheel).namelist()}
    metadata = {name for name in held if name.parts[0].endswith(".dist-info")}

    assert held - metadata == {name for _, name in installed_names()}
    assert {name.parts[0] for name in held - metadata} == {"clamr_select"}
    assert PurePosixPath("clamr_select/py.typed") in held
    assert any(name.name == "words.txt" for name in held)


@pytest.mark.slow
def test_wheel_holds_nano(wheel: Path) -> None:
    nano = "clamr_select/model/nano/"
    sizes = {item.filename: item.file_size for item in zipfile.ZipFile(wheel).infolist()}
    weights = {name: size for name, size in sizes.items() if name.endswith(".safetensors")}

    assert weights
    assert all(name.startswith(nano) for name in weights)
    assert sum(weights.values()) <= MAX_WEIGHTS_BYTES
    assert f"{nano}config.json" in sizes
    assert any(name.startswith(f"{nano}tokenizer") for name in sizes)


@pytest.mark.slow
def test_wheel_alone_is_what_gets_imported(fresh: Path, tmp_path: Path) -> None:
    code = "import clamr_select, clamr_select.eval as e; print(clamr_select.__file__); print(e.__file__)"

    printed = run(fresh / "bin" / "python", "-c", code, folder=tmp_path).splitlines()

    assert [Path(line).is_relative_to(fresh) for line in printed] == [True, True]


@pytest.mark.slow
def test_wheel_alone_selects_frames_from_any_folder(fresh: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "bars.mp4")
    command = fresh / "bin" / "clamr-select"
    options = ["--num-frames", "2", "--ocr", "off", "--format", "json"]

    assert "select" in run(command, "--help", folder=tmp_path)
    printed = run(command, "select", "bars.mp4", "when is it bright?", *options, folder=tmp_path)

    assert len(json.loads(printed)["frame_indices"]) == 2


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(30):
            pixels = np.full((64, 96, 3), 8 * index, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())

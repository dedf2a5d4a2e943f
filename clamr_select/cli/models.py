"""``clamr-select models``: what can be loaded, and what a directory holds."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clamr_select.model.catalogue import CataloguedModel

SCHEMA_VERSION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a directory, or a model on this machine: say what it holds"
    )
    parser.add_argument("--base", metavar="NAME", help="what an adapter is put on, instead of what its config names")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.model.inventory import contents

    if arguments.model is None:
        models = [describe(model) for model in _catalogue()]
        _show({"schema_version": SCHEMA_VERSION, "models": models}, models, as_json=arguments.json)
    else:
        found = asdict(contents(arguments.model, base=arguments.base))
        _show({"schema_version": SCHEMA_VERSION, **found}, [found], as_json=arguments.json)
    return 0


def describe(model: CataloguedModel) -> dict[str, Any]:
    """All that is known of a model, and whether it is here."""
    from clamr_select.model.inventory import missing_repositories

    missing = missing_repositories(model)
    return {
        "name": model.name,
        "note": model.note,
        "backbone": model.backbone,
        "base": model.base,
        "modalities": list(model.modalities),
        "num_parameters": model.num_parameters,
        "download_gigabytes": model.download_gigabytes,
        "weight_bytes_bfloat16": model.weight_bytes(),
        "weight_bytes_4bit": model.weight_bytes(quantization="4bit"),
        "license": model.license,
        "base_license": model.base_license,
        "on_this_machine": not missing,
        "missing_repositories": missing,
    }


def _catalogue() -> tuple[CataloguedModel, ...]:
    from clamr_select.model.catalogue import CATALOGUE

    return CATALOGUE


def _show(data: dict[str, Any], blocks: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(data, indent=2))
        return
    print("\n\n".join("\n".join(_lines(block)) for block in blocks))


def _lines(block: dict[str, Any]) -> list[str]:
    rows = {**block}
    lines = [rows.pop("name")]
    if "num_parameters" in rows:
        memory = [rows.pop("weight_bytes_bfloat16"), rows.pop("weight_bytes_4bit")]
        rows["weights"] = f"{_size(memory[0])} in bfloat16, {_size(memory[1])} in 4 bits"
        rows["parameters"] = f"{rows.pop('num_parameters'):,}"
        download = rows.pop("download_gigabytes")
        rows["download"] = f"about {download:.0f} GB" if download else "none, it is inside the package"
        here, missing = rows.pop("on_this_machine"), rows.pop("missing_repositories")
        rows["on this machine"] = "yes" if here else f"no, missing: {', '.join(missing)}"
    for name, value in rows.items():
        if value is not None:
            shown = ", ".join(value) if isinstance(value, list | tuple) else value
            lines.append(f"  {name.removeprefix('num_').replace('_', ' '):<16} {shown}")
    return lines


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:.0f} MB"

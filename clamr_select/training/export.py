"""A trained model as it is shipped."""

from __future__ import annotations

from pathlib import Path

from clamr_select.model import ClamrForRetrieval, ClamrProcessor


def export(model: ClamrForRetrieval, *, processor: ClamrProcessor, directory: Path) -> None:
    """Write weights in bfloat16, config, tokenizer and processor, ready for ``from_pretrained``.

    bfloat16 halves the file; on a CPU it is computed in float32 again.
    """
    half = ClamrForRetrieval(model.config)
    half.load_state_dict(model.state_dict())
    half.bfloat16().save_pretrained(directory)
    processor.save_pretrained(directory)
    for path in directory.iterdir():
        path.chmod(0o644)  # safetensors are written readable by their owner alone

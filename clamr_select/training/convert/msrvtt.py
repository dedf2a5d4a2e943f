"""MSR-VTT to rows: one a video, its captions as questions about the picture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from clamr_select.context import load_subtitles
from clamr_select.errors import InputError, SubtitlesError
from clamr_select.training.convert.tables import read_table
from clamr_select.training.convert.writing import ConversionReport, Make, write_rows
from clamr_select.training.data.report import OnBadRow
from clamr_select.training.data.sources import read_json

ASR_SUFFIXES = (".srt", ".vtt", ".json")


def convert_msrvtt(
    captions: Path,
    *,
    output: Path,
    ids: Path | None = None,
    split: str | None = None,
    asr_dir: Path | None = None,
    on_bad_row: OnBadRow = "error",
) -> ConversionReport:
    """Rows with ``video`` ``<video_id>.mp4``, in the order of the file.

    Args:
        captions: ``MSRVTT_data.json`` (``videos`` and ``sentences``), or a list of ``{"video_id" or "video",
            "caption": text or list}``.
        ids: CSV with the column ``video_id``: only these videos, as in the 9k/1k splits. A column ``sentence``
            replaces the captions (the 1k test asks one a video).
        split: only videos with this ``split`` in the file (``train``, ``validate``, ``test``).
        asr_dir: speech as ``<video_id>.srt``, ``.vtt`` or ``.json`` (Whisper's); videos without are counted.

    Raises:
        InputError: nothing to read, another form, an id without captions, or bad rows.
    """
    captions_of = _captions(captions, split=split)
    wanted: dict[Any, list[str] | None] = dict.fromkeys(captions_of) if ids is None else _wanted(ids)
    report = ConversionReport()

    def make(video_id: Any) -> dict[str, Any]:
        if not isinstance(video_id, str):
            raise InputError(f"video_id must be text, got {video_id!r}")
        queries = wanted[video_id] or captions_of.get(video_id)
        if queries is None:
            raise InputError(f"no captions of {video_id} in {captions.name}")
        row = {"video_id": video_id, "video": f"{video_id}.mp4", "query": queries, "query_type": "video"}
        return row if asr_dir is None else {**row, "asr": _asr(asr_dir, video_id, report)}

    def makers() -> Iterator[tuple[str, Make]]:
        for video_id in wanted:
            yield str(video_id), partial(make, video_id)

    write_rows(makers(), output=output, report=report, on_bad_row=on_bad_row, asked=True)
    return report


def _captions(path: Path, *, split: str | None) -> dict[Any, list[Any]]:
    """By video id; an id or a caption that is no text makes a bad row."""
    content = read_json(path)
    try:
        if isinstance(content, dict):
            taken = {v["video_id"] for v in content["videos"] if split is None or v["split"] == split}
            pairs = [(s["video_id"], s["caption"]) for s in content["sentences"] if s["video_id"] in taken]
        else:
            entries = [e for e in content if split is None or e["split"] == split]
            pairs = [(_video_id(e), caption) for e in entries for caption in _as_list(e["caption"])]
        captions: dict[Any, list[Any]] = {}
        for video_id, caption in pairs:
            captions.setdefault(video_id, []).append(caption)
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is not MSR-VTT's JSON: {error!r} is missing or of another kind") from error
    if not captions:
        raise InputError(f"no captions in {path}" + (f" for split {split!r}" if split else ""))
    return captions


def _video_id(entry: dict[str, Any]) -> Any:
    if "video_id" in entry:
        return entry["video_id"]
    return entry["video"].removesuffix(".mp4") if isinstance(entry["video"], str) else entry["video"]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _wanted(path: Path) -> dict[str, list[str] | None]:
    header, rows = read_table(path)
    if "video_id" not in header:
        raise InputError(f"{path} has no column 'video_id'; it has {', '.join(header)}")
    wanted: dict[str, list[str] | None] = {}
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(f"row {line} of {path} has {len(row)} fields under a header of {len(header)}")
        fields = dict(zip(header, row, strict=True))
        video_id, sentence = fields["video_id"], fields.get("sentence")
        asked = wanted.setdefault(video_id, None)
        wanted[video_id] = [*(asked or []), sentence] if sentence else asked
    return wanted


def _asr(folder: Path, video_id: str, report: ConversionReport) -> str:
    path = next((p for suffix in ASR_SUFFIXES if (p := folder / (video_id + suffix)).is_file()), None)
    if path is None:
        report.lacks("ASR", video_id)
        return ""
    try:
        return " ".join(line.text for line in load_subtitles(path).lines)
    except SubtitlesError as error:
        raise InputError(str(error)) from error

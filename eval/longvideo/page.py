"""One offline page of the answers that flipped: the question, both answers, and the frames each was given."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

from clamr_select.errors import ClamrSelectError
from clamr_select.eval.longvideo.comparison import flipped
from clamr_select.eval.longvideo.runs import Place, Record, Run, video_of
from clamr_select.time_format import format_time

THUMBNAIL_SIDE = 168
JPEG_QUALITY = 78
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 24px; color: #1b1f24; }
h1 { font-size: 24px; margin: 0 0 4px; } .sub { color: #59636e; margin: 0 0 24px; }
article { border: 1px solid #d1d9e0; border-radius: 8px; padding: 16px 20px; margin: 0 0 24px; }
article > h2 { font-size: 18px; margin: 0 0 2px; } .where { color: #59636e; font-size: 13px; margin: 0 0 8px; }
pre { white-space: pre-wrap; font: inherit; background: #f6f8fa; padding: 8px 12px; border-radius: 6px; margin: 8px 0; }
.arms { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; }
@media (max-width: 800px) { .arms { grid-template-columns: 1fr; } }
.arm h3 { font-size: 15px; margin: 8px 0; } .right { color: #116329; } .wrong { color: #a40e26; }
.frames { display: flex; flex-wrap: wrap; gap: 8px; } figure { margin: 0; width: 124px; }
figure img { width: 124px; border-radius: 4px; display: block; border: 1px solid #d1d9e0; }
figcaption { font-size: 12px; color: #59636e; overflow-wrap: anywhere; }
.warn { background: #fff8c5; padding: 8px 12px; border-radius: 6px; }
"""


def flips_page(first: Run, second: Run, places: Sequence[Place], *, max_flips: int = 50) -> str:
    """HTML with everything in it; nothing is fetched when it is opened.

    Args:
        max_flips: shown, gained and lost ones in turn; the page says how many there are.
    """
    changed = flipped(first, second, places)
    gained = [place for place in changed if second.answers[place].correct >= 0.5]
    lost = [place for place in changed if second.answers[place].correct < 0.5]
    shown = _in_turn(gained, lost)[:max_flips]
    said = (
        f"{len(gained)} gained and {len(lost)} lost of {len(places)} questions"
        f"{'' if len(shown) == len(changed) else f'; {len(shown)} of {len(changed)} are shown'}"
    )
    toy = first.not_for_reporting or second.not_for_reporting
    warning = '<p class="warn">Not for reporting: frames were selected by clamr-nano, a toy.</p>' if toy else ""
    title = f"{html.escape(second.name)} against {html.escape(first.name)}"
    articles = "".join(_article(first, second, place) for place in shown)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f'<h1>Answers that flipped: {title}</h1><p class="sub">{said}</p>{warning}{articles}</body></html>\n'
    )


def _in_turn(gained: Sequence[Place], lost: Sequence[Place]) -> list[Place]:
    mixed: list[Place] = []
    for number in range(max(len(gained), len(lost))):
        mixed += [*gained[number : number + 1], *lost[number : number + 1]]
    return mixed


def _article(first: Run, second: Run, place: Place) -> str:
    answer = second.answers[place]
    prompt = html.escape(answer.prompt.strip())
    head, _, rest = prompt.partition("\n")
    return (
        f'<article><h2>{head}</h2><p class="where">{html.escape(place[0])}, question {place[1]}; '
        f"right answer: {html.escape(answer.target)}</p>{f'<pre>{rest}</pre>' if rest else ''}"
        f'<div class="arms">{_arm(first, place)}{_arm(second, place)}</div></article>'
    )


def _arm(run: Run, place: Place) -> str:
    answer = run.answers[place]
    kind = "right" if answer.correct >= 0.5 else "wrong"
    said = html.escape(answer.text.strip() or "nothing")
    return (
        f'<section class="arm"><h3>{html.escape(run.name)} answered <span class="{kind}">{said} ({kind})</span></h3>'
        f'<div class="frames">{_frames(run, place)}</div></section>'
    )


def _frames(run: Run, place: Place) -> str:
    records = run.records.get(place)
    if records is None:
        return "<p>its frames were not recorded: run it with clamr_mode=uniform and clamr_log</p>"
    return "".join(map(_frames_of, records))


def _frames_of(record: Record) -> str:
    """Of one video."""
    selection = record.get("selection")
    indices = sorted(set(selection["frame_indices"] if selection else record["emitted_frame_indices"]))
    if not indices:
        return f"<p>{html.escape(str(record['base']))} sampled its frames itself and does not say which</p>"
    modalities = dict(zip(selection["frame_indices"], selection["modality"], strict=True)) if selection else {}
    try:
        pictures = _thumbnails(video_of(record), indices)
    except ClamrSelectError as error:
        return f"<p>{html.escape(str(error))}</p>"
    return "".join(
        f'<figure><img alt="frame at {format_time(seconds)}" src="data:image/jpeg;base64,{data}"><figcaption>'
        f"{format_time(seconds)}{_won(modalities.get(index))}</figcaption></figure>"
        for index, seconds, data in pictures
    )


def _won(modality: str | None) -> str:
    return f" · {html.escape(modality)}" if modality and modality != "none" else ""


def _thumbnails(video: str, indices: Sequence[int]) -> list[tuple[int, float, str]]:
    from PIL import Image

    from clamr_select.video import open_video

    found = []
    with open_video(Path(video)) as reader:
        for frame in reader.frames(list(indices), max_side=THUMBNAIL_SIDE):
            data = io.BytesIO()
            Image.fromarray(frame.image).save(data, "JPEG", quality=JPEG_QUALITY)
            found.append((frame.frame_index, frame.timestamp_seconds, base64.b64encode(data.getvalue()).decode()))
    return found

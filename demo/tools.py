"""The demo's endpoints for programs and agents: ``select``, ``ask`` and ``list_videos``, over HTTP and MCP.

Annotations here are evaluated at once, without ``from __future__``: Gradio reads them as they are.
"""

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.utils import get_upload_folder

from clamr_select.answer import evidence
from clamr_select.answer.prompt import question_text
from clamr_select.answer.vlm import Turn
from clamr_select.demo.asking import Asking, Question
from clamr_select.demo.examples import Example
from clamr_select.demo.indexes import Ready, Source
from clamr_select.demo.messages import sentence
from clamr_select.demo.settings import DemoSettings
from clamr_select.demo.views.conversation import stage_name, stage_unit
from clamr_select.demo.views.speech import TOLD_HERE, speech_note
from clamr_select.demo.working import Made, Stages
from clamr_select.errors import ClamrSelectError, InputError
from clamr_select.indexing.coarse_to_fine.effort import Effort
from clamr_select.policies import DEFAULT_POLICY
from clamr_select.retrieval.video_embeddings import is_unicode
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

VIDEO_ENDINGS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts", ".ogv")
MAX_LISTED = 200


class Tools:
    """Endpoints of one demo.

    Args:
        asking: answers.
        examples: name to example.
    """

    def __init__(self, asking: Asking, examples: Mapping[str, Example], settings: DemoSettings) -> None:
        self.asking, self.examples, self.settings = asking, examples, settings

    def register(self, *, concurrency_id: str) -> None:
        """Inside Blocks: adds the endpoints, in the one queue of the model."""
        queued: dict[str, Any] = {"concurrency_id": concurrency_id, "concurrency_limit": 1}
        for endpoint in (self._select(), self._ask()):
            gr.api(endpoint, api_name=endpoint.__name__, **queued)
        gr.api(self._list_videos(), api_name="list_videos", queue=False)

    def _select(self) -> Any:
        def select(
            video: str,
            question: str,
            num_frames: int = 8,
            policy: str = DEFAULT_POLICY,
            start_seconds: float | None = None,
            end_seconds: float | None = None,
            subtitles: str | None = None,
            read_text_on_screen: bool = True,
            listen: bool = False,
            effort: str = "full",
        ) -> str:
            """Find the moments of a video that answer a question, by what is seen, said and written on screen.

            The first question about a video indexes it, which takes seconds to minutes; later ones are instant.

            Args:
                video: a name that list_videos gives, or the path that an upload to /gradio_api/upload returned.
                question: what to find, in plain words.
                num_frames: how many moments to return.
                policy: how frames are chosen by their scores, e.g. topk_gap, mmr, uniform.
                start_seconds: search from here on; leave out for the whole video.
                end_seconds: search up to here; leave out for the whole video.
                subtitles: an uploaded srt, vtt, ass or json file; leave out to use what lies in the video.
                read_text_on_screen: also search the text on screen; slower to index.
                listen: recognise what is said, where there are no subtitles; slower to index.
                effort: full; balanced or fast look at a part of a long video, and the notes say what was skipped.

            Returns:
                JSON with the moments in time order: seconds, clock, score, modality, and the words around each.
            """
            span = _span(start_seconds, end_seconds)
            with plain_errors():
                asked = Question(question, num_frames, policy, span=span, effort=cast(Effort, effort))
                ready, selection = self._select_frames(video, subtitles, read_text_on_screen, listen, asked)
            return json.dumps(self._found(ready, selection), ensure_ascii=False)

        return select

    def _ask(self) -> Any:
        def ask(
            video: str,
            question: str,
            num_frames: int = 8,
            subtitles: str | None = None,
            read_text_on_screen: bool = True,
            listen: bool = False,
            effort: str = "full",
        ) -> str:
            """Answer a question about a video in words, from the moments that answer it.

            Without a vision-language model on this server, "answer" is null and the moments are the evidence.

            Args:
                video: a name that list_videos gives, or the path that an upload to /gradio_api/upload returned.
                question: what to answer.
                num_frames: how many moments the answer may rest on.
                subtitles: an uploaded srt, vtt, ass or json file; leave out to use what lies in the video.
                read_text_on_screen: also use the text on screen; slower to index.
                listen: recognise what is said, where there are no subtitles; slower to index.
                effort: full; balanced or fast look at a part of a long video, and the notes say what was skipped.

            Returns:
                JSON with the answer and the moments that it rests on.
            """
            with plain_errors():
                asked = Question(question, num_frames, effort=cast(Effort, effort))
                ready, selection = self._select_frames(video, subtitles, read_text_on_screen, listen, asked)
                answer = self._answer(question, selection)
            return json.dumps({"answer": answer, **self._found(ready, selection)}, ensure_ascii=False)

        return ask

    def _list_videos(self) -> Any:
        def list_videos() -> str:
            """List the videos on this server that may be asked by name.

            Returns:
                JSON with name and title of each.
            """
            found = [{"name": example.name, "title": example.title} for example in self.examples.values()]
            if self.settings.media_dir is not None:
                folder = Path(self.settings.media_dir)
                names = sorted(p.name for p in folder.iterdir() if _is_listed(p))
                found += [{"name": name, "title": name} for name in names[:MAX_LISTED]]
            return json.dumps(found, ensure_ascii=False)

        return list_videos

    def _select_frames(
        self, video: str, subtitles: str | None, read_text: bool, listen: bool, question: Question
    ) -> tuple[Ready, Selection]:
        question.check(self.settings)
        source = replace(self._source(video, subtitles, read_text, listen), effort=question.effort)
        indexes = self.asking.indexes
        ready = _told(indexes.ready(source))
        indexed = _told(indexes.look(ready, question.text, question.options()))
        return ready, self.asking.choose(indexed, question)[0]

    def _source(self, video: str, subtitles: str | None, read_text: bool, listen: bool) -> Source:
        example = self.examples.get(video) if isinstance(video, str) else None
        given = None if subtitles is None else self._file(subtitles)
        if example is not None:
            return example.source(read_text, subtitles=given)
        return Source(self._file(video), given, read_text, listen)

    def _file(self, named: object) -> Path:
        """A file that was uploaded, or that lies in the media folder; nothing else on this machine has a name here.

        Raises:
            InputError: anything else.
        """
        text = named.get("path") if isinstance(named, Mapping) else named
        if isinstance(text, str) and "\0" not in text:
            folders = [Path(get_upload_folder())]
            if self.settings.media_dir is not None:
                folders.append(Path(self.settings.media_dir))
            for folder in folders:
                path = (folder / text).resolve()
                if path.is_relative_to(folder.resolve()) and path.is_file():
                    return path
        raise InputError("no such video: give a name from list_videos, or upload the file and give its path")

    def _answer(self, question: str, selection: Selection) -> str | None:
        if self.asking.vlm is None:
            return None
        turn = Turn(question_text(question), selection)
        return _whole(self.asking.vlm.reply([turn], max_new_tokens=self.settings.max_new_tokens))

    def _found(self, ready: Ready, selection: Selection) -> dict[str, Any]:
        hearing = self.asking.indexes.hearing
        told = speech_note(ready.speech, warnings=selection.warnings, hearing=hearing)
        if ready.speech == "unheard":
            told += " Call again with listen=true to have it heard." if hearing.is_possible else f" {hearing.about}"
        warnings = [warning.message for warning in selection.warnings if warning.code not in TOLD_HERE]
        return {
            "question": selection.question,
            "moments": [
                {
                    "seconds": round(item.timestamp_seconds, 3),
                    "clock": format_time(item.timestamp_seconds),
                    "score": round(item.score, 4),
                    "modality": item.modality,
                    "words": item.words,
                }
                for item in evidence(selection)
            ],
            "duration_seconds": selection.video_facts.duration_seconds,
            "notes": [*([told] if told else []), *warnings],
        }


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors of the library as Gradio's, with the words of :mod:`clamr_select.demo.messages`."""
    try:
        yield
    except ClamrSelectError as error:
        raise gr.Error(sentence(error), print_exception=False) from None


def _is_listed(path: Path) -> bool:
    """A name that is no Unicode cannot be sent, nor asked by."""
    return path.suffix.lower() in VIDEO_ENDINGS and is_unicode(path.name)


def _told(stages: Generator[Stages, None, Made]) -> Made:
    """What the work made, its progress told to the client."""
    progress = gr.Progress()
    with closing(stages):
        while True:
            try:
                stage, (done, total) = list(next(stages).items())[-1]
            except StopIteration as finished:
                return finished.value
            progress((done, total), desc=stage_name(stage), unit=stage_unit(stage))


def _whole(pieces: Generator[str, None, Any]) -> str:
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            return done.value.text


def _span(start: float | None, end: float | None) -> tuple[float, float] | None:
    if start is None and end is None:
        return None
    return (0.0 if start is None else float(start), float("inf") if end is None else float(end))

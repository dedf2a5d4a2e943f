"""``effort`` through the integrations: a part of a long video is encoded, and none of it is taken for the whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.indexing.coarse_to_fine import opening
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.integrations import serving
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.precompute import Job, open_jobs, precompute
from clamr_select.integrations.lmms_eval.selecting import ModelSource, Wanted
from clamr_select.selection import Selection
from clamr_select.selector import FrameSelector

QUESTION = "what is red?"
QUICK = {"num_frames": 2, "ocr": "off", "policy": "topk"}


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(autouse=True)
def _small_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plans are made for hours, the video is half a minute."""
    monkeypatch.setattr(opening, "EFFORT_PLANS", {"fast": EffortPlan(4, 2), "balanced": EffortPlan(2, 4)})


@pytest.fixture
def server(selector: FrameSelector) -> Iterator[None]:
    serving.use_selector(selector)
    yield
    serving.use_selector(None)


def seen(selection: Selection) -> tuple[str, int | None]:
    return selection.method.get("effort", "full"), selection.method.get("num_candidates_seen")


def plain(selection: Selection) -> dict:
    return {**selection.to_dict(), "timings_seconds": None}


def of_lmms_eval(video: Path, store: Path, **options) -> Selection:
    source = ModelSource(
        SamplerOptions(model="clamr-nano", device="cpu", ocr="off", policy="topk", store=str(store), **options)
    )
    (selection,) = source.select([Wanted(str(video), QUESTION, 2)])
    return selection


def test_lmms_eval_selects_as_the_selector_does(selector, color_video, tmp_path) -> None:
    for effort in ("fast", "balanced", "full"):
        ours = selector.select(color_video, QUESTION, effort=effort, cache_dir=None, **QUICK)
        theirs = of_lmms_eval(color_video, tmp_path / effort, effort=effort)
        assert (theirs.frame_indices, theirs.scores, seen(theirs)) == (ours.frame_indices, ours.scores, seen(ours))


def test_what_fast_kept_in_the_store_is_not_served_for_full(color_video, tmp_path) -> None:
    """In every order, with one store: each is what it is without the others."""
    alone = {effort: of_lmms_eval(color_video, tmp_path / effort, effort=effort) for effort in ("fast", "full")}
    shared = tmp_path / "shared"
    for effort in ("fast", "full", "fast", "full"):
        made = of_lmms_eval(color_video, shared, effort=effort)
        assert plain(made) == plain(alone[effort])
    assert seen(alone["fast"]) != seen(alone["full"])
    assert "not_all_seen" in {warning.code for warning in alone["fast"].warnings}


def test_the_effort_is_in_every_name_of_a_setting() -> None:
    fast, full = (SamplerOptions(model="m", effort=effort) for effort in ("fast", "full"))
    assert fast.selecting() != full.selecting()
    assert fast.digest() != full.digest()
    assert SamplerOptions.from_model_args({"clamr_model": "m", "clamr_effort": "fast"}) == fast
    with pytest.raises(UnknownNameError, match="clamr_effort"):
        SamplerOptions(model="m", effort="little")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="it takes clamr_effort=full"):
        SamplerOptions(model="m", effort="fast", compat="reference")


def test_a_model_that_hears_can_be_told_not_to() -> None:
    assert SamplerOptions(model="m", effort="fast", audio="off").index_options()["audio"] == "off"
    assert "audio" not in SamplerOptions(model="m").index_options()


def test_a_file_of_selections_is_not_gone_on_with_at_another_effort(color_video, tmp_path) -> None:
    def options(effort):
        return SamplerOptions(
            model="clamr-nano", device="cpu", ocr="off", num_frames=2, effort=effort, store=str(tmp_path / "store")
        )

    jobs = [Job(str(color_video), (("task", 0),), (Wanted(str(color_video), QUESTION, 2, task="task", doc_id="0"),))]
    output = tmp_path / "selections.jsonl"
    assert precompute(jobs, options=options("fast"), output=output) == output
    assert open_jobs(jobs, output=output, options=options("fast")) == []
    with pytest.raises(InputError, match="other options"):
        open_jobs(jobs, output=output, options=options("full"))


@pytest.mark.usefixtures("server")
def test_a_server_remembers_each_effort_apart(selector, color_video) -> None:
    for effort in ("fast", "full", "balanced", "fast"):
        made = serving.select_frames(color_video, QUESTION, effort=effort, **QUICK)
        ours = selector.select(color_video, QUESTION, effort=effort, cache_dir=None, **QUICK)
        assert (made.frame_indices, made.scores, seen(made)) == (ours.frame_indices, ours.scores, seen(ours))
    assert seen(serving.select_frames(color_video, QUESTION, **QUICK)) == ("full", None)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("effort", ["little", None, ["fast"]])
def test_a_server_refuses_an_effort_that_is_none(effort, color_video) -> None:
    with pytest.raises(UnknownNameError, match="balanced, fast, full"):
        serving.select_frames(color_video, QUESTION, effort=effort, **QUICK)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("effort", ["fast", "balanced", "full"])
def test_a_server_answers_again_where_each_request_brings_the_file_anew(effort, color_video, tmp_path) -> None:
    """As vLLM's loader does: it knows the video by its content, and its file is gone after the request."""
    file = tmp_path / "video"
    for question in (QUESTION, "what is blue?"):
        shutil.copy(color_video, file)
        made = serving.select_frames(file, question, effort=effort, content="digest", **QUICK)
        file.unlink()
        assert made.question == question

"""From files to moments with the embedded model: a library of real videos, made small."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageShow

from clamr_select.cli import main
from clamr_select.cli.search import write_sheet
from clamr_select.errors import (
    CorpusMismatchError,
    DamagedCorpusError,
    InputError,
    UnknownNameError,
    UnreadableVideoError,
)
from clamr_select.figures import library_sheet
from clamr_select.retrieval import CorpusOptions, SearchResult, StoredVideo, VideoCorpus, VideoFile
from clamr_select.retrieval.filter_text import parsed_filters
from clamr_select.retrieval.results import Hit
from clamr_select.selector import FrameSelector
from clamr_select.store import content_digest

WORDS = {
    "walrus": "The walrus answered the harbor master.",
    "treaty": "Seven ministers signed the treaty of Lisbon.",
    "bicycle": "Take the chain off the bicycle first.",
}
QUICK = {"ocr": "off", "candidate_fps": 0.4}


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, color_video: Path) -> list[Path]:
    """The same pictures three times, with other words at 12 s; a byte is added, so that they differ."""
    folder = tmp_path_factory.mktemp("videos")
    paths = []
    for number, (name, words) in enumerate(WORDS.items()):
        path = folder / f"{name}.mp4"
        path.write_bytes(color_video.read_bytes() + b"\0\0\0\x09free" + bytes([number]))
        path.with_suffix(".srt").write_text(f"1\n00:00:11,500 --> 00:00:13,400\n{words}\n", encoding="utf-8")
        paths.append(path)
    return paths


@pytest.fixture
def corpus(tmp_path, selector, videos):
    cache = tmp_path / "frames"
    with VideoCorpus.open(tmp_path / "library", selector=selector, index_options=QUICK, cache_dir=cache) as opened:
        files = [VideoFile(str(path), metadata={"topic": path.stem, "year": 2020 + i}) for i, path in enumerate(videos)]
        assert len(opened.add(files).added) == 3
        yield opened


@pytest.mark.parametrize("name", WORDS)
def test_the_video_and_its_moment_are_found(corpus, name):
    result = corpus.locate(f"what is said about the {name}?", num_frames=1)

    best = result.hits[0]
    assert best.video.path.endswith(f"{name}.mp4")
    assert best.video.video_id == content_digest(best.video.path)
    assert best.modality == "asr"
    assert best.moments.timestamps_seconds[0] == pytest.approx(12.5, abs=1.3)
    assert best.moments.text[0]["asr"] == WORDS[name]
    assert (best.video.metadata["topic"], result.warnings) == (name, ())


def test_scores_are_those_of_the_encoder(corpus, selector):
    """The corpus rounds to float16; nothing else is between it and the model."""
    question = "what is said about the walrus?"
    query = selector.encoder.encode_query([question])[0]
    for hit in corpus.search(question).hits:
        indexed = selector.index(hit.video.path, cache_dir=corpus.cache_dir, **QUICK)
        exact = selector.encoder.similarity(query, [indexed.tokens])[0, 0]
        assert hit.score == pytest.approx(float(exact), abs=5e-4)


def test_what_is_there_is_not_indexed_again(corpus, videos, monkeypatch):
    from clamr_select.indexing.indexer import Indexer

    def never(*arguments, **options):
        raise AssertionError("a video was indexed")

    monkeypatch.setattr(Indexer, "index", never)
    report = corpus.add([str(videos[0])])
    assert (report.added, len(report.already)) == ([], 1)


def test_an_edited_file_replaces_what_it_was(corpus, videos, tmp_path, color_video):
    path = tmp_path / "edited.mp4"
    shutil.copy(color_video, path)
    first = corpus.add([path]).added[0]
    path.write_bytes(color_video.read_bytes() + b"\0\0\0\x09free\xff")

    report = corpus.add([path])

    assert report.replaced == [first]
    assert len(corpus) == 4


def test_frames_that_are_gone_are_said_and_can_be_made_again(corpus):
    shutil.rmtree(corpus.cache_dir)
    result = corpus.locate("what is said about the walrus?", top_k=2, num_frames=1)
    assert [hit.moments for hit in result.hits] == [None, None]
    assert [warning.code for warning in result.warnings] == ["moments_missing"] * 2

    again = corpus.locate("what is said about the walrus?", top_k=1, num_frames=1, index_missing=True)

    assert again.hits[0].moments is not None
    assert again.warnings == ()


def test_frames_are_made_again_with_the_title_and_description_of_their_video(tmp_path, selector, videos):
    def moments(corpus, **options):
        (hit,) = corpus.locate("what is said about the walrus?", num_frames=2, **options).hits
        return hit.moments.timestamps_seconds, hit.moments.scores

    cache = tmp_path / "frames"
    with VideoCorpus.open(tmp_path / "library", selector=selector, index_options=QUICK, cache_dir=cache) as corpus:
        corpus.add([VideoFile(str(videos[0]), title="The walrus and the harbor", description="A walrus answers.")])
        before = moments(corpus)
        shutil.rmtree(cache)
        assert moments(corpus, index_missing=True) == before
        assert moments(corpus) == before  # under the key of the library, so that it is found


def test_frames_are_not_made_again_with_other_words(tmp_path, selector, videos):
    """A file that was given as subtitles is known by name and content, not by place."""
    video, subtitles, cache = tmp_path / "v.mp4", tmp_path / "elsewhere" / "v.srt", tmp_path / "frames"
    shutil.copy(videos[0], video)
    subtitles.parent.mkdir()
    shutil.copy(videos[0].with_suffix(".srt"), subtitles)
    with VideoCorpus.open(tmp_path / "library", selector=selector, index_options=QUICK, cache_dir=cache) as corpus:
        corpus.add([VideoFile(str(video), subtitles=str(subtitles))])
        shutil.rmtree(cache)
        result = corpus.locate("walrus", index_missing=True)
        (warning,) = result.warnings
        assert (result.hits[0].moments, warning.code) == (None, "moments_missing")
        assert "indexed with the subtitles v.srt" in warning.message

        shutil.copy(subtitles, video.with_suffix(".srt"))  # as they were
        result = corpus.locate("walrus", index_missing=True)
        assert (result.hits[0].moments is None, result.warnings) == (False, ())
        video.unlink()
        shutil.rmtree(cache)
        (warning,) = corpus.locate("walrus", index_missing=True).warnings
        assert "its file is gone" in warning.message


def test_frames_are_made_again_without_subtitles_where_there_were_to_be_none(tmp_path, selector, videos):
    place, cache = tmp_path / "library", tmp_path / "frames"
    silent = {**QUICK, "subtitles": None}
    with VideoCorpus.open(place, selector=selector, index_options=silent, cache_dir=cache) as corpus:
        corpus.add(videos[:1])
    shutil.rmtree(cache)
    with VideoCorpus.open(place, selector=selector, cache_dir=cache) as corpus:
        (hit,) = corpus.locate("walrus", index_missing=True).hits
    assert not any("asr" in words for words in hit.moments.text)


def test_a_library_goes_on_as_its_videos_were_indexed(corpus, selector, tmp_path):
    corpus.export(tmp_path / "all.zip")
    corpus.close()
    with VideoCorpus.open(tmp_path / "library", selector=selector, index_options={"ocr": "off"}) as again:
        assert again.index_options.candidate_fps == 0.4  # not given, so as before
    with VideoCorpus.open(tmp_path / "new", selector=selector) as other:
        other.import_(tmp_path / "all.zip")
        assert (other.index_options.ocr, other.index_options.candidate_fps) == ("off", 0.4)
        other.note_index_options()
    with VideoCorpus.open(tmp_path / "third", selector=selector, index_options={"candidate_fps": 1.0}) as third:
        with pytest.raises(CorpusMismatchError, match=r"candidate_fps=0\.4"):
            third.import_(tmp_path / "all.zip")
        assert (len(third), third.manifest.index_options) == (0, None)


def test_long_videos_are_bounded_and_it_is_said(tmp_path, selector, videos):
    options = CorpusOptions(max_tokens=20)
    with VideoCorpus.open(tmp_path / "small", selector=selector, options=options, index_options=QUICK) as corpus:
        report = corpus.add(videos[:1])
        stored = next(iter(corpus.videos()))
    assert stored.num_tokens["video"] == 20
    assert "tokens became 20" in stored.left_out["video"]
    assert "tokens_left_out" in {warning.code for warning in report.warnings}


def test_a_library_whose_videos_are_gone_is_not_an_empty_one(corpus, selector, tmp_path):
    corpus.close()
    shutil.rmtree(tmp_path / "library" / "engine")
    with pytest.raises(DamagedCorpusError, match="is gone"):
        VideoCorpus.open(tmp_path / "library", selector=selector)


def test_another_model_or_other_options_are_refused(corpus, selector, tmp_path):
    corpus.close()
    with pytest.raises(CorpusMismatchError, match=r"candidate_fps=0\.4"):
        VideoCorpus.open(tmp_path / "library", selector=selector, index_options={**QUICK, "candidate_fps": 1.0})
    other = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    other.encoder.model.embedding_proj_layer.weight.data[0, 0] += 1.0
    with pytest.raises(CorpusMismatchError, match="another weights"):
        VideoCorpus.open(tmp_path / "library", selector=other)
    reference = FrameSelector.from_pretrained("clamr-nano", device="cpu", compat="reference")
    with pytest.raises(CorpusMismatchError, match="corrected"):
        VideoCorpus.open(tmp_path / "library", selector=reference)
    with VideoCorpus.open(tmp_path / "library", selector=selector) as again:
        assert again.index_options.candidate_fps == 0.4


def test_a_broken_file_is_an_error_and_leaves_what_was_before(corpus, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with pytest.raises(UnreadableVideoError):
        corpus.add([tmp_path / "broken.mp4"])
    assert len(corpus) == 3


def test_the_command_line(corpus, tmp_path, capsys):
    corpus.close()
    place = ["--library", str(tmp_path / "library"), "--cache-dir", str(tmp_path / "frames"), "--device", "cpu"]
    question = "what is said about the treaty?"
    assert main(["search", question, *place, "--num-frames", "2", "--sheet", str(tmp_path / "sheet.png")]) == 0
    printed = capsys.readouterr().out
    first = printed.splitlines()[1]
    assert first.split()[:2] == ["1", "treaty.mp4"]
    assert "Seven ministers" in first
    assert "3 of 3 videos, by token_max, exact" in printed
    assert (tmp_path / "sheet.png").stat().st_size > 10_000

    assert (
        main(["search", question, *place, "--json", "--top-k", "1", "--filter", "year>=2021", "--modality", "asr"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [hit["name"] for hit in found["hits"]] == ["treaty.mp4"]
    assert found["hits"][0]["moments"]["text"]
    assert main(["search", question, *place, "--filter", "topic=nothing"]) == 0
    assert "nothing was found" in capsys.readouterr().out


def test_what_has_no_time_has_no_best_moment(tmp_path, selector, videos, capsys, monkeypatch):
    """A title answers for its video; the frames that are shown beside it are not where it is."""
    place, cache, sheet = tmp_path / "library", tmp_path / "frames", tmp_path / "sheet.png"
    with VideoCorpus.open(place, selector=selector, index_options=QUICK, cache_dir=cache) as corpus:
        corpus.add([VideoFile(str(videos[0]), title="The walrus and the harbor")])
        (hit,) = corpus.locate("walrus", modalities=["description"]).hits
        assert (hit.modality, hit.best_moment) == ("description", None)
        (hit,) = corpus.locate("what is said about the walrus?").hits
        assert hit.moments.scores[hit.best_moment] == max(hit.moments.scores)
    command = ["search", "walrus", "--library", str(place), "--cache-dir", str(cache), "--device", "cpu"]
    assert main([*command, "--modality", "description", "--sheet", str(sheet)]) == 0
    assert "00:" not in capsys.readouterr().out

    monkeypatch.setattr(ImageShow, "_viewers", [])
    assert main([*command, "--open"]) == 2
    assert "--sheet FILE" in capsys.readouterr().err


def test_a_sheet_that_its_format_cannot_hold_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(library_sheet, "library_sheet", lambda *_, **__: Image.new("L", (1, 20_000)))
    hit = Hit(StoredVideo("v", None, None, {}, {}, {}), 0.5, "asr", {"asr": 0.5})
    result = SearchResult("?", (hit,), "token_max", "exact", 1)
    with pytest.raises(InputError, match="name another file"):
        write_sheet(result, path=tmp_path / "sheet.webp", show=False)


def test_options_that_are_not_given_are_those_of_the_library(tmp_path, selector, videos, capsys):
    place = tmp_path / "library"
    options = CorpusOptions(storage="turbo8", max_tokens=500)
    with VideoCorpus.open(place, selector=selector, options=options, index_options=QUICK) as corpus:
        corpus.add(videos[:1])
    VideoCorpus.open(place, selector=selector, options={"max_tokens": 500}).close()
    with pytest.raises(UnknownNameError, match="max_tokens"):
        VideoCorpus.open(place, selector=selector, options={"tokens": 500})
    with pytest.raises(CorpusMismatchError, match=r"max_tokens=500 \(got 2000\)"):
        VideoCorpus.open(place, selector=selector, options=CorpusOptions(storage="turbo8"))

    command = ["index", str(videos[0]), "--library", str(place), "--device", "cpu", "--storage"]
    assert main([*command, "turbo8"]) == 0
    assert "1 were there" in capsys.readouterr().out
    assert main([*command, "float32"]) == 2
    assert "made with storage='turbo8' (got 'float32')" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", " "], "question is empty"),
        (["search", "a", "--num-frames", "0"], "at least 1"),
        (["search", "a", "--library", "not-there"], "no library"),
        (["search", "a", "--filter", "year"], "FIELD=VALUE"),
        (["search", "a", "--filter", "year>x"], "no number"),
        (["search", "a", "--sheet", "found.xyz"], "use .png"),
        (["search", "a", "--sheet", "found"], "use .png"),
        (["search", "a", "--sheet", "nowhere/found.png"], "there is no folder"),
    ],
)
def test_wrong_commands(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_filters_of_the_command_line():
    given = ["year>=2020", "year<2024", "channel=MIT", "channel=ETH", "language!=en", "free=true", "n=-3"]
    assert parsed_filters(given) == {
        "year": {"gte": 2020.0, "lt": 2024.0},
        "channel": ["MIT", "ETH"],
        "language": {"not": ["en"]},
        "free": ["true", True],
        "n": ["-3", -3],
    }
    assert parsed_filters(["x=4.50", "y!=12", "y!=False"]) == {
        "x": ["4.50", 4.5],
        "y": {"not": ["12", 12, "False", False]},
    }
    # titles are texts; what only looks like a number is one too
    assert parsed_filters(["title=1984", "code=--5", "n=-", "episode=007", "m=0"]) == {
        "title": ["1984"],
        "code": ["--5"],
        "n": ["-"],
        "episode": ["007"],
        "m": ["0", 0],
    }
    for text in ("9" * 19, "9" * 5000, "9" * 400 + ".5", "4.", ".5", "1e3", "nan", "1_000"):
        assert parsed_filters([f"n={text}"]) == {"n": [text]}
    with pytest.raises(InputError, match="no other comparison"):
        parsed_filters(["year=1", "year>0"])

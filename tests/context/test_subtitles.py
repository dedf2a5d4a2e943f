"""Subtitle files of every format, in the odd shapes they have in the wild."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from clamr_select.context.subtitles import MAX_SUBTITLE_BYTES, load_subtitles
from clamr_select.context.timed_text import ContextTrack
from clamr_select.errors import InputError, SubtitlesError

SRT = """1
00:00:01,000 --> 00:00:02,500
Hello there.

2
00:00:03,000 --> 00:00:04,000
How are
you?
"""
SRT_LINES = [(1.0, 2.5, "Hello there."), (3.0, 4.0, "How are you?")]

# blank lines inside a cue hold a space
YOUTUBE_VTT = """WEBVTT
Kind: captions
Language: en

00:00:00.320 --> 00:00:02.629 align:start position:0%
·
hello<00:00:00.640><c> everyone</c><00:00:01.199><c> today</c>

00:00:02.629 --> 00:00:02.639 align:start position:0%
hello everyone today
·

00:00:02.639 --> 00:00:05.000 align:start position:0%
hello everyone today
we<00:00:03.000><c> bake</c><00:00:03.500><c> bread</c>

00:00:05.000 --> 00:00:05.010 align:start position:0%
we bake bread
·

00:00:05.010 --> 00:00:07.500 align:start position:0%
we bake bread
[Music]
""".replace("·", " ")

ASS = """[Script Info]
; a comment
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,20,not a colour

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,for the typesetter
Dialogue: 0,0:00:03.50,0:00:04.00,Default,,0,0,0,,{\\an8\\i1}Second,{\\i0} with a comma\\Nand a\\hline
Dialogue: 0,0:00:01.00,0:00:02.25,Default,Anna,0,0,0,,First {an aside}one
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}shape \\{braces\\}
"""


def lines_of(track: ContextTrack) -> list[tuple[float, float, str]]:
    return [(line.start_seconds, line.end_seconds, line.text) for line in track.lines]


def codes_of(track: ContextTrack) -> list[str]:
    return [code for code, _ in track.warnings]


@pytest.mark.parametrize(
    "content",
    [
        SRT,
        SRT.replace(",", "."),
        SRT.replace("1\n00", "00").replace("2\n00", "00"),
        SRT.replace("\n\n", "\n"),
        SRT.replace("\n\n", "\n \n\n\n"),
        SRT.replace("\n", "\n\n"),
        SRT + "\n3\n",
        "\n\n" + SRT,
        SRT.replace("\n", "\r\n").encode(),
        SRT.replace("\n", "\r").encode(),
        SRT.encode("utf-8-sig"),
        SRT.encode("utf-16"),
        b"\xfe\xff" + SRT.encode("utf-16-be"),
        SRT.encode("utf-32"),
    ],
    ids=[
        "plain",
        "dot-ms",
        "no-index",
        "no-blank",
        "many-blank",
        "double-spaced",
        "number-of-no-cue",
        "leading-blank",
        "crlf",
        "cr",
        "bom",
        "utf16",
        "utf16be",
        "utf32",
    ],
)
def test_srt_in_odd_shapes_reads_the_same(content: str | bytes, write_file) -> None:
    track = load_subtitles(write_file("talk.srt", content))

    assert track.modality == "asr"
    assert track.source == "talk.srt"
    assert track.warnings == ()
    assert lines_of(track) == SRT_LINES


def test_windows_1252_is_read_with_a_warning(write_file) -> None:
    track = load_subtitles(write_file("talk.srt", SRT.replace("Hello", "Café “olé”").encode("cp1252")))

    assert track.lines[0].text == "Café “olé” there."
    assert codes_of(track) == ["subtitles_encoding_guessed"]


def test_markup_goes_and_text_stays(write_file) -> None:
    texts = {
        "<i>one</i> &amp; <b>two</b>": "one & two",
        "{\\an8}up there": "up there",
        '<font color="white" size=".72c">all of <font color="#fff">it</font></font>': "all of it",
        "left<br/>right": "left right",
        "I <3 you, if a < b > c": "I <3 you, if a < b > c",
        "the <div> tag, &lt;i&gt; too": "the <div> tag, <i> too",
        "caf\u0065\u0301 \u200e\ufeff\u00a0 non-breaking\tspace": "caf\u0065\u0301 non-breaking space",
        "♪ la la ♪": "♪ la la ♪",
        "C:\\Notes\nand {braces}": "C:\\Notes and {braces}",
    }
    cues = "\n".join(f"00:00:{i:02}.000 --> 00:00:{i:02}.500\n{text}\n" for i, text in enumerate(texts))

    track = load_subtitles(write_file("talk.srt", cues))

    assert [line.text for line in track.lines] == list(texts.values())


@pytest.mark.parametrize("numbers", [True, False])
def test_a_line_of_digits_is_text_and_not_the_number_of_a_cue(numbers: bool, write_file) -> None:
    texts = ["The answer is\n42", "1984", "Three,\n2\n1", "It was\n 1999 "]
    cues = [f"{i}\n" * numbers + f"00:00:{i:02}.000 --> 00:00:{i:02}.500\n{text}\n" for i, text in enumerate(texts, 1)]

    track = load_subtitles(write_file("talk.srt", "\n".join(cues)))

    assert [line.text for line in track.lines] == ["The answer is 42", "1984", "Three, 2 1", "It was 1999"]
    assert track.warnings == ()


def test_video_mme_font_tags(write_file) -> None:
    cue = '{}\n00:00:0{},000 --> 00:00:0{},900\n<font color="{}" size=".72c">{}</font>\n\n'
    content = cue.format(1, 1, 1, "white", "of the first") + cue.format(2, 2, 2, "#ffff00", "and others")

    assert lines_of(load_subtitles(write_file("fFjv93ACGo8.srt", content))) == [
        (1.0, 1.9, "of the first"),
        (2.0, 2.9, "and others"),
    ]


def test_cues_come_in_time_order_and_long_text_is_whole(write_file) -> None:
    long_text = "word " * 5000
    content = f"00:01:00,000 --> 00:01:01,000\nlate\n\n00:00:01,000 --> 00:00:02,000\n{long_text}\n"

    track = load_subtitles(write_file("talk.srt", content))

    assert [line.start_seconds for line in track.lines] == [1.0, 60.0]
    assert track.lines[0].text == long_text.strip()


def test_bad_cues_are_dropped_and_counted(write_file) -> None:
    content = (
        SRT
        + "\n3\n00:00:09,000 --> 00:00:08,000\ninverted\n"
        + "\n4\n00:00:10,000 --> 00:00:11,000\n<i></i>\n"
        + "\n5\n00:00:12 --> 00:00:13\nno milliseconds\n"
        + "\n6\n00:00:14,000 --> 00:00:14,000\nan instant\n"
    )

    track = load_subtitles(write_file("talk.srt", content))

    assert lines_of(track) == [*SRT_LINES, (14.0, 14.0, "an instant")]
    assert dict(track.warnings) == {
        "subtitles_unreadable_cues": "cues dropped for an unreadable time or text: 1",
        "subtitles_inverted_cues": "cues dropped for ending before they start: 1",
        "subtitles_empty_cues": "cues dropped for holding no text: 1",
    }


def test_youtube_rolling_captions_say_each_line_once(write_file) -> None:
    track = load_subtitles(write_file("talk.en.vtt", YOUTUBE_VTT))

    assert lines_of(track) == [
        (0.32, 2.639, "hello everyone today"),
        (2.639, 5.01, "we bake bread"),
        (5.01, 7.5, "[Music]"),
    ]
    assert track.warnings == (("subtitles_rolling_lines", "rolling lines removed, repeated from the cue before: 4"),)


def test_a_repetition_after_a_pause_is_kept(write_file) -> None:
    content = "".join(f"00:00:0{s}.000 --> 00:00:0{s}.500\nNo.\n\n" for s in (1, 2))

    assert lines_of(load_subtitles(write_file("talk.srt", content))) == [(1.0, 1.5, "No."), (2.0, 2.5, "No.")]


def test_a_repetition_under_a_sign_that_stays_is_kept(write_file) -> None:
    cues = [("0:00:00", "0:40:00", "Sign"), ("0:00:10", "0:00:11", "What?"), ("0:20:00", "0:20:01", "What?")]
    head = ASS.partition("Comment:")[0]
    dialogue = "".join(f"Dialogue: 0,{start}.00,{end}.00,Default,,0,0,0,,{text}\n" for start, end, text in cues)

    track = load_subtitles(write_file("talk.ass", head + dialogue))

    assert lines_of(track) == [(0.0, 2400.0, "Sign"), (10.0, 11.0, "What?"), (1200.0, 1201.0, "What?")]
    assert track.warnings == ()


def test_vtt_blocks_settings_and_voices(write_file) -> None:
    content = (
        "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE nothing to read\n\n"
        "intro\n00:01.000 --> 00:02.000 line:0 position:20%\n<v Anna>Good <c.loud>morning</c></v>\n\n"
        "100:00:00.500 --> 100:00:01.000\nfour days later\n\n"
        "00:00:xx.000 --> 00:00:05.000\nbroken\n"
    )

    track = load_subtitles(write_file("talk.vtt", content))

    assert lines_of(track) == [(1.0, 2.0, "Good morning"), (360000.5, 360001.0, "four days later")]
    assert codes_of(track) == ["subtitles_unreadable_cues"]


def test_ass_dialogue_without_tags_comments_and_drawings(write_file) -> None:
    root_handlers = list(logging.getLogger().handlers)

    track = load_subtitles(write_file("talk.ass", ASS))

    assert lines_of(track) == [
        (1.0, 2.25, "First one"),
        (3.5, 4.0, "Second, with a comma and a line"),
        (5.0, 6.0, "shape {braces}"),
    ]
    assert track.warnings == ()
    assert logging.getLogger().handlers == root_handlers


def test_ssa_and_its_own_column_order(write_file) -> None:
    content = (
        "[Script Info]\nScriptType: v4.00\n\n[Events]\nFormat: Marked, End, Start, Text\n"
        "Dialogue: Marked=0,0:00:02.00,0:00:01.00,Hello, world\nDialogue: Marked=0,soon,0:00:03.00,never\n"
    )

    track = load_subtitles(write_file("talk.ssa", content))

    assert lines_of(track) == [(1.0, 2.0, "Hello, world")]
    assert codes_of(track) == ["subtitles_unreadable_cues"]


LONG_VIDEO_BENCH_STAMPS = (
    '[{"start": "00:00:11.500", "end": "00:00:12.000", "line": "late"},'
    ' {"start": "00:00:10.000", "end": "00:00:11.500", "line": "early"}]'
)
LONG_VIDEO_BENCH_SECONDS = (
    '[{"timestamp": [10.0, 11.5], "text": " early"}, {"timestamp": [11.5, null], "text": " late"}]'
)
WHISPER = (
    '{"text": " early late", "language": "en", "segments": ['
    '{"id": 0, "start": 10.0, "end": 11.5, "text": " early", "words": [{"word": " early", "start": 10.1}]},'
    '{"id": 1, "start": 11.5, "end": 12.0, "text": " late"}]}'
)
WHISPER_PIPELINE = f'{{"text": " early late", "chunks": {LONG_VIDEO_BENCH_SECONDS}}}'


@pytest.mark.parametrize("content", [LONG_VIDEO_BENCH_STAMPS, LONG_VIDEO_BENCH_SECONDS, WHISPER, WHISPER_PIPELINE])
def test_json_layouts(content: str, write_file) -> None:
    track = load_subtitles(write_file("talk.json", content), duration_seconds=12.0)

    assert lines_of(track) == [(10.0, 11.5, "early"), (11.5, 12.0, "late")]


def test_the_start_of_a_cut_video_is_subtracted_and_the_container_clock_added(write_file) -> None:
    content = LONG_VIDEO_BENCH_SECONDS.replace(
        '"}]', '"}, {"timestamp": [1, 9], "text": "before"}, {"timestamp": [40, 41], "text": "after"}]'
    )

    track = load_subtitles(
        write_file("talk.json", content),
        duration_seconds=20.0,
        starting_timestamp_for_subtitles=10.0,
        start_seconds=1.5,
    )

    assert lines_of(track) == [(1.5, 3.0, "early"), (3.0, 21.5, "late")]
    assert dict(track.warnings)["subtitles_outside_video"].endswith(": 2")


def test_an_open_end_without_a_duration_lasts_until_the_next_cue(write_file) -> None:
    content = '[{"timestamp": [1, null], "text": "a"}, {"timestamp": [3, null], "text": "b"}]'

    track = load_subtitles(write_file("talk.json", content))

    assert lines_of(track) == [(1.0, 3.0, "a"), (3.0, 3.0, "b")]
    assert codes_of(track) == ["subtitles_open_cues"]


def test_bad_json_items_are_counted(write_file) -> None:
    bad = (
        '7, null, {"timestamp": [1], "text": "x"}, {"timestamp": [null, 2], "text": "x"}, '
        '{"timestamp": [NaN, 2], "text": "x"}, {"timestamp": [1, true], "text": "x"}, '
        '{"timestamp": [1, 2], "text": 5}, {"start": "soon", "end": 2, "line": "x"}, '
        f'{{"timestamp": [1, {"9" * 400}], "text": "x"}}'
    )

    track = load_subtitles(
        write_file("talk.json", f'[{bad}, {{"timestamp": [1, 2], "text": "lone \\ud800surrogate"}}]')
    )

    assert lines_of(track) == [(1.0, 2.0, "lone surrogate")]
    assert track.warnings == (("subtitles_unreadable_cues", "cues dropped for an unreadable time or text: 9"),)


def test_the_content_tells_the_format_not_the_name(write_file) -> None:
    assert lines_of(load_subtitles(write_file("talk.txt", SRT))) == SRT_LINES
    assert lines_of(load_subtitles(write_file("talk.json", "[Music]\n" + SRT))) == SRT_LINES
    assert len(load_subtitles(write_file("talk.srt", ASS)).lines) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"WEBVTT\n\n", "no usable cue"),
        (b"WEBVTTX is no header but a word\n", "no usable cue"),
        (b"[Script Info]\n\n[Events]\n", "no usable cue"),
        (b"just words, no times\n", "no known format"),
        (b"[]", "no known format"),
        (b'{"segments": []}', "no known format"),
        (b'[{"start": 0, "end": 3.4, "title": "Chapter 1"}]', "no known format"),
        (b"[" * 100_000, "not: nested too deeply"),
        (b'{"segments": [', "start like JSON and are not"),
        (b"00:00:02,000 --> 00:00:01,000\nbackwards\n", "ending before they start: 1"),
        (b"\xff\xfe\x00", "marked as utf-16"),
        (b"\x81\x8d\x00\xff" * 8, "neither UTF-8"),
        (b"\0" * (MAX_SUBTITLE_BYTES + 1), "larger than"),
    ],
)
def test_files_without_subtitles_are_refused_in_one_sentence(content: bytes, said: str, write_file) -> None:
    path = write_file("talk.srt", content)

    with pytest.raises(SubtitlesError, match=said) as caught:
        load_subtitles(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_directory_pipe_and_unreadable(tmp_path: Path, write_file) -> None:
    with pytest.raises(SubtitlesError, match="no such file"):
        load_subtitles(tmp_path / "absent.srt")
    with pytest.raises(SubtitlesError, match="not a file"):
        load_subtitles(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.srt")
        with pytest.raises(SubtitlesError, match="not a file"):
            load_subtitles(tmp_path / "pipe.srt")
    locked = write_file("locked.srt", SRT)
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        with pytest.raises(SubtitlesError, match="cannot be read"):
            load_subtitles(locked)


def test_subtitles_in_a_folder_that_cannot_be_entered_are_refused(write_file, refuse_to_look_at) -> None:
    path = write_file("talk.srt", SRT)
    refuse_to_look_at(path)

    with pytest.raises(SubtitlesError, match="cannot be read: Permission denied"):
        load_subtitles(path)


def test_subtitles_of_another_video_are_refused(write_file) -> None:
    with pytest.raises(SubtitlesError, match="lying outside the video: 2"):
        load_subtitles(write_file("talk.srt", SRT), duration_seconds=0.5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"duration_seconds": -1.0},
        {"duration_seconds": float("nan")},
        {"starting_timestamp_for_subtitles": float("inf")},
        {"start_seconds": float("nan")},
    ],
)
def test_numbers_are_checked(arguments: dict[str, float], write_file) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        load_subtitles(write_file("talk.srt", SRT), **arguments)

"""Question wordings. ``{x}`` is what is seen, ``{w}`` words, ``{v}`` words on screen beside spoken ones."""

from __future__ import annotations

VIDEO = (
    "{x}",
    "{x}?",
    "when do we see {x}?",
    "show me {x}",
    "find {x}",
    "where is there {x}?",
    "the frame with {x}",
    "the moment with {x} on screen",
    "at what point can you see {x}?",
    "which frame shows {x}?",
    "a picture of {x}",
    "when is {x} visible?",
    "there is {x}",
    "look for {x} in the picture",
    "the scene showing {x}",
    "does the video ever show {x}?",
    "I am looking for {x}",
    "visible: {x}",
    "image with {x}",
    "when does the camera show {x}?",
)
ASR = (
    "what is said about {w}?",
    "what does the speaker say about {w}?",
    "when does the speaker mention {w}?",
    "when is {w} mentioned?",
    "the narrator talks about {w}",
    "who talks about {w}?",
    "someone says {w}",
    "where do they speak of {w}?",
    "the moment the voice says {w}",
    "at what point do we hear about {w}?",
    "speech: {w}",
    "spoken words {w}",
    "the part of the talk on {w}",
    "what did she tell us about {w}?",
    "the presenter explains {w}",
    "when do you hear the words {w}?",
    "he is speaking about {w}",
    "what was the comment on {w}?",
    "said aloud: {w}",
    "the commentary on {w}",
)
OCR = (
    "the slide that reads {w}",
    "text on the screen: {w}",
    "when does the caption say {w}?",
    "the sign with {w} written on it",
    "where is {w} written?",
    "which frame has the text {w}?",
    "the title card {w}",
    "on-screen text {w}",
    "the words {w} appear on screen",
    "written: {w}",
    "what is written about {w}?",
    "the label reading {w}",
    "a caption about {w}",
    "find the banner with {w}",
    "when can one read {w}?",
    "the heading {w}",
    "the screen displays the words {w}",
    "show the printed words {w}",
    "a slide on {w}",
    "the subtitle card with {w}",
)
DESCRIPTION_STRICT = (
    "the video titled {w}",
    "the video called {w}",
    "a video whose title is {w}",
    "video description: {w}",
    "which video is named {w}?",
    "title: {w}",
    "the clip with {w} in its title",
    "find the video entitled {w}",
    "the recording described as {w}",
    "metadata {w}",
)
DESCRIPTION_LOOSE = (
    "the video about {w}",
    "a film about {w}",
    "which video is about {w}?",
    "is there a video on {w}?",
    "the topic is {w}",
    "a clip dealing with {w}",
    "the recording on the subject of {w}",
    "videos about {w}",
    "find me a video on {w}",
)
ANYWHERE = (
    "{w}",
    "{w}?",
    "what about {w}?",
    "where is {w}?",
    "what happened to {w}?",
    "tell me about {w}",
    "when does {w} come up?",
    "why {w}?",
    "how does {w} work?",
    "find {w}",
    "which part covers {w}?",
    "information on {w}",
    "where do I learn about {w}?",
    "the part on {w}",
    "is there anything about {w}?",
    "what do we learn of {w}?",
)
VIDEO_ASR = (
    "the speaker mentions {w} while {x} is on screen",
    "what is said about {w} while we see {x}?",
    "{x} is shown and someone says {w}",
    "when does the narrator speak of {w} with {x} in the picture?",
    "{x} in the picture, {w} in the speech",
    "which frame shows {x} as the voice mentions {w}?",
    "they talk about {w} over a picture of {x}",
    "we see {x} and hear {w}",
    "seen: {x}, said: {w}",
    "the moment {w} is mentioned and {x} is visible",
    "with {x} on screen, what do they say about {w}?",
    "find {x} while the presenter talks about {w}",
    "hear {w} and see {x}",
    "at what point is {w} spoken of in front of {x}?",
    "the commentary on {w} that goes with {x}",
)
VIDEO_OCR = (
    "{x} with the caption {w}",
    "the screen reads {w} next to {x}",
    "the text {w} and {x} in one frame",
    "which frame shows {x} and the words {w}?",
    "{x}, captioned {w}",
    "when is {w} written over a picture of {x}?",
    "find {x} with {w} written on screen",
    "a slide that reads {w} and shows {x}",
    "the title {w} together with {x}",
    "seen: {x}, written: {w}",
    "the caption says {w} while {x} is shown",
    "where do we see {x} and read {w}?",
    "on-screen text {w}, picture of {x}",
    "the banner {w} above or below {x}",
    "the label {w} on a picture with {x}",
)
OCR_ASR = (
    "the screen reads {v} while the speaker mentions {w}",
    "the speaker talks about {w} while the caption says {v}",
    "what is said about {w} when the slide reads {v}?",
    "written {v}, spoken {w}",
    "when do we hear {w} and read {v}?",
    "someone says {w} over the text {v}",
    "text on screen {v}, speech {w}",
    "the narrator mentions {w} with {v} on the slide",
    "with the title {v} on screen, what do they say about {w}?",
    "which frame has the words {v} and a voice saying {w}?",
    "the commentary on {w} under the heading {v}",
    "the caption {v} together with the spoken words {w}",
    "said: {w}, written: {v}",
    "find the slide {v} where she speaks of {w}",
    "at what point is {w} mentioned while {v} is written?",
)
NTH_SAID = (
    "the {nth} time {w} is mentioned",
    "when is {w} mentioned for the {nth} time?",
    "the {nth} time the speaker says {w}",
    "when do we hear {w} for the {nth} time?",
    "the {nth} mention of {w}",
    "which frame is there when {w} is said the {nth} time?",
)
NTH_SHOWN = (
    "the {nth} time we see {x}",
    "when is {x} shown for the {nth} time?",
    "the {nth} time the picture shows {x}",
    "{x}, the {nth} time it is on screen",
    "the {nth} appearance of {x}",
)
NEXT_AFTER = (
    "what is shown right after {x}?",
    "the picture that comes right after {x}",
    "what comes next after {x}?",
    "the scene that follows {x}",
    "after {x}, what do we see next?",
)
NEXT_BEFORE = (
    "what is shown right before {x}?",
    "the picture that comes right before {x}",
    "the last thing we see before {x}",
    "the scene before {x}",
)
SAID_LATER = (
    "what is said about {w} after we have seen {x}?",
    "{w} is mentioned later than {x} is shown",
    "the speaker talks about {w} after {x} was on screen",
    "after {x} was shown, when is {w} mentioned?",
)
SHOWN_LATER = (
    "{x} is shown after {w} was mentioned",
    "when do we see {x} after the speaker talks about {w}?",
    "after {w} is mentioned, when is {x} on screen?",
    "later than the words {w} we see {x}",
)
NTH_NAMES: dict[int, tuple[str, ...]] = {1: ("first",), 2: ("second", "2nd"), -1: ("last", "final")}

KIND_NAMES: dict[str, tuple[str, ...]] = {
    "circle": ("circle", "circle", "disc", "disk"),
    "square": ("square", "square", "box"),
    "triangle": ("triangle",),
    "star": ("star", "star", "five-pointed star"),
    "cross": ("cross", "cross", "plus sign"),
    "diamond": ("diamond", "diamond", "rhombus"),
    "ring": ("ring", "ring", "hoop", "donut"),
    "arrow": ("arrow", "arrow", "pointer"),
    "heart": ("heart", "heart", "heart shape"),
    "hexagon": ("hexagon", "hexagon", "six-sided shape"),
    "house": ("house", "house", "cottage"),
    "tree": ("tree",),
    "car": ("car", "car", "automobile"),
    "fish": ("fish",),
    "boat": ("boat", "sailboat", "sailing boat"),
    "cup": ("cup", "cup", "mug"),
    "flower": ("flower", "flower", "blossom"),
    "key": ("key",),
    "rising chart": ("rising bar chart", "rising chart", "bar chart that goes up"),
    "falling chart": ("falling bar chart", "falling chart", "bar chart that goes down"),
    "bar chart": ("bar chart", "bar graph", "chart"),
}
DIRECTION_NAMES: dict[str, tuple[str, ...]] = {
    "left": ("pointing left", "pointing to the left"),
    "right": ("pointing right", "pointing to the right"),
    "up": ("pointing up", "pointing upwards"),
    "down": ("pointing down", "pointing downwards"),
}
MOTION_NAMES: dict[str, tuple[str, ...]] = {
    "left": ("moving left", "moving to the left", "that moves left"),
    "right": ("moving right", "moving to the right", "that moves right"),
    "up": ("moving up", "moving upwards", "that rises"),
    "down": ("moving down", "moving downwards", "that sinks"),
    "grows": ("growing", "getting bigger", "that grows"),
    "shrinks": ("shrinking", "getting smaller", "that shrinks"),
    "spins": ("spinning", "turning round", "that rotates"),
}
TALLEST_BAR: tuple[str, ...] = (
    "{chart} whose tallest bar is {colour}",
    "{chart} with the tallest bar in {colour}",
    "{chart} in which the {colour} bar is the highest",
)
COLOUR_NAMES: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "red", "crimson", "scarlet"),
    "orange": ("orange", "orange", "tangerine"),
    "yellow": ("yellow", "yellow", "golden"),
    "green": ("green", "green", "emerald"),
    "cyan": ("cyan", "cyan", "turquoise", "light blue"),
    "blue": ("blue", "blue", "azure"),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink", "pink", "rose"),
    "white": ("white", "white", "ivory"),
    "black": ("black", "black", "jet black"),
    "grey": ("grey", "gray"),
}
SIZE_NAMES: dict[str, tuple[str, ...]] = {"small": ("small", "little"), "large": ("large", "big")}
TEXTURE_NAMES: dict[str, tuple[str, ...]] = {
    "plain": ("plain", "solid"),
    "striped": ("striped", "stripy"),
    "dotted": ("dotted", "spotted", "polka dot"),
    "outlined": ("outlined", "hollow"),
}
PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "at the left side"),
    "right": ("on the right", "at the right side"),
    "top": ("at the top", "in the upper part"),
    "bottom": ("at the bottom", "in the lower part"),
    "centre": ("in the centre", "in the middle"),
}
RELATION_PHRASES: dict[str, tuple[str, ...]] = {
    "left of": ("left of", "to the left of", "on the left side of"),
    "right of": ("right of", "to the right of", "on the right side of"),
    "above": ("above", "over"),
    "below": ("below", "under", "beneath"),
}
NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

CANONICAL_NAMES: dict[str, str] = {
    name: canonical
    for table in (KIND_NAMES, COLOUR_NAMES, SIZE_NAMES, TEXTURE_NAMES)
    for canonical, names in table.items()
    for name in names
    if " " not in name
}

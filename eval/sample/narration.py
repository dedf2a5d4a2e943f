"""The words of the sample programme: what is said, and what is written on screen. They share little on purpose.

The content words that questions ask for (bugle, pier, walrus, cello, lotus, pantry) belong to the test split of
``clamr_select.eval.needle.vocabulary``: no model trained on its train split has seen them.
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "Orrin Island: a year of signal boards, from the pier to the pantry"
REFRAIN = "And once again the bugle sounds from the pier."
SPOKEN_ONCE = "One spring a walrus slept for three days beside the cello in the band room."
SIGN = "Lotus Pantry"


@dataclass(frozen=True)
class Chapter:
    """One chapter: its card, what the narrator says in it, and the signs that are seen."""

    name: str
    sentences: tuple[str, ...]
    signs: tuple[str, ...]


CHAPTERS = (
    Chapter(
        "The Ferry",
        (
            "The first ferry of the morning carries flour, letters and two sleepy teachers.",
            "Nobody buys a ticket here, because the captain knows every passenger by name.",
            "When fog hides the channel, the crew steers by the echo of its own horn.",
            "Her lotus tea is kept warm in the pantry below the wheelhouse.",
            "A crate of oranges rolled off the deck in March and was never found.",
        ),
        ("Ferry Office", "Tickets at noon", "Mind the gap", "Departures 07:40"),
    ),
    Chapter(
        "The Market",
        (
            "By eight the square is full of baskets, barrels and bargaining aunts.",
            "Pears are sold by the dozen, and honey by the spoon.",
            "The knife grinder has kept the same corner for forty years.",
            "Children earn a coin for every lost hat they bring back.",
            "Rain never closes the stalls, it only makes the sellers louder.",
        ),
        ("Lotus Lane", "Weights checked here", "Fresh eggs", "No bicycles"),
    ),
    Chapter(
        "The Rope Walk",
        (
            "Inside the long shed a single strand can stretch for a quarter of a mile.",
            "The rope maker walks backwards all day and never looks behind him.",
            "Tar and hemp give the place a smell that visitors remember for years.",
            "A good cable is tested with a wagon, a hill and a great deal of patience.",
            "His daughter counts the twists aloud so that none is forgotten.",
        ),
        ("Rope Walk 1804", "Keep clear of the wheel", "Splicing room", "Walrus Cove"),
    ),
    Chapter(
        "The School",
        (
            "Eleven pupils share one stove, one globe and one very old piano.",
            "Arithmetic is taught with shells, which are easier to find than chalk.",
            "The cello in the corner came ashore in a trunk after the great storm.",
            "Every pupil must learn to read the weather before learning to write.",
            "The oldest map on the wall still leaves out half of the coast.",
        ),
        ("School House", "Cello lessons", "Lost property", "Spelling bee Friday"),
    ),
    Chapter(
        "The Band",
        (
            "The island band has nine members and only seven instruments.",
            "A walrus was painted on the drum by a sailor who could not swim.",
            "They rehearse above the bakery, where the floor is always warm.",
            "The drummer is also the doctor, so concerts sometimes stop early.",
            "Last year they played the same waltz four times by request.",
        ),
        ("Concert tonight", "Band practice", "Please wipe your boots", "Stage door"),
    ),
    Chapter(
        "The Kilns",
        (
            "Clay is dug from the northern beach and carried up by donkey.",
            "A firing lasts two nights, and someone must always stay awake.",
            "Broken plates are pressed into the walls of the garden.",
            "The potter signs each bowl with the print of her thumb.",
            "Glaze is mixed by taste, which nobody recommends.",
        ),
        ("Kiln Street", "Do not touch, hot", "Seconds half price", "Harbour Pantry"),
    ),
    Chapter(
        "The Terraces",
        (
            "Behind the last houses the hill is cut into forty narrow steps.",
            "Beans climb the stone walls and lizards climb the beans.",
            "Water comes down in wooden gutters that are older than the church.",
            "The farmers trade places every seventh year so that luck is shared.",
            "A scarecrow here wears the uniform of a forgotten general.",
        ),
        ("Upper Steps", "Water on Tuesdays", "Seed exchange", "Beware of the goat"),
    ),
    Chapter(
        "The Lighthouse",
        (
            "Two hundred and six stairs lead up to the lamp.",
            "The keeper paints the railing every summer and complains every autumn.",
            "Migrating birds rest on the gallery and leave before sunrise.",
            "Her logbook records storms, ships and the birthdays of her cats.",
            "The lens was ground in a workshop that no longer exists.",
        ),
        ("Lamp room", "Visitors two at a time", "Last tower before the sea", "Bell rope"),
    ),
    Chapter(
        "The Long Night",
        (
            "In December the sun stays behind the ridge for nearly a month.",
            "Families move their beds into the kitchen and their quarrels outside.",
            "Stories are told in turns, and the youngest listener may change the ending.",
            "Skates are shared between cousins, one foot each.",
            "When the light returns, the baker gives away everything on the shelf.",
        ),
        ("Winter store", "Candles", "Closed until February", "Soup kitchen"),
    ),
)

CONTENTS = (
    "Ferry: bugle, flour, letters",
    "Market: lotus tea, pears, knives",
    "Rope walk: hemp, pier, cable",
    "School: globe, cello, shells",
    "Band: walrus, waltz, drum",
    "Kilns: clay, pantry shelves, glaze",
    "Terraces: beans, figs, gutters",
    "Lighthouse: lens, lamp, logbook",
    "Long night: skates, stories, soup",
)
CREDITS = (
    "Bugle: the harbour master",
    "Cello: the band of Orrin",
    "Walrus: himself",
    "Keeper of the pier: A. Brandt",
    "Lotus tea: the ferry crew",
    "Pantry and kitchen: the school",
    "Rope, hemp, clay, glaze, figs: the islanders",
    "Lamp and lens: the lighthouse",
)

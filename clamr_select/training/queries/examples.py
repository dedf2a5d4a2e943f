"""Few-shot examples: what a video holds in one modality, and what somebody who wants it would type."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "asr": (
        (
            "okay so the gearbox is out, and what you can see here is that second gear has lost three of its teeth, "
            "that is why she kept jumping out on the hill, I am going to press the bearing off first",
            "mechanic explains why a car jumps out of second gear",
        ),
        (
            "the council has agreed to close the north ferry crossing from the ninth of March while the slipway is "
            "repaired, and buses will run around the loch every forty minutes",
            "replacement buses while ferry slipway is being repaired",
        ),
        (
            "my grandmother never weighed anything, she'd say the dough tells you, and if it still sticks to the ring "
            "finger you give it another handful, so that is what we do",
            "how a grandmother judged when dough needs more flour",
        ),
    ),
    "ocr": (
        (
            "GATE B14 BOARDING | LISBON TP 1363 DELAYED 19:40 | NOW 21:05 | Passengers please remain near the gate",
            "departure board with late evening flight to Lisbon",
        ),
        (
            "HARBOUR HALF MARATHON 2019 FINISH 1:31:07 sponsored by Kestrel Water BIB 4412",
            "runner crossing the finish of the Harbour half marathon",
        ),
        (
            "Step 3: Sand with 240 grit | Step 4: Wipe with tack cloth | Step 5: First thin coat | drying 6 h",
            "on-screen steps for sanding before the first coat of varnish",
        ),
    ),
    "description": (
        (
            "Restoring a 1962 Danish armchair, part 2. In this episode we re-glue the joints and weave a new paper "
            "cord seat. Filmed in our workshop in Aarhus. Music: own.",
            "weaving paper cord on a Danish chair",
        ),
        (
            "Eyewitness footage of the hailstorm over the vineyards near Mendoza, 14 January. Damage to the roofs of "
            "the cooperative can be seen at the end.",
            "hail damage to Argentine vineyard buildings in January",
        ),
        (
            "Cello lesson for adults | bow changes without a bump. Exercises as PDF on the site. Level: late beginner.",
            "beginner cello exercises for smooth bow changes",
        ),
    ),
    "video": (
        (
            "(frames: a man in a yellow oilskin ties a wooden boat to a pier; waves break over the wall behind him)",
            "man in yellow coat tying up a boat in rough sea",
        ),
        (
            "(frames: three children push a stalled tractor across a flooded road, water up to their knees)",
            "kids pushing a tractor through a flooded street",
        ),
        (
            "(frames: a chef's hands fold green dumplings on a floured steel table, then a bamboo steamer)",
            "close-up of hands folding green dumplings",
        ),
    ),
}

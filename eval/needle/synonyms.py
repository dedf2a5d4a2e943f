"""Words with two names: what is said with one may be asked with the other. The same table in every split.

Some pairs are loose in English; here each is one word in two forms, and predicates treat it so.
"""

from __future__ import annotations

import numpy as np

_PAIRS = """
begin start, stop halt, buy purchase, sell vend, help assist, fix repair, build construct, destroy demolish,
choose select, happy glad, sad unhappy, quick rapid, slow sluggish, clever smart, silly foolish, angry furious,
afraid scared, brave courageous, rich wealthy, poor needy, sick ill, calm tranquil, noisy loud, quiet silent,
easy simple, hard difficult, strange odd, true correct, wrong mistaken, ancient antique, modern recent,
beautiful lovely, ugly hideous, dirty filthy, clean spotless, wet damp, hot torrid, cold chilly, sharp keen,
empty vacant, shop store, street road, town city, forest wood, hill mound, stone rock, river stream, sea ocean,
shore coast, island isle, storm tempest, wind breeze, fog mist, rain drizzle, sun sunshine, dawn daybreak,
evening dusk, doctor physician, teacher instructor, pupil student, child kid, friend pal, enemy foe, king monarch,
leader chief, worker laborer, farmer grower, soldier warrior, thief robber, sailor mariner, author writer,
singer vocalist, lawyer attorney, guest visitor, baby infant, woman lady, man gentleman, father dad, mother mom,
sofa couch, carpet rug, bag sack, bucket pail, pan skillet, plate dish, glass tumbler, knife blade,
rope cord, tool implement, machine device, engine motor, plane aircraft, ship vessel, bicycle bike, train railway,
bus coach, truck lorry, petrol gasoline, meal repast, supper dinner, candy sweet, biscuit cookie, soup broth,
bread loaf, beef steak, pig hog, rabbit hare, dog hound, cat feline, horse steed, cow cattle, bug insect,
snake serpent, frog toad, donkey mule, rooster cock, gift present, money cash, price cost, job task, pay wage,
profit gain, contest match, game sport, prize award, trophy medal, victory triumph, defeat loss, fight battle,
war conflict, peace truce, law rule, crime offense, prison jail, court tribunal, mistake error, answer reply,
question query, idea thought, plan scheme, dream vision, fear terror, joy delight, anger rage, pain ache,
wound injury, cure remedy, drug medicine, hospital clinic, school academy, book volume, letter note,
magazine journal, map atlas, poem verse, song tune, concert recital, dance ballet, painting portrait,
statue sculpture, church chapel, tower steeple, bridge viaduct, garden yard, fence hedge, wall barrier, gate door,
roof ceiling, cellar basement, attic loft, kitchen galley, hotel inn, tent shelter, hat cap, coat jacket,
trousers pants, shoe boot, ribbon sash, shirt blouse, cloth fabric, needle pin, jewel gem, crown tiara, sword saber,
gun rifle, hunter stalker, trap snare, leaf frond, seed kernel, soil earth, sand grit, cave cavern, valley dale,
cliff crag, lake pond, swamp marsh, desert wasteland, harvest crop, weed thistle, branch bough, holiday vacation,
journey trip, ticket pass, luggage baggage, pilot aviator, taxi cab, highway motorway, garbage trash, soap detergent,
towel napkin, comb brush, pillow cushion, blanket quilt
"""
PAIRS: tuple[tuple[str, str], ...] = tuple(
    (first, second) for first, second in (pair.split() for pair in _PAIRS.replace("\n", " ").split(","))
)
OTHER_NAME: dict[str, str] = {a: b for a, b in PAIRS} | {b: a for a, b in PAIRS}
MEANINGS: dict[str, str] = {name: first for first, second in PAIRS for name in (first, second)}
"""Each of the words to the one that stands for both."""
NAMES = tuple(MEANINGS)


def any_name(word: str, rng: np.random.Generator) -> str:
    """One of the two names, if the word has two."""
    other = OTHER_NAME.get(word)
    return word if other is None or rng.random() < 0.5 else other

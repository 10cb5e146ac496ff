"""Prompts for the examination. Nobody's grammar wrote these; they are kept out of training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A prompt, and what the judges must find: None where it says nothing about it."""

    prompt: str
    kind: str
    time: str | None = None
    colour: str | None = None


SHARED_KINDS = (
    "beach",
    "sea",
    "mountains",
    "forest",
    "meadow",
    "desert",
    "snow",
    "city",
    "stars",
    "studio",
    "brick",
    "bokeh",
    "bookshelf",
    "office",
    "underwater",
    "clouds",
)
"""The sixteen kinds that the project's first demo weights knew too."""

PLAIN: dict[str, str] = {
    "beach": "a beach",
    "sea": "the open sea",
    "mountains": "mountains",
    "forest": "a forest",
    "meadow": "a meadow",
    "desert": "a desert",
    "snow": "a snowy landscape",
    "city": "a city skyline",
    "street": "a city street",
    "stars": "a starry sky",
    "galaxy": "a galaxy",
    "studio": "a studio backdrop",
    "brick": "a brick wall",
    "bokeh": "bokeh lights",
    "bookshelf": "a bookshelf",
    "office": "an office",
    "kitchen": "a kitchen",
    "living_room": "a living room",
    "underwater": "underwater",
    "clouds": "clouds",
    "autumn_park": "an autumn park",
}

PARAPHRASES: tuple[Question, ...] = tuple(
    Question(prompt, kind)
    for kind, prompts in {
        "beach": (
            "lying on warm sand next to the waves",
            "holiday picture from a tropical seaside",
            "me relaxing at the shore with palms around",
        ),
        "sea": (
            "nothing but ocean until the horizon",
            "on a boat trip far out at sea",
            "calm blue ocean water as far as you can see",
        ),
        "mountains": (
            "hiking high up in the swiss alps",
            "snowy summits rising over a valley",
            "rocky peaks with a lake in front",
        ),
        "forest": (
            "walking through the woods among tall pines",
            "a path between old trees deep in the forest",
            "sunlight falling through the trees of a green woodland",
        ),
        "meadow": (
            "a field full of wild flowers in spring",
            "green grass and rolling hills in the countryside",
            "picnic on a grassy meadow",
        ),
        "desert": (
            "endless dunes of sand in the sahara",
            "riding a camel over dunes in the hot desert",
            "dry sandy wasteland under the burning sun",
        ),
        "snow": (
            "christmas landscape with snow covered fir trees",
            "a frosty winter day with lots of snow",
            "skiing holiday, everything white",
        ),
        "city": (
            "manhattan skyline with skyscrapers",
            "the towers of a huge metropolis seen across the river",
            "downtown high rises",
        ),
        "street": (
            "walking down a narrow street in an old european town",
            "road lined with houses on both sides",
            "a street scene in paris",
        ),
        "stars": (
            "looking up at thousands of stars on a clear night",
            "the milky way shining over dark hills",
            "stargazing under the night sky",
        ),
        "galaxy": (
            "floating in outer space near a colorful nebula",
            "spiral galaxy seen through a telescope",
            "somewhere in the universe, cosmic clouds of gas",
        ),
        "studio": (
            "a clean gray studio background for a headshot",
            "plain blue backdrop like in a passport photo",
            "simple white background",
        ),
        "brick": (
            "an old red brick wall",
            "leaning against a wall of bricks",
            "industrial loft with exposed brickwork",
        ),
        "bokeh": (
            "soft round blurry christmas lights",
            "golden light circles out of focus",
            "party lights, strongly blurred",
        ),
        "bookshelf": (
            "an old university library with lots of books",
            "in front of a tall bookcase",
            "shelves packed with colorful books",
        ),
        "office": (
            "at work in a modern office with big windows",
            "business environment, desk with computer",
            "my workplace by the window",
        ),
        "kitchen": (
            "cooking at home in a bright kitchen",
            "kitchen with white cabinets and an oven",
            "standing at the kitchen counter",
        ),
        "living_room": (
            "a cozy sofa at home",
            "modern living room with a couch and a lamp",
            "apartment interior with a comfortable couch",
        ),
        "underwater": (
            "diving with fish at a coral reef",
            "swimming below the surface of the sea",
            "deep under water with rays of light from above",
        ),
        "clouds": (
            "flying high above a sea of clouds",
            "fluffy white clouds in the sky",
            "heavenly clouds like seen from an airplane",
        ),
        "autumn_park": (
            "a park with golden leaves in october",
            "walking along an avenue of colorful autumn trees",
            "fall foliage on a path through the park",
        ),
    }.items()
    for prompt in prompts
)

OBEDIENCE: tuple[Question, ...] = (
    *(
        Question(f"{word} studio backdrop", "studio", colour=colour)
        for word, colour in (
            ("pink", "pink"),
            ("blue", "blue"),
            ("red", "red"),
            ("green", "green"),
            ("yellow", "yellow"),
            ("black", "black"),
            ("white", "white"),
            ("grey", "gray"),
            ("purple", "purple"),
            ("orange", "orange"),
            ("teal", "teal"),
        )
    ),
    Question("white brick wall", "brick", colour="white"),
    Question("red brick wall", "brick", colour="red"),
    Question("blue brick wall", "brick", colour="blue"),
    Question("golden bokeh lights", "bokeh", colour="gold"),
    Question("blue bokeh", "bokeh", colour="blue"),
    Question("green bokeh lights", "bokeh", colour="green"),
    Question("kitchen with blue cabinets", "kitchen", colour="blue"),
    Question("living room with a red sofa", "living_room", colour="red"),
    Question("city at night", "city", time="night"),
    Question("city skyline on a sunny day", "city", time="day"),
    Question("beach at sunset", "beach", time="sunset"),
    Question("beach at night", "beach", time="night"),
    Question("beach on a sunny day", "beach", time="day"),
    Question("mountains at sunset", "mountains", time="sunset"),
    Question("mountains on a cloudy day", "mountains", time="overcast"),
    Question("sea at night with the moon", "sea", time="night"),
    Question("the ocean at sunset", "sea", time="sunset"),
    Question("snowy landscape at night", "snow", time="night"),
    Question("street at night", "street", time="night"),
    Question("street on a sunny day", "street", time="day"),
    Question("desert at sunset", "desert", time="sunset"),
    Question("clouds at sunset", "clouds", time="sunset"),
    Question("office at night", "office", time="night"),
)

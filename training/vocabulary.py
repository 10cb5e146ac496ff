"""The words of the demo model's world, read from `words.toml`.

Each table is typed here; the order of words in the file is part of a run, since captions draw by position.
"""

import tomllib
from pathlib import Path
from typing import Any

Words = tuple[str, ...]

_FILE = Path(__file__).with_name("words.toml")
_RAW: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _table(raw: dict[str, list[str]]) -> dict[str, Words]:
    return {key: tuple(words) for key, words in raw.items()}


NOUNS: dict[str, Words] = _table(_RAW["nouns"])
"""Noun phrases of each kind, the most usual first, with their articles."""

VARIANT_NOUNS: dict[tuple[str, str], Words] = {
    (kind, variant): tuple(words)
    for kind, variants in _RAW["variant_nouns"].items()
    for variant, words in variants.items()
}
"""Noun phrases for a kind's variant, or for a kind with a certain extra."""

ACTIVITIES: dict[str, Words] = _table(_RAW["activities"])
EXTRAS: dict[str, Words] = _table(_RAW["extras"])
COLOURS: dict[str, Words] = _table(_RAW["colours"])
"""Colour names of the renderer, and the words that may stand for them."""

TIMES: dict[str, dict[str, Words]] = {time: _table(table) for time, table in _RAW["times"].items()}
"""For each time of day, what is said before a noun and what after it."""

WEATHER: dict[str, dict[str, Words]] = {name: _table(table) for name, table in _RAW["weather"].items()}

OPENINGS: Words = tuple(_RAW["openings"])
"""Sentences around a noun phrase: {a} with its article, {n} without."""

OUTDOOR_OPENINGS: Words = tuple(_RAW["outdoor_openings"])
INDOOR_OPENINGS: Words = tuple(_RAW["indoor_openings"])
CLOTHES: Words = tuple(_RAW["clothes"])
PLACES: Words = tuple(_RAW["places"])
ADJECTIVES: Words = tuple(_RAW["adjectives"])
STYLES: Words = tuple(_RAW["styles"])
BLUR_BEFORE: Words = tuple(_RAW["blur_before"])
BLUR_AFTER: Words = tuple(_RAW["blur_after"])

INDOOR_KINDS = frozenset({"office", "kitchen", "living_room", "bookshelf"})
WALL_KINDS = frozenset({"studio", "brick", "bokeh", "galaxy"})
"""Kinds that nobody stands "at"."""

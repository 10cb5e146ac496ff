"""Captions from a scene's traits: a grammar with many words for a thing and many orders of words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training import vocabulary as words
from training.scenes.scene import Traits

_ARTICLES = ("a ", "an ", "the ")
_COLOURED_THINGS = {"kitchen": ("cabinets", "cupboards"), "living_room": ("sofa", "couch"), "bookshelf": ("shelves",)}
_VOWELS = frozenset("aeiou")


@dataclass(frozen=True)
class Caption:
    """A prompt, and what of the scene it mentions, as sorted labels such as "time:night"."""

    text: str
    mentions: tuple[str, ...]


def _one(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def bare(phrase: str) -> str:
    """Phrase without its article."""
    for article in _ARTICLES:
        if phrase.startswith(article):
            return phrase[len(article) :]
    return phrase


def with_adjective(phrase: str, adjective: str) -> str:
    """Put an adjective behind the article and set "a" or "an" right.

    >>> with_adjective("a beach", "empty")
    'an empty beach'
    >>> with_adjective("mountains", "snowy")
    'snowy mountains'
    """
    noun = bare(phrase)
    article = phrase[: len(phrase) - len(noun)]
    if article in ("a ", "an "):
        article = "an " if adjective[0] in _VOWELS else "a "
    return f"{article}{adjective} {noun}"


class _Draft:
    """A noun phrase that grows, and the labels of what has been said so far."""

    def __init__(self, phrase: str, kind: str) -> None:
        self.phrase = phrase
        self.tail = ""
        self.mentions = {f"kind:{kind}"}


def _noun(rng: np.random.Generator, traits: Traits) -> _Draft:
    variants = [v for v in (traits.variant, *traits.extras) if (traits.kind, v) in words.VARIANT_NOUNS]
    if variants and (rng.random() < 0.5 or traits.variant == "night"):
        variant = _one(rng, variants)
        draft = _Draft(_one(rng, words.VARIANT_NOUNS[traits.kind, variant]), traits.kind)
        draft.mentions.add(f"variant:{traits.kind}/{variant}")
        return draft
    nouns = words.NOUNS[traits.kind]
    favourites = nouns[: max(3, len(nouns) // 4)]
    return _Draft(_one(rng, favourites if rng.random() < 0.35 else nouns), traits.kind)


def _say_colours(rng: np.random.Generator, traits: Traits, draft: _Draft) -> None:
    share = {"studio": 0.94, "brick": 0.85, "bokeh": 0.82, "galaxy": 0.4, "meadow": 0.0}.get(traits.kind, 0.55)
    if not traits.colours or rng.random() >= share:
        return
    said = [_one(rng, words.COLOURS[name]) for name in traits.colours]
    labels = {f"colour:{name}" for name in traits.colours}
    if traits.kind == "galaxy":
        said = said if rng.random() < 0.6 else said[:1]
        labels = {f"colour:{name}" for name in traits.colours[: len(said)]}
        draft.phrase = with_adjective(draft.phrase, " and ".join(said))
    elif len(said) > 1:
        joined = f"{said[0]} {_one(rng, ('and', 'to'))} {said[1]}"
        draft.phrase = with_adjective(_one(rng, ("a gradient background", "a gradient backdrop", draft.phrase)), joined)
    elif rng.random() < 0.12 and traits.kind in ("studio", "brick", "bokeh"):
        draft.tail += f" in {said[0]}"
    elif traits.kind in _COLOURED_THINGS:
        thing = _one(rng, _COLOURED_THINGS[traits.kind])
        if rng.random() < 0.5:
            article = "a " if thing in ("sofa", "couch") else ""
            draft.phrase = _one(rng, words.NOUNS[traits.kind][:3])
            draft.tail += f" with {article}{said[0]} {thing}" if f" with a {thing}" not in draft.phrase else ""
            if not draft.tail:
                draft.phrase = draft.phrase.replace(f"a {thing}", f"a {said[0]} {thing}")
        else:
            draft.phrase = with_adjective(draft.phrase, said[0])
    else:
        draft.phrase = with_adjective(draft.phrase, said[0])
    draft.mentions |= labels


def _say_flowers(rng: np.random.Generator, traits: Traits, draft: _Draft) -> None:
    colours = " and ".join(_one(rng, words.COLOURS[name]) for name in traits.colours)
    flowers = f"{colours} {_one(rng, ('flowers', 'wildflowers', 'blossoms'))}"
    noun = _one(rng, ("a meadow", "a field", "a grass field", "the countryside", "green grass"))
    draft.phrase = _one(
        rng, (f"{noun} with {flowers}", f"a field of {flowers}", f"{flowers} in {noun}", f"{noun} full of {flowers}")
    )
    draft.mentions |= {f"colour:{name}" for name in traits.colours} | {"extra:flowers"}


def _say_extras(rng: np.random.Generator, traits: Traits, draft: _Draft) -> None:
    for extra in traits.extras:
        if extra == "flowers" and rng.random() < 0.7:
            _say_flowers(rng, traits, draft)
        elif extra in words.EXTRAS and rng.random() < 0.45:
            draft.tail += " " + _one(rng, words.EXTRAS[extra])
            draft.mentions.add(f"extra:{extra}")


def _say_circumstance(rng: np.random.Generator, table: dict[str, tuple[str, ...]], draft: _Draft) -> None:
    """Say a time or a weather: before the noun, after it, or set off by a comma."""
    chance = rng.random()
    if chance < 0.3:
        draft.phrase = with_adjective(draft.phrase, _one(rng, table["before"]))
    elif chance < 0.78:
        draft.tail += " " + _one(rng, table["after"])
    else:
        phrase = _one(rng, (*table["before"], *table["after"]))
        draft.tail += ", " + (bare(phrase.split(" ", 1)[-1]) if phrase.startswith(("at ", "with ")) else phrase)


def caption(rng: np.random.Generator, traits: Traits) -> Caption:
    """Write one caption.

    Parameters
    ----------
    rng : numpy.random.Generator
        Another state, another caption.
    traits : Traits
        What the picture shows. The kind is always mentioned; the rest with its own probability.

    Returns
    -------
    Caption
        Lower-case text and the labels of everything it mentions.
    """
    draft = _noun(rng, traits)
    _say_colours(rng, traits, draft)
    _say_extras(rng, traits, draft)
    night_is_said = traits.kind == "stars" or (traits.kind, traits.variant) == ("forest", "night")
    if traits.time and rng.random() < (0.15 if night_is_said else 0.6 if traits.time == "day" else 0.87):
        _say_circumstance(rng, words.TIMES[traits.time], draft)
        draft.mentions.add(f"time:{traits.time}")
    if traits.weather and rng.random() < 0.9:
        _say_circumstance(rng, words.WEATHER[traits.weather], draft)
        draft.mentions.add(f"weather:{traits.weather}")
    if rng.random() < 0.12:
        draft.phrase = with_adjective(draft.phrase, _one(rng, words.ADJECTIVES))
    if traits.blurred and rng.random() < 0.88:
        if rng.random() < 0.5:
            draft.phrase = with_adjective(draft.phrase, _one(rng, words.BLUR_BEFORE))
        else:
            draft.tail += _one(rng, words.BLUR_AFTER)
        draft.mentions.add("blurred")
    text = _open(rng, traits, draft.phrase, draft.tail)
    if rng.random() < 0.18:
        style = _one(rng, words.STYLES)
        text = f"{style}, {text}" if rng.random() < 0.15 else f"{text}, {style}"
    return Caption(" ".join(text.split()), tuple(sorted(draft.mentions)))


def _open(rng: np.random.Generator, traits: Traits, phrase: str, tail: str) -> str:
    """Choose between the noun alone, with its article, and a sentence around it."""
    chance = rng.random()
    if chance < 0.3:
        return bare(phrase) + tail
    if chance < 0.52:
        return phrase + tail
    if chance < 0.55:
        sentence = _one(rng, words.CLOTHES)
        return sentence.format(colour=_one(rng, ("red", "blue", "white", "black", "green")), a=phrase + tail)
    if chance < 0.67:
        activity = _one(rng, words.ACTIVITIES[traits.kind])
        place = f"{_one(rng, words.PLACES)} {phrase}"
        return (f"{activity} {place}" if rng.random() < 0.75 else f"{place}, {activity}") + tail
    if chance < 0.77 and traits.kind not in words.WALL_KINDS:
        openings = words.INDOOR_OPENINGS if traits.kind in words.INDOOR_KINDS else words.OUTDOOR_OPENINGS
    else:
        openings = words.OPENINGS
    opening = _one(rng, openings)
    if opening.endswith(("{a}", "{n}")):
        return opening.format(a=phrase + tail, n=bare(phrase) + tail)
    return opening.format(a=phrase, n=bare(phrase)) + tail

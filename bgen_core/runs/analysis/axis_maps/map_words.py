"""What the maps say, for those who know no statistics: which part of the picture belongs to what, and how much."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import pvariance

from bgen_core.runs.analysis.axis_maps.claims import PlaceShare
from bgen_core.runs.analysis.axis_maps.places import COLUMNS, ROWS, WHOLE, at
from bgen_core.runs.analysis.axis_maps.variance import TOGETHER, WITH_SEED, Design
from bgen_core.runs.analysis.columns import SEED, AxisColumn
from bgen_core.wording import counted, listed

_PREVAILS = 0.5  # of what changes in a place: less is said of nobody
_STEP = 5  # per cent: from a few seeds a share is not known better

Labels = Mapping[str, AxisColumn]


def map_title(part: str, labels: Mapping[str, str]) -> str:
    """What stands above a part's map; `labels` are those of the factors."""
    if part == TOGETHER:
        return "Axes together"
    return "Differs from seed to seed" if part == WITH_SEED else labels[part]


def map_sentences(places: Mapping[str, PlaceShare], design: Design, axes: Labels) -> list[str]:
    """Where each axis acts, where the seed decides, and which axes do nothing that can be told from chance.

    Parameters
    ----------
    places
        Of the picture, by their names.
    axes
        The design's factors by their names.
    """
    seen = {name: place for name, place in places.items() if place.is_visible}
    if not seen:
        return ["Whatever is varied, the background hardly changes: no difference can be seen."]
    told = _told_apart(places)
    owners = _owners(told)
    sentences = [_of_owner(part, owned, design, axes) for part, owned in owners.items()]
    if not sentences:
        sentences = [_mixed(seen.get(WHOLE) or next(iter(seen.values())), axes)]
    if still := [name for name in told if name not in seen and name != WHOLE]:
        sentences.append(f"Nothing visible changes {at(still)}.")
    at_work = {factor for place in places.values() for factor in place.clear}
    idle = [axes[name].spoken for name in design.axes if name not in at_work and name not in owners]
    if idle:
        sentences.append(f"No part of the picture follows {_listed_or(idle)} beyond chance.")
    return sentences


def _told_apart(places: Mapping[str, PlaceShare]) -> dict[str, PlaceShare]:
    """Without the thirds from left to right where those from top to bottom differ more, or the other way round."""
    left_out = COLUMNS if _unlike(places, ROWS) >= _unlike(places, COLUMNS) else ROWS
    return {name: place for name, place in places.items() if name not in left_out}


def _unlike(places: Mapping[str, PlaceShare], thirds: Sequence[str]) -> float:
    """How much what changes differs between thirds of the picture, in ΔE⁴ summed over what it belongs to."""
    there = [places[name] for name in thirds if name in places]
    if not there:
        return 0.0
    varied = [[place.spread**2 * share for share in place.shares.values()] for place in there]
    return sum(pvariance(each) for each in zip(*varied, strict=True))


def _owners(places: Mapping[str, PlaceShare]) -> dict[str, list[PlaceShare]]:
    """Part -> the places where it prevails, axes first; the whole background where it is the same part everywhere."""
    found: dict[str, list[PlaceShare]] = {}
    for place in places.values():
        if place.is_visible and place.shares[place.leader] >= _PREVAILS:
            found.setdefault(place.leader, []).append(place)
    if WHOLE in places and any(len(owned) == len(places) for owned in found.values()):
        return {places[WHOLE].leader: [places[WHOLE]]}
    told = {part: [place for place in owned if place.place != WHOLE] for part, owned in found.items()}
    told = {part: owned for part, owned in told.items() if owned} or found  # all of it, where its parts are small
    last = (TOGETHER, SEED, WITH_SEED)
    return dict(sorted(told.items(), key=lambda item: last.index(item[0]) + 1 if item[0] in last else 0))


def _of_owner(part: str, places: Sequence[PlaceShare], design: Design, axes: Labels) -> str:
    names = [place.place for place in places]
    share = f"({_about(place.shares[part] for place in places)} of what changes there)"
    names_of_axes = [axes[name].spoken for name in design.axes]
    varied = listed(names_of_axes)
    if part == WITH_SEED:
        return f"{_capital(at(names))}, what {_listed_or(names_of_axes)} does differs from seed to seed {share}."
    if part == TOGETHER:
        chance = "" if design.has_seed else ", or are chance"
        return f"{_capital(at(names))}, the effects of {varied} depend on each other{chance} {share}."
    what = "the seed" if part == SEED else axes[part].spoken
    follow = "follow" if len(names) > 1 else "follows"
    if all(part in place.clear for place in places):
        return f"{_capital(listed(names))} {follow} {what} {share}."
    seem = "seem" if len(names) > 1 else "seems"
    return f"{_capital(listed(names))} {seem} to follow {what} {share}, but {_unsure(design)}."


def _unsure(design: Design) -> str:
    if not design.has_seed:
        return "only several seeds would make that sure"
    return f"{counted(design.levels[design.names.index(SEED)], 'seed')} are too few to be sure"


def _mixed(place: PlaceShare, axes: Labels) -> str:
    largest = sorted(place.shares.items(), key=lambda item: -item[1])[:3]
    told = [f"{_spoken(part, axes)} {_about([share])}" for part, share in largest if 100 * share >= _STEP]
    return f"Nothing prevails in any part of the picture. Of all that changes: {listed(told)}."


def _spoken(part: str, axes: Labels) -> str:
    if part == WITH_SEED:
        return "what is different with each seed"
    return TOGETHER if part == TOGETHER else axes[part].spoken


def _about(values: Iterable[float]) -> str:
    """ "about 85 %", or "about 60 to 85 %" over several places."""
    rounded = sorted(round(100 * each / _STEP) * _STEP for each in values)
    if rounded[0] == rounded[-1]:
        return "nearly all" if rounded[0] == 100 else f"about {rounded[0]} %"
    return f"about {rounded[0]} to {min(rounded[-1], 99)} %"


def _listed_or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

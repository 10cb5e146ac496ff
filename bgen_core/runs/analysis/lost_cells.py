"""Which values of a sweep lack cells that were left out by what they looked like, and what follows.

Cells that failed or are still to be made are missing whatever they would have shown. Cells that were stopped early are
missing because they looked like losers: what is left of their values looks better than it is, and an interval over it
is one of another thing. Values that dropped out of a race have fewer seeds, each whole.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from bgen_core.records.race import Race
from bgen_core.runs.analysis.columns import SEED, in_sentence, shown
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import axis_of, placed
from bgen_core.wording import counted, listed

_MOST_NAMED = 4
MISSING = "Cells that were stopped early are missing here, so it is no comparison of whole values."


def stopped_text(plan: SweepPlan, stopped: Collection[int]) -> str:
    """How many cells of which values were stopped early, and what that means; empty where none was.

    Parameters
    ----------
    stopped
        Indices of the plan's cells that were stopped early and are not made.
    """
    if not stopped:
        return ""
    positions = {cell.index: cell.position for cell in plan.cells()}
    parts: list[str] = []
    for place, axis in enumerate(plan.axes):
        if axis.name == SEED or len(axis.values) < 2:
            continue
        planned = Counter(position[place] for position in positions.values())
        lost = Counter(positions[index][place] for index in stopped)
        lacking = [f"{shown(axis.labels[at])} lacks {count} of {planned[at]}" for at, count in lost.most_common()]
        parts.append(f"of {in_sentence(axis.label)}, {_some(lacking)}")
    were = "was" if len(stopped) == 1 else "were"
    which = f": {'; '.join(parts)}" if parts else ""
    return (
        f"{counted(len(stopped), 'cell')} of {len(positions):,} {were} stopped early, because they looked like "
        f"losers{which}. What is left of such values looks better than they are: only times are called clear here."
    )


def race_text(race: Race | None, plan: SweepPlan, made: Collection[int]) -> str:
    """Which values have fewer seeds since they dropped out of a race; empty where none did.

    Parameters
    ----------
    made
        Indices of the plan's cells that are made.
    """
    if race is None or not race.lost:
        return ""
    axis = axis_of(plan, race.axis)
    seeds: dict[int, set[int]] = {place: set() for place in range(len(axis.values))}
    for index, seed, value, _ in placed(plan, race.axis):
        if index in made:
            seeds[value].add(seed)
    dropped = [f"{shown(axis.labels[at])} with {counted(len(seeds[at]), 'seed')}" for at in sorted(race.lost)]
    most = max((len(seeds[place]) for place in seeds if place not in race.lost), default=0)
    others = f"; the others have up to {most}" if most else ""
    return (
        f"Dropped out of the race on {in_sentence(axis.label)}: {_some(dropped)}{others}. Values are compared at seeds "
        "that both have. Whether a value lost was decided by bounds that hold at every look; an interval here is one "
        "for a single look."
    )


def _some(parts: Sequence[str]) -> str:
    if len(parts) <= _MOST_NAMED:
        return listed(parts)
    return listed([*parts[: _MOST_NAMED - 1], f"{len(parts) - _MOST_NAMED + 1} more"])

"""Races on made-up measures: how often a value is called lost wrongly, and how many cells they save.

    python -m benchmarks.race_simulated --what null   # about 1 minute on one core
    python -m benchmarks.race_simulated --what saved  # about 1 minute

A race looks after its first seeds and after each round, as the program does, until one value is left or the budget is
spent. In the null case all values are alike; chance is normal, with heavy tails, skewed, two-valued, or of another size
at each value. A seed moves all values, as it does in pictures. All numbers come from the seed. What came out is in
docs/decisions/race.md.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bgen_core.records.race import FIRST_SEEDS
from bgen_core.runs.analysis.racing.standing import ROUND_SEEDS, lost_values

Chance = Callable[[np.random.Generator, int, int], np.ndarray]
CHANCES: dict[str, Chance] = {
    "normal": lambda random, seeds, values: random.normal(size=(seeds, values)),
    "heavy tails (t, 3 degrees)": lambda random, seeds, values: random.standard_t(3, (seeds, values)),
    "skewed (exponential)": lambda random, seeds, values: random.exponential(size=(seeds, values)),
    "two-valued": lambda random, seeds, values: random.integers(0, 2, (seeds, values)).astype(float),
    "of another size at each value (1 to 4)": lambda random, seeds, values: (
        random.normal(size=(seeds, values)) * np.linspace(1, 4, values)
    ),
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a race ended: which values are left, and how many cells it took."""

    left: list[int]
    cells: int


def race(effects: np.ndarray, chance: Chance, random: np.random.Generator, most_seeds: int, budget: int) -> Ended:
    """Higher is better; at most so many seeds and cells."""
    values = len(effects)
    measured = effects + chance(random, most_seeds, values) + random.normal(size=(most_seeds, 1))
    left, seeds, cells = list(range(values)), 0, 0
    while len(left) > 1 and seeds < most_seeds:
        more = min(FIRST_SEEDS if not seeds else ROUND_SEEDS, most_seeds - seeds, (budget - cells) // len(left))
        if more <= 0:
            break
        seeds, cells = seeds + more, cells + more * len(left)
        lost = lost_values(measured[:seeds, left], higher=True, noise=0.0, compared=values)
        left = [value for place, value in enumerate(left) if place not in lost]
    return Ended(left=left, cells=cells)


def null(races: int, seeds: int, seed: int) -> None:
    """All alike: how often is any value ever called lost?"""
    print(f"{races} races of alike values, up to {seeds} seeds: a value is ever called lost in")
    for name, chance in CHANCES.items():
        shares: list[str] = []
        for values in (2, 3, 6, 12):
            random = np.random.default_rng(seed)
            wrong = sum(len(race(np.zeros(values), chance, random, seeds, 10**9).left) < values for _ in range(races))
            shares.append(f"{values} values {wrong / races:.1%}")
        print(f"  {name}: {', '.join(shares)}")


def saved(races: int, seeds: int, seed: int) -> None:
    """One value is the best by so many standard deviations of a cell, the others lie a step apart below it."""
    print(f"{races} races; the full grid has {seeds} seeds for each value; cells of the race as a share of the grid's")
    for values in (3, 6, 12):
        for lead in (0.0, 0.5, 1.0, 2.0, 4.0):
            random = np.random.default_rng(seed)
            effects = -lead * np.arange(values, dtype=float)
            ended = [race(effects, CHANCES["normal"], random, seeds, seeds * values) for _ in range(races)]
            share = np.mean([each.cells for each in ended]) / (seeds * values)
            won = np.mean([each.left == [0] for each in ended])
            gone = np.mean([0 not in each.left for each in ended])
            what = f"{values} values, steps of {lead:g}"
            print(f"  {what}: {share:.0%} of the cells; the best alone is left in {won:.0%}", end="")
            print(f", it was called lost in {gone:.1%}" if lead else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("null", "saved"), default="null")
    parser.add_argument("--races", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=24, help="most seeds, and those of the full grid")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    (null if given.what == "null" else saved)(given.races, given.seeds, given.seed)


if __name__ == "__main__":
    main()

"""How often anything is claimed of sweeps in which nothing acts: "clear", "best", and colours.

    python -m benchmarks.null_sweeps [--sweeps 1000]

Makes up sweeps of 16 to 48 pictures with seven measures, in which only seeds and chance differ (normal, skewed and
heavy-tailed), asks for all that a person would be shown, and prints in how many of them it says more than nothing.
What is shown of all measures counts once for each sweep; what is shown of one measure, for one of them.
"""

import argparse
from collections import Counter

import numpy as np

from tests.runs.analysis.null_sweeps import SHAPES, claims, null_sweep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=1000)
    sweeps: int = parser.parse_args().sweeps
    random = np.random.default_rng(0)
    found, asked = Counter[str](), Counter[str]()
    for place in range(sweeps):
        told = claims(*null_sweep(random, SHAPES[place % len(SHAPES)]))
        found.update({name: int(is_claimed) for name, is_claimed in told.items()})
        asked.update(told.keys())
    for name, count in asked.items():
        print(f"{name:32} {100 * found[name] / count:5.1f} % of {count:,} sweeps")


if __name__ == "__main__":
    main()

"""Votes of made-up people: how often something wrong is said, and after how many votes the best value is found.

    python -m benchmarks.votes_simulated --what null       # about 6 minutes on one core
    python -m benchmarks.votes_simulated --what intervals  # 4 minutes
    python -m benchmarks.votes_simulated --what found      # 12 minutes

The made-up people follow Bradley–Terry strengths that lie a step apart, and see no difference in every fifth pair.
Every vote is looked at. `telling` asks as the program does: a tenth of the votes are repeats, which are no evidence, a
fifth of the others are on random pairs. `random` asks about random pairs alone, without repeats. All numbers come from
the seed. What came out is in docs/decisions/votes.md.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bgen_core.runs.analysis.ballot import RANDOM_SHARE, REPEATED_SHARE
from bgen_core.runs.analysis.voting.choice import telling_pairs
from bgen_core.runs.analysis.voting.evidence import ERROR, Evidence
from bgen_core.runs.analysis.voting.forecast import votes_to_settle
from bgen_core.runs.analysis.voting.scores import fitted_scores
from bgen_core.runs.analysis.voting.share_bound import share_bounds
from bgen_core.runs.analysis.voting.strengths import win_chance

TIES = 0.2
VALUES = 8
STEPS = (0.25, 0.375, 0.5)
FORECAST_AT = (20, 40, 80, 160)
_ONE_LOOK = 1.96  # standard errors of a 95 % interval that is looked at once


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One vote after which the evidence is looked at."""

    first: int
    second: int
    share: float
    evidence: Evidence


def votes(truth: np.ndarray, count: int, random: np.random.Generator, *, telling: bool) -> Iterator[Asked | None]:
    """One after another; None for a repeat."""
    found = Evidence.none(len(truth))
    for _ in range(count):
        if telling and random.random() < REPEATED_SHARE:
            yield None
            continue
        if telling and random.random() >= RANDOM_SHARE:
            first, second = next(telling_pairs(found, random))
        else:
            first, second = map(int, random.choice(len(truth), 2, replace=False))
        wins = random.random() < win_chance(truth[first] - truth[second])
        share = 0.5 if random.random() < TIES else float(wins)
        found = found.after(first, second, share)
        yield Asked(first=first, second=second, share=share, evidence=found)


def null_sweeps(sweeps: int, count: int, seed: int) -> None:
    """Values that are all alike: how often is one ever said to be out, or another preferred?"""
    print(f"{sweeps} sweeps of alike values, {count} votes each, a look after each vote; at most {ERROR:.0%} allowed")
    for values in (2, 4, VALUES):
        for telling in (True, False):
            random = np.random.default_rng(seed)
            out = preferred = 0
            for _ in range(sweeps):
                last = [each for each in votes(np.zeros(values), count, random, telling=telling) if each][-1].evidence
                out += bool(last.is_out.any())  # what is out stays out: the last look knows of all
                preferred += int((~last.is_out).sum()) == 1
            kind = "telling" if telling else "random"
            print(f"{values} values, {kind} pairs: a value out in {out / sweeps:.2%}, one preferred in "
                  f"{preferred / sweeps:.2%}")  # fmt: skip


def intervals(sweeps: int, count: int, seed: int) -> None:
    """How often an interval excludes the truth at any look, beside one that is made for one look."""
    print(f"{sweeps} sweeps, {count} votes each, a look after each vote: how often the truth is ever excluded")
    for values, step in ((2, 0.0), (2, 0.5), (4, 0.0), (4, 0.5), (VALUES, 0.0), (VALUES, 0.375)):
        random = np.random.default_rng(seed)
        missed = {"share of a value (95 %)": 0.0, "made for one look": 0.0, "share of one pair": 0.0}
        truth = step * np.arange(values) - step * (values - 1) / 2
        true_shares = (1 / (1 + np.exp(truth[None, :] - truth[:, None])) * (1 - np.eye(values))).sum(1) / (values - 1)
        true_shares = TIES / 2 + (1 - TIES) * true_shares
        true_pair = TIES / 2 + (1 - TIES) * win_chance(truth[0] - truth[-1])
        for _ in range(sweeps):
            out, out_once = np.zeros(values, bool), np.zeros(values, bool)
            pairs: list[tuple[int, int]] = []
            shares: list[float] = []
            won, together, is_missed = 0.0, 0, False
            for each in votes(truth, count, random, telling=True):
                if each is None:
                    continue
                pairs.append((each.first, each.second))
                shares.append(each.share)
                fit = fitted_scores(np.array(pairs), np.array(shares), values)
                out |= (fit.share_low > true_shares) | (fit.share_high < true_shares)
                out_once |= np.abs(fit.score - _tied(truth)) > _ONE_LOOK * fit.deviation
                if {each.first, each.second} == {0, values - 1}:
                    together += 1
                    won += each.share if each.first == 0 else 1 - each.share
                    low, high = share_bounds(won, together, ERROR)
                    is_missed |= not low <= true_pair <= high
            missed["share of a value (95 %)"] += out.mean() / sweeps
            missed["made for one look"] += out_once.mean() / sweeps
            missed["share of one pair"] += is_missed / sweeps
        print(f"{values} values {step} apart: " + ", ".join(f"{name} {rate:.1%}" for name, rate in missed.items()))


def _tied(truth: np.ndarray) -> np.ndarray:
    """Scores that give the shares with ties counted one half, as nearly as Bradley–Terry scores can."""
    far = truth[:, None] - truth[None, :]
    shares = TIES / 2 + (1 - TIES) / (1 + np.exp(-far))
    return np.log(shares / (1 - shares)).mean(axis=1)


def found(sweeps: int, count: int, seed: int) -> None:
    """After how many votes the best of eight is found."""
    for step in STEPS:
        print(f"{VALUES} values {step} log-odds apart, {sweeps} sweeps")
        needed: dict[bool, list[float]] = {}
        for telling in (True, False):
            random = np.random.default_rng(seed)
            right = np.zeros((sweeps, count), bool)
            proved = np.full(sweeps, np.inf)
            forecasts: dict[int, list[tuple[int, float]]] = {at: [] for at in FORECAST_AT}
            wrong = 0
            for sweep in range(sweeps):
                truth = random.permutation(step * np.arange(VALUES))
                evidence, ties = Evidence.none(VALUES), 0
                for place, each in enumerate(votes(truth, count, random, telling=telling)):
                    if each is not None:
                        evidence, ties = each.evidence, ties + (each.share == 0.5)
                    still = np.where(evidence.is_out, -np.inf, evidence.strengths.mean)
                    right[sweep, place] = still.argmax() == truth.argmax()
                    if place + 1 in FORECAST_AT:
                        more = votes_to_settle(evidence, int(still.argmax()), (ties + 1) / (place + 6))
                        forecasts[place + 1].append((sweep, more))
                    if int((~evidence.is_out).sum()) == 1:
                        proved[sweep] = place + 1
                        right[sweep, place:] = right[sweep, place]
                        wrong += not right[sweep, place]
                        break
            needed[telling] = [_first(right.mean(axis=0), level) for level in (0.8, 0.9)]
            kind = "telling" if telling else "random"
            print(f"  {kind}: leader right in 80 and 90 % after {needed[telling]} votes; proved within {count} votes "
                  f"in {np.isfinite(proved).mean():.0%}, median after {np.median(proved):.0f}, wrongly in "
                  f"{wrong / sweeps:.1%}")  # fmt: skip
            if telling:
                _tell_forecasts(forecasts, proved)
        ratios = [
            f"{one / other:.0%}" if np.isfinite(other) else f"less than {one / count:.0%}"
            for one, other in zip(needed[True], needed[False], strict=True)
        ]
        print(f"  telling pairs need {' and '.join(ratios)} of the votes that random pairs need")


def _first(rates: np.ndarray, level: float) -> float:
    """After how many votes a rate is reached and kept."""
    below = np.flatnonzero(rates < level)
    after = int(below[-1]) + 2 if len(below) else 1
    return after if after <= len(rates) else np.inf


def _tell_forecasts(forecasts: dict[int, list[tuple[int, float]]], proved: np.ndarray) -> None:
    for at, said in forecasts.items():
        ratios = [more / (proved[sweep] - at) for sweep, more in said if at < proved[sweep] < np.inf]
        if ratios:
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
            print(f"  forecast after {at} votes over what it took: {middle:.1f} (half of them {low:.1f} to {high:.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=["null", "intervals", "found"], required=True)
    parser.add_argument("--sweeps", type=int)
    parser.add_argument("--votes", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    run, sweeps, count = {
        "null": (null_sweeps, 2000, 150),
        "intervals": (intervals, 200, 150),
        "found": (found, 200, 1500),
    }[given.what]
    run(given.sweeps or sweeps, given.votes or count, given.seed)


if __name__ == "__main__":
    main()

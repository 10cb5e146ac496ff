"""What stopping cells early saves and loses, with the demo model: previews of sweeps, and the rule played on them.

    python -m benchmarks.early_stopping paint FOLDER --seeds 6 --by seam
    python -m benchmarks.early_stopping play FOLDER

`paint` makes a store in a folder and paints sweeps with `early` at "keep": each sample photo with several prompts and
two guidances. It can be stopped, and goes on where it was. `play` reads what was kept. For each measure it prints how
previews and finished pictures agree in rank within sweeps, how the measure at the model's size agrees with that of the
run's own picture, and what the bound would save and lose on sweeps that it was not learnt from: played cell after cell
in 200 random orders of painting, as the runner does it.
"""

import argparse
import random
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from bgen_core.jobs.early.kept_runs import looks_version, towards_lower
from bgen_core.jobs.execute_sweep import execute_sweep
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.measuring import measure_pending
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.metrics import find_metric
from bgen_core.models.catalogue import MODELS
from bgen_core.models.devices import find_device
from bgen_core.records.early_stop import LOOK_AT, EarlyValue, EarlyWish
from bgen_core.records.sweep_states import CLAIM
from bgen_core.runs.analysis.racing.early import Foreseen, calibrate
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_photo
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.segmentation import default_segmenter
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan

MODEL = next(entry for entry in MODELS if entry.name == "demo")
MEASURES = ("seam", "light_agreement")
ORDERS = 200


def paint(store: Store, settings: Settings, seeds: int, prompts: int, by: str) -> None:
    """Sweeps of each sample photo, one for each prompt, over guidance and seeds."""
    device = find_device(settings.device, settings.precision)
    for sample in SAMPLES:
        subject = _subject(sample.read())
        store.subjects.save(subject, {})
        for place, prompt in enumerate(MODEL.examples[:prompts]):
            base = InpaintParams(prompt=prompt, num_inference_steps=20, scheduler="ddim")
            axes = (
                Axis(name="guidance", values=(1.5, 3.0, 6.0)),
                Axis(name="seed", values=tuple(range(100 * place, 100 * place + seeds))),
            )
            plan = SweepPlan(subject_id=subject.id, model=MODEL.name, base=base, axes=axes)
            forecast = forecast_sweep(
                store, settings, plan,
                photos={subject.id: subject.extent}, device_kind=device.kind, dtype_name=device.dtype_name,
            )  # fmt: skip
            if not forecast.to_make:
                continue
            wish = EarlyWish(by=by, stops=False)
            sweep_id = submit_sweep(store, forecast, early=wish)
            store.sweeps.change_state(sweep_id, CLAIM)
            with Member(store, "worker") as member, holding(member, sweep_id):
                for _ in execute_sweep(store, member, Runner(store, settings, member), sweep_id):
                    pass
            print(sample.name, prompt, len(plan), "cells", flush=True)
    for _ in measure_pending(store, settings, limit=100_000, names=MEASURES):
        pass


def _subject(photo: bytes) -> Subject:
    limits = DecodeLimits(max_bytes=50_000_000, max_pixels=50_000_000, min_side=64)
    image = decode_photo(photo, name="sample", limits=limits).image
    confidence = default_segmenter().segment(image).kept_confidence
    alpha = np.rint(np.clip((confidence - 0.3) / 0.4, 0, 1) * 255).astype(np.float32) / np.float32(255)
    return Subject(name="sample", image=image, alpha=alpha)


def play(store: Store, name: str) -> None:
    """Print what the rule does with what was kept of a measure."""
    metric = find_metric(name)
    version = looks_version(metric)
    of_all = [store.early_values.of_sweep(sweep.id, by=name, version=version) for sweep in store.sweeps.select()]
    kept: list[list[EarlyValue]] = [values for values in of_all if values]
    if not kept:
        print(f"{name}: nothing is kept")
        return
    own = store.metrics.of([value.run_id for values in kept for value in values])
    runs = [
        [
            (
                Foreseen(
                    sweep=str(place),
                    preview=towards_lower(metric, value.foreseen),
                    final=towards_lower(metric, value.final),
                ),
                towards_lower(metric, own[value.run_id][name].value or 0.0),
            )
            for value in values
        ]
        for place, values in enumerate(kept)
    ]
    agreeing = [spearmanr([r.preview for r, _ in sweep], [r.final for r, _ in sweep])[0] for sweep in runs]
    small = [spearmanr([r.final for r, _ in sweep], [whole for _, whole in sweep])[0] for sweep in runs]
    print(f"{name}: {sum(map(len, runs))} runs of {len(runs)} sweeps")
    print(f"  previews and finished pictures agree in rank: {np.mean(agreeing):.2f} ({min(agreeing):.2f} at least)")
    print(f"  small and whole pictures agree in rank: {np.mean(small):.2f} ({min(small):.2f} at least)")
    print(f"  by its formula: {calibrate([r for sweep in runs for r, _ in sweep], looked_at=LOOK_AT)}")
    games = [_played(runs, left) for left in range(len(runs))]
    figures = np.array([game for game in games if game is not None])
    if not len(figures):
        print("  no sweep can be left out: too few are left to learn from")
        return
    saved, lost, lost_whole, worse = figures.mean(axis=0)
    print(
        f"  played on {len(figures)} sweeps: {100 * saved:.1f} % of evaluations saved; {100 * lost:.1f} % of winners "
        f"lost, {100 * lost_whole:.1f} % of those by the run's own picture; what is left is worse by {worse:.4f}"
    )


def _played(runs: list[list[tuple[Foreseen, float]]], left: int) -> tuple[float, float, float, float] | None:
    """Evaluations saved, winners lost by either measure, and how much worse the best that is left is."""
    others = [run for place, sweep in enumerate(runs) if place != left for run, _ in sweep]
    bound = calibrate(others, looked_at=LOOK_AT).bound
    if bound is None:
        return (0.0, 0.0, 0.0, 0.0) if calibrate(others, looked_at=LOOK_AT).lost else None
    sweep, order, found = runs[left], random.Random(0), []
    best, best_whole = min(sweep, key=lambda run: run[0].final), min(sweep, key=lambda run: run[1])
    for _ in range(ORDERS):
        finished: list[tuple[Foreseen, float]] = []
        for run in order.sample(sweep, len(sweep)):
            ahead = min(finished, key=lambda each: each[0].final, default=None)
            if ahead is None or run[0].preview - ahead[0].preview <= bound:
                finished.append(run)
        worse = min(whole for _, whole in finished) - best_whole[1]
        saved = (1 - LOOK_AT) * (1 - len(finished) / len(sweep))
        found.append((saved, best not in finished, best_whole not in finished, worse))
    saved, lost, lost_whole, worse = np.mean(found, axis=0)
    return float(saved), float(lost), float(lost_whole), float(worse)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["paint", "play"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--by", choices=MEASURES, default=MEASURES[0])
    args = parser.parse_args()
    settings = load_settings(home=args.folder)
    with open_store(settings) as store:
        if args.what == "paint":
            paint(store, settings, args.seeds, args.prompts, args.by)
        else:
            for name in MEASURES:
                play(store, name)


if __name__ == "__main__":
    main()

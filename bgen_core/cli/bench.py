"""`python -m bgen_core bench`: how fast engine, sweeps and cut-out are on this machine, and how good the cut-out is."""

import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.scaling.bench_classes import measure_classes, print_class_tables
from bgen_core.cli.scaling.bench_scale import measure_scale, print_scale_tables
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.default_model import default_model
from bgen_core.settings import load_settings

SUBJECTS = ("engine", "sweep", "cutout", "scale", "classes")
TITLES = {
    "loop": "(a) a loop of pipe(...), one cell at a time",
    "seeds_batched": "(b) the same, seeds batched",
    "engine": "(c) the engine",
    "floor": "(d) floor: its rows back to back",
}


def bench(
    what: Annotated[
        str,
        typer.Option(
            help="engine: 27 cells in four ways; sweep: from the queue to the store; cutout: the subject's mask; "
            "scale: up to 64 devices like this one, simulated from what its stages take; "
            "classes: what differs between devices and number formats."
        ),
    ] = "engine",
    model: Annotated[str | None, typer.Option(help="Catalogue name, Hub id or local folder.")] = None,
    shape: Annotated[str | None, typer.Option(help="sd15 or sdxl: random weights of the true size, for a GPU.")] = None,
    alternations: Annotated[int, typer.Option(min=1, help="How often all sides run, in turns.")] = 3,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With cutout: photos with true masks, as images/ and masks/ or in pairs."),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(metavar="ID", help="With classes: cells of this sweep, also next to its stored pictures."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Measure the engine next to plain diffusers, whole sweeps next to the engine, the cut-out and its quality, how
    far sweeps scale, or what differs between classes of devices.
    """
    if what not in SUBJECTS:
        raise UserInputError(f"--what {what} is not known: allowed are {', '.join(SUBJECTS)}.")
    for option, value, belongs in (
        ("--model", model, ("engine", "sweep", "scale", "classes")),
        ("--shape", shape, ("engine", "scale")),
        ("--photos", photos, ("cutout",)),
        ("--sweep", sweep, ("classes",)),
    ):
        if value is not None and what not in belongs:
            whose = " and ".join(belongs)
            raise UserInputError(f"{option} belongs to --what {whose}, not to --what {what}: leave one of them out.")
    for option, value in (("--shape", shape), ("--sweep", sweep)):
        if model and value:
            raise UserInputError(f"--model and {option} exclude each other: give one.")
    if what == "cutout":
        document, print_table = _measure_cutout(alternations, photos), _print_cutout_tables
    elif what == "scale":
        document, print_table = measure_scale(model, shape), print_scale_tables
    elif what == "classes":
        document, print_table = measure_classes(model, sweep), print_class_tables
    elif what == "sweep":
        document, print_table = _measure_sweeps(model, alternations), _print_sweep_table
    else:
        document, print_table = _measure_engine(model, shape, alternations), _print_engine_table
    if as_json:
        print_json(document)
    else:
        print_table(document)
        machine: dict[str, str] = document["machine"]
        sys.stdout.write("\n" + "".join(f"{name}: {value}\n" for name, value in machine.items()))


def _measure_engine(model: str | None, shape: str | None, alternations: int) -> dict[str, Any]:
    from bgen_core.bench.engine import EngineBenchmark
    from bgen_core.bench.machine import describe_machine
    from bgen_core.bench.shapes import SHAPES, random_pipeline
    from bgen_core.models.devices import find_device
    from bgen_core.models.loading import load_pipeline
    from bgen_core.models.revision import find_model

    settings = load_settings()
    device = find_device(settings.device, settings.precision)
    if shape:
        plain, tuned = random_pipeline(shape, device), random_pipeline(shape, device)
        name, side = f"random weights, shape {shape}", SHAPES[shape]
    else:
        source = find_model(model or default_model(settings))
        device = device.for_family(source.family)
        plain, tuned = load_pipeline(source, device), load_pipeline(source, device)
        name, side = source.name, source.entry.side
    benchmark = EngineBenchmark(plain, tuned, Extent(width=side, height=side))
    result = benchmark.run(alternations, say)
    return {
        "seconds": {side_name: median(times) for side_name, times in result.seconds.items()},
        "ratios": result.ratios,
        "max_pixel_difference": result.max_pixel_difference,
        "rows": result.rows,
        "cells": result.cells,
        "device": device.name,
        "model": name,
        "machine": describe_machine(device),
    }


def _measure_sweeps(model: str | None, alternations: int) -> dict[str, Any]:
    from bgen_core.bench.machine import describe_machine
    from bgen_core.bench.sweep import measure_sweeps
    from bgen_core.models.devices import find_device

    settings = load_settings()
    device = find_device(settings.device, settings.precision)
    name = model or default_model(settings)
    results = measure_sweeps(settings, name, alternations, say)
    return {
        "photos": {
            photo: {
                "extent": str(result.photo),
                "cells": result.cells,
                "seconds": {"engine": median(result.engine), "sweep": median(result.sweep)},
                "sweep_over_engine": result.ratio,
                "seconds_outside_the_engine": result.outside,
                "commit_milliseconds": result.commit,
            }
            for photo, result in results.items()
        },
        "model": name,
        "machine": describe_machine(device),
    }


def _print_sweep_table(document: dict[str, Any]) -> None:
    photos: dict[str, dict[str, Any]] = document["photos"]
    lines = [
        f"{document['model']}, medians",
        "",
        "| photo | cells | engine alone, s | whole sweep, s | sweep / engine | outside the engine, s |",
        "|---" * 6 + "|",
    ]
    for name, row in photos.items():
        seconds = row["seconds"]
        lines.append(
            f"| {name} | {row['cells']} | {seconds['engine']:.2f} | {seconds['sweep']:.2f} "
            f"| {row['sweep_over_engine']:.2f} | {row['seconds_outside_the_engine']:.2f} |"
        )
    stages = list(next(iter(photos.values()))["commit_milliseconds"])
    lines += ["", f"| one commit alone, ms | {' | '.join(stages)} |", "|---" * (len(stages) + 1) + "|"]
    for name, row in photos.items():
        lines.append(f"| {name} | {' | '.join(f'{spent:.0f}' for spent in row['commit_milliseconds'].values())} |")
    sys.stdout.write("\n".join(lines) + "\n")


def _print_engine_table(document: dict[str, Any]) -> None:
    lines = [f"{document['cells']} cells, {document['rows']} UNet rows, {document['model']}, {document['device']}", ""]
    lines += ["| side | seconds (median) |", "|---|---|"]
    lines += [f"| {title} | {document['seconds'][side]:.2f} |" for side, title in TITLES.items()]
    ratios = document["ratios"]
    lines += [
        "",
        f"loop / engine {ratios['loop_over_engine']:.2f}, seeds batched / engine "
        f"{ratios['seeds_batched_over_engine']:.2f}, engine / floor {ratios['engine_over_floor']:.2f}; "
        f"largest pixel difference between loop and engine: {document['max_pixel_difference']} of 255",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _measure_cutout(repeats: int, photos: Path | None) -> dict[str, Any]:
    from bgen_core.bench.cutout import find_labelled_photos, measure_quality, measure_speed  # loads mediapipe
    from bgen_core.bench.machine import describe_machine
    from bgen_core.subject.decoding.image_io import DecodeLimits

    labelled = find_labelled_photos(photos) if photos is not None else []
    document: dict[str, Any] = {"milliseconds": measure_speed(repeats, say), "machine": describe_machine()}
    if labelled:
        document["quality"] = asdict(measure_quality(labelled, DecodeLimits.from_settings(load_settings()), say))
    return document


def _print_cutout_tables(document: dict[str, Any]) -> None:
    times: dict[str, dict[str, float | None]] = document["milliseconds"]
    sides = list(next(iter(times.values())))
    lines = [f"| milliseconds (median) | {' | '.join(sides)} |", "|---" * (len(sides) + 1) + "|"]
    for size, row in times.items():
        cells = ["–" if value is None else f"{value:.0f}" for value in row.values()]
        lines.append(f"| {size} | {' | '.join(cells)} |")
    if "quality" in document:
        lines += ["", *_quality_lines(document["quality"])]
    sys.stdout.write("\n".join(lines) + "\n")


def _quality_lines(quality: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    if quality["scores"]:
        lines += [
            f"{quality['with_person']} photos with masks",
            "",
            "| side | IoU | boundary F | MAE | edge-band error |",
            "|---|---|---|---|---|",
        ]
        for side, scores in quality["scores"].items():
            lines.append(f"| {side} | {' | '.join(f'{value:.3f}' for value in scores.values())} |")
        doubted = quality["good_doubted"]
        said = "" if doubted is None else f", {doubted:.0%} of them wrongly doubted"
        lines += ["", f"{quality['good']} good standard masks (IoU above 0.8){said}"]
    if quality["none_said"] is not None:
        lines.append(
            f'{quality["without_person"]} photos without a person, "no person" said on {quality["none_said"]:.0%}'
        )
    return lines

"""`python -m bgen_core bench`: how fast the engine and the cut-out are on this machine, and how good the cut-out is."""

import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.default_model import default_model
from bgen_core.settings import load_settings

SUBJECTS = ("engine", "cutout")
TITLES = {
    "loop": "(a) a loop of pipe(...), one cell at a time",
    "seeds_batched": "(b) the same, seeds batched",
    "engine": "(c) the engine",
    "floor": "(d) floor: its rows back to back",
}


def bench(
    what: Annotated[str, typer.Option(help="engine: 27 cells in four ways; cutout: the subject's mask.")] = "engine",
    model: Annotated[str | None, typer.Option(help="Catalogue name, Hub id or local folder.")] = None,
    shape: Annotated[str | None, typer.Option(help="sd15 or sdxl: random weights of the true size, for a GPU.")] = None,
    alternations: Annotated[int, typer.Option(min=1, help="How often all sides run, in turns.")] = 3,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With cutout: photos with true masks, as images/ and masks/ or in pairs."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Measure the engine next to plain diffusers, or the cut-out: its speed, and its quality on photos."""
    if what not in SUBJECTS:
        raise UserInputError(f"--what {what} is not known: allowed are {' and '.join(SUBJECTS)}.")
    for option, value, belongs in (
        ("--model", model, "engine"),
        ("--shape", shape, "engine"),
        ("--photos", photos, "cutout"),
    ):
        if value is not None and what != belongs:
            raise UserInputError(f"{option} belongs to --what {belongs}, not to --what {what}: leave one of them out.")
    if model and shape:
        raise UserInputError("--model and --shape exclude each other: give one.")
    if what == "cutout":
        document, print_table = _measure_cutout(alternations, photos), _print_cutout_tables
    else:
        document, print_table = _measure_engine(model, shape, alternations), _print_engine_table
    if as_json:
        print_json(document)
    else:
        print_table(document)


def _measure_engine(model: str | None, shape: str | None, alternations: int) -> dict[str, Any]:
    from bgen_core.bench.engine import EngineBenchmark
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
    }


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
    from bgen_core.subject.decoding.image_io import DecodeLimits

    labelled = find_labelled_photos(photos) if photos is not None else []
    document: dict[str, Any] = {"milliseconds": measure_speed(repeats, say)}
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

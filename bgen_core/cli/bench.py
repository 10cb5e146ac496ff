"""`python -m bgen_core bench`: how fast the engine is on this machine."""

import json
import sys
from statistics import median
from typing import Annotated, Any

import typer

from bgen_core.cli.inputs import say
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.settings import load_settings

TITLES = {
    "loop": "(a) a loop of pipe(...), one cell at a time",
    "seeds_batched": "(b) the same, seeds batched",
    "engine": "(c) the engine",
    "floor": "(d) floor: its rows back to back",
}


def bench(
    model: Annotated[str | None, typer.Option(help="Catalogue name, Hub id or local folder.")] = None,
    shape: Annotated[str | None, typer.Option(help="sd15 or sdxl: random weights of the true size, for a GPU.")] = None,
    alternations: Annotated[int, typer.Option(min=1, help="How often all sides run, in turns.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Measure 27 cells (3 steps × 3 guidance × 3 seeds): a loop, seeds batched, the engine, and the floor."""
    if model and shape:
        raise UserInputError("--model and --shape exclude each other: give one.")
    from bgen_core.bench.engine import EngineBenchmark
    from bgen_core.bench.shapes import SHAPES, random_pipeline
    from bgen_core.models.devices import find_device
    from bgen_core.models.loading import load_pipeline
    from bgen_core.models.revision import find_model

    settings = load_settings()
    device = find_device(settings.device)
    if shape:
        plain, tuned = random_pipeline(shape, device), random_pipeline(shape, device)
        name, side = f"random weights, shape {shape}", SHAPES[shape]
    else:
        source = find_model(model or settings.model)
        plain, tuned = load_pipeline(source, device), load_pipeline(source, device)
        name, side = source.name, source.entry.side
    benchmark = EngineBenchmark(plain, tuned, Extent(width=side, height=side))
    result = benchmark.run(alternations, say)
    document: dict[str, Any] = {
        "seconds": {side_name: median(times) for side_name, times in result.seconds.items()},
        "ratios": result.ratios,
        "max_pixel_difference": result.max_pixel_difference,
        "rows": result.rows,
        "cells": result.cells,
        "device": device.name,
        "model": name,
    }
    if as_json:
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        _print_table(document)


def _print_table(document: dict[str, Any]) -> None:
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

"""What `bench --what scale` prints: how a large sweep scales over many devices, and what stops it."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bgen_core.cli.inputs import say
from bgen_core.models.default_model import default_model
from bgen_core.settings import load_settings

if TYPE_CHECKING:
    from bgen_core.bench.simulation import Simulated


def measure_scale(model: str | None, shape: str | None) -> dict[str, Any]:
    """Measure the stages of one painter here, and simulate many."""
    from bgen_core.bench.machine import describe_machine
    from bgen_core.bench.scale import CELLS, SLOW_PART, measure_stages, simulate_scales

    settings = load_settings()
    name, times, device = measure_stages(settings, model or default_model(settings), shape, say)
    return {
        "model": name,
        "cells": CELLS,
        "stages": asdict(times) | {"batch_size": times.batch_size},
        "alike": _rows(simulate_scales(times, slow_part=0.0)),
        "slow_part": SLOW_PART,
        "with_slow_ones": _rows(simulate_scales(times, slow_part=SLOW_PART)),
        "machine": describe_machine(device),
    }


def print_scale_tables(document: dict[str, Any]) -> None:
    """One table for painters that are alike, and one where some are half as fast."""
    stages = document["stages"]
    calls = ", ".join(f"{rows}: {spent * 1000:.1f} ms" for rows, spent in stages["call_seconds"].items())
    lines = [
        f"{document['model']}; {document['cells']:,} cells, simulated from stages that were measured here",
        f"calls of the network by rows: {calls}",
        f"database: {1 / stages['database_seconds']:.0f} commits a second",
    ]
    for title, rows in (
        ("painters", document["alike"]),
        (f"painters, {document['slow_part']:.0%} half as fast", document["with_slow_ones"]),
    ):
        lines += ["", f"| {title} | cells/s | efficiency | database busy | cells lost by a death | improve first |"]
        lines += ["|---" * 6 + "|"]
        lines += [
            f"| {painters} | {row['cells_per_second']:.2f} | {row['efficiency']:.2f} "
            f"| {row['busy']['the database']:.0%} | {row['most_in_hand']} | {row['bottleneck']} |"
            for painters, row in rows.items()
        ]
    sys.stdout.write("\n".join(lines) + "\n")


def _rows(results: "dict[int, Simulated]") -> dict[str, Any]:
    from bgen_core.bench.scale import CELLS

    return {
        str(painters): asdict(result) | {"cells_per_second": CELLS / result.seconds}
        for painters, result in results.items()
    }

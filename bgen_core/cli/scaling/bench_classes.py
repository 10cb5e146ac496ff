"""What `bench --what classes` prints: how far pictures of one cell differ between classes of devices."""

import sys
from dataclasses import asdict
from typing import Any

from bgen_core.cli.inputs import say
from bgen_core.ids import SweepId
from bgen_core.models.default_model import default_model
from bgen_core.settings import load_settings


def measure_classes(model: str | None, sweep: str | None) -> dict[str, Any]:
    """Paint a few cells on each class of device that is here, and compare them."""
    from bgen_core.bench.classes import classes_here, compare_classes, made_up_cells, stored_cells
    from bgen_core.bench.machine import describe_machine

    settings = load_settings()
    asked = stored_cells(settings, SweepId(sweep)) if sweep else made_up_cells(model or default_model(settings))
    classes = classes_here(settings, asked.plan.models[0])
    pairs, seconds, left_out = compare_classes(settings, asked, classes, say)
    return {
        "model": ", ".join(asked.plan.models),
        "cells": len(asked.plan),
        "sweep": sweep or "",
        "classes": seconds,
        "left_out": left_out,
        "pairs": [asdict(pair) for pair in pairs],
        "machine": describe_machine(),
    }


def print_class_tables(document: dict[str, Any]) -> None:
    """Classes with their seconds, pairs with their differences, and what could not be painted."""
    whence = f"of the sweep {document['sweep']}" if document["sweep"] else "that are made up"
    lines = [f"{document['model']}; {document['cells']} cells {whence}; raw pictures, before the subject is put back"]
    lines += ["", "| class | seconds a cell, loading and measuring included |", "|---|---|"]
    lines += [f"| {title} | {spent:.2f} |" for title, spent in document["classes"].items()]
    lines += ["", "| between | and | largest difference, of 255 | mean | pixels that differ |", "|---" * 5 + "|"]
    lines += [
        f"| {pair['one']} | {pair['other']} | {pair['greatest']} | {pair['mean']:.3f} | {pair['share']:.1%} |"
        for pair in document["pairs"]
    ]
    lines += [f"left out: {title}: {reason}" for title, reason in document["left_out"].items()]
    sys.stdout.write("\n".join(lines) + "\n")

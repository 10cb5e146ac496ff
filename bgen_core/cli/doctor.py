"""`python -m bgen_core doctor`: whether everything is in place, and what to do where it is not."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bgen_core.authentication import described
from bgen_core.cli import exit_codes
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.terminal_bar import counting
from bgen_core.cluster.examination import checks_of
from bgen_core.disk_room import check_disk
from bgen_core.errors import BgenError, UserInputError
from bgen_core.jobs.watching.findings import Check, examine
from bgen_core.models.allowed_models import allowed_models
from bgen_core.models.catalogue import MODELS
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.default_model import default_model
from bgen_core.models.devices import find_device
from bgen_core.models.revision import find_local_model, find_model
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import open_store


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Check device, number format, folders, segmentation and model, what the worker does beside painting, and what
    machines share where there are several.
    """
    settings = load_settings()
    keep_hashes(settings.home)
    checks: list[tuple[str, Check]] = [
        ("device", _device),
        ("dtype", _dtype),
        ("folders", _folders),
        ("visitors", described),
        ("disk", _disk),
        ("segmentation", _segmentation),
        ("model", _model),
        ("allowed", _allowed),
        ("memory", _memory),
        ("compiler", _compiler),
        ("background", _background),
        *checks_of(settings),
    ]
    findings = [examine(what, check, settings) for what, check in checks]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            sys.stdout.write(f"{finding.line}\n")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _device(settings: Settings) -> str:
    return find_device(settings.device).name


def _dtype(settings: Settings) -> str:
    family = find_model(default_model(settings)).family
    return find_device(settings.device, settings.precision).for_family(family).dtype_name


def _folders(settings: Settings) -> str:
    with open_store(settings):
        return str(settings.home)


def _disk(settings: Settings) -> str:
    """What is free where the store writes, and whether it takes more pictures."""
    with open_store(settings) as store:
        store.blobs.check_room()
        root = store.blobs.root
    folders = [settings.home]
    if isinstance(root, Path) and not root.is_relative_to(settings.home):
        folders.append(root)
    return "; ".join(check_disk(folder, reserve=settings.disk_reserve) for folder in folders)


def _segmentation(settings: Settings) -> str:
    del settings
    from bgen_core.subject.segmentation import default_segmenter

    default_segmenter().segment(np.full((64, 64, 3), 127, np.uint8))
    return "MediaPipe selfie models answer"


def _model(settings: Settings) -> str:
    from bgen_core.models.loading import load_pipeline
    from bgen_core.models.model_files import fetch_missing, settled
    from bgen_core.models.placement import place
    from bgen_core.sweep.engine import can_batch

    source = find_model(default_model(settings))
    if source.family.backdrop:
        return f"{source.name} needs no weights"
    device = find_device(settings.device, settings.precision).for_family(source.family)
    with counting(f"fetching {source.name}") as show:
        for event in fetch_missing(source, device.dtype_name):
            show(event.done, event.of)
    placement = place(settled(source, device.dtype_name), device, settings.offload)
    pipeline = load_pipeline(source, device, placement=placement)
    way = "the batched engine" if can_batch(pipeline) else "its own call, a cell at a time"
    return (
        f"{source.name} ({type(pipeline).__name__}, revision {source.revision[:12]} in {device.dtype_name}, "
        f"painted by {way}; {placement})"
    )


def _allowed(settings: Settings) -> str:
    allowed = allowed_models(settings)
    given = ", ".join(allowed.entries) or "nothing else"
    return f"visitors of the pages may name {allowed.default} and {given} (BGEN_MODELS_ALLOWED)"


def _memory(settings: Settings) -> str:
    """Of each known model that is here: how it would be placed, and why."""
    from bgen_core.models.model_files import settled
    from bgen_core.models.placement import place

    found = find_device(settings.device, settings.precision)
    told: list[str] = []
    for entry in MODELS:
        try:
            source = find_local_model(entry.name)
            if source is None:
                continue
            device = found.for_family(source.family)
            told.append(f"{entry.name}: {place(settled(source, device.dtype_name), device, settings.offload)}")
        except BgenError as error:
            told.append(str(error))
    return "; ".join(told) or "no known model is here"


def _compiler(settings: Settings) -> str:
    from bgen_core.models.compilers import choose_compiling

    device = find_device(settings.device, settings.precision)
    chosen = choose_compiling(settings.compile, device.kind, eight_bits=bool(device.kept_in))
    if chosen.lacks_compiler:
        raise UserInputError(f"BGEN_COMPILE=on has no effect: {chosen.why}.")
    return str(chosen)


def _background(settings: Settings) -> str:
    from bgen_core.jobs.background_faults import BackgroundFaults

    faults = BackgroundFaults(settings.home).all()
    if faults:
        raise UserInputError(" ".join(f"{fault.what}: {fault.text}" for fault in faults))
    return "measuring and copies elsewhere have no fault"

"""`python -m bgen_core sweep`: a grid of pictures."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bgen_core.cli.inline import InlineResult, forecast_inline, resume_inline, run_inline
from bgen_core.cli.inputs import check_prompt, keep_subject, read_subject, say, write_file
from bgen_core.cli.spec import read_spec
from bgen_core.errors import UserInputError
from bgen_core.jobs.submission import SweepForecast, describe_forecast
from bgen_core.models.catalogue import ModelEntry, describe_model
from bgen_core.models.revision import find_model
from bgen_core.runs.store import Store, open_store
from bgen_core.settings import load_settings
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.plan import SweepPlan

NUMBER_OPTIONS = ("steps", "guidance", "seed", "strength", "scheduler", "mask_grow", "mask_feather")
SPEC_OPTIONS: dict[str, type] = {
    "photo": Path, "alpha": Path, "model": str, "prompt": list, "negative_prompt": list,
    **dict.fromkeys(NUMBER_OPTIONS, str),
}  # fmt: skip
AxisOption = Annotated[str | None, typer.Option(metavar="AXIS", help="10,20,30 or 10..30:10 or 1..9/5")]


def sweep(
    photo: Annotated[Path | None, typer.Argument(help="The photo whose subject is kept.")] = None,
    prompt: Annotated[list[str] | None, typer.Option(help="What to paint; several make an axis.")] = None,
    negative_prompt: Annotated[list[str] | None, typer.Option(help="What to avoid; several make an axis.")] = None,
    steps: AxisOption = None,
    guidance: AxisOption = None,
    seed: AxisOption = None,
    strength: AxisOption = None,
    scheduler: Annotated[str | None, typer.Option(metavar="AXIS", help="ddim,euler,…")] = None,
    mask_grow: AxisOption = None,
    mask_feather: AxisOption = None,
    model: Annotated[str | None, typer.Option(help="Catalogue name, Hub id or local folder.")] = None,
    alpha: Annotated[Path | None, typer.Option(help="Mask of the photo's size, white = keep.")] = None,
    out_dir: Annotated[Path | None, typer.Option(help="Folder for full-size PNGs.")] = None,
    spec: Annotated[Path | None, typer.Option(metavar="FILE.yaml", help="These options in a file.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="ID", help="Go on with a sweep that was stopped.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost, compute nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Sweep parameters over one photo; only what was never made before is computed."""
    settings = load_settings()
    if out_dir is not None:
        _prepare_folder(out_dir)
    if resume is not None:
        given = (photo, prompt, negative_prompt, steps, guidance, seed, strength, scheduler, model, alpha, spec)
        if dry_run or any(option is not None for option in given):
            raise UserInputError(
                "--resume goes on with the plan as it was: give it alone, or with --out-dir and --json."
            )
        with open_store(settings) as store:
            result = resume_inline(store, settings, resume)
            _report(store, result, out_dir, as_json=as_json)
        return
    typed: dict[str, Any] = {
        "photo": photo, "prompt": prompt, "negative_prompt": negative_prompt, "model": model, "alpha": alpha,
        "steps": steps, "guidance": guidance, "seed": seed, "strength": strength, "scheduler": scheduler,
        "mask_grow": mask_grow, "mask_feather": mask_feather,
    }  # fmt: skip
    written = read_spec(spec, SPEC_OPTIONS) if spec else {}
    wanted: dict[str, Any] = {name: written.get(name) if value is None else value for name, value in typed.items()}
    photo, alpha = wanted["photo"], wanted["alpha"]
    if photo is None or not wanted["prompt"]:
        raise UserInputError("sweep needs a PHOTO and --prompt TEXT, or --spec FILE, or --resume ID.")
    for text in wanted["prompt"]:
        check_prompt(text)
    entry = describe_model(settings.model if wanted["model"] is None else wanted["model"])
    texts = {name.replace("_", "-"): wanted[name] for name in NUMBER_OPTIONS}
    prompts = [Axis(name="prompt", values=tuple(dict.fromkeys(wanted["prompt"])))]
    if wanted["negative_prompt"]:
        prompts.append(Axis(name="negative-prompt", values=tuple(dict.fromkeys(wanted["negative_prompt"]))))
    # Values, the number of cells and the model are checked before the photo is even read.
    build_plan(entry, texts, prompts, subject_id="").check_size(settings.max_cells)
    find_model(entry.name)
    subject = read_subject(photo, alpha, settings)
    with open_store(settings) as store:
        plan = build_plan(entry, texts, prompts, subject_id=subject.id)
        forecast = forecast_inline(store, settings, plan, subject.extent)
        for note in (describe_forecast(forecast), *forecast.notes):
            say(note)
        if dry_run:
            _print_plan(forecast, entry, as_json=as_json)
            return
        keep_subject(store, subject)
        result = run_inline(store, settings, forecast)
        _report(store, result, out_dir, as_json=as_json)


def _print_plan(forecast: SweepForecast, entry: ModelEntry, *, as_json: bool) -> None:
    plan: SweepPlan = forecast.plan
    if as_json:
        content = {
            "cells": len(forecast.run_ids),
            "known": forecast.known,
            "to_make": forecast.to_make,
            "seconds": forecast.seconds,
            "model": entry.name,
            "axes": {axis.name: list(axis.values) for axis in plan.axes},
            "base": plan.base.to_json(),
        }
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
        return
    for axis in plan.axes:
        say(f"  {axis.kind.label}: {', '.join(axis.labels)}")


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserInputError(f"--out-dir {folder} cannot be used: {error.strerror}.") from error


def _report(store: Store, result: InlineResult, out_dir: Path | None, *, as_json: bool) -> None:
    plan = SweepPlan.from_json(store.get_sweep(result.sweep_id).plan)
    rows = store.sweep_cells(result.sweep_id)
    cells: list[dict[str, Any]] = []
    for cell, row in zip(plan.cells(), rows, strict=True):
        image: str | None = None
        if row.done and out_dir is not None:
            path = out_dir / f"{cell.index:04d}-{row.run_id[:12]}.png"
            write_file(path, store.blobs.get(store.get_run(row.run_id).image))
            image = str(path)
        cells.append(
            {
                "run": row.run_id,
                "params": cell.params.to_json(),
                "image": image or (str(store.blobs.path(store.get_run(row.run_id).image)) if row.done else None),
                "reused": row.run_id in result.reused_ids,
                "error": row.error or None,
            }
        )
    if as_json:
        content = {
            "sweep": result.sweep_id,
            "cells": cells,
            "made": result.made,
            "reused": result.reused,
            "failed": result.failed,
            "seconds": result.seconds,
        }
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
    else:
        say(
            f"sweep {result.sweep_id}: {result.made} made, {result.reused} reused, {result.failed} failed "
            f"in {result.seconds} s{f'; pictures in {out_dir}' if out_dir else ''}"
        )
    if result.failed:
        raise typer.Exit(2)

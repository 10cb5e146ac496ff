"""`python -m bgen_core sweep`: a grid of pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.given.early import read_early
from bgen_core.cli.given.parameter_options import an_axis_each
from bgen_core.cli.given.photos import SweepPhoto, SweepPhotos, photo_files, read_photos
from bgen_core.cli.given.race import read_race, read_race_from
from bgen_core.cli.given.redraw import ATTEMPTS_HELP, LIMIT_HELP, given_redraw, told_attempts
from bgen_core.cli.given.spec import OptionKind, read_spec
from bgen_core.cli.given.two_passes import TwoPasses, explore, read_two_passes
from bgen_core.cli.inputs import (
    INVERT_HELP,
    check_invert,
    check_prompt,
    keep_pictures,
    read_pictures,
    say,
    write_file,
)
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.running.here import SweepResult
from bgen_core.cli.running.place import HERE_HELP, find_place
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.cli.running.racing import RaceFrom, described_race, finish_race, run_race
from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.early.kept_runs import early_note
from bgen_core.jobs.racing.beginning import first_round
from bgen_core.jobs.submission import SweepForecast, describe_forecast
from bgen_core.models.catalogue import describe_model
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import fetch_entry, find_model
from bgen_core.parameters import PARAMETERS
from bgen_core.runs.attempt_words import redrawn_text
from bgen_core.settings import Settings, load_settings
from bgen_core.store.references import ENCODERS
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.pairs import FORM
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.random_seeds import draw_seeds
from bgen_core.wording import counted

_MOST_REASONS = 8  # that are said of cells that could not be made

# What `--spec` may hold, and how.
OPTIONS: dict[str, OptionKind] = {
    "photo": "paths", "alpha": "path", "invert": "switch", "model": "texts", "replace": "texts", "pair": "texts",
    **{parameter.option: "texts" if parameter.kind == "text" else "axis" for parameter in PARAMETERS},
    "reference": "pictures", "background": "pictures", "explore_steps": "number", "keep": "number", "by": "word",
    "race": "word", "budget": "number", "max_expansion": "word", "attempts": "number",
}  # fmt: skip


@an_axis_each
def sweep(
    photo: Annotated[
        list[Path] | None,
        typer.Argument(help="Photos whose subjects are kept, or folders of them; several make an axis."),
    ] = None,
    *,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'red, blue, green'", help="Replaces red in the prompts by each in turn [A1111: Prompt S/R]."
        ),
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(metavar=FORM, help="Axes whose values go together, the first with the first, not each with each."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Catalogue name, Hub id or folder; several make an axis.")
    ] = None,
    alpha: Annotated[Path | None, typer.Option(help="Mask of the one photo, of its size, white = keep.")] = None,
    invert: Annotated[bool | None, typer.Option("--invert", help=INVERT_HELP)] = None,
    explore_steps: Annotated[int | None, typer.Option(help="Make all cells with so few steps first.")] = None,
    keep: Annotated[int | None, typer.Option(help="Finish so many of the explored cells.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="METRIC", help="What decides which cells are finished, or a race.")
    ] = None,
    race: Annotated[
        str | None,
        typer.Option(metavar="AXIS", help="Give further seeds only to values of this axis that may still be the best."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Make at most so many cells in the race.")] = None,
    race_from: Annotated[
        str | None, typer.Option(metavar="ID", help="Race the values of this sweep; what it has made counts.")
    ] = None,
    max_expansion: Annotated[float | None, typer.Option(metavar="PERCENT", help=LIMIT_HELP)] = None,
    attempts: Annotated[int | None, typer.Option(metavar="N", help=ATTEMPTS_HELP)] = None,
    stop_early: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="Stop cells whose previews say that they will lose, by kept runs."),
    ] = None,
    keep_previews: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="Keep what previews say, so that later sweeps can stop cells early."),
    ] = None,
    out_dir: Annotated[Path | None, typer.Option(help="Folder for full-size PNGs.")] = None,
    spec: Annotated[Path | None, typer.Option(metavar="FILE.yaml", help="These options in a file.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="ID", help="Continue a sweep that was stopped.")] = None,
    previews: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for previews of the pictures that are being made.")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help=HERE_HELP)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost, compute nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    **given: Any,
) -> None:
    """Sweep parameters over one or several photos; only what was never made before is computed.

    Where a worker runs (the app has one), it computes, and this command follows: what is loaded there need not be
    loaded again. Ctrl-C stops the sweep either way, and keeps what is made.
    """
    typed: dict[str, Any] = {
        "photo": photo or None, "alpha": alpha, "invert": invert, "model": model, "replace": replace, "pair": pair,
        **given, "explore_steps": explore_steps, "keep": keep, "by": by,
        "race": race, "budget": budget, "max_expansion": max_expansion, "attempts": attempts,
        "stop_early": stop_early, "keep_previews": keep_previews,
    }  # fmt: skip
    settings = load_settings()
    keep_hashes(settings.home)
    if out_dir is not None:
        _prepare_folder("--out-dir", out_dir)
    if previews is not None:
        _prepare_folder("--previews", previews)
    shown = PreviewFiles(previews) if previews else None
    if resume is not None:
        if dry_run or spec or any(value is not None for value in typed.values()):
            raise UserInputError(
                "--resume continues with the plan as it was: give it alone, or with --out-dir, --previews, --here and "
                "--json."
            )
        with open_store(settings) as store:
            sweep_id = SweepId(resume)
            models = SweepPlan.from_json(store.sweeps.get(sweep_id).plan).models
            place = find_place(store, settings, models, here=here, previews=shown)
            _report(store, finish_race(place, place.resume(sweep_id)), out_dir, as_json=as_json)
        return
    if race_from is not None:
        wish = read_race_from(race, by, budget, spec, typed)
        with open_store(settings) as store:
            raced = RaceFrom.of(store, settings, SweepId(race_from), wish)
            place = find_place(store, settings, raced.first.models, here=here, previews=shown)
            forecast = raced.forecast(place)
            for note in (describe_forecast(forecast), *forecast.notes):
                say(note)
            if dry_run:
                _print_plan(forecast, None, None, as_json=as_json)
                return
            _report(store, raced.run(place, forecast), out_dir, as_json=as_json)
        return
    written = read_spec(spec, OPTIONS) if spec else {}
    wanted: dict[str, Any] = {name: written.get(name) if value is None else value for name, value in typed.items()}
    if wanted["seed"]:
        wanted["seed"] = draw_seeds(wanted["seed"])  # once, so that all that follows speaks of the same numbers
    pngs: list[bytes] = []
    for name, encode in ENCODERS.items():
        names, read = read_pictures(wanted[name] or (), settings, encode)
        wanted[name], pngs = names or None, pngs + read
    explores = wanted["explore_steps"] is not None or wanted["keep"] is not None
    wish = read_race(wanted["race"], wanted["by"], wanted["budget"], explores=explores)
    redraw = given_redraw(wanted["max_expansion"], wanted["attempts"], races=wish is not None)
    passes = None if wish else read_two_passes(wanted["explore_steps"], wanted["keep"], wanted["by"], settings)
    early = read_early(wanted["stop_early"], wanted["keep_previews"], also=bool(wish or explores or redraw))
    wanted["photo"] = photo_files(wanted["photo"] or ())
    _check(wanted, settings)
    with open_store(settings) as store:
        kept_in = None if dry_run else store
        photos = read_photos(wanted["photo"], wanted["alpha"], settings, kept_in, invert=bool(wanted["invert"]))
        plan = changed(_plan(wanted, settings, photos.kept), redraw=redraw)
        place = find_place(store, settings, plan.models, here=here, previews=shown)
        if not dry_run:
            keep_pictures(store, pngs)
        if wish:
            plan = first_round(plan, wish, settings)
        if passes:
            first = explore(place, plan, passes, photos.kept, dry_run=dry_run)
            if isinstance(first, SweepResult):
                _report(store, first, out_dir, as_json=as_json, photos=photos)
                return
            plan, explored = first
        else:
            explored = None
        forecast = place.forecast(plan, {photo.id: photo.extent for photo in photos.kept})
        for note in (describe_forecast(forecast), *forecast.notes):
            say(note)
        if early:
            say(early_note(store, plan, early))
        if dry_run:
            _print_plan(forecast, passes, photos, as_json=as_json)
            return
        if wish:
            _report(store, run_race(place, forecast, wish), out_dir, as_json=as_json, photos=photos)
            return
        result = place.run(forecast, explored=explored["sweep"] if explored else None, early=early)
        _report(store, result, out_dir, as_json=as_json, explored=explored, photos=photos)


def _check(wanted: Mapping[str, Any], settings: Settings) -> None:
    """Values, the number of cells and the models, before any photo is read."""
    models = wanted["model"] or [default_model(settings)]
    paints = any(describe_model(name).family.backdrop is None for name in models)
    if not wanted["photo"] or (paints and not wanted["prompt"]):
        raise UserInputError("sweep needs a PHOTO and --prompt TEXT, or --spec FILE, or --resume ID.")
    if wanted["alpha"] is not None and len(wanted["photo"]) > 1:
        raise UserInputError(f"--alpha is the mask of one photo, but {len(wanted['photo'])} photos are given.")
    check_invert(wanted["invert"], wanted["alpha"])
    for text in wanted["prompt"] or ():
        check_prompt(text)
    plan = _plan(wanted, settings, [])
    plan.check_size(settings.max_cells // max(1, len(wanted["photo"])))
    for model in plan.models:
        find_model(model)


def _plan(wanted: Mapping[str, Any], settings: Settings, photos: Sequence[SweepPhoto]) -> SweepPlan:
    models = [fetch_entry(name) for name in wanted["model"] or [default_model(settings)]]
    given = {parameter.name: wanted[parameter.option] for parameter in PARAMETERS}
    return build_plan(
        models,
        {photo.id: photo.name for photo in photos},
        given,
        replacements=wanted["replace"] or (),
        pairs=wanted["pair"] or (),
    )


def _print_plan(
    forecast: SweepForecast, passes: TwoPasses | None, photos: SweepPhotos | None, *, as_json: bool
) -> None:
    plan = forecast.plan
    if not as_json:
        for axis in plan.axes:
            say(f"  {axis.label}: {', '.join(axis.labels)}")
        return
    paired = [axis for axis in plan.axes if axis.paired]
    content = {
        "cells": len(forecast.run_ids),
        "known": forecast.known,
        "to_make": forecast.to_make,
        "to_paint": forecast.to_paint,
        "seconds": forecast.seconds,
        "model": plan.model,
        "axes": {each.name: list(each.values) for axis in plan.axes for each in axis.together},
        **({"pairs": [[each.name for each in axis.together] for axis in paired]} if paired else {}),
        "base": plan.base.to_json(),
        **({"redraw": plan.redraw.to_json()} if plan.redraw else {}),
    }
    if passes:
        content |= {"explore_steps": passes.steps, "keep": passes.keep, "by": passes.metric}
    print_json(content | _about_photos(photos))


def _about_photos(photos: SweepPhotos | None) -> dict[str, Any]:
    """What is worth telling of several photos."""
    if photos is None or len(photos.kept) + len(photos.left_out) < 2:
        return {}
    return {
        "doubtful": [{"photo": str(photo.path), "doubt": photo.doubt} for photo in photos.doubtful],
        "left_out": [{"photo": str(path), "reason": reason} for path, reason in photos.left_out.items()],
    }


def _prepare_folder(option: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # whether pictures can be written there, before any is made
            pass
    except OSError as error:
        raise UserInputError(f"{option} {folder} cannot be used: {error.strerror}.") from error


def _report(
    store: Store,
    result: SweepResult,
    out_dir: Path | None,
    *,
    as_json: bool,
    explored: Mapping[str, Any] | None = None,
    photos: SweepPhotos | None = None,
) -> None:
    cells = _described_cells(store, result, out_dir)
    if as_json:
        content: dict[str, Any] = {
            "sweep": result.sweep_id,
            "state": result.state,
            "cells": cells,
            "made": result.made,
            "reused": result.reused,
            "failed": result.failed,
            "seconds": result.seconds,
        }
        content |= {"explored": explored} if explored else {}
        content |= described_race(store, result.sweep_id)
        print_json(content | _about_photos(photos))
    else:
        say(
            f"sweep {result.sweep_id}: {result.made} made, {result.reused} reused, {result.failed} failed "
            f"in {result.seconds} s{f'; pictures in {out_dir}' if out_dir else ''}"
        )
        plan, rows = SweepPlan.from_json(store.sweeps.get(result.sweep_id).plan), store.sweeps.cells(result.sweep_id)
        reasons = Counter(row.error for row in rows if row.has_failed).most_common()
        for reason, number in reasons[:_MOST_REASONS]:
            say(f"  {counted(number, 'cell')}: {reason}")
        if others := reasons[_MOST_REASONS:]:
            say(f"  {counted(sum(number for _, number in others), 'cell')} for other reasons: --json has them all")
        if again := redrawn_text(rows, plan.redraw):
            say(again)
    if result.state != "done":
        raise typer.Exit(exit_codes.INTERRUPTED)
    if result.failed or any(cell["error"] for cell in cells) or (photos and photos.left_out):
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _described_cells(store: Store, result: SweepResult, out_dir: Path | None) -> list[dict[str, Any]]:
    plan = SweepPlan.from_json(store.sweeps.get(result.sweep_id).plan)
    cells: list[dict[str, Any]] = []
    for cell, row in zip(plan.cells(), store.sweeps.cells(result.sweep_id), strict=True):
        image, lost, made = None, "", cell.at_attempt(row.attempt)
        if row.done:
            blob = store.runs.get(row.run_id).image
            image = store.blobs.address(blob)
            if out_dir is not None:
                path = out_dir / f"{cell.index:04d}-{row.run_id[:12]}.png"
                try:
                    write_file(path, store.blobs.get(blob))
                    image = str(path)
                except LostPictureError as error:
                    image, lost = None, str(error)
                    say(f"not written: {path.name}: {lost}")
        cells.append(
            {
                "run": row.run_id,
                "params": {"model": cell.model, "subject": cell.subject_id, **made.params.to_json()},
                "image": image,
                "reused": row.run_id in result.reused_ids,
                "error": (None if row.is_stopped else row.error) or lost or None,
                **told_attempts(row),
                **({"stopped_early": row.error} if row.is_stopped else {}),
            }
        )
    return cells

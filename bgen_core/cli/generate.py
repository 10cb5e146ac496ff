"""`python -m bgen_core generate`: one picture."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.given.parameter_options import one_value_each
from bgen_core.cli.given.redraw import ATTEMPTS_HELP, LIMIT_HELP, given_redraw, told_attempts
from bgen_core.cli.inputs import (
    INVERT_HELP,
    check_invert,
    check_output_file,
    check_prompt,
    keep_pictures,
    keep_subject,
    read_pictures,
    read_subject,
    say,
    write_file,
)
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.running.here import SweepResult
from bgen_core.cli.running.place import HERE_HELP, find_place
from bgen_core.errors import UserInputError
from bgen_core.jobs.canvas_notes import subject_notes
from bgen_core.models.catalogue import ModelEntry
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import fetch_entry, find_model
from bgen_core.parameters import PARAMETERS
from bgen_core.records.run import RunRecord
from bgen_core.runs.attempt_words import attempt_text
from bgen_core.settings import load_settings
from bgen_core.store.references import ENCODERS
from bgen_core.store.store import open_store
from bgen_core.sweep.build import default_params
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.random_seeds import RANDOM_SEED, drawn_seed


@one_value_each
def generate(
    photo: Annotated[Path, typer.Argument(help="The photo whose subject is kept.")],
    *,
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
    model: Annotated[
        str | None, typer.Option(help="Catalogue name, Hub id, local folder or .safetensors file.")
    ] = None,
    alpha: Annotated[Path | None, typer.Option(help="Mask of the photo's size, white = keep.")] = None,
    invert: Annotated[bool, typer.Option("--invert", help=INVERT_HELP)] = False,
    max_expansion: Annotated[float | None, typer.Option(metavar="PERCENT", help=LIMIT_HELP)] = None,
    attempts: Annotated[int | None, typer.Option(metavar="N", help=ATTEMPTS_HELP)] = None,
    here: Annotated[bool, typer.Option("--here", help=HERE_HELP)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    **given: Any,
) -> None:
    """Keep the subject of a photo and repaint everything behind it.

    Where a worker runs (the app has one), it computes. Ctrl-C stops it either way.
    """
    settings = load_settings()
    keep_hashes(settings.home)
    entry = fetch_entry(default_model(settings) if model is None else model)
    check_output_file(out, photo, alpha, *(Path(given[name]) for name in ENCODERS if given[name]))
    check_invert(invert, alpha)
    pngs: list[bytes] = []
    for name, encode in ENCODERS.items():
        (given[name],), read = read_pictures([given[name] or ""], settings, encode)
        pngs += read
    params, redraw = _params(entry, given), given_redraw(max_expansion, attempts)
    find_model(entry.name)
    subject = read_subject(photo, alpha, settings, invert=invert)
    with open_store(settings) as store:
        plan = SweepPlan(subject_id=subject.id, model=entry.name, base=params, redraw=redraw)
        place = find_place(store, settings, plan.models, here=here)
        forecast = place.forecast(plan, {subject.id: subject.extent})
        # The store may not have the subject yet
        for note in dict.fromkeys([*forecast.notes, *subject_notes(subject, params)]):
            say(note)
        keep_subject(store, subject)
        keep_pictures(store, pngs)
        result = place.run(forecast)
        if result.state != "done":
            raise typer.Exit(exit_codes.INTERRUPTED)
        (cell,) = store.sweeps.cells(result.sweep_id)
        if cell.error and not cell.done:
            raise UserInputError(cell.error)
        run = store.runs.get(cell.run_id)
        write_file(out, store.blobs.get(run.image))
    if as_json:
        print_json(_describe(run, result, out) | told_attempts(cell))
    else:
        for said in filter(None, [attempt_text(cell, redraw)]):
            say(said)
        say(f"{out} written{' (made before, not computed again)' if result.reused else f' in {result.seconds} s'}")


def _params(entry: ModelEntry, given: Mapping[str, Any]) -> InpaintParams:
    if given["prompt"] is None and "prompt" in entry.family.ignored:
        given = {**given, "prompt": ""}
    elif given["prompt"] is None:
        raise UserInputError("generate needs --prompt TEXT: say what to paint behind the subject.")
    else:
        check_prompt(given["prompt"])
    if given["seed"] == RANDOM_SEED:
        given = {**given, "seed": drawn_seed()}
    values = {each.field: each.accepted(given[each.option]) for each in PARAMETERS if given[each.option] is not None}
    for parameter in PARAMETERS:
        if parameter.kind == "name" and parameter.field in values:
            values[parameter.field] = parameter.chosen(str(values[parameter.field]))
    return replace(default_params(entry), **values)


def _describe(run: RunRecord, result: SweepResult, out: Path) -> dict[str, Any]:
    return {
        "run": run.id,
        "out": str(out),
        "params": run.params.to_json(),
        "model": run.model,
        "model_revision": run.model_revision,
        "device": run.device,
        "dtype": run.dtype,
        "stages": run.seconds,
        "reused": bool(result.reused),
        "seconds": result.seconds,
    }

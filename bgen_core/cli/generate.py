"""`python -m bgen_core generate`: one picture."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bgen_core.cli.inputs import check_output_file, check_prompt, keep_subject, read_subject, say, write_file
from bgen_core.cli.run_here import InlineResult, forecast_inline, run_inline
from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import describe_model
from bgen_core.models.revision import find_model
from bgen_core.models.schedulers import get_scheduler
from bgen_core.records.run import RunRecord
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan


def generate(
    photo: Annotated[Path, typer.Argument(help="The photo whose subject is kept.")],
    prompt: Annotated[str, typer.Option(help="What to paint behind the subject.")],
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
    negative_prompt: Annotated[str, typer.Option(help="What to avoid; has an effect above guidance 1.")] = "",
    model: Annotated[str | None, typer.Option(help="Catalogue name, Hub id or local folder.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Scheduler [A1111: Sampler].")] = None,
    steps: Annotated[int | None, typer.Option(help="Inference steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale [CFG scale].")] = None,
    strength: Annotated[float, typer.Option(help="Above 0, up to 1; below 1 starts from the photo.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same picture.")] = 0,
    mask_grow: Annotated[float, typer.Option(help="Percent of the model's side to repaint into the edge.")] = 1.5,
    mask_feather: Annotated[float, typer.Option(help="Percent of the model's side to round the mask.")] = 0.0,
    alpha: Annotated[Path | None, typer.Option(help="Mask of the photo's size, white = keep.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Keep the subject of a photo and repaint everything behind it."""
    settings = load_settings()
    entry = describe_model(settings.model if model is None else model)
    check_output_file(out, photo, alpha)
    check_prompt(prompt)
    params = InpaintParams(
        prompt=prompt,
        negative_prompt=negative_prompt,
        scheduler=get_scheduler(entry.scheduler if scheduler is None else scheduler).name,
        num_inference_steps=entry.steps if steps is None else steps,
        guidance_scale=entry.guidance if guidance is None else guidance,
        strength=strength,
        seed=seed,
        mask_grow=mask_grow,
        mask_feather=mask_feather,
    )
    find_model(entry.name)
    subject = read_subject(photo, alpha, settings)
    with open_store(settings) as store:
        plan = SweepPlan(subject_id=subject.id, model=entry.name, base=params)
        forecast = forecast_inline(store, settings, plan, {subject.id: subject.extent})
        for note in forecast.notes:
            say(note)
        keep_subject(store, subject)
        result = run_inline(store, settings, forecast)
        (cell,) = store.sweeps.cells(result.sweep_id)
        if cell.error:
            raise UserInputError(cell.error)
        run = store.runs.get(cell.run_id)
        write_file(out, store.blobs.get(run.image))
    if as_json:
        sys.stdout.write(json.dumps(_describe(run, result, out), ensure_ascii=False) + "\n")
    else:
        say(f"{out} written{' (made before, not computed again)' if result.reused else f' in {result.seconds} s'}")


def _describe(run: RunRecord, result: InlineResult, out: Path) -> dict[str, Any]:
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

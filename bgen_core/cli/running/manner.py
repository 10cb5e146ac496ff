"""How a sweep of the command line is run, and how it is told what came of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.given.photos import SweepPhotos
from bgen_core.cli.given.redraw import told_attempts
from bgen_core.cli.given.two_passes import TwoPasses
from bgen_core.cli.inputs import say, write_file
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.running.here import SweepResult
from bgen_core.cli.running.place import Place, find_place
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.cli.running.racing import described_race
from bgen_core.errors import LostPictureError
from bgen_core.jobs.submission import SweepForecast
from bgen_core.runs.attempt_words import redrawn_text
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted

_MOST_REASONS = 8  # that are said of cells that could not be made


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What the options say that are not of the sweep itself.

    Attributes
    ----------
    here
        Whether this process computes, even where a worker runs.
    previews
        Where previews are written; None for nowhere.
    dry_run
        Whether the plan is printed, and nothing computed.
    out_dir
        Where pictures are written; None for nowhere.
    as_json
        Whether one JSON document is printed.
    """

    settings: Settings
    here: bool
    previews: PreviewFiles | None
    dry_run: bool
    out_dir: Path | None
    as_json: bool

    def place(self, store: Store, models: Sequence[str]) -> Place:
        """Where it is computed."""
        return find_place(store, self.settings, models, here=self.here, dry_run=self.dry_run, previews=self.previews)

    def print_plan(
        self, forecast: SweepForecast, passes: TwoPasses | None = None, photos: SweepPhotos | None = None
    ) -> None:
        """Print what would be made."""
        plan = forecast.plan
        if not self.as_json:
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

    def report(
        self,
        store: Store,
        result: SweepResult,
        *,
        explored: Mapping[str, Any] | None = None,
        photos: SweepPhotos | None = None,
    ) -> None:
        """Write the pictures, and print what came of the sweep.

        Raises
        ------
        typer.Exit
            It was stopped, or something of it could not be made.
        """
        cells = _described_cells(store, result, self.out_dir)
        if self.as_json:
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
                f"in {result.seconds} s{f'; pictures in {self.out_dir}' if self.out_dir else ''}"
            )
            _say_what_else(store, result)
        if result.state != "done":
            raise typer.Exit(exit_codes.INTERRUPTED)
        if result.failed or any(cell["error"] for cell in cells) or (photos and photos.left_out):
            raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _say_what_else(store: Store, result: SweepResult) -> None:
    """Why cells could not be made, and which were drawn again."""
    plan, rows = SweepPlan.from_json(store.sweeps.get(result.sweep_id).plan), store.sweeps.cells(result.sweep_id)
    reasons = Counter(row.error for row in rows if row.has_failed).most_common()
    for reason, number in reasons[:_MOST_REASONS]:
        say(f"  {counted(number, 'cell')}: {reason}")
    if others := reasons[_MOST_REASONS:]:
        say(f"  {counted(sum(number for _, number in others), 'cell')} for other reasons: --json has them all")
    if again := redrawn_text(rows, plan.redraw):
        say(again)


def _about_photos(photos: SweepPhotos | None) -> dict[str, Any]:
    """What is worth telling of several photos."""
    if photos is None or len(photos.kept) + len(photos.left_out) < 2:
        return {}
    return {
        "doubtful": [{"photo": str(photo.path), "doubt": photo.doubt} for photo in photos.doubtful],
        "left_out": [{"photo": str(path), "reason": reason} for path, reason in photos.left_out.items()],
    }


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

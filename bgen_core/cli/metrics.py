"""`python -m bgen_core metrics`: what can be measured on a run, and measuring again."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.run_files import choose_runs
from bgen_core.cli.terminal_bar import counting
from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.metrics import LIKENESS, METRICS, metrics_named
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.wording import counted

_ALL = 10**9
metrics_app = typer.Typer(no_args_is_help=True)


@metrics_app.callback()
def metrics() -> None:
    """What is measured on every run, and measuring again."""


@metrics_app.command("list")
def list_metrics(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on stdout.")] = False,
) -> None:
    """List the metrics with unit, which side is better, source and version."""
    listed = [
        {
            "name": metric.name,
            "label": metric.label,
            "unit": metric.unit,
            "better": metric.direction,
            "help": metric.help,
            "source": metric.source,
            "version": metric.version,
        }
        for metric in (*METRICS, LIKENESS)
    ]
    if as_json:
        print_json(listed)
        return
    # Imported here because only this way of printing needs it.
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("Metric", no_wrap=True), "Unit", "Better", "What", "Source", "Version")
    for metric in (*METRICS, LIKENESS):
        table.add_row(metric.name, metric.unit, metric.direction, metric.help, metric.source, str(metric.version))
    Console().print(table)


@metrics_app.command("recompute")
def recompute(
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="The runs of this sweep.")] = None,
    run: Annotated[list[str] | None, typer.Option(metavar="ID", help="This run; may be given again.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run in the store.")] = False,
    names: Annotated[str | None, typer.Option(metavar="A,B", help="Only these metrics.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Measure runs again; without a choice, what is missing, of an older version, or could not be measured then."""
    settings = load_settings()
    if every and (sweep is not None or run):
        raise UserInputError("--all is every run: give it alone, or --sweep or --run.")
    wanted = None if names is None else [each.strip() for each in names.split(",")]
    chosen = [metric.name for metric in metrics_named(wanted)]

    from bgen_core.jobs.measuring import (
        SEED_METRIC,
        measure_missing,
        measure_run,
        pending_runs,
    )  # loads what segments and measures

    with open_store(settings) as store:
        chosen_runs = every or bool(run) or sweep is not None
        if chosen_runs:
            ids = [each.id for each in choose_runs(store, sweep, run)]
        else:
            ids = pending_runs(store, settings, limit=sys.maxsize, names=wanted)
        with counting("measuring") as show:
            for number, run_id in enumerate(ids):
                show(number, len(ids))
                for each in store.runs.get_all([run_id]):
                    (measure_run if chosen_runs else measure_missing)(store, settings, each, names=wanted)
            # Each new run is one more seed-mate of those that were measured before it.
            waiting = (
                set(pending_runs(store, settings, limit=sys.maxsize, names=[SEED_METRIC]))
                if SEED_METRIC in chosen
                else ()
            )
            for each in store.runs.get_all([run_id for run_id in ids if run_id in waiting]):
                measure_missing(store, settings, each, names=[SEED_METRIC])
        told = _told(store, ids, chosen)
    if as_json:
        print_json(told)
        return
    say(f"{counted(len(ids), 'run')} measured, {len(chosen)} metrics each")
    for name, reasons in told["without_value"].items():
        for reason, count in reasons.items():
            say(f"  {name} has no value in {count:,}: {reason}")


@metrics_app.command("read-pictures")
def read_pictures(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Let the CLIP model read all pictures that it has not read, so that they can be searched by meaning."""
    settings = load_settings()
    from bgen_core.jobs.running.picture_reading import PictureReading
    from bgen_core.metrics.clip import CLIP  # takes torch along

    if reason := CLIP.why_not(settings.clip_model):
        raise UserInputError(f"No picture can be read. {reason}")
    number = 0
    with open_store(settings) as store, counting("reading") as show:
        reading = PictureReading(store, settings)
        waiting = len(reading.unread(at_once=_ALL))
        while read := reading.read_some():
            number += read
            show(number, max(number, waiting))
    if as_json:
        print_json({"pictures": number})
    else:
        say(f"{counted(number, 'picture')} read by {settings.clip_model}")


def _told(store: Store, ids: Sequence[RunId], names: Sequence[str]) -> dict[str, Any]:
    """How many runs were measured, and why some values are not there: metric -> reason -> number of runs."""
    measured = store.metrics.of(ids)
    missing: dict[str, Counter[str]] = {}
    for found in measured.values():
        for name in names:
            if name in found and found[name].value is None:
                missing.setdefault(name, Counter())[found[name].reason] += 1
    without = {name: dict(missing[name].most_common()) for name in names if name in missing}
    return {"runs": len(ids), "metrics": list(names), "without_value": without}

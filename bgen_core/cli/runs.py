"""`python -m bgen_core runs`: the table of everything ever made, and deleting from it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bgen_core.cli.called_as import called_as
from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.metrics import LIKENESS
from bgen_core.parameters import PARAMETERS, Parameter
from bgen_core.records.run import RunRecord
from bgen_core.runs.export import CSV_ENCODING, run_values, runs_csv
from bgen_core.runs.table import FIELDS
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.whole_file import write_whole
from bgen_core.wording import counted, printable

# The negative prompt and what acts on the mask or the pasting would make the lines too long for a terminal.
_PAINTING = tuple(each for each in PARAMETERS if each.stage in ("place", "paint") and each.field != "negative_prompt")

_MOST = 10**9  # far beyond any store, and a number that databases take

runs_app = typer.Typer()


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the table to this CSV file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on stdout and nothing else.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, max=_MOST, help="Only the first N runs.")] = None,
    meaning: Annotated[str, typer.Option(help="The most alike to these words first, by the CLIP model.")] = "",
    less: Annotated[str, typer.Option(help="With --meaning: and the least alike to these words.")] = "",
    like: Annotated[str, typer.Option(metavar="ID", help="The most alike to this run first.")] = "",
) -> None:
    """List the runs in the store, newest first; export, import or delete them."""
    if context.invoked_subcommand is not None:
        _check_before(context, context.invoked_subcommand)
        return
    settings = load_settings()
    with open_store(settings) as store:
        likeness: dict[RunId, float | None] = {}
        if meaning or less or like:
            found, likeness = _most_alike(store, settings, meaning, less, like, limit)
        else:
            found = store.runs.select(limit=limit)
        files = [
            {"image_file": store.blobs.address(run.image), "raw_file": store.blobs.address(run.raw)} for run in found
        ]
    if csv is not None:
        _write(csv, runs_csv(found))
        say(f"{counted(len(found), 'run')} written to {csv}")
    if as_json:
        listed = [
            run_values(run) | ({"likeness": likeness[run.id]} if likeness else {}) | its_files
            for run, its_files in zip(found, files, strict=True)
        ]
        print_json(listed, indent=2)
    elif csv is None:
        _print_table(found, likeness)


def _check_before(context: typer.Context, command: str) -> None:
    """Refuse options of the list before the name of a command, which would not heed them."""
    for option in context.command.params:
        if option.name and context.params.get(option.name):
            raise UserInputError(
                f"{option.opts[0]} before {command} is not allowed: `{called_as()} runs {command} --help` lists what "
                f"may stand after it."
            )


def _most_alike(
    store: Store, settings: Settings, meaning: str, less: str, like: str, limit: int | None
) -> tuple[list[RunRecord], dict[RunId, float | None]]:
    """The runs with how alike each is to what is looked for, the most alike first."""
    from bgen_core.runs.likeness import AlikeTo, likeness  # takes what reads pictures along

    asked = AlikeTo(words=meaning, less=less, run_id=store.runs.get(like).id if like else None)
    runs = store.runs.select()
    found = likeness(store, settings.clip_model, asked, [run.id for run in runs])
    if found.sentence:
        sys.stderr.write(f"{found.sentence} `{called_as()} metrics read-pictures` reads them now.\n")
    values = [found.measured(place).value for place in range(len(runs))]
    order = sorted(
        range(len(runs)), key=lambda place: -2.0 if (value := values[place]) is None else value, reverse=True
    )
    return [runs[place] for place in order[:limit]], {runs[place].id: values[place] for place in order[:limit]}


@runs_app.command("delete")
def delete(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Runs, each by at least 8 digits of its id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Delete runs and the pictures that nothing else needs; says what goes and asks first."""
    with open_store(load_settings()) as store:
        found = list(dict.fromkeys(run.id for run in store.runs.get_all(ids)))
        going = store.deletion.count(found)
        if not dry_run:
            if not yes:
                _ask(going.sentence)
            going = store.deletion.delete(found)
    if as_json:
        print_json({"dry_run": dry_run, "deleted": found} | asdict(going))
    elif dry_run or yes:
        say(going.sentence if dry_run else going.told)


def _ask(sentence: str) -> None:
    if not sys.stdin.isatty():
        raise UserInputError(f"{sentence} Nothing is deleted without an answer: repeat with --yes.")
    if not typer.confirm(f"{sentence} Delete?", err=True):
        raise typer.Abort


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, [text.encode(CSV_ENCODING)])
    except OSError as error:
        raise UserInputError(
            f"{path} cannot be written ({error.strerror}): give a file in a folder that exists and can be written."
        ) from error


def _print_table(found: Sequence[RunRecord], likeness: Mapping[RunId, float | None]) -> None:
    # Imported here because only this way of printing needs it.
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    if not found:
        sys.stderr.write(f"No runs yet: make some with `{called_as()} generate` or `sweep`.\n")
        return
    # What few models have is shown where a run has it.
    told = {each.field for each in _PAINTING if each.since == 1 or any(_is_given(run, each) for run in found)}
    columns = [field for field in FIELDS if field.name in told | {"subject", "model", "seconds"}]
    alike = [LIKENESS.label] if likeness else []
    table = Table(Column("Run", no_wrap=True), "Made", *alike, *(field.label for field in columns))
    for run in found:
        values = [escape(printable(field.in_words(run))) for field in columns]
        if likeness:
            value = likeness[run.id]
            values.insert(0, "–" if value is None else LIKENESS.text(value))
        table.add_row(run.short_id, f"{run.created.astimezone():%Y-%m-%d %H:%M}", *values)
    Console().print(table)


def _is_given(run: RunRecord, parameter: Parameter) -> bool:
    return getattr(run.params, parameter.field) != parameter.default

"""`python -m bgen_core runs export` and `runs import`: runs as files, for other programs and for other stores."""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.runs import runs_app
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.run import RunRecord
from bgen_core.runs.export import CSV_ENCODING, replaced_in_csv, runs_csv, runs_json, runs_parquet
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.whole_file import linked, write_whole
from bgen_core.wording import counted


class Format(StrEnum):
    """What runs can be written as."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ZIP = "zip"
    HTML = "html"


@runs_app.command("export")
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[Format | None, typer.Option(help="By default what the file's name says.")] = None,
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="Only the runs of this sweep.")] = None,
    run: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this run; may be given again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Write runs with metrics, ratings, notes and tags: as a table, an HTML page, or a ZIP with all their pictures.

    Exit 2 where something of them could not be included.
    """
    chosen = format or _format_of(out)
    settings = load_settings()
    with open_store(settings) as store:
        runs = choose_runs(store, sweep, run)
        left_out: list[str] = []
        _write(out, _pieces(store, settings, runs, chosen, sweep, left_out.append))
    if chosen is Format.ZIP:
        left_out = _left_out(linked(out))
    for sentence in left_out:
        say(f"not included: {sentence}")
    if as_json:
        content = {"out": str(out), "format": chosen.value, "runs": len(runs), "not_included": left_out}
        print_json(content)
    elif not left_out:
        say(f"{counted(len(runs), 'run')} written to {out}")
    else:
        say(f"{out} written, without what is listed above")
    if left_out:
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


@runs_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="A ZIP of `runs export`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Take the runs of a ZIP with pictures, metrics, opinions, subjects, sweeps and votes; what is here stays.

    Exit 2 where something of it could not be taken.
    """
    from bgen_core.archive.run_import import import_runs  # loads what decodes pictures
    from bgen_core.subject.decoding.image_io import DecodeLimits

    settings = load_settings()
    with open_store(settings) as store:
        imported = import_runs(store, file, limits=DecodeLimits.of_pictures(settings))
    for sentence in imported.not_imported:
        say(f"not imported: {sentence}")
    if as_json:
        print_json(asdict(imported))
    else:
        say(imported.sentence)
    if imported.not_imported:
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def choose_runs(store: Store, sweep: str | None, ids: Sequence[str] | None) -> list[RunRecord]:
    """The runs of a sweep's grid, the named ones, or all; newest first unless named.

    Raises
    ------
    UserInputError
        Both are given, or there is no such sweep or run.
    """
    if sweep is not None and ids:
        raise UserInputError("--sweep and --run are two ways to choose: give one of them.")
    sweep_id = None if sweep is None else store.sweeps.get(SweepId(sweep)).id
    if ids:
        return list({run.id: run for run in store.runs.get_all(ids)}.values())
    return store.runs.select(sweep_id=sweep_id)


def _format_of(out: Path) -> Format:
    try:
        return Format(out.suffix.lower().removeprefix("."))
    except ValueError as error:
        allowed = ", ".join(each.value for each in Format)
        raise UserInputError(f"--out {out} does not say in which format: give --format, one of {allowed}.") from error


def _pieces(
    store: Store,
    settings: Settings,
    runs: Sequence[RunRecord],
    chosen: Format,
    sweep: str | None,
    tell: Callable[[str], None],
) -> Iterable[bytes]:
    ids = [run.id for run in runs]
    if chosen is Format.HTML:
        if not ids:
            raise UserInputError("There is no run to show: make one first, or choose another sweep.")
        from bgen_core.reports.html_report import html_report

        sweep_id = SweepId(sweep) if sweep else None
        return html_report(store, sweep_id=sweep_id, run_ids=[] if sweep else ids, tell=tell)
    if chosen is Format.ZIP:
        from bgen_core.archive.run_archive import run_archive
        from bgen_core.subject.decoding.image_io import DecodeLimits

        return run_archive(store, ids, limits=DecodeLimits.of_pictures(settings))
    metrics, opinions = store.metrics.of(ids), store.opinions.of(ids)
    if chosen is Format.CSV:
        for sentence in replaced_in_csv(runs, opinions):
            tell(sentence)
    tables: dict[Format, Callable[[], bytes]] = {
        Format.CSV: lambda: runs_csv(runs, metrics=metrics, opinions=opinions).encode(CSV_ENCODING),
        Format.JSON: lambda: runs_json(runs, metrics=metrics, opinions=opinions).encode(),
        Format.PARQUET: lambda: runs_parquet(runs, metrics=metrics, opinions=opinions),
    }
    return [tables[chosen]()]


def _write(out: Path, pieces: Iterable[bytes]) -> None:
    try:
        write_whole(out, pieces)
    except OSError as error:
        raise UserInputError(
            f"--out {out} cannot be written ({error.strerror}): give a file in a folder that exists and can be written."
        ) from error


def _left_out(archive: Path) -> list[str]:
    """What the ZIP says that it does not hold, a sentence each; a pipe cannot be asked."""
    if not archive.is_file():
        return []
    from bgen_core.archive.manifest import NOT_INCLUDED

    with zipfile.ZipFile(archive) as opened:
        return opened.read(NOT_INCLUDED).decode().splitlines() if NOT_INCLUDED in opened.namelist() else []

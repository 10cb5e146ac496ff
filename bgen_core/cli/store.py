"""`python -m bgen_core store`: whether database and pictures belong together, backups, and what nothing refers to."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.called_as import called_as
from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.terminal_bar import counting
from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings
from bgen_core.store.pictures import Removed
from bgen_core.store.store import Store, open_store
from bgen_core.store.upkeep.check import Finding, Looked, check_store
from bgen_core.store.upkeep.garbage import GRACE, collect_garbage, most_would_go
from bgen_core.store.upkeep.retention import OldRun, old_runs, remove_old_runs, size_of
from bgen_core.wording import counted, printable

store_app = typer.Typer(no_args_is_help=True)
_LISTED = 20
_MOST_DAYS = 36_500
_MINUTES = int(GRACE.total_seconds() // 60)


@store_app.callback()
def store() -> None:
    """Check, mend, save and restore the store, and remove what nothing refers to."""


@store_app.command("check")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    drop_lost: Annotated[
        bool, typer.Option("--drop-lost", help="With --repair: remove runs whose picture cannot be made again.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read the pictures: finds no damaged ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Find missing, damaged and unused pictures and leftovers; exit 0 where all is in order, else 2."""
    if drop_lost and not repair:
        raise UserInputError("--drop-lost removes runs that cannot be mended: give --repair too.")
    with open_store(load_settings(), begin_anew=repair) as opened:
        findings = _findings(opened, quick=quick)
        told = (
            _repaired(opened, findings, drop_lost=drop_lost)
            if repair
            else [_described(finding) for finding in findings]
        )
        pictures = len(opened.blobs.listing().pictures)
    remaining = sum(not each["repaired"] for each in told)
    if as_json:
        content = {"ok": not remaining, "pictures": pictures, "findings": told}
        print_json(content)
    else:
        for each in told:
            sys.stdout.write(f"{'OK ' if each['repaired'] else '-- '} {each['text']} {each['repair']}".rstrip() + "\n")
        say(_summary(pictures, len(told), remaining, repair=repair))
    if remaining:
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


@store_app.command("gc")
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Also where more than half of all pictures would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Remove pictures that no run and no subject needs; what is younger than an hour stays."""
    with open_store(load_settings()) as opened:
        if not (dry_run or yes):
            _check_that_most_stays(opened)
        removed = collect_garbage(opened, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run} | asdict(removed))
    else:
        files = f"{counted(removed.files, 'file')} ({removed.size / 1e6:.1f} MB)"
        say(f"{files} {'would go' if dry_run else 'removed'}; what is younger than {_MINUTES} minutes stays")


@store_app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(help="A folder, in which the next one writes only what is new; or X.tar.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Save database and pictures while the app runs; every row that is saved has its pictures.

    Exit 2 where the store itself lacks pictures that rows name, or has damaged ones.
    """
    from bgen_core.store.backup.saving import Saved, back_up

    saved = Saved(pictures=0, new=0, lost=0)
    with open_store(load_settings()) as opened, counting("saving pictures") as show:
        for each in back_up(opened, target):
            if isinstance(each, Saved):
                saved = each
            else:
                show(each.done, each.of)
    if as_json:
        print_json(asdict(saved))
    else:
        unread = f"{counted(saved.lost, 'picture')} that rows name cannot be read: see `store check`"
        lost = f"; {unread}" if saved.lost else ""
        say(f"{target}: {counted(saved.pictures, 'picture')}, {saved.new:,} new, and the database{lost}")
    if saved.lost:
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


@store_app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(help="A backup: its folder, or its TAR file.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also where the store holds something, which it replaces.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Put a backup in the place of what the store holds, in one step at the end; the app may run."""
    from bgen_core.store.backup.restoring import Restored, check_backup, restore

    restored = Restored(created="", pictures=0, new=0, lost=0)
    with open_store(load_settings(), begin_anew=True) as opened, counting("restoring pictures") as show:
        check_backup(opened, source)
        if not yes:
            _check_that_nothing_is_replaced(opened)
        for each in restore(opened, source):
            if isinstance(each, Restored):
                restored = each
            else:
                show(each.done, each.of)
    if as_json:
        print_json(asdict(restored))
    else:
        lost = f"; {counted(restored.lost, 'picture')} missing: see `store check`" if restored.lost else ""
        say(
            f"the store is as on {restored.created}: {counted(restored.pictures, 'picture')}, "
            f"{restored.new:,} of them were not here{lost}"
        )
    if restored.lost:
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _check_that_nothing_is_replaced(opened: Store) -> None:
    roles = [use.role for uses in opened.pictures.uses().values() for use in uses]
    held = {"run": roles.count("image"), "subject": roles.count("photo"), "sweep": len(opened.sweeps.select())}
    if any(held.values()):
        told = ", ".join(counted(number, name) for name, number in held.items() if number)
        raise UserInputError(
            f"the store {opened.database.place} holds {told}, which the backup would replace: repeat with --yes."
        )


def _check_that_most_stays(opened: Store) -> None:
    """Refuse to empty a folder of pictures because the database is not the one that belongs to it."""
    if problem := most_would_go(opened):
        raise UserInputError(f"{problem.removesuffix('.')}: if it is the right one, repeat with --yes.")


@store_app.command("retention")
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Remove them.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say what would go; so it is without --apply.")
    ] = False,
    days: Annotated[float | None, typer.Option(help="Days without a word; else BGEN_RETENTION_DAYS.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Remove runs whose sweeps had no word for some days: no rating, note, tag, vote, decision, view or link."""
    settings = load_settings()
    days = settings.retention_days if days is None else days
    if apply and preview:
        raise UserInputError("--preview says what would go and --apply removes it: give one of them.")
    if days is None:
        raise UserInputError("Nothing says after how many days runs go: give --days 90, or set BGEN_RETENTION_DAYS.")
    if not 0 < days <= _MOST_DAYS:
        raise UserInputError(f"--days {days:g} is not allowed: give more than 0 and at most {_MOST_DAYS:,}.")
    with open_store(settings) as opened:
        runs = old_runs(opened, days=days)
        pictures = size_of(opened, runs)
        gone = len(runs)
        if apply:
            gone, pictures = _removed(opened, days, len(runs))
    if as_json:
        print_json({"applied": apply, "days": days, "runs": [_told(run) for run in runs]} | asdict(pictures))
    else:
        for run in runs[: None if apply else _LISTED]:
            name = printable(run.subject_name, 60)
            sys.stdout.write(f"{run.created:%Y-%m-%d} {run.id[:12]} {name}: {printable(run.prompt, 60)}\n")
        if not apply and len(runs) > _LISTED:
            sys.stdout.write(f"… and {len(runs) - _LISTED:,} more; all with --json\n")
        files = f"{counted(pictures.files, 'picture')} ({pictures.size / 1e6:.1f} MB)"
        between = f", made {runs[0].created:%Y-%m-%d} to {runs[-1].created:%Y-%m-%d}" if runs else ""
        say(f"{counted(gone, 'run')}{between}, with {files} {'removed' if apply else 'would go'}")


def _removed(opened: Store, days: float, expected: int) -> tuple[int, Removed]:
    runs, pictures = 0, Removed()
    with counting("removing runs") as show:
        for went, files in remove_old_runs(opened, days=days):
            runs, pictures = runs + went, pictures + files
            show(runs, expected)
    return runs, pictures


def _told(run: OldRun) -> dict[str, str]:
    return {
        "id": run.id,
        "created": run.created.isoformat(),
        "subject_id": run.subject_id,
        "subject_name": run.subject_name,
        "prompt": run.prompt,
    }


def _findings(opened: Store, *, quick: bool) -> list[Finding]:
    found: list[Finding] = []
    with counting("looking at pictures") as show:
        for each in check_store(opened, quick=quick):
            if isinstance(each, Looked):
                show(each.done, each.of)
            else:
                found.append(each)
    return found


def _repaired(opened: Store, findings: list[Finding], *, drop_lost: bool) -> list[dict[str, Any]]:
    from bgen_core.store.upkeep.repair import repair_store  # loads what pastes subjects

    return [
        _described(each.finding) | {"repaired": each.done, "repair": each.text}
        for each in repair_store(opened, findings, drop_lost=drop_lost)
    ]  # fmt: skip


def _described(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "path": finding.path,
        "uses": [asdict(use) for use in finding.uses],
        "text": finding.text,
        "repaired": False,
        "repair": "",
    }


def _summary(pictures: int, found: int, remaining: int, *, repair: bool) -> str:
    if not found:
        return f"{pictures:,} pictures: all is in order"
    text = f"{pictures:,} pictures: {counted(found, 'finding')}"
    if repair:
        return f"{text}, {found - remaining:,} mended" + (f", {remaining:,} left" if remaining else "")
    return f"{text}; mend what can be mended with: {called_as()} store check --repair"

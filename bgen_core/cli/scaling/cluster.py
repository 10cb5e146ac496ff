"""`python -m bgen_core cluster`: who paints what now, as the store knows it."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.cluster.examination import checks_of
from bgen_core.jobs.watching.findings import examine
from bgen_core.jobs.watching.painters import SeenMember, members_of
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store

cluster_app = typer.Typer(no_args_is_help=True)


@cluster_app.callback()
def cluster() -> None:
    """Look at painters on all machines."""


@cluster_app.command("status")
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Show dispatcher, painters and measurers: where they are, what they do, and how fast; exit 2 where none paints.

    What `doctor` finds wrong with what machines share is said on stderr.
    """
    settings = load_settings()
    with open_store(settings) as store:
        members = members_of(store)
    for finding in [examine(what, check, settings) for what, check in checks_of(settings)]:
        if not finding.ok:
            say(finding.line)
    if as_json:
        print_json([asdict(member) for member in members])
    else:
        sys.stdout.write("".join(_line(member) + "\n" for member in members) or "Nobody serves this store.\n")
    if not any(member.paints and member.is_alive for member in members):
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _line(member: SeenMember) -> str:
    said = "" if member.is_alive else f"silent for {member.silent_seconds:.0f} s"
    parts = [
        f"{member.kind:12}",
        f"{member.host}:{member.pid}",
        member.device,
        said or member.state,
        member.sweep_id and f"sweep {member.sweep_id}",
        f"{member.rows_per_second:.1f} rows/s" if member.rows_per_second else "",
        f"{member.made} cells made" if member.paints else "",
        f"{member.lost} lost to others" if member.lost else "",
        member.trouble,
    ]
    return "  ".join(filter(None, parts))

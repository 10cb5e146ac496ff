"""`python -m bgen_core models`: what can be chosen."""

from typing import Annotated

import typer

from bgen_core.cli.json_answer import print_json
from bgen_core.errors import ModelLoadError
from bgen_core.models.catalogue import OFFERED, ModelEntry, describe_model
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import find_entry, find_local_model
from bgen_core.models.schedulers import SCHEDULERS
from bgen_core.models.steering.ip_adapters import available_ip_adapters
from bgen_core.models.steering.weight_files import names_in_folder
from bgen_core.settings import load_settings


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """List the models, schedulers, LoRAs and IP-Adapters, and which models are on this machine."""
    settings = load_settings()
    keep_hashes(settings.home)
    ip_adapters = available_ip_adapters(settings.ip_adapter_folder)
    chosen, loras = _chosen(default_model(settings)), names_in_folder(settings.lora_folder)
    entries = [*OFFERED] if chosen in OFFERED else [chosen, *OFFERED]
    listed = [
        {
            "name": entry.name,
            "source": entry.source,
            "title": entry.title,
            "here": _is_here(entry.name),
            "default": entry == chosen,
            "side": entry.side,
            "steps": entry.steps,
            "guidance": entry.guidance,
            "scheduler": entry.scheduler,
            "licence": entry.licence,
            "access": entry.access,
            "size": entry.size,
            "run_with_real_weights": entry.was_run,
        }
        for entry in entries
    ]
    schedulers = [{"name": entry.name, "label": entry.label} for entry in SCHEDULERS]
    if as_json:
        print_json({"models": listed, "schedulers": schedulers, "loras": loras, "ip_adapters": ip_adapters})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for entry in entries:
        table.add_row(entry.name + (" (default)" if entry == chosen else ""), entry.title)
        table.add_row("", _starts(entry), style="dim")
        table.add_row("", _has(entry), style="dim")
    console = Console(markup=False, highlight=False)
    console.print(table)
    console.print(
        "\nSizes are those of the weights in half precision, which are fetched at first use. Of what is “not run yet” "
        "a small random checkpoint of the same family was run.\n"
    )
    console.print("Schedulers: " + ", ".join(f"{entry.name} ({entry.label})" for entry in SCHEDULERS))
    console.print(f"IP-Adapters in {settings.ip_adapter_folder}: {', '.join(ip_adapters) or 'none'}")
    console.print(f"LoRAs in {settings.lora_folder}: {', '.join(loras) or 'none'}")


def _starts(entry: ModelEntry) -> str:
    """Where its first picture starts."""
    if entry.family.backdrop:
        return "no diffusion"
    return f"{entry.side} px · {entry.steps} steps · guidance {entry.guidance:g} · {entry.scheduler}"


def _has(entry: ModelEntry) -> str:
    """Where its files are, whose they are, and whether they are known to work."""
    where = "here" if _is_here(entry.name) else f"downloads {entry.size}".rstrip()
    licence = f"{entry.licence}, gated" if entry.access == "gated" else entry.licence
    return " · ".join(filter(None, [where, licence, "" if entry.was_run else "not run yet"]))


def _chosen(spec: str) -> ModelEntry:
    known = describe_model(spec)
    if known in OFFERED:
        return known
    try:
        return find_entry(spec)
    except ModelLoadError:  # using it says why
        return known


def _is_here(spec: str) -> bool:
    try:
        return find_local_model(spec) is not None
    except ModelLoadError:
        return False

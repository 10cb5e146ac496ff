"""Runs for other programs: CSV for spreadsheets, plain values for JSON."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bgen_core.runs.record import RunRecord

# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")

CSV_COLUMNS = (
    "id",
    "created",
    "subject_name",
    "subject_id",
    "prompt",
    "negative_prompt",
    "model",
    "model_revision",
    "scheduler",
    "num_inference_steps",
    "guidance_scale",
    "strength",
    "seed",
    "mask_grow",
    "mask_feather",
    "width",
    "height",
    "model_width",
    "model_height",
    "device",
    "dtype",
    "seconds",
    "peak_memory_mb",
    "versions",
    "owner",
    "image",
    "raw",
)


def run_values(run: RunRecord) -> dict[str, Any]:
    """One run as plain values under the names of `CSV_COLUMNS`, with stages and versions as objects of their own."""
    values: dict[str, Any] = {
        **run.to_json(),
        **run.params.to_json(),
        "width": run.extent.width,
        "height": run.extent.height,
        "model_width": run.model_extent.width,
        "model_height": run.model_extent.height,
    }
    return {name: values[name] for name in CSV_COLUMNS}


def runs_csv(runs: Sequence[RunRecord]) -> str:
    """The runs as CSV (RFC 4180, UTF-8 when encoded): one row each, stages and versions as a column each.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    rows: list[dict[str, Any]] = []
    for run in runs:
        values = run_values(run)
        stages, versions = values.pop("seconds"), values.pop("versions")
        values["seconds"] = run.total_seconds
        values.update({f"seconds_{stage}": spent for stage, spent in stages.items()})
        values.update({f"version_{library}": version for library, version in versions.items()})
        rows.append({name: _harmless(value) for name, value in values.items()})
    given = {name for row in rows for name in row}
    columns: list[str] = []
    for name in CSV_COLUMNS:
        if name == "seconds":
            columns += ["seconds", *sorted(each for each in given if each.startswith("seconds_"))]
        elif name == "versions":
            columns += sorted(each for each in given if each.startswith("version_"))
        else:
            columns.append(name)
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\r\n")


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) else value

"""Runs for other programs: CSV for spreadsheets, Parquet for data frames, JSON for everything else."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bgen_core.ids import RunId
from bgen_core.metrics import METRICS, MetricValue
from bgen_core.parameters import PARAMETERS, PROMPTS
from bgen_core.records.run import RunRecord
from bgen_core.store.opinions import Opinion

if TYPE_CHECKING:
    import pandas as pd

# Run -> metric -> what was measured, as `Store.metrics.of` gives it; run -> what people wrote, as `Store.opinions.of`.
Measured = Mapping[RunId, Mapping[str, MetricValue]]
Opinions = Mapping[RunId, Opinion]

# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# With a byte order mark, by which Excel knows UTF-8.
CSV_ENCODING = "utf-8-sig"
_NO_LETTER = "\N{REPLACEMENT CHARACTER}"

CSV_COLUMNS = (
    "id",
    "created",
    "subject_name",
    "subject_id",
    *(parameter.field for parameter in PROMPTS),
    "model",
    "model_revision",
    *(parameter.field for parameter in PARAMETERS if parameter not in PROMPTS),
    "width",
    "height",
    "model_width",
    "model_height",
    "device",
    "dtype",
    "seconds",
    "peak_memory_mb",
    "versions",
    "made_on",
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


def runs_csv(runs: Sequence[RunRecord], *, metrics: Measured | None = None, opinions: Opinions | None = None) -> str:
    """The runs as CSV (RFC 4180; a file in `CSV_ENCODING`): a row each, a column for each stage, version and metric.

    A text that a spreadsheet would run as a formula gets an apostrophe before it; see also `replaced_in_csv`.

    Parameters
    ----------
    metrics
        What was measured; a metric that no run was asked for has no column, one without a value an empty cell.
    opinions
        Adds rating, notes and tags, where it is given.
    """
    rows = [
        {name: _harmless(value) for name, value in row.items()} for row in _rows(runs, metrics, opinions)
    ]  # fmt: skip
    return _frame(rows, metrics, opinions).to_csv(index=False, lineterminator="\r\n")


def replaced_in_csv(runs: Sequence[RunRecord], opinions: Opinions) -> list[str]:
    """A sentence for each run of an older store with a zero byte in a text: most readers of CSV end a file there."""
    return [
        f"Run {run.id}: each zero byte in its texts is written as {_NO_LETTER}."
        for run in runs
        if any(
            isinstance(value, str) and "\0" in value
            for opinion in (opinions.get(run.id, Opinion()),)
            for value in (*run_values(run).values(), opinion.notes, *opinion.tags)
        )
    ]


def runs_parquet(
    runs: Sequence[RunRecord], *, metrics: Measured | None = None, opinions: Opinions | None = None
) -> bytes:
    """The runs as a Parquet file with the columns of `runs_csv`, typed: times in UTC, texts as they are."""
    import pandas as pd

    frame = _frame(_rows(runs, metrics, opinions), metrics, opinions)
    frame["created"] = pd.to_datetime(frame["created"], utc=True)
    for name in [metric.name for metric in METRICS if metric.name in frame]:
        frame[name] = frame[name].astype(float)  # a column without any value too
    buffer = BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def runs_json(runs: Sequence[RunRecord], *, metrics: Measured | None = None, opinions: Opinions | None = None) -> str:
    """The runs as a JSON list of `run_values`.

    With `metrics` each has an object "metrics": name -> value (null where there is none), version, and the reason. With
    `opinions` each has "rating", "notes", "tags", "mean_rating" and "raters"; see `Opinion`.
    """
    listed: list[dict[str, Any]] = []
    for run in runs:
        values = run_values(run)
        if metrics is not None:
            values["metrics"] = {
                measured.name: {"value": measured.value, "version": measured.version, "reason": measured.reason}
                for measured in _in_order(metrics.get(run.id, {}))
            }
        if opinions is not None:
            opinion = opinions.get(run.id, Opinion())
            values |= _said(opinion) | {"tags": list(opinion.tags)}
        listed.append(values)
    return json.dumps(listed, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rows(runs: Sequence[RunRecord], metrics: Measured | None, opinions: Opinions | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for run in runs:
        values = run_values(run)
        stages, versions, made_on = (values.pop(name) for name in ("seconds", "versions", "made_on"))
        values["seconds"] = run.total_seconds
        values.update({f"seconds_{stage}": spent for stage, spent in stages.items()})
        values.update({f"version_{library}": version for library, version in versions.items()})
        values.update({f"made_on_{what}": told for what, told in made_on.items()})
        for measured in _in_order((metrics or {}).get(run.id, {})):
            values.setdefault(measured.name, measured.value)  # times and memory stand there already
        if opinions is not None:
            opinion = opinions.get(run.id, Opinion())
            values |= _said(opinion)
        rows.append(values)
    return rows


def _frame(rows: Sequence[dict[str, Any]], metrics: Measured | None, opinions: Opinions | None) -> "pd.DataFrame":
    import pandas as pd  # here: every command would wait for it, and few write tables

    frame = pd.DataFrame(rows, columns=_columns(rows, metrics, opinions))
    if opinions is not None:
        frame["rating"] = frame["rating"].astype("Int64")  # whole stars, although some runs have none
    return frame


def _columns(rows: Sequence[dict[str, Any]], metrics: Measured | None, opinions: Opinions | None) -> list[str]:
    given = {name for row in rows for name in row}
    columns: list[str] = []
    for name in CSV_COLUMNS:
        if name == "seconds":
            columns += ["seconds", *sorted(each for each in given if each.startswith("seconds_"))]
        elif name == "versions":
            columns += sorted(each for each in given if each.startswith("version_"))
        elif name == "made_on":
            columns += sorted(each for each in given if each.startswith("made_on_"))
        else:
            columns.append(name)
    measured = {name: value for each in (metrics or {}).values() for name, value in each.items()}
    columns += [each.name for each in _in_order(measured) if each.name in given and each.name not in columns]
    return columns + (list(_said(Opinion())) if opinions is not None else [])


def _said(opinion: Opinion) -> dict[str, Any]:
    return {
        "rating": opinion.rating,
        "notes": opinion.notes,
        "tags": ", ".join(opinion.tags),
        "mean_rating": opinion.mean_rating,
        "raters": opinion.raters,
    }


def _in_order(measured: Mapping[str, MetricValue]) -> list[MetricValue]:
    """In the order of `METRICS`; at the end what an older version knew."""
    known = [metric.name for metric in METRICS]
    return sorted(measured.values(), key=lambda each: (each.name not in known, [*known, each.name].index(each.name)))


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = value.replace("\0", _NO_LETTER)
    # One apostrophe more where a text has some itself, so that one taken away always gives the text back.
    return f"'{value}" if value.lstrip("'").startswith(_FORMULA_SIGNS) else value

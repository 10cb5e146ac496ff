"""What a ZIP of runs holds, so that another store can take it: names, the list of contents, and its limits.

pictures/….png          the finished pictures at full size, under names that say what they are
raw/<hash>.png          what the model made, before the subject was put back
subjects/<hash>.png     photos and masks
subjects/<id>.json      how a mask was made: settings and strokes
runs.csv                the table, for people and spreadsheets
bgen-runs.json          the list of contents, from which `runs import` reads
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

FORMAT = "bgen-runs"
VERSION = 1
MANIFEST = "bgen-runs.json"
TABLE = "runs.csv"
NOT_INCLUDED = "not-included.txt"

_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
_File = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _without_zero_byte(text: str) -> str:
    if "\0" in text:
        raise ValueError("a zero byte is not allowed")
    return text


_Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_without_zero_byte)]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_without_zero_byte)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    # What a later version adds is left out; a number in quotes is no number.
    model_config = ConfigDict(extra="ignore", frozen=True)


class ArchivedMetric(_Part):
    """One measured property; see `MetricValue`."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}\z")]
    value: _Finite | None
    reason: _Text
    version: Annotated[int, Field(ge=0, le=10**6)]


class ArchivedRun(_Part):
    """One run: `record` as `RunRecord.to_json` writes it, where its pictures lie in the ZIP, and what belongs to it."""

    record: dict[str, Any]
    image_file: _File
    raw_file: _File
    metrics: list[ArchivedMetric] = Field(default=[], max_length=1000)
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    notes: _Text = ""
    tags: list[_Word] = Field(default=[], max_length=1000)


class ArchivedSubject(_Part):
    """One subject: content addresses of its pictures, and where they and its edit lie in the ZIP."""

    id: _Hash
    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    created: datetime
    photo: _Hash
    photo_file: _File
    alpha: _Hash
    alpha_file: _File
    edit_file: _File


class Manifest(_Part):
    """The list of contents."""

    format: Literal["bgen-runs"]
    version: int
    made_by: str
    subjects: list[ArchivedSubject]
    runs: list[ArchivedRun]

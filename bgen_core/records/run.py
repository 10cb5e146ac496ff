"""Runs: what made a picture, and what is kept of it."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bgen_core.extent import Extent
from bgen_core.ids import NOBODY, BlobHash, RawId, RunId, SubjectId, VisitorId
from bgen_core.sweep.params import InpaintParams


@dataclass(frozen=True, kw_only=True)
class MadeRun:
    """What made a picture, and how: all that its PNG says. Either a `PaintedRun` or a `RunRecord`.

    Attributes
    ----------
    id
        The cell's content address (64 hexadecimal digits): the same parameters are the same run.
    raw_id
        Content address of the diffusion model's own picture by what made it: runs that differ in nothing but the
        pasting share it. Equal to `id` for plain pasting.
    extent, model_extent
        Sizes of the finished picture, which is the photo's, and of the model's own output before the subject was put
        back.
    device, dtype
        Where it was computed: "cpu" or a GPU's name, and "float32", "float16" or "bfloat16".
    versions
        Library name -> version, of those that can change pixels; "engine" -> how the network was called, where it was
        compiled; "light" -> what the light did to the subject, where it was on.
    seconds
        Stage ("denoise", "decode", "composite") -> seconds: this cell's share of the batches it was in.
    peak_memory_mb
        Highest memory of the device (GPU) or the process (CPU) since its sweep began, in MB (10^6 bytes).
    created
        When it was painted.
    made_on
        What painted the raw picture: "gpu" and "driver", or "processor" and "instructions"; "host"; "batch_rows", the
        most rows of a call, and "quantum", to whose multiples calls were filled ("none" where they were not). Empty
        for runs of earlier versions.
    """

    id: RunId
    raw_id: RawId
    subject_id: SubjectId
    subject_name: str
    params: InpaintParams
    model: str
    model_revision: str
    extent: Extent
    model_extent: Extent
    device: str
    dtype: str
    versions: dict[str, str]
    seconds: dict[str, float]
    peak_memory_mb: float
    created: datetime
    owner: VisitorId = NOBODY
    made_on: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def total_seconds(self) -> float:
        """Seconds over all stages."""
        return sum(self.seconds.values())

    @property
    def short_id(self) -> str:
        """The first 12 digits of the id: enough to name a run in a link or a table."""
        return self.id[:12]

    def to_json(self) -> dict[str, Any]:
        """Every field, for JSON: the parameters and sizes as objects of their own, the time in ISO 8601.

        The host's name stays in the store: whoever gets a picture need not know how machines are called.
        """
        made_on = {name: each for name, each in self.made_on.items() if name != "host"}
        return {**asdict(self), "created": self.created.isoformat(), "made_on": made_on}


@dataclass(frozen=True, kw_only=True)
class PaintedRun(MadeRun):
    """A run whose pictures are in no store, or nobody knows in which: fresh from the model, or read from a PNG."""

    def committed(self, *, image: BlobHash, raw: BlobHash) -> "RunRecord":
        """The same as a store keeps it, with both of its pictures."""
        return RunRecord(**vars(self), image=image, raw=raw)


@dataclass(frozen=True, kw_only=True)
class RunRecord(MadeRun):
    """A run in the store.

    Attributes
    ----------
    image, raw
        Content addresses of two PNGs: the composited picture, and the model's own output.
    """

    image: BlobHash
    raw: BlobHash

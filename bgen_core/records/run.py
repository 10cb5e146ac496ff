"""The run record: one finished cell, with everything that made it."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bgen_core.extent import Extent
from bgen_core.ids import NOBODY, BlobHash, RawId, RunId, SubjectId, VisitorId
from bgen_core.sweep.params import InpaintParams

NOT_YET = BlobHash("")
_AS_ITS_ID = RawId("")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One finished cell in the store.

    Attributes
    ----------
    id
        The cell's content address (64 hexadecimal digits): the same parameters are the same run.
    raw_id
        Content address of the diffusion model's own picture by what made it: runs that differ in nothing but the
        pasting share it. Equal to `id` for plain pasting, which is what an empty one means.
    image, raw
        Content addresses of two PNGs: the composited picture at the photo's size, and the model's own output at the
        model's size before the subject was put back. Empty until the store has committed them.
    extent, model_extent
        Sizes of the two pictures.
    device, dtype
        Where it was computed: "cpu" or a GPU's name, and "float32", "float16" or "bfloat16".
    versions
        Library name -> version, of those that can change pixels.
    seconds
        Stage ("denoise", "decode", "composite") -> seconds: this cell's share of the batches it was in.
    peak_memory_mb
        Highest memory of the device (GPU) or the process (CPU) since its sweep began, in MB (10^6 bytes).
    """

    id: RunId
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
    image: BlobHash = NOT_YET
    raw: BlobHash = NOT_YET
    raw_id: RawId = _AS_ITS_ID
    owner: VisitorId = NOBODY
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not self.raw_id:
            object.__setattr__(self, "raw_id", RawId(self.id))

    @property
    def total_seconds(self) -> float:
        """Seconds over all stages."""
        return sum(self.seconds.values())

    @property
    def short_id(self) -> str:
        """The first 12 digits of the id: enough to name a run in a link or a table."""
        return self.id[:12]

    def to_json(self) -> dict[str, Any]:
        """Every field, for JSON: the parameters and sizes as objects of their own, the time in ISO 8601."""
        return {**asdict(self), "created": self.created.isoformat()}

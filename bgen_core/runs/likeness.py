"""How alike runs' pictures are to what somebody asks for: to words, along a way from one text to another, to a run.

Nothing of it is kept. Where each picture lies in the space of the deployment's CLIP model is (`PictureVectors`); what
is asked for is put beside it at each look, so that no value outlives the words or the model that it was told by.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.ids import BlobHash, RunId
from bgen_core.limits import LONGEST_SEARCH, check_text
from bgen_core.metrics import LIKENESS, MetricValue, NotMeasuredError
from bgen_core.store.database import Database
from bgen_core.store.store import Store
from bgen_core.wording import counted

_READING = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class AlikeTo:
    """What pictures are compared with: words, words and what there is to be less of, or a run.

    Raises
    ------
    UserInputError
        It is none of the three, or a text is too long.
    """

    words: str = ""
    less: str = ""
    run_id: RunId | None = None

    def __post_init__(self) -> None:
        for what, text in (("What is looked for", self.words), ("What there is to be less of", self.less)):
            check_text(what, text, LONGEST_SEARCH)
        if bool(self.words) == (self.run_id is not None):
            raise UserInputError("Pictures are alike to words or to a run: give one of them.")
        if self.less and not self.words:
            raise UserInputError(f"Less of “{self.less}” than what? Give words for what there is to be more of too.")

    @property
    def text(self) -> str:
        """As a sentence says it: like “a beach”."""
        if self.run_id is not None:
            return f"like run {self.run_id[:12]}"
        return f"more “{self.words}” than “{self.less}”" if self.less else f"like “{self.words}”"


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """How alike some runs are to what was asked for.

    Attributes
    ----------
    values
        float64, one per run: the cosine, in [-1, 1]; NaN where the picture has not been read.
    told_by
        What the values depend on, in a sentence.
    """

    values: np.ndarray
    told_by: str

    def measured(self, place: int) -> MetricValue:
        """The value of one of the runs with what it depends on."""
        value = float(self.values[place])
        known = np.isfinite(value)
        return MetricValue(
            name=LIKENESS.name,
            value=value if known else None,
            reason=self.told_by if known else "The CLIP model has not read this picture yet.",
            version=LIKENESS.version,
        )

    @property
    def sentence(self) -> str:
        """How many pictures the model has not read yet; empty where it has read all."""
        known = int(np.isfinite(self.values).sum())
        if known == len(self.values):
            return ""
        return (
            f"The CLIP model has read {known:,} of {counted(len(self.values), 'picture')} so far. The others stand "
            "last; the worker reads them when it has nothing to paint."
        )


def likeness(store: Store, clip_model: str, asked: AlikeTo, ids: Sequence[RunId]) -> Likeness:
    """How alike the pictures of these runs are to what is asked for.

    Parameters
    ----------
    clip_model
        Folder or Hub id; empty for none.
    ids
        Runs that whoever looks may see.

    Raises
    ------
    UserInputError
        There is no CLIP model here, or the picture of the run that is asked for has not been read.
    """
    from bgen_core.metrics.clip_space import model_key, words_vector  # only who asks needs it

    try:
        key = model_key(clip_model)
        vectors = _vectors(store, key)
        if asked.run_id is None:
            towards = words_vector(clip_model, asked.words, asked.less)
        else:
            towards = vectors.get(asked.run_id)
    except NotMeasuredError as error:
        raise UserInputError(f"How alike pictures are cannot be told. {error}") from error
    if towards is None:
        raise UserInputError(
            f"The CLIP model has not read the picture of run {str(asked.run_id)[:12]} yet: "
            "the worker does when it has nothing to paint."
        )
    told_by = f"{asked.text[:1].upper()}{asked.text[1:]}, by {clip_model}."
    return Likeness(values=vectors.cosines(ids, towards), told_by=told_by)


class _Vectors:
    """Where the pictures of all runs lie, by one model."""

    def __init__(self, revision: str, pictures: dict[RunId, BlobHash], vectors: dict[RunId, np.ndarray]) -> None:
        self.revision = revision
        self.pictures = pictures
        self._rows = {run_id: row for row, run_id in enumerate(vectors)}
        rows = np.stack(list(vectors.values())) if vectors else np.zeros((0, 1), np.float32)
        self._matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

    def get(self, run_id: RunId) -> np.ndarray | None:
        row = self._rows.get(run_id)
        return None if row is None else self._matrix[row]

    def cosines(self, ids: Sequence[RunId], towards: np.ndarray) -> np.ndarray:
        """float64, one per run; NaN where there is no vector."""
        if not self._rows:
            return np.full(len(ids), np.nan)
        length = max(float(np.linalg.norm(towards)), 1e-12)
        all_of_them = np.append(self._matrix @ (towards / length), np.nan).astype(float)
        return all_of_them[[self._rows.get(run_id, -1) for run_id in ids]]

    def brought_up(self, store: Store, key: str, revision: str) -> "_Vectors":
        """The same as the store is now; what is known is not read again."""
        pictures = store.vectors.pictures(key)
        if pictures == self.pictures:
            self.revision = revision
            return self
        known = {
            run_id: self._matrix[row]
            for run_id, row in self._rows.items()
            if pictures.get(run_id) == self.pictures[run_id]
        }
        lacking = [run_id for run_id in pictures if run_id not in known]
        read = store.vectors.of(key, lacking if known else None)
        return _Vectors(revision, {run_id: pictures[run_id] for run_id in (*known, *read)}, known | read)


# Of the last model that was asked for. Ten thousand pictures are some 20 MB.
_KEPT: WeakKeyDictionary[Database, tuple[str, _Vectors]] = WeakKeyDictionary()


def _vectors(store: Store, key: str) -> _Vectors:
    with _READING:  # of several visitors one reads, and the others get what it has read
        revision = store.revision()
        kept_key, kept = _KEPT.get(store.database, ("", None))
        if kept is None or kept_key != key:
            kept = _Vectors("", {}, {})
        if kept.revision != revision:
            kept = kept.brought_up(store, key, revision)
            _KEPT[store.database] = (key, kept)
        return kept

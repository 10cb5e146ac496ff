"""Where runs' pictures lie in the space of a CLIP model: kept once for each picture and model, and never out of date.

A vector belongs to the picture that was read and to the exact model that read it, and both stand beside it. Another
model has vectors of its own; those of a picture that was replaced count no longer.
"""

from collections.abc import Collection, Mapping

import numpy as np
import sqlalchemy as sa

from bgen_core.ids import BlobHash, RunId
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import PictureVectorRow, RunRow

_KEPT_AS = np.dtype("<f2")  # half the bytes; a cosine changes by less than 0.001


class PictureVectors:
    """The part of the store that holds them. It tells of all runs: who may see which is for who asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, model: str, vectors: Mapping[RunId, tuple[BlobHash, np.ndarray]]) -> None:
        """Keep which picture of each run was read, and where it lies: float, 1-d. Not of runs that are gone.

        Parameters
        ----------
        model
            See `clip_space.model_key`.
        """
        with self._database.writing() as session:
            for chunk in id_chunks(vectors):
                here = set(session.scalars(sa.select(RunRow.id).where(RunRow.id.in_(chunk))))
                session.execute(
                    sa.delete(PictureVectorRow).where(
                        PictureVectorRow.run_id.in_(chunk), PictureVectorRow.model == model
                    )
                )
                rows = [
                    {"run_id": run_id, "model": model, "picture": picture, "vector": vector.astype(_KEPT_AS).tobytes()}
                    for run_id in chunk
                    for picture, vector in [vectors[run_id]]
                    if run_id in here
                ]
                if rows:
                    session.execute(sa.insert(PictureVectorRow), rows)

    def unread(self, model: str, *, limit: int) -> dict[RunId, BlobHash]:
        """Runs whose picture this model has not read, with their pictures; the newest first."""
        query = (
            sa.select(RunRow.id, RunRow.image)
            .outerjoin(PictureVectorRow, _of_this_picture(model))
            .where(PictureVectorRow.run_id.is_(None))
            .order_by(RunRow.created.desc(), RunRow.id)
            .limit(limit)
        )
        with self._database.reading() as session:
            return dict(session.execute(query).all())

    def pictures(self, model: str) -> dict[RunId, BlobHash]:
        """Runs whose picture this model has read, as it is now."""
        query = sa.select(RunRow.id, RunRow.image).join(PictureVectorRow, _of_this_picture(model))
        with self._database.reading() as session:
            return dict(session.execute(query).all())

    def of(self, model: str, ids: Collection[RunId] | None = None) -> dict[RunId, np.ndarray]:
        """Where the pictures of these runs lie, or of all: float32, 1-d, all of one length."""
        query = sa.select(RunRow.id, PictureVectorRow.vector).join(PictureVectorRow, _of_this_picture(model))
        found: dict[RunId, np.ndarray] = {}
        with self._database.reading() as session:
            for chunk in [None] if ids is None else id_chunks(ids):
                asked = query if chunk is None else query.where(RunRow.id.in_(chunk))
                for run_id, vector in session.execute(asked):
                    found[run_id] = np.frombuffer(vector, _KEPT_AS).astype(np.float32)
        return found


def _of_this_picture(model: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        PictureVectorRow.run_id == RunRow.id,
        PictureVectorRow.model == model,
        PictureVectorRow.picture == RunRow.image,
    )

"""The CLIP model reads finished pictures while nothing is painted, so that they can be searched by meaning."""

import logging
from collections.abc import Iterator

import numpy as np

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import BlobHash, RunId
from bgen_core.metrics.clip import CLIP
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import decode_photo

logger = logging.getLogger(__name__)

AT_ONCE = 4  # pictures: up to half a second each on a processor, and a sweep may begin meanwhile
_SIDE = 512  # of the thumbnail that is read: CLIP models see 224 to 336 pixels


class PictureReading:
    """What the deployment's CLIP model has not read yet, and reading it.

    A picture that cannot be decoded is asked for once: the next process tries again, since it may have been restored
    from a backup.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._unreadable: set[BlobHash] = set()

    def read_some(self, *, at_once: int = AT_ONCE) -> int:
        """Let the model read some pictures that it has not read; how many it has looked at.

        0 where there are none, no model is set, or it cannot be loaded now.
        """
        asked = self.unread(at_once=at_once)
        vectors = {run_id: (picture, vector) for run_id, picture, vector in self._read(asked)}
        if vectors:
            self._store.vectors.save(self._key(), vectors)
        return len(asked)

    def unread(self, *, at_once: int = AT_ONCE) -> list[tuple[RunId, BlobHash]]:
        """Runs with their pictures that the model can read and has not read; none where there is no such model."""
        if not self._settings.clip_model or CLIP.why_not(self._settings.clip_model):
            return []
        found = self._store.vectors.unread(self._key(), limit=at_once + len(self._unreadable))
        return [(run_id, picture) for run_id, picture in found.items() if picture not in self._unreadable][:at_once]

    def _key(self) -> str:
        from bgen_core.metrics.clip_space import model_key

        return model_key(self._settings.clip_model)

    def _read(self, asked: list[tuple[RunId, BlobHash]]) -> Iterator[tuple[RunId, BlobHash, np.ndarray]]:
        from bgen_core.metrics.clip_space import picture_vector

        for run_id, picture in asked:
            try:
                shown = thumbnail(self._store.blobs, picture, _SIDE)
                image = decode_photo(shown, name=picture, limits=STORED_LIMITS).image
            except (UserInputError, LostPictureError):
                logger.warning("the picture %s cannot be read", picture, exc_info=True)
                self._unreadable.add(picture)
            else:
                yield run_id, picture, picture_vector(self._settings.clip_model, image)

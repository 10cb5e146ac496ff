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
_unreadable: set[BlobHash] = set()  # tried again by the next process: a picture may be restored from a backup


def read_some(store: Store, settings: Settings, *, at_once: int = AT_ONCE) -> int:
    """Let the deployment's CLIP model read some pictures that it has not read; how many it were.

    0 where there are none, no model is set, or it cannot be loaded now.
    """
    asked = unread(store, settings, at_once=at_once)
    vectors = {run_id: (picture, vector) for run_id, picture, vector in _read(store, settings, asked)}
    if vectors:
        store.vectors.save(_key(settings), vectors)
    return len(asked)


def unread(store: Store, settings: Settings, *, at_once: int = AT_ONCE) -> list[tuple[RunId, BlobHash]]:
    """Runs with their pictures that the CLIP model can read and has not read; none where there is no such model."""
    if not settings.clip_model or CLIP.why_not(settings.clip_model):
        return []
    found = store.vectors.unread(_key(settings), limit=at_once + len(_unreadable))
    return [(run_id, picture) for run_id, picture in found.items() if picture not in _unreadable][:at_once]


def _key(settings: Settings) -> str:
    from bgen_core.metrics.clip_space import model_key

    return model_key(settings.clip_model)


def _read(
    store: Store, settings: Settings, asked: list[tuple[RunId, BlobHash]]
) -> Iterator[tuple[RunId, BlobHash, np.ndarray]]:
    from bgen_core.metrics.clip_space import picture_vector

    for run_id, picture in asked:
        try:
            image = decode_photo(thumbnail(store.blobs, picture, _SIDE), name=picture, limits=STORED_LIMITS).image
        except (UserInputError, LostPictureError):
            logger.warning("the picture %s cannot be read", picture, exc_info=True)
            _unreadable.add(picture)
        else:
            yield run_id, picture, picture_vector(settings.clip_model, image)

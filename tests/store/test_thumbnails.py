from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.store.blobs import BlobStore
from bgen_core.store.store import Store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import encode_png


def smooth(width: int, height: int) -> np.ndarray:
    ramp = np.linspace(0, 255, width)[None, :] * np.linspace(0.2, 1, height)[:, None]
    return np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("extent", "side", "expected"),
    [
        (Extent(width=800, height=400), 256, Extent(width=256, height=128)),
        (Extent(width=400, height=800), 96, Extent(width=48, height=96)),
        (Extent(width=100, height=60), 512, Extent(width=100, height=60)),
        (Extent(width=2000, height=2), 256, Extent(width=256, height=1)),
    ],
    ids=str,
)
def test_a_thumbnail_keeps_the_aspect_and_never_enlarges(
    store: Store, extent: Extent, side: int, expected: Extent
) -> None:
    image = smooth(extent.width, extent.height)
    blob = store.blobs.put(encode_png(image))
    with Image.open(BytesIO(thumbnail(store.blobs, blob, side))) as small:
        assert small.format == "WEBP"
        assert Extent(width=small.width, height=small.height) == expected
        reference = np.asarray(Image.fromarray(image).resize(small.size, Image.Resampling.LANCZOS), np.float32)
        # WebP at quality 85 of a smooth ramp: within 2 % of full scale on average.
        assert np.abs(np.asarray(small.convert("RGB"), np.float32) - reference).mean() < 5


def test_a_thumbnail_is_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = store.blobs.put(encode_png(smooth(300, 200)))
    first = thumbnail(store.blobs, blob, 96)
    monkeypatch.setattr(BlobStore, "get", None)
    assert thumbnail(store.blobs, blob, 96) == first


def test_a_disk_that_takes_no_thumbnail_still_shows_the_picture(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = store.blobs.put(encode_png(smooth(300, 200)))

    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(BlobStore, "put_thumbnail", full)
    assert thumbnail(store.blobs, blob, 96).startswith(b"RIFF")


@pytest.mark.parametrize("side", [0, -1, 97, 10**9])
def test_only_the_offered_sizes_are_made(store: Store, side: int) -> None:
    with pytest.raises(UserInputError, match="choose one of 96, 256, 512, 1024"):
        thumbnail(store.blobs, "a" * 64, side)


def test_a_missing_or_damaged_picture_is_a_sentence(store: Store) -> None:
    with pytest.raises(StoreError, match="is missing"):
        thumbnail(store.blobs, "a" * 64, 96)
    blob = store.blobs.put(encode_png(smooth(300, 200)))
    store.blobs.path(blob).write_bytes(store.blobs.get(blob)[:100])
    with pytest.raises(StoreError, match="is damaged"):
        thumbnail(store.blobs, blob, 96)

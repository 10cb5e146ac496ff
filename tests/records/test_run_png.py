"""The PNG of a run, against Pillow and OpenCV, which read it as any other."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bgen_core.records.run_png import encode_run_png
from bgen_core.subject.native import cv2
from tests.records.test_png_text import text_chunks

TEXTS = {"parameters": "a beach\nSteps: 2", "bgen": '{"prompt":"ein Fluß 🌊"}'}


@pytest.mark.parametrize("height", [1, 2, 255, 256, 257, 600])
@pytest.mark.parametrize("kind", ["noise", "flat"])
def test_pixels_and_texts_come_back(height: int, kind: str) -> None:
    rng = np.random.default_rng(height)
    picture = rng.integers(0, 256 if kind == "noise" else 1, (height, 7, 3), dtype=np.uint8)
    png = encode_run_png(picture, TEXTS)
    with Image.open(BytesIO(png), formats=["PNG"]) as opened:
        assert (opened.mode, opened.info) == ("RGB", TEXTS)
        assert np.array_equal(np.asarray(opened), picture)
    assert np.array_equal(cv2.imdecode(np.frombuffer(png, np.uint8), 1)[..., ::-1], picture)
    assert text_chunks(png) == TEXTS
    assert encode_run_png(np.asfortranarray(picture), TEXTS) == png

"""What a ControlNet is shown, and what it does: scale 0 is the picture of the same model without it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.sweep.control_pictures import control_picture
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from tests.tiny_families import tiny_family
from tests.tiny_models import tiny_pipeline

PARAMS = InpaintParams(prompt="a beach", scheduler="default", num_inference_steps=2)


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    """A white square in a black one on the subject, and another behind it."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[18:24, 6:12] = image[4:10, 20:26] = 255
    mask = np.full((32, 32), 255, np.uint8)
    mask[14:28, 2:16] = 0
    return Canvas(init_image=image, mask_image=mask)


def paint(pipeline: Any, canvas: Canvas, params: InpaintParams) -> Any:
    *_, last = PipelineInpainter(pipeline).paint([PaintCell(index=0, params=params, canvas=canvas)])
    return last.image.astype(int) if isinstance(last, Finished) else last


def test_the_mask_is_white_where_the_background_is_painted(canvas: Canvas) -> None:
    shown = control_picture(canvas, "mask")
    assert shown.shape == (32, 32, 3)
    assert np.array_equal(shown[..., 1], canvas.mask_image)


def test_edges_are_the_subjects_and_not_those_of_the_old_background(canvas: Canvas) -> None:
    shown = control_picture(canvas, "edges")
    assert set(np.unique(shown)) == {0, 255}
    assert not shown[canvas.mask_image >= 128].any()
    assert shown[14:28, 2:16].any()


def test_another_picture_is_refused_with_those_that_there_are(canvas: Canvas) -> None:
    with pytest.raises(UserInputError, match="control 'depth' is not known: choose mask, edges"):
        control_picture(canvas, "depth")
    failed = paint(tiny_family("controlnet"), canvas, replace(PARAMS, control="depth"))
    assert isinstance(failed, Failed)
    assert "control 'depth' is not known" in failed.reason


@pytest.mark.parametrize("name", ["controlnet", "controlnet-9"])
def test_scale_0_is_the_model_without_it_and_each_scale_is_another_picture(name: str, canvas: Canvas) -> None:
    """What is added at scale 0 is 0: the same numbers in the same order, so that no bit differs."""
    net = tiny_family(name)
    plain = paint(tiny_pipeline("sd-9", middle=True), canvas, PARAMS)
    none, half, full = [paint(net, canvas, replace(PARAMS, control_scale=scale)) for scale in (0.0, 0.5, 1.0)]
    assert np.array_equal(none, plain)
    assert len({image.tobytes() for image in (none, half, full)}) == 3

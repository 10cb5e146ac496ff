"""What a ControlNet is shown, and what it does: scale 0 is the picture of the same model without it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.errors import UserInputError
from bgen_core.models.steering.depth_model import depth_model_for, find_depth_model
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.steering.control_pictures import control_picture
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
    with pytest.raises(UserInputError, match="control 'pose' is not known: choose mask, edges, depth"):
        control_picture(canvas, "pose")
    failed = paint(tiny_family("controlnet"), canvas, replace(PARAMS, control="pose"))
    assert isinstance(failed, Failed)
    assert "control 'pose' is not known" in failed.reason


@pytest.fixture(scope="module")
def depth_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random DPT, as transformers saves one."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessorPil

    folder = tmp_path_factory.mktemp("depth")
    torch.manual_seed(0)
    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
        use_auxiliary_head=False,
    )  # fmt: skip
    DPTForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def test_depth_is_the_subjects_and_what_is_behind_it_is_far(canvas: Canvas, depth_folder: Path) -> None:
    shown = control_picture(canvas, "depth", find_depth_model(str(depth_folder)))
    assert shown.shape == (32, 32, 3)
    assert not shown[canvas.mask_image >= 128].any()
    assert len(np.unique(shown[14:28, 2:16])) > 2


def test_a_controlnet_is_shown_depth(canvas: Canvas, depth_folder: Path) -> None:
    cell = PaintCell(index=0, params=replace(PARAMS, control="depth"), canvas=canvas)
    with_model = replace(cell, depth=find_depth_model(str(depth_folder)))
    net = tiny_family("controlnet")
    *_, last = PipelineInpainter(net).paint([with_model])
    assert isinstance(last, Finished)
    assert not np.array_equal(last.image, paint(net, canvas, PARAMS))


def test_a_depth_model_that_is_missing_is_a_sentence(depth_folder: Path, tmp_path: Path) -> None:
    assert depth_model_for(["mask", "edges"], "") is None
    with pytest.raises(UserInputError, match="set BGEN_DEPTH_MODEL to the folder of one"):
        depth_model_for(["mask", "depth"], "")
    for name in ("owner/not-downloaded", str(tmp_path / "nowhere")):
        with pytest.raises(UserInputError, match=r"not on this machine, or lacks config\.json") as refusal:
            find_depth_model(name)
        assert str(tmp_path) not in str(refusal.value)  # a visitor reads it
    with pytest.raises(UserInputError, match="no Hub id and no absolute folder"):
        find_depth_model("a folder")
    copied = shutil.copytree(depth_folder, tmp_path / "depth")
    assert find_depth_model(str(copied)).content == find_depth_model(str(depth_folder)).content
    (copied / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserInputError, match=r"model\.safetensors is empty"):
        find_depth_model(str(copied))
    (copied / "config.json").write_text('{"architectures": ["CLIPModel"]}')
    with pytest.raises(UserInputError, match="does not estimate depth"):
        find_depth_model(str(copied))


@pytest.mark.parametrize("name", ["controlnet", "controlnet-9"])
def test_scale_0_is_the_model_without_it_and_each_scale_is_another_picture(name: str, canvas: Canvas) -> None:
    """What is added at scale 0 is 0: the same numbers in the same order, so that no bit differs."""
    net = tiny_family(name)
    plain = paint(tiny_pipeline("sd-9", middle=True), canvas, PARAMS)
    none, half, full = [paint(net, canvas, replace(PARAMS, control_scale=scale)) for scale in (0.0, 0.5, 1.0)]
    assert np.array_equal(none, plain)
    assert len({image.tobytes() for image in (none, half, full)}) == 3

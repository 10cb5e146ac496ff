"""Objects by a click or a box: what is found, what is said, and that an edit holds it wherever it is opened."""

import json
from pathlib import Path

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.edit import MaskEdit, Stroke
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.native import cv2
from bgen_core.subject.prompted.choice import prompted_segmenter
from bgen_core.subject.prompted.found_object import find_object
from bgen_core.subject.prompted.grabcut import GrabCutSegmenter
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.prompted.written import prompts_of

NAN = float("nan")
GRABCUT = GrabCutSegmenter()


def desk(width: int = 600, height: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """A photo of a red mug with a handle on a grey desk, and where the mug is (bool, HW)."""
    noise = np.random.default_rng(5).integers(-12, 13, (height, width, 1))
    photo = np.clip(np.full((height, width, 3), (150, 150, 160)) + noise, 0, 255).astype(np.uint8)
    mug = np.zeros((height, width), np.uint8)
    x, y, side = width // 2, height // 2, height // 5
    cv2.rectangle(mug, (x - side, y - side), (x + side // 2, y + side), 1, cv2.FILLED)
    cv2.circle(mug, (x + side // 2, y), side // 2, 1, max(3, side // 5))
    photo[mug > 0] = np.clip((190, 40, 30) + noise[mug > 0], 0, 255)
    return photo, mug > 0


def kept(photo: np.ndarray, *strokes: Stroke) -> np.ndarray:
    return apply_edit(np.zeros(photo.shape[:2], np.float32), MaskEdit(strokes=strokes))


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("points", [((280, 200),), ((200, 100), (400, 300))], ids=["click", "box"])
def test_a_thing_is_found_and_the_same_each_time(points: tuple) -> None:
    photo, mug = desk()
    found = find_object(photo, Prompt(points=points), GRABCUT)
    alpha = kept(photo, found.stroke)
    assert overlap(alpha > 0.5, mug) > 0.9
    assert not found.remarks
    again = find_object(photo, Prompt(points=points), GRABCUT)
    assert again.stroke == found.stroke
    assert found.stroke.found_by == "GrabCut"
    assert found.stroke.points == points


def test_an_edit_with_an_object_is_the_same_after_it_was_stored() -> None:
    photo, _ = desk()
    stroke = find_object(photo, Prompt(points=((280, 200),)), GRABCUT).stroke
    edit = MaskEdit(strokes=(stroke, Stroke(mode="erase", size=9, points=((300, 180),))))
    assert MaskEdit.from_json(json.loads(json.dumps(edit.to_json()))) == edit
    # As strokes were written before there were objects
    assert set(edit.strokes[1].to_json()) == {"mode", "size", "points"}


def test_an_object_lies_at_the_same_place_in_other_sizes_and_crops() -> None:
    photo, _ = desk()
    stroke = find_object(photo, Prompt(points=((280, 200),)), GRABCUT).stroke
    edit = MaskEdit(strokes=(stroke,))
    whole = apply_edit(np.zeros((400, 600), np.float32), edit)
    half = apply_edit(np.zeros((200, 300), np.float32), edit.scaled(0.5))
    assert np.abs(cv2.resize(whole, (300, 200), interpolation=cv2.INTER_AREA) - half).mean() < 0.004
    crop = apply_edit(np.zeros((150, 200), np.float32), edit.moved(-220, -110))
    np.testing.assert_array_equal(crop > 0.5, whole[110:260, 220:420] > 0.5)


def test_an_object_is_given_away_and_comes_back_by_inverting() -> None:
    photo, mug = desk()
    stroke = find_object(photo, Prompt(points=((280, 200),)), GRABCUT, mode="erase").stroke
    alpha = apply_edit(np.ones((400, 600), np.float32), MaskEdit(strokes=(stroke,)))
    assert overlap(alpha < 0.5, mug) > 0.9
    inverse = apply_edit(np.ones((400, 600), np.float32), MaskEdit(strokes=(stroke,)).inverse())
    np.testing.assert_allclose(alpha + inverse, 1, atol=1e-6)


def test_an_object_at_the_frame_is_said() -> None:
    photo, _ = desk()
    corner = np.ascontiguousarray(photo[:, 260:])
    found = find_object(corner, Prompt(points=((0, 100), (140, 300))), GRABCUT)
    (remark,) = found.remarks
    assert "cut off by the frame on the left" in remark


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (((700, 20),), "outside the photo: x must be 0 to 599"),
        (((-0.5, 20),), "outside the photo"),
        (((10, 10), (13, 200)), "too small or outside"),
        (((900, 900), (1000, 1000)), "too small or outside"),
    ],
)
def test_a_prompt_that_is_not_in_the_photo_is_refused(points: tuple, says: str) -> None:
    with pytest.raises(UserInputError, match=says):
        find_object(desk()[0], Prompt(points=points), GRABCUT)


@pytest.mark.parametrize(
    "points", [((300, 200),), ((3, 396),), ((200, 100), (400, 300))], ids=["wall", "corner", "box"]
)
@pytest.mark.parametrize("noise", [0, 3])
def test_on_a_wall_nothing_stands_out(points: tuple, noise: int) -> None:
    wall = 128 + np.random.default_rng(0).normal(0, noise, (400, 600, 3))
    with pytest.raises(UserInputError, match="Nothing stands out"):
        find_object(np.rint(wall).astype(np.uint8), Prompt(points=points), GRABCUT)


class Says:
    """A segmenter that gives what it is told."""

    name = "told"

    def __init__(self, seen: np.ndarray) -> None:
        self._seen = seen

    def object_at(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        return self._seen


def test_the_hole_in_an_object_stays_a_hole() -> None:
    photo, mug = desk()
    stroke = find_object(photo, Prompt(points=((280, 200),)), Says(mug.astype(np.float32))).stroke
    alpha = kept(photo, stroke)
    assert overlap(alpha > 0.5, mug) > 0.95
    assert alpha[200, 345] < 0.1  # through the handle one sees the desk


@pytest.mark.parametrize(
    ("share", "says"), [(0.0, "Nothing stands out at 10,10"), (1.0, "nearly the whole photo: drag a box")]
)
def test_nothing_and_everything_are_no_object(share: float, says: str) -> None:
    photo, _ = desk()
    with pytest.raises(UserInputError, match=says):
        find_object(photo, Prompt(points=((10, 10),)), Says(np.full((40, 60), share, np.float32)))


@pytest.mark.parametrize("shape", [(40, 60, 3), (700, 64, 3), (64, 3000, 3)])
@pytest.mark.parametrize("value", [0, 128])
def test_a_photo_with_nothing_in_it_is_an_object_or_a_sentence(shape: tuple, value: int) -> None:
    wall = np.full(shape, value, np.uint8)
    for points in (((1.0, 1.0),), ((0.0, 0.0), (30.0, 30.0)), ((0.0, 0.0), (1e9, 1e9))):
        try:
            stroke = find_object(wall, Prompt(points=points), GRABCUT).stroke
        except UserInputError:
            continue
        assert kept(wall, stroke).any()


@pytest.mark.parametrize(
    "content",
    [
        {"mode": "add", "size": 2, "points": [[1, 1]], "shape": "object"},
        {"mode": "add", "size": 2, "points": [[1, 1]], "shape": "object", "outlines": [[[1, 1], [2, 2]]]},
        {"mode": "add", "size": 2, "points": [[1, 1]], "shape": "object", "outlines": [[[1, 1], [2, 2], [NAN, 1]]]},
        {"mode": "add", "size": 2, "points": [[1, 1]], "outlines": [[[1, 1], [2, 2], [3, 1]]]},
        {"mode": "add", "size": 2, "points": [[1, 1]], "shape": "object", "outlines": 7},
    ],
)  # fmt: skip
def test_a_damaged_object_is_refused(content: dict) -> None:
    with pytest.raises(UserInputError):
        MaskEdit.from_json({"strokes": [content]})


@pytest.mark.parametrize(
    ("clicks", "boxes", "photos", "says"),
    [
        (["3"], [], 1, "--click .3. is not understood"),
        (["3,nan"], [], 1, "not understood"),
        ([], ["1,2,3"], 1, "--box .1,2,3. is not understood"),
        ([], ["9,2,3,8"], 1, "is empty: RIGHT must be above LEFT"),
        (["3,4"], [], 2, "point into one photo, not 2"),
    ],
)
def test_options_that_point_nowhere_are_refused(clicks: list, boxes: list, photos: int, says: str) -> None:
    with pytest.raises(UserInputError, match=says):
        prompts_of(clicks, boxes, [Path("photo.jpg")] * photos)


@pytest.fixture(scope="module", params=["sam", "sam2"])
def model_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights that is as small as its family allows."""
    import torch

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sam":
        from transformers import SamConfig, SamModel

        config = SamConfig(
            vision_config={
                "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 64, "patch_size": 8,
                "output_channels": 16, "global_attn_indexes": [0], "num_pos_feats": 8, "mlp_dim": 16, "window_size": 0,
            },
            prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
            mask_decoder_config={
                "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                "iou_head_hidden_dim": 16, "iou_head_depth": 2,
            },
        )  # fmt: skip
        SamModel(config).save_pretrained(folder)
    else:
        from transformers import Sam2Config, Sam2Model

        config = Sam2Config(
            vision_config={
                "backbone_config": {
                    "model_type": "sam2_hiera_det_model",
                    "hidden_size": 8, "image_size": [64, 64], "blocks_per_stage": [1, 1, 2, 1],
                    "embed_dim_per_stage": [8, 16, 32, 64], "num_attention_heads_per_stage": [1, 1, 1, 1],
                    "window_size_per_stage": [4, 4, 4, 4], "global_attention_blocks": [3],
                    "window_positional_embedding_background_size": [4, 4],
                },
                "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": 16,
                "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            },
            prompt_encoder_config={"hidden_size": 16, "image_size": 64, "mask_input_channels": 4},
            mask_decoder_config={
                "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                "iou_head_hidden_dim": 16, "iou_head_depth": 2,
            },
        )  # fmt: skip
        Sam2Model(config).save_pretrained(folder)
    return folder


def test_a_model_of_the_setting_answers_at_its_own_place(model_folder: Path) -> None:
    photo, _ = desk()
    segmenter = prompted_segmenter(str(model_folder))
    assert segmenter.name in ("SAM", "SAM 2")
    for points in (((280.0, 200.0),), ((200.0, 100.0), (400.0, 300.0))):
        seen = segmenter.object_at(photo, Prompt(points=points))
        assert seen.dtype == np.float32
        assert 0 <= seen.min() <= seen.max() <= 1
        # A padded picture is cut to the photo's own shape; the others see it stretched
        size = Extent.of(seen)
        assert size in (Extent(width=64, height=43), Extent(width=64, height=64))
        np.testing.assert_array_equal(seen, segmenter.object_at(photo, Prompt(points=points)))


def test_a_model_that_cannot_be_used_is_a_sentence(model_folder: Path, tmp_path: Path) -> None:
    for name, says in (
        (str(tmp_path / "nowhere"), "is not on this machine, or lacks config.json"),
        ("some/model-that-nobody-has", "is not on this machine, or lacks config.json"),
        ("a folder", "no Hub id, no absolute folder and no model file"),
        (str(tmp_path / "magic_touch.tflite"), "is not on this machine"),
    ):
        with pytest.raises(UserInputError, match=says):
            prompted_segmenter(name)
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes((model_folder / "model.safetensors").read_bytes())
    (other / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserInputError, match="finds no object at a click"):
        prompted_segmenter(str(other))
    (other / "config.json").write_text((model_folder / "config.json").read_text())
    (other / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(UserInputError, match="Git LFS"):
        prompted_segmenter(str(other))


def test_a_model_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "magic_touch.tflite"
    file.write_bytes(b"no model")
    with pytest.raises(UserInputError, match="cannot be used: name another one, or none for GrabCut"):
        find_object(desk()[0], Prompt(points=((280, 200),)), prompted_segmenter(str(file)))


def test_persons_who_touch_are_parted_by_a_click(astronaut: np.ndarray) -> None:
    pair = np.hstack([astronaut, astronaut[:, ::-1]])
    segmenter = prompted_segmenter("")
    one, other = (find_object(pair, Prompt(points=((x, 330.0),)), segmenter).stroke for x in (200.0, 824.0))
    left, right = kept(pair, one) > 0.5, kept(pair, other) > 0.5
    assert left[330, 200]
    assert right[330, 824]
    assert left[:, :512].sum() > 20 * left[:, 512:].sum()
    assert not (left & right).any()
    # A thing beside them is no person: GrabCut has it
    desk_photo, mug = desk()
    assert (
        overlap(kept(desk_photo, find_object(desk_photo, Prompt(points=((280, 200),)), segmenter).stroke) > 0.5, mug)
        > 0.9
    )

"""A reference picture in a cell's address is bytes and a scale, and what does not act is none."""

from pathlib import Path
from typing import Any

import pytest

from bgen_core.errors import UserInputError
from bgen_core.models.family_table import STABLE_DIFFUSION, family_titled
from bgen_core.models.steering.depth_model import DepthModel
from bgen_core.models.steering.ip_adapters import IPAdapter
from bgen_core.sweep.family_rules import refusal_of
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import CellAddress, address_cell
from bgen_core.sweep.steering.applied_reference import Steering, steering_versions

RED, BLUE = "a" * 64, "b" * 64


def adapter(name: str, content: str, encoder: str = "e") -> IPAdapter:
    return IPAdapter(name=name, content=content, path=Path(name), encoder_content=encoder, encoder=Path("encoder"))


ADAPTERS = {
    "style": adapter("style", "1"),
    "the same": adapter("the same", "1"),
    "other": adapter("other", "2"),
    "other eyes": adapter("other eyes", "1", "f"),
}


def address(**changes: Any) -> CellAddress:
    return address_cell(
        InpaintParams(prompt="a beach", **changes),
        subject_id="s", model_revision="m", device_kind="cpu", dtype_name="float32", ip_adapters=ADAPTERS,
    )  # fmt: skip


FULL = {"reference": RED, "ip_adapter": "style"}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({**FULL, "reference_scale": 0}, {}, True),
        ({"reference": RED}, {}, True),
        ({"ip_adapter": "style", "reference_scale": 1}, {}, True),
        (FULL, {}, False),
        (FULL, {**FULL, "reference_scale": 0.6}, True),
        (FULL, {**FULL, "reference_scale": 0.5}, False),
        (FULL, {**FULL, "reference": BLUE}, False),
        (FULL, {**FULL, "ip_adapter": "the same"}, True),
        (FULL, {**FULL, "ip_adapter": "other"}, False),
        (FULL, {**FULL, "ip_adapter": "other eyes"}, False),
    ],
)
def test_what_changes_no_pixel_changes_no_address(one: dict[str, Any], other: dict[str, Any], equal: bool) -> None:
    assert (address(**one) == address(**other)) is equal


def test_a_run_records_the_bytes_of_adapter_and_encoder() -> None:
    depth = DepthModel(folder=Path("depth"), content="d")
    steering = Steering(ip_adapters=ADAPTERS, pictures={}, depth=depth)
    params = InpaintParams(prompt="a beach", **FULL)
    assert steering_versions(params, steering) == {"IP-Adapter style": "1", "image encoder": "e"}
    assert steering_versions(InpaintParams(prompt="a beach", control="depth"), steering) == {"depth model": "d"}


def test_what_told_depth_is_in_the_address_of_what_shows_it() -> None:
    family = family_titled("Stable Diffusion, ControlNet")

    def found(content: str, **changes: Any) -> CellAddress:
        return address_cell(
            InpaintParams(prompt="a beach", **changes), subject_id="s", model_revision="m", device_kind="cpu",
            dtype_name="float32", family=family, depth=DepthModel(folder=Path("depth"), content=content),
        )  # fmt: skip

    assert found("1", control="depth") != found("2", control="depth")
    assert found("1", control="edges") == found("2", control="edges")
    assert found("1", control="depth", control_scale=0) == found("2", control="mask", control_scale=0)


@pytest.mark.parametrize("text", ["beach.png", "a" * 63, "A" * 64])
def test_a_reference_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UserInputError, match="give one with --reference FILE"):
        InpaintParams(prompt="a beach", reference=text)


def test_families_without_one_refuse_it_in_a_sentence() -> None:
    params = InpaintParams(prompt="a beach", scheduler="default", **FULL)
    assert refusal_of(STABLE_DIFFUSION, params) == ""
    assert refusal_of(family_titled("Flux"), params).startswith("Flux looks at no reference picture here: leave it")

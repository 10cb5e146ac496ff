"""A LoRA in a cell's address is its bytes and the weight that it acts with, and what weighs nothing is none."""

from pathlib import Path
from typing import Any

import pytest

from bgen_core.models.steering.loras import LoraFile
from bgen_core.sweep.applied_loras import applied_loras, lora_versions
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import CellAddress, address_cell

CONTENTS = {"ink": "a" * 64, "the same ink": "a" * 64, "mist": "b" * 64}
FILES = {name: LoraFile(name=name, content=content, path=Path(name)) for name, content in CONTENTS.items()}


def address(**changes: Any) -> CellAddress:
    return address_cell(
        InpaintParams(prompt="a beach", **changes),
        subject_id="s", model_revision="m", device_kind="cpu", dtype_name="float32", loras=FILES,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"loras": "ink:0"}, {}, True),
        ({"loras": "ink", "lora_weight": 0}, {}, True),
        ({"lora_weight": 0.5}, {}, True),
        ({"loras": "ink:0.5, ink:-0.5"}, {}, True),
        ({"loras": "ink"}, {}, False),
        ({"loras": "ink"}, {"loras": "the same ink"}, True),
        ({"loras": "ink"}, {"loras": "mist"}, False),
        ({"loras": "ink:0.8", "lora_weight": 0.5}, {"loras": "ink:0.4"}, True),
        ({"loras": "ink:0.8"}, {"loras": "ink:0.4"}, False),
        ({"loras": "ink, mist:0.5"}, {"loras": "mist:.5,ink:1"}, True),
        ({"loras": "ink, mist:0"}, {"loras": "ink"}, True),
        ({"loras": "ink:0.5, the same ink:0.5"}, {"loras": "ink"}, True),
    ],
)
def test_cells_are_one_where_the_weights_added_to_the_model_are(
    one: dict[str, Any], other: dict[str, Any], equal: bool
) -> None:
    assert (address(**one) == address(**other)) == equal
    assert (address(**one).raw_id == address(**other).raw_id) == equal


def test_a_run_says_which_bytes_it_was_painted_with() -> None:
    applied = applied_loras(InpaintParams(prompt="a", loras="mist:2, ink"), FILES)
    assert [(each.file.name, each.weight) for each in applied] == [("ink", 1.0), ("mist", 2.0)]
    assert lora_versions(applied).keys() == {"peft", "LoRA ink", "LoRA mist"}
    assert lora_versions(applied)["LoRA mist"] == "b" * 12
    assert lora_versions(()) == {}

"""Cells keep the address that version 0.1.0 gave them: otherwise everything in a store would be computed again.

`addresses_0_1_0.json` was written by that version: 200 cells with parameters drawn at random, each parameter given in
half of them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import CellAddress, address_cell

CELLS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "addresses_0_1_0.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("cell", CELLS, ids=range(len(CELLS)))
def test_a_cell_keeps_its_address(cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.sweep.plan.pixel_versions", lambda: cell["versions"])
    address = address_cell(
        InpaintParams(**cell["params"]),
        subject_id=cell["subject_id"],
        model_revision=cell["model_revision"],
        device_kind=cell["device_kind"],
        dtype_name=cell["dtype_name"],
    )
    assert address == CellAddress(run_id=cell["run"], raw_id=cell["raw"])

"""The engine with networks that are compiled while they paint.

Fast tests leave the twin as it is where a compiler would change it: what is shown is that cells switch to it.
"""

import shutil
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.modeling_utils import ModelMixin

from bgen_core.extent import Extent
from bgen_core.models.compilers import keep_compiled
from bgen_core.sweep.engine import BatchedInpainter, batch_size
from bgen_core.sweep.engine.network import Network, compiler
from bgen_core.sweep.engine.network.layout import LAYOUTS
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.kept_tunings import TuningsInMemory
from tests.needs import missing
from tests.tiny_families import tiny_family
from tests.tiny_models import tiny_pipeline

SIZE = Extent(width=32, height=16)
PATIENCE = 240.0
BASE = InpaintParams(prompt="a beach", scheduler="default", num_inference_steps=5)


def cells(number: int) -> list[PaintCell]:
    mask = np.full((SIZE.height, SIZE.width), 255, np.uint8)
    mask[5:, 4:11] = 0
    photo = np.random.default_rng(0).integers(0, 255, (SIZE.height, SIZE.width, 3), dtype=np.uint8)
    canvas = Canvas(init_image=photo, mask_image=mask)
    return [PaintCell(index=i, params=replace(BASE, seed=i), canvas=canvas) for i in range(number)]


def make_inpainter(pipeline: Any) -> BatchedInpainter:
    inpainter = BatchedInpainter(pipeline, previews=False)
    inpainter.tunings.get(SIZE, lambda kept: BatchTuning(batch_size=4, quantum=None, seconds_per_row=1.0))
    return inpainter


def finished(inpainter: BatchedInpainter, wanted: list[PaintCell]) -> dict[int, Finished]:
    events = list(inpainter.paint(wanted))
    assert not [event for event in events if isinstance(event, Failed)]
    return {event.cell.index: event for event in events if isinstance(event, Finished)}


def off(one: Finished, other: Finished) -> int:
    return int(np.abs(one.image.astype(int) - other.image).max())


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin stays as it is, and nothing is imported that would compile it."""
    monkeypatch.setattr(ModelMixin, "compile_repeated_blocks", lambda self, **_: None)
    monkeypatch.setattr(compiler, "import_module", lambda _: SimpleNamespace(patch=lambda **_: nullcontext()))


@pytest.mark.parametrize("name", ["sd-9", "z-image"])
def test_cells_switch_to_the_compiled_network_and_their_records_say_so(name: str, monkeypatch: pytest.MonkeyPatch):
    without_compiler(monkeypatch)
    pipeline = tiny_pipeline(name) if name.startswith("sd") else tiny_family(name)
    if not name.startswith("sd"):
        from diffusers import AutoPipelineForInpainting

        pipeline = AutoPipelineForInpainting.from_pipe(pipeline)
    plain = finished(make_inpainter(pipeline), cells(2))
    assert {event.engine for event in plain.values()} == {""}
    inpainter = make_inpainter(pipeline)
    inpainter.denoiser.network.compile(insists=True)
    finished(inpainter, cells(2))
    inpainter.denoiser.network.wait_for_compiler(PATIENCE)
    again = finished(inpainter, cells(2))
    assert {event.engine for event in again.values()} <= {"compiled", "eager, compiled"}
    assert all(off(again[index], plain[index]) <= 1 for index in plain)


def test_measuring_batches_compiles_nothing(monkeypatch: pytest.MonkeyPatch):
    without_compiler(monkeypatch)
    monkeypatch.setattr(batch_size, "CANDIDATES", (1, 2))
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)
    inpainter.denoiser.network.compile(insists=True)
    inpainter.tune(Extent(width=16, height=16))
    assert inpainter.denoiser.network.filled(3, quantum=1, most=64) == 3
    compiling = inpainter.denoiser.network._compiler
    assert compiling is not None and not compiling._counts


def test_how_a_picture_was_made_in_words():
    network = Network(lambda: torch.nn.Conv2d(1, 1, 1), layouts=LAYOUTS)
    assert network.told({"eager"}) == network.told(()) == ""
    assert network.told({"compiled"}) == "compiled"
    network.settle_layout("contiguous")
    assert network.told({"compiled", "eager"}) == "eager, compiled, contiguous"
    assert network.told({"eager"}) == "contiguous"


@pytest.mark.parametrize(("faster", "chosen"), [("contiguous", "contiguous"), ("channels_last", "channels_last")])
def test_a_gpu_takes_the_layout_that_it_is_faster_with_once_and_keeps_it(
    faster: str, chosen: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A CPU that is taken for a GPU: the same measuring, the same keeping."""
    asked: list[str] = []
    place = TuningsInMemory()

    def as_on_a_gpu() -> BatchedInpainter:
        inpainter = BatchedInpainter(deepcopy(tiny_pipeline("sd-9")), tuning_place=place)
        network = inpainter.denoiser.network
        assert network.layouts == ("channels_last",)
        network.layouts = LAYOUTS

        def seconds(*_: object) -> float:
            asked.append(str(network.layout))
            return 1.0 if network.layout == faster else 2.0

        monkeypatch.setattr(batch_size, "_seconds_per_row", seconds)
        monkeypatch.setattr(batch_size, "find_quantum", lambda *_: None)
        return inpainter

    inpainter = as_on_a_gpu()
    inpainter.tune(SIZE)
    assert asked[:2] == ["channels_last", "contiguous"] and set(asked[2:]) == {chosen}
    assert inpainter.denoiser.network.layouts == (chosen,)
    weight = inpainter.denoiser._pipeline.unet.conv_in.weight
    assert weight.is_contiguous() is (chosen == "contiguous")
    asked.clear()
    later = as_on_a_gpu()
    later.tune(SIZE)
    assert asked == [] and later.denoiser.network.layout == chosen


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch 2.13's compiler about torch's own parts
def test_a_real_compiler_on_the_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """With what it was compiled to under a home; the painting thread compiles nothing."""
    if not shutil.which("g++"):
        missing("there is no C++ compiler: apt install g++")
    from torch._dynamo.utils import counters

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    keep_compiled(tmp_path)
    monkeypatch.setitem(compiler._MORE_BLOCKS, "UNet2DConditionModel", ["BasicTransformerBlock"])
    pipeline = deepcopy(tiny_pipeline("sd-9"))
    pipeline.unet.to(torch.bfloat16)  # what is compiled on a GPU is in half precision
    pipeline.text_encoder.to(torch.bfloat16)
    plain = finished(make_inpainter(pipeline), cells(2))
    told: list[str] = []
    inpainter = make_inpainter(pipeline)
    inpainter.denoiser.network.compile(insists=True, on_fault=told.append)
    finished(inpainter, cells(2))
    inpainter.denoiser.network.wait_for_compiler(PATIENCE)
    before = counters["stats"]["unique_graphs"]
    again = finished(inpainter, cells(2))
    assert told == [] and before and counters["stats"]["unique_graphs"] == before
    assert {event.engine for event in again.values()} <= {"compiled", "eager, compiled"}
    assert list((tmp_path / "compiled").iterdir())
    assert max(off(again[index], plain[index]) for index in plain) <= 9


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_compiler_whose_folder_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """As on a full disk: every cell is painted, and one sentence says why as it is."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "file" / "compiled"))
    monkeypatch.setitem(compiler._MORE_BLOCKS, "UNet2DConditionModel", ["BasicTransformerBlock"])
    told: list[str] = []
    inpainter = make_inpainter(deepcopy(tiny_pipeline("sd-9")))
    inpainter.denoiser.network.compile(insists=True, on_fault=told.append)
    finished(inpainter, cells(2))
    inpainter.denoiser.network.wait_for_compiler(PATIENCE)
    again = finished(inpainter, cells(2))
    assert {event.engine for event in again.values()} == {""}
    assert len(told) == 1 and told[0].startswith("Pictures are made without compiling, since the compiler")

"""What a run says of the machine that painted it."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bgen_core.models import machine
from bgen_core.models.devices import Device
from bgen_core.models.machine import machine_of
from bgen_core.sweep.engine.rows import RowEvaluator

GPU = Device(kind="cuda:1", name="NVIDIA H200", dtype_name="float16")
CPU = Device(kind="cpu", name="cpu x86_64, 1 threads", dtype_name="float32")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    machine_of.cache_clear()


def test_a_gpu_is_told_with_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "version"
    driver.write_text("570.124.06\n")
    monkeypatch.setattr(machine, "_DRIVER", driver)
    assert machine_of(GPU) == {"gpu": "NVIDIA H200", "driver": "570.124.06", "host": platform.node()}


@pytest.mark.parametrize("fault", [OSError("no such program"), subprocess.TimeoutExpired("nvidia-smi", 5)])
def test_a_driver_that_nobody_tells_is_left_out(
    fault: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(machine, "_DRIVER", tmp_path / "missing")
    monkeypatch.setattr(subprocess, "run", ask)
    assert machine_of(GPU).keys() == {"gpu", "host"}


def test_a_processor_is_told_with_the_instructions_that_torch_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: Intel(R)  Xeon(R)\n")
    monkeypatch.setattr(machine, "_PROCESSORS", told)
    found = machine_of(CPU)
    assert found["processor"] == "Intel(R) Xeon(R)"
    assert found["instructions"] != ""
    assert "gpu" not in found


@pytest.mark.parametrize(("quantum", "told"), [(4, "4"), (1, "none")])
def test_the_sizes_of_calls_are_told(quantum: int, told: str) -> None:
    denoiser: Any = None
    evaluator = RowEvaluator(denoiser, extent=machine_extent(), batch_size=16, quantum=quantum)
    assert evaluator.batches == {"batch_rows": "16", "quantum": told}


def machine_extent() -> Any:
    """No size is looked at before something is evaluated."""
    return None

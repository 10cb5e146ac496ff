"""Compiled forms of the network: taken where they give the same pictures faster, and never waited for.

The compiler is a stand-in; `test_compiled_unet.py` has a real one.
"""

import errno
import threading
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bgen_core.models import compilers
from bgen_core.models.compilers import choose_compiling
from bgen_core.sweep.engine.network import Network, compiler
from bgen_core.sweep.engine.network.compiler import OFTEN, twin_of

PATIENCE = 30.0
FULL_DISK = OSError(errno.ENOSPC, "No space left on device", "/cache/graph.cpp")


class WrappedError(Exception):
    """As torch wraps what its compiler met."""

    def __init__(self, inner: Exception) -> None:
        super().__init__("backend failed")
        self.inner_exception = inner


class Stub(torch.nn.Module):
    """A network whose compiled form is another function."""

    _repeated_blocks = ("Linear",)
    compiled_call: Callable[[torch.Tensor], torch.Tensor] = staticmethod(lambda x: x)
    is_compiled = False

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(2.0))
        self.calls: list[str] = []

    def compile_repeated_blocks(self, *, dynamic: bool) -> None:
        assert not dynamic
        self.is_compiled = True

    def forward(self, x: torch.Tensor, times: list[torch.Tensor], *, added: Any = None) -> tuple[torch.Tensor]:
        assert len(times) == len(x)
        self.calls.append(threading.current_thread().name)
        result = x * self.scale
        return (type(self).compiled_call(result) if self.is_compiled else result,)


@pytest.fixture(autouse=True)
def no_compiler_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import costs more than all of these tests."""
    monkeypatch.setattr(compiler, "import_module", lambda _: SimpleNamespace(patch=lambda **_: nullcontext()))


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def compiled_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[torch.Tensor], torch.Tensor]], None]:
    return lambda call: monkeypatch.setattr(Stub, "compiled_call", staticmethod(call))


def painting(network: Network, rows: int = 4, times: int = OFTEN) -> torch.Tensor:
    with torch.inference_mode():
        for _ in range(times):
            x = torch.arange(1.0, rows + 1)[:, None]
            (answer,) = network(x, list(torch.zeros(rows, 1)), added={"ids": torch.zeros(3)})
            assert answer.allclose(2 * x)
        return answer


def compiling(stub: Stub, **given: Any) -> Network:
    network = Network(lambda: stub)
    network.compile(**({"insists": True} | given))
    return network


def test_eager_until_the_compiled_form_is_ready(stub: Stub):
    network = compiling(stub)
    painting(network)
    assert network.way == "eager" and set(stub.calls) == {threading.current_thread().name}
    network.wait_for_compiler(PATIENCE)
    painting(network)
    assert network.way == "compiled"
    painting(network, rows=3, times=1)  # a size that was never seen
    assert network.way == "eager"


def test_what_comes_seldom_is_not_compiled(stub: Stub):
    network = compiling(stub)
    for rows in range(1, 9):
        painting(network, rows, times=OFTEN - 1)
    network.wait_for_compiler(PATIENCE)
    assert network.filled(3, quantum=1, most=8) == 3


def test_with_loras_and_while_measuring_the_network_is_called_as_it_is(stub: Stub):
    network = compiling(stub)
    painting(network)
    network.wait_for_compiler(PATIENCE)
    network.is_plain = False
    painting(network, times=1)
    assert network.way == "eager"
    network.is_plain = True
    with network.as_it_is():
        painting(network, times=1)
        assert network.way == "eager"
    painting(network, times=1)
    assert network.way == "compiled"


def test_a_twin_has_the_networks_own_weights(stub: Stub):
    twin = twin_of(stub)
    assert twin.scale is stub.scale and twin is not stub


@pytest.mark.parametrize("off", [0.01, float("nan")])
def test_a_form_that_would_change_pictures_is_not_taken(stub: Stub, compiled_as: Any, off: float):
    compiled_as(lambda x: x + off)
    told: list[str] = []
    network = compiling(stub, on_fault=told.append)
    painting(network)
    network.wait_for_compiler(PATIENCE)
    painting(network)
    assert network.way == "eager" and told == []


def test_a_form_that_differs_by_less_than_can_be_seen_is_taken(stub: Stub, compiled_as: Any):
    compiled_as(lambda x: x + 1e-6)
    network = compiling(stub)
    painting(network)
    network.wait_for_compiler(PATIENCE)
    painting(network)
    assert network.way == "compiled"


@pytest.mark.parametrize(("seconds", "way"), [((1.0, 0.5), "compiled"), ((1.0, 0.99), "eager")])
def test_a_form_that_is_no_faster_is_not_taken(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, float], way: str
):
    measured = list(seconds)
    monkeypatch.setattr(compiler, "_seconds", lambda _: measured.pop(0))
    network = compiling(stub, insists=False)
    painting(network)
    network.wait_for_compiler(PATIENCE)
    painting(network, times=1)
    assert network.way == way


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("g++ ended with 1"), "the compiler failed (RuntimeError)"),
        (WrappedError(FULL_DISK), "the compiler's files cannot be written (No space left on device)"),
        (FULL_DISK, "the compiler's files cannot be written (No space left on device)"),
        (MemoryError(), "memory ran out while the network was compiled"),
        (torch.OutOfMemoryError("CUDA out of memory"), "memory ran out while the network was compiled"),
    ],
)
def test_a_compiler_that_fails_costs_a_sentence_and_no_picture(
    stub: Stub, compiled_as: Any, error: Exception, reason: str, later: bool
):
    """Also half way, when its form was in use already."""

    def fail(_: torch.Tensor) -> torch.Tensor:
        raise error

    if not later:
        compiled_as(fail)
    told: list[str] = []
    network = compiling(stub, on_fault=told.append)
    painting(network)
    network.wait_for_compiler(PATIENCE)
    compiled_as(fail)
    painting(network, rows=4)
    painting(network, rows=2)
    network.wait_for_compiler(PATIENCE)
    assert network.way == "eager"
    assert told == [f"Pictures are made without compiling, since {reason}."]


def test_a_lost_device_is_no_fault_of_the_compiler(stub: Stub, compiled_as: Any):
    network = compiling(stub)
    painting(network)
    network.wait_for_compiler(PATIENCE)

    def fail(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    compiled_as(fail)
    with pytest.raises(RuntimeError, match="CUDA error"):
        painting(network, times=1)


def test_a_network_without_blocks_is_called_as_ever():
    network = Network(lambda: torch.nn.Identity())
    network.compile(insists=True)
    assert network(torch.ones(1)).item() == 1 and network.way == "eager"


@pytest.mark.parametrize(
    ("rows", "quantum", "most", "filled"),
    [
        (6, 1, 16, 8),  # up to a size that is compiled
        (6, 4, 16, 8),
        (5, 1, 16, 5),  # too far: half as many rows again
        (8, 1, 16, 8),
        (9, 4, 16, 12),  # no compiled size: the quantum's multiple
        (6, 1, 7, 6),  # no more than a batch
        (6, 3, 16, 6),  # no multiple of the quantum
    ],
)
def test_calls_are_filled_to_what_is_compiled(stub: Stub, rows: int, quantum: int, most: int, filled: int):
    network = compiling(stub)
    painting(network, rows=8)
    network.wait_for_compiler(PATIENCE)
    assert network.filled(rows, quantum=quantum, most=most) == filled


@pytest.mark.parametrize(
    ("wish", "kind", "given", "installed", "said"),
    [
        ("auto", "cuda:1", {}, ("triton", "gcc"), "on: in the background, for batches that come often"),
        ("auto", "cuda", {}, ("gcc",), "off: triton is not installed, which compiles for GPUs"),
        ("auto", "cuda", {}, ("triton",), "off: there is no compiler (gcc or clang or cc); CC names another one"),
        ("off", "cuda", {}, ("triton", "gcc"), "off: BGEN_COMPILE=off"),
        ("on", "mps", {}, ("g++",), "off: nothing is compiled for mps"),
        ("auto", "cpu", {}, ("g++",), "off: on a CPU pictures keep their bits; BGEN_COMPILE=on insists"),
        ("on", "cpu", {}, ("clang++",), "on: in the background, for batches that come often"),
        ("on", "cpu", {}, (), "off: there is no compiler (g++ or clang++); CXX names another one"),
        ("on", "cuda", {"whole": False}, ("triton", "gcc"), "off: parts of the model wait in the machine's memory"),
        ("on", "cuda", {"eight_bits": True}, ("triton", "gcc"), "off: the network is kept in eight bits"),
    ],
)
def test_whether_anything_is_compiled(
    monkeypatch: pytest.MonkeyPatch, wish: Any, kind: str, given: Any, installed: tuple[str, ...], said: str
):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compilers, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setattr(compilers.shutil, "which", lambda name: name if name in installed else None)
    chosen = choose_compiling(wish, kind, **given)
    assert str(chosen) == said
    assert chosen.lacks_compiler is (wish == "on" and "compiler (" in said)

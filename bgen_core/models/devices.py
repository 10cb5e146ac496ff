"""Where the models run: the device is found by itself, and the number format follows from it."""

import gc
import logging
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import psutil

from bgen_core.errors import UserInputError
from bgen_core.models.families import Family
from bgen_core.wording import quoted

if TYPE_CHECKING:
    import torch


Precision = Literal["auto", "full", "half", "float8", "int8"]
_ONE_BYTE = ("float8", "int8")


@dataclass(frozen=True, kw_only=True)
class Device:
    """A place to compute.

    Attributes
    ----------
    kind
        What torch calls it: "cpu", "mps", "cuda" or "cuda:1".
    name
        What it is, for the records: a GPU's name, or the processor's architecture and thread count.
    dtype_name
        Number format of the UNet and the text encoder: float32 on a CPU, float16 on a GPU, which stands for half
        precision of the kind that a family of models works in (`Family.number_format`). "float8" and "int8"
        compute in half precision too, and keep weights of the UNet or the transformer in eight bits.
    """

    kind: str
    name: str
    dtype_name: str

    def for_family(self, family: Family) -> "Device":
        """The device with the number format of that family on it."""
        return replace(self, dtype_name=family.number_format(self.dtype_name))

    @property
    def dtype(self) -> "torch.dtype":
        """What is computed in."""
        import torch

        name = self.dtype_name.partition("+")[0]
        return getattr(torch, "float16" if name in _ONE_BYTE else name)

    @property
    def kept_in(self) -> str:
        """Eight bits in which the network that paints is kept, "float8" or "int8"; else empty."""
        return next((name for name in _ONE_BYTE if name in self.dtype_name), "")


# Where nothing is computed that torch would: the same on every machine
WITHOUT_DEVICE = Device(kind="cpu", name="cpu", dtype_name="float32")


def find_device(wish: str = "auto", precision: Precision = "auto") -> Device:
    """The device to use.

    Parameters
    ----------
    wish
        "auto" (cuda, then mps, then cpu), "cpu", "mps", "cuda" or "cuda:N".
    precision
        "full" computes in float32 on any device, "half" in half precision on a CPU too, "float8" and "int8" as "half"
        with half of the memory, "auto" as each does well.

    Raises
    ------
    UserInputError
        The wished device, or what the precision needs, is not on this machine.
    """
    if precision == "int8" and find_spec("torchao") is None:
        raise UserInputError(
            "BGEN_PRECISION=int8 needs torchao, which is not installed: "
            "pip install -r requirements-quantization.txt, or choose float8."
        )
    device = _find_device(wish)
    if precision == "auto":
        return device
    return replace(device, dtype_name={"full": "float32", "half": "float16"}.get(precision, precision))


def _find_device(wish: str) -> Device:
    import torch

    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    kind = wish if wish != "auto" else "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if kind.startswith("cuda"):
        index = int(kind.partition(":")[2] or 0)
        if not has_cuda or index >= torch.cuda.device_count():
            raise UserInputError(f"device {quoted(kind)} is not on this machine: choose auto, or set BGEN_DEVICE=cpu.")
        return Device(kind=kind, name=torch.cuda.get_device_name(index), dtype_name="float16")
    if kind == "mps":
        if not has_mps:
            raise UserInputError("device 'mps' is not on this machine: choose auto, or set BGEN_DEVICE=cpu.")
        return Device(kind=kind, name="Apple GPU", dtype_name="float16")
    return Device(kind="cpu", name=f"cpu {platform.machine()}, {torch.get_num_threads()} threads", dtype_name="float32")


def gpus_here() -> dict[str, str]:
    """The GPUs of this machine, as `find_device` calls them -> their names; the first CUDA device is "cuda"."""
    import torch

    found = {
        f"cuda:{index}" if index else "cuda": torch.cuda.get_device_name(index)
        for index in range(torch.cuda.device_count())
    }
    return found | ({"mps": "Apple GPU"} if torch.backends.mps.is_available() else {})


def prepare_process_for_inference() -> None:
    """Settings that torch reads when it is first imported; call before that.

    GNU OpenMP's idle threads spin by default, which makes convolutions many times slower as soon as anything else
    runs on the machine; asleep they cost nothing. Where torchao is installed, transformers imports it, and it tells at
    each import which GPU kernels it lacks.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def loading_what_stays() -> Generator[None]:
    """Load libraries and a model in the body of a `with`: what they make stays as long as the process.

    Python's collector would look through those million objects again and again, for an eighth of the time that loading
    takes, and at every full collection afterwards.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class MemoryMeter:
    """Highest memory since the last `reset`, in MB (10^6 bytes): the GPU's allocations, or the process on a CPU."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._process = psutil.Process()
        self._highest = 0.0

    def reset(self) -> None:
        self._highest = 0.0
        if self._device.kind.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(self._device.kind)

    def sample(self) -> None:
        """Note the present memory of the process; a GPU keeps its own peak."""
        if not self._device.kind.startswith("cuda"):
            self._highest = max(self._highest, self._process.memory_info().rss / 1e6)

    @property
    def peak_mb(self) -> float:
        if self._device.kind.startswith("cuda"):
            import torch

            return torch.cuda.max_memory_allocated(self._device.kind) / 1e6
        self.sample()
        return self._highest


def memory_bytes(device: Device) -> int:
    """All memory of the device, whoever uses it."""
    import torch

    if device.kind.startswith("cuda"):
        return torch.cuda.mem_get_info(device.kind)[1]
    return psutil.virtual_memory().total


def free_bytes(device: Device) -> int:
    """Memory of the device that nobody uses."""
    import torch

    if device.kind.startswith("cuda"):
        return torch.cuda.mem_get_info(device.kind)[0]
    return psutil.virtual_memory().available


def free_memory() -> None:
    """Give back what nobody holds any longer: the parts of a pipeline refer to each other."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had no memory left."""
    import torch

    # A processor's allocator and Apple's GPU raise a plain RuntimeError.
    said = ("not enough memory", "can't allocate memory", "MPS backend out of memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in str(error) for words in said)


def is_lasting_device_fault(error: BaseException) -> bool:
    """Whether this process has lost its GPU: after such a fault every further call fails, however small.

    torch says so with AcceleratorError (2.13), or with a RuntimeError whose text begins with "CUDA error"; too little
    memory is another thing.
    """
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return False
    lost = getattr(torch, "AcceleratorError", None)
    return (lost is not None and isinstance(error, lost)) or (
        isinstance(error, RuntimeError) and "CUDA error" in str(error)
    )

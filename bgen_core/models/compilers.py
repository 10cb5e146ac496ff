"""Whether networks are compiled on this machine: by wish, by device, and by what is installed. Imports no torch."""

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

CompileWish = Literal["auto", "off", "on"]

_CPP = ("g++", "clang++")
_C = ("gcc", "clang", "cc")


@dataclass(frozen=True, kw_only=True)
class Compiling:
    """Whether a network is compiled, in the background, while it is called as it is.

    Attributes
    ----------
    wanted
        Whether it is tried.
    insists
        Whether a compiled form is taken that is no faster.
    why
        The reason, as the end of a sentence.
    lacks_compiler
        Whether it was insisted on, and there is no compiler.
    """

    wanted: bool
    insists: bool = False
    why: str
    lacks_compiler: bool = False

    def __str__(self) -> str:
        return f"{'on' if self.wanted else 'off'}: {self.why}"


def choose_compiling(wish: CompileWish, device_kind: str, *, whole: bool = True, eight_bits: bool = False) -> Compiling:
    """Whether a model's network is compiled.

    Parameters
    ----------
    wish
        "auto" compiles for GPUs of CUDA; on a CPU pictures keep their bits (docs/decisions/compiled-rows.md).
    whole
        Whether all its parts stay on the device.
    eight_bits
        Whether its weights are kept in eight bits.
    """
    kind = device_kind.partition(":")[0]
    if wish == "off":
        return Compiling(wanted=False, why="BGEN_COMPILE=off")
    if kind not in ("cuda", "cpu"):
        return Compiling(wanted=False, why=f"nothing is compiled for {kind}")
    if wish == "auto" and kind == "cpu":
        return Compiling(wanted=False, why="on a CPU pictures keep their bits; BGEN_COMPILE=on insists")
    if not whole:
        return Compiling(wanted=False, why="parts of the model wait in the machine's memory")
    if eight_bits:
        return Compiling(wanted=False, why="the network is kept in eight bits")
    if missing := _missing(kind):
        return Compiling(wanted=False, why=missing, lacks_compiler=wish == "on")
    return Compiling(wanted=True, insists=wish == "on", why="in the background, for batches that come often")


def _missing(kind: str) -> str:
    """What a compiler lacks here; empty where all is there."""
    if kind == "cuda" and find_spec("triton") is None:
        return "triton is not installed, which compiles for GPUs"
    named, usual = ("CC", _C) if kind == "cuda" else ("CXX", _CPP)
    compilers = [os.environ[named]] if os.environ.get(named) else usual
    if any(shutil.which(name) for name in compilers):
        return ""
    return f"there is no compiler ({' or '.join(compilers)}); {named} names another one"


def keep_compiled(home: Path) -> None:
    """Keep what is compiled under a home, for later processes; call before anything is compiled.

    Variables that somebody has set win.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(home / "compiled"))
    os.environ.setdefault("TRITON_CACHE_DIR", str(home / "compiled" / "triton"))

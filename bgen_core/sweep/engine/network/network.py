"""The network that paints, as the denoisers call it: itself, or its compiled form where that is ready."""

import logging
import math
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from bgen_core.sweep.engine.network.attention import Attention, prefer
from bgen_core.sweep.engine.network.compiler import Compiler, UnfitError
from bgen_core.sweep.engine.network.layout import Layout, lay_out
from bgen_core.sweep.engine.network.signature import Call

logger = logging.getLogger(__name__)

Way = Literal["eager", "compiled"]
_WAYS = ("eager", "compiled")

# A compiled call is about half as fast again as one that is not: more rows than that are not added to reach one.
MOST_FILLING = 1.5


class Network:
    """One network of a loaded pipeline.

    Parameters
    ----------
    model
        Gives the diffusers model, a UNet or a transformer: a pipeline may have another one tomorrow.

    Attributes
    ----------
    is_plain
        Whether no LoRA acts on it: only then its compiled form is the same network.
    way
        How the last call was made.
    layout, layouts
        How its weights lie, and how they may: more than one until one is settled.
    attention
        By which kernel its attention is computed.
    """

    def __init__(self, model: Callable[[], Any], *, layouts: tuple[Layout, ...] = ()) -> None:
        self._model = model
        self.layouts = layouts
        self.layout: Layout | None = None
        self.attention: Attention = "torch"
        self._compiler: Compiler | None = None
        self._as_it_is = False
        self.is_plain = True
        self.way: Way = "eager"

    def compile(self, *, insists: bool = False, on_fault: Callable[[str], None] | None = None) -> None:
        """Have compiled what is called often, in the background: see `Compiler`."""
        try:
            self._compiler = Compiler(self._model(), insists=insists, on_fault=on_fault)
        except UnfitError as error:
            logger.info("nothing is compiled, since %s", error)

    @property
    def is_compiled(self) -> bool:
        """Whether calls may be faster than those of the network as it is."""
        return self._compiler is not None

    @property
    def is_reentrant(self) -> bool:
        """Whether two threads may call it at once: weights kept in float8 are brought up and down around each layer's
        call, under the hands of whoever else computes with them.
        """
        return not any(weight.dtype == torch.float8_e4m3fn for weight in self._model().parameters())

    def wait_for_compiler(self, seconds: float) -> None:
        """Wait until what was called often so far is compiled, or cannot be."""
        if self._compiler is not None:
            self._compiler.wait(seconds)

    @contextmanager
    def as_it_is(self) -> Generator[None]:
        """Neither call nor compile compiled forms in the body of a `with`: what is measured there is the network."""
        self._as_it_is = True
        try:
            yield
        finally:
            self._as_it_is = False

    def __call__(self, *args: Any, **named: Any) -> Any:
        compiler = self._compiler if self.is_plain and not self._as_it_is else None
        if compiler is not None:
            call = Call(args=args, named=named)
            answer = compiler.answer(call)
            if answer is not None:
                self.way = "compiled"
                return answer
            compiler.note(call)
        self.way = "eager"
        return self._model()(*args, **named)

    def lay_out(self, layout: Layout) -> None:
        """Bring the weights into a layout, where that may be chosen."""
        if layout not in self.layouts:
            return
        lay_out(self._model(), layout)
        self.layout = layout

    def settle_layout(self, layout: Layout) -> None:
        """Bring the weights into a layout for good: what is compiled afterwards refers to where they lie."""
        self.lay_out(layout)
        self.layouts = (self.layout,)

    def attend(self, attention: Attention) -> None:
        """Compute attention by a kernel until this or another network of the process attends by another one."""
        self.attention = attention
        prefer(attention)

    def told(self, ways: Collection[str]) -> str:
        """How a picture was made, for its record; empty where the network was called as it is, in the usual layout and
        with torch's own choice of attention.
        """
        said = [way for way in _WAYS if way in ways] if set(ways) - {"eager"} else []
        if self.layout == "contiguous":
            said.append(self.layout)
        if self.attention != "torch":
            said.append(f"{self.attention} attention")
        return ", ".join(said)

    def filled(self, rows: int, *, quantum: int, most: int) -> int:
        """The number of rows that a call of so many is filled up to: a multiple of the quantum, or a size that is
        compiled, if one is near.
        """
        needed = math.ceil(rows / quantum) * quantum
        sizes = self._compiler.ready_batches if self._compiler is not None and self.is_plain else ()
        fitting = (size for size in sizes if needed <= size <= min(most, needed * MOST_FILLING) and size % quantum == 0)
        return min(fitting, default=needed)

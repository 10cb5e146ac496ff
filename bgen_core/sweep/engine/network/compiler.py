"""Compiles a network in the background, for the calls that come often; until then, and where it fails, nothing changes.

A compiled form is taken only where its answer is that of the network itself within the bound that the engine promises,
and where it is faster.
"""

import copy
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import torch

from bgen_core.models.devices import is_lasting_device_fault, is_out_of_memory
from bgen_core.sweep.engine.network.graphs import Graph
from bgen_core.sweep.engine.network.signature import Call, tensors_of

logger = logging.getLogger(__name__)

OFTEN = 4  # a call that has come so often will come again
MOST_FORMS = 6  # compiled forms of one network: each costs seconds to minutes, and some memory
WORTHWHILE_GAIN = 1.05
IDLE_SECONDS = 1.0  # after which the thread ends; the next call that comes often starts another
# The part of the largest value that an answer may be off: a sixteenth of a step of 255.
UNSEEN = 1 / (16 * 255)

# Forms of one kind of block: a UNet's have several widths and sizes, and torch compiles no more than 8 unless told.
MOST_RECOMPILED = 128
# What diffusers 0.42.1 names for a UNet leaves out its convolutions, and for SD 3 nothing is named.
_MORE_BLOCKS = {
    "UNet2DConditionModel": ["BasicTransformerBlock", "ResnetBlock2D"],
    "SD3Transformer2DModel": ["JointTransformerBlock"],
}


class UnfitError(Exception):
    """The compiled form is not taken: says why."""


class Compiler:
    """Compiled forms of one network.

    Parameters
    ----------
    network
        A diffusers model without LoRAs, whole on its device.
    insists
        Whether a form is taken that is no faster.
    on_fault
        Is told in a sentence why nothing is compiled any more.

    Raises
    ------
    UnfitError
        diffusers names no blocks of it that are worth compiling.
    """

    def __init__(self, network: Any, *, insists: bool = False, on_fault: Callable[[str], None] | None = None) -> None:
        # Both on the network's own weights: it may get LoRAs while they are compared.
        self._plain = twin_of(network)
        self._twin = twin_of(network)
        self._has_begun = False
        self._insists = insists
        self._on_fault = on_fault
        self._counts: Counter[Hashable] = Counter()
        self._ready: dict[Hashable, Callable[[Call], Any]] = {}
        self._batches: tuple[int, ...] = ()
        self._waiting: queue.Queue[Call] = queue.Queue()
        self._thread: threading.Thread | None = None
        # torch refuses a compiled call while another thread traces one.
        self._using = threading.Lock()
        self._handing_over = threading.Lock()
        self.fault = ""

    @property
    def ready_batches(self) -> tuple[int, ...]:
        """Sizes of batches for which a compiled form is ready, in rising order."""
        return self._batches

    def answer(self, call: Call) -> Any:
        """The compiled network's answer, or None where the network itself has to be called."""
        if not self._ready or not self._using.acquire(blocking=False):
            return None
        try:
            form = self._ready.get(call.signature)
            return None if form is None else form(call)
        except Exception as error:
            if is_lasting_device_fault(error):
                raise
            self._give_up(error)
            return None
        finally:
            self._using.release()

    def note(self, call: Call) -> None:
        """See that this call is made; what is made often is compiled, by a thread that ends when nothing is left."""
        if self.fault or len(self._counts) > 100 * MOST_FORMS:
            return
        signature = call.signature
        self._counts[signature] += 1
        if self._counts[signature] != OFTEN:
            return
        if sum(count >= OFTEN for count in self._counts.values()) > MOST_FORMS:
            return
        with self._handing_over:
            self._waiting.put(call.changed(torch.Tensor.clone))
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._work, name="compiler", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until what was noted so far is compiled, or cannot be."""
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, timeout=seconds)

    def _work(self) -> None:
        while True:
            try:
                call = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._handing_over:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            try:
                if not self.fault:
                    self._compile(call)
            except UnfitError as error:
                logger.info("a batch of %d is not compiled, since %s", call.batch, error)
            except Exception as error:
                self._give_up(error)
            finally:
                self._waiting.task_done()

    def _compile(self, call: Call) -> None:
        dynamo: Any = import_module("torch._dynamo.config")  # takes seconds, for which nobody waits here
        with self._using, torch.inference_mode(), dynamo.patch(recompile_limit=MOST_RECOMPILED):
            if not self._has_begun:
                self._twin.compile_repeated_blocks(dynamic=False)
                self._has_begun = True
            self._ready[call.signature] = self._prepared(call)
            self._batches = tuple(sorted({*self._batches, call.batch}))

    def _prepared(self, call: Call) -> Callable[[Call], Any]:
        twin = self._twin
        expected = list(tensors_of(call.of(self._plain)))
        self._check(call, expected, list(tensors_of(call.of(twin))))

        form: Callable[[Call], Any] = partial(_answer_of, twin)
        if all(tensor.is_cuda for tensor in call.tensors):
            form = self._graph_of(call, twin, expected) or form
        if not self._insists:
            eager, compiled = _seconds(lambda: call.of(self._plain)), _seconds(lambda: form(call))
            if compiled * WORTHWHILE_GAIN > eager:
                raise UnfitError(f"it takes {compiled:.3f} s compiled and {eager:.3f} s as it is")
        return form

    def _graph_of(self, call: Call, twin: Any, expected: list[torch.Tensor]) -> Callable[[Call], Any] | None:
        try:
            graph = Graph(twin, call)
            self._check(call, expected, list(tensors_of(graph(call))))
        except Exception as error:
            if is_lasting_device_fault(error):
                raise
            logger.info("a batch of %d is compiled without a CUDA graph", call.batch, exc_info=True)
            return None
        return graph

    def _check(self, call: Call, expected: list[torch.Tensor], answers: list[torch.Tensor]) -> None:
        """Refuse an answer that differs from the network's own by more than batches of it differ among themselves.

        That difference is within what the engine promises; two roundings of the number format, or a sixteenth of a step
        of 255, are not seen.
        """
        own = next(tensors_of(call.first_row().of(self._plain)))
        largest = max(float(each.abs().max()) for each in expected)
        batched = float((own[:1].float() - expected[0][:1].float()).abs().max())
        off = max(float((a.float() - b.float()).abs().max()) for a, b in zip(answers, expected, strict=True))
        unseen = max(UNSEEN, 2 * torch.finfo(expected[0].dtype).eps) * largest
        if not off <= max(2 * batched, unseen):  # not a number is refused too
            raise UnfitError(f"its answer is off by {off:.2g}, where {max(2 * batched, unseen):.2g} is allowed")

    def _give_up(self, error: Exception) -> None:
        """Nothing is compiled any more in this process, and what was is not used."""
        self._ready, self._batches = {}, ()
        self.fault = f"Pictures are made without compiling, since {why(error)}."
        logger.warning(self.fault, exc_info=error)
        if self._on_fault is not None:
            self._on_fault(self.fault)


def _answer_of(network: Any, call: Call) -> Any:
    return call.of(network)


def twin_of(network: Any) -> Any:
    """A second network on the same weights; what is done to its blocks is not done to the first one's.

    Raises
    ------
    UnfitError
        diffusers names no blocks of it that are worth compiling.
    """
    blocks = _MORE_BLOCKS.get(type(network).__name__, getattr(network, "_repeated_blocks", None))
    if not blocks:
        raise UnfitError(f"{type(network).__name__} has no blocks that repeat")
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    twin._repeated_blocks = blocks
    return twin


def why(error: BaseException) -> str:
    """Why nothing could be compiled, as the end of a sentence."""
    for each in _causes(error):
        if is_out_of_memory(each):
            return "memory ran out while the network was compiled"
        if isinstance(each, OSError) and each.strerror and each.filename:
            return f"the compiler's files cannot be written ({each.strerror})"
    return f"the compiler failed ({type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what is behind it; torch keeps that in an attribute of its own."""
    while error is not None:
        yield error
        error = getattr(error, "inner_exception", None) or error.__cause__ or error.__context__


def _seconds(call: Callable[[], Any]) -> float:
    """Best of three calls."""

    def timed() -> float:
        began = time.perf_counter()
        next(tensors_of(call())).cpu()
        return time.perf_counter() - began

    return min(timed() for _ in range(3))

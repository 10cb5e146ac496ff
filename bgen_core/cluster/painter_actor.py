"""One painter as Ray runs it: a process that paints in one thread, and answers in another whether it lives."""

import logging
import math
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from bgen_core.cluster.lost_ray import Head, end_with_ray
from bgen_core.ids import RawId, WorkerId

HEALTH = "health"  # the concurrency group that answers while the other one paints
BODY = "bgen_core.cluster.painter:paint"
SAFE_TO_TELL = 2000  # letters of a reason
ALONE_SECONDS = 600.0  # for which one paints on that nobody asks whether it lives
BY_ITSELF = "it ended by itself"


class Control:
    """What a painter's body and whoever watches it say to each other.

    Attributes
    ----------
    worker_id
        Its row in the store: told by who starts it, so that it is known however soon it dies.
    deaths
        By raw picture, how many painters died with it in hand; see `Share`.
    trouble
        What does not go on this machine, in a sentence.
    has_worked
        Whether something came of it since it began.
    idle
        Set while the body does not run.
    why_ended
        Why it does not run any more.
    asked
        When somebody last asked whether it lives.
    """

    def __init__(self, worker_id: WorkerId) -> None:
        self.stopping = threading.Event()
        self.idle = threading.Event()
        self.idle.set()
        self.worker_id = worker_id
        self.trouble = ""
        self.has_worked = False
        self.why_ended = ""
        self.asked = time.monotonic()
        self.deaths: Mapping[RawId, int] = {}


class Body(Protocol):
    """Paints until it is told to stop; returns why it ended, or "" where it was told to."""

    def __call__(self, control: Control) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """A living painter's answer; see `Control`."""

    host: str
    pid: int
    trouble: str = ""
    has_worked: bool = False
    why_ended: str = ""


class PainterActor:
    """The class of which Ray makes actors; its methods are called from afar.

    Parameters
    ----------
    environment
        Settings that hold where this machine has none of its own.
    body
        What paints, as "module:function".
    worker_id
        Its row in the store.
    deaths
        What has seen deaths until now.
    """

    def __init__(
        self, environment: Mapping[str, str], body: str, worker_id: WorkerId, deaths: Mapping[RawId, int]
    ) -> None:
        for name, value in environment.items():
            os.environ.setdefault(name, value)
        from bgen_core.models.devices import prepare_process_for_inference  # before torch is imported

        prepare_process_for_inference()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        module, _, name = body.partition(":")
        self._body: Body = getattr(import_module(module), name)
        self._control = Control(worker_id)
        self._control.deaths = deaths
        self._head = Head(_head_address())
        end_with_ray(self._is_alone, self._control.stopping.set, self._control.idle)

    def work(self) -> str:
        """Paint until stopped; returns why it ended, "" where it was told to."""
        control, why = self._control, ""
        control.idle.clear()
        try:
            why = self._body(control)[:SAFE_TO_TELL]
        finally:
            control.why_ended = why or BY_ITSELF
            control.idle.set()
        return why

    def pulse(self, deaths: Mapping[RawId, int]) -> Pulse:
        """That it lives; it gets to know what has seen a death."""
        from bgen_core.process_identity import this_host

        control = self._control
        control.deaths, control.asked = deaths, time.monotonic()
        return Pulse(
            host=this_host(),
            pid=os.getpid(),
            trouble=control.trouble,
            has_worked=control.has_worked,
            why_ended=control.why_ended,
        )

    def stop(self) -> None:
        """Let it end within one evaluation of the network."""
        self._control.stopping.set()

    def leave(self) -> None:
        """Let the whole process end so, with nobody who waits for that."""
        self._control.asked = -math.inf

    def _is_alone(self) -> bool:
        return self._head.is_lost or time.monotonic() > self._control.asked + ALONE_SECONDS


def _head_address() -> str:
    """Of the Ray that runs this process."""
    ray: Any = import_module("ray")
    return ray.get_runtime_context().gcs_address

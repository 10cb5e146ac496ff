# pyright: reportUnknownMemberType=false
"""Actors of one kind that are kept alive: whoever dies gives back what it held, and is started again."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import bgen_core
from bgen_core.cluster.painter_actor import BY_ITSELF, HEALTH, PainterActor, Pulse
from bgen_core.content_address import hash_content
from bgen_core.ids import RawId, WorkerId
from bgen_core.jobs.leases.member import new_worker_id

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
PULSE_SECONDS = 2.0  # between two questions whether it lives
SILENT_SECONDS = 60.0  # of one that is there and answers nothing: Ray itself finds lost processes and hosts
END_SECONDS = 5.0


@dataclass(kw_only=True, eq=False)
class _Place:
    """One of the actors that are wanted, and what is known of it."""

    actor: Any = None
    run: Any = None
    asked: Any = None
    pulse: Pulse | None = None
    worker_id: WorkerId | None = None
    began: float = 0.0
    next_pulse: float = 0.0
    last_heard: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    starts: float = 0.0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class CrewOptions:
    """What actors of a crew are.

    Attributes
    ----------
    what
        What one is called in the log.
    environment
        Settings that hold on machines that have none of their own.
    body
        What it does: see `PainterActor`.
    resources
        What Ray finds a place by: "num_gpus", "num_cpus".
    outlive
        Whether they go on where their driver is killed, for the next one to find.
    """

    what: str
    environment: Mapping[str, str] = field(repr=False)
    body: str
    resources: Mapping[str, float]
    outlive: bool = False

    @property
    def beginning(self) -> str:
        """How names begin of those with the same program and settings: a later driver goes on with no others."""
        same = {"body": self.body, "environment": dict(self.environment), "resources": dict(self.resources)}
        return f"{self.what} {hash_content(same | {'bgen': bgen_core.__version__})[:16]} "


class Crew:
    """Keeps as many actors as are wanted. Those that have no place yet wait in Ray, whose autoscaler sees them.

    Parameters
    ----------
    ray
        The library, connected.
    options
        What they are.
    lost
        Told of each that is gone with the row that it had in the store, before another one is started.
    deaths
        Gives what all are told of: see `Deaths`.
    """

    def __init__(
        self,
        ray: Any,
        options: CrewOptions,
        *,
        lost: Callable[[WorkerId], None],
        deaths: Callable[[], Mapping[RawId, int]] = dict,
    ) -> None:
        self._ray = ray
        self._options = options
        self._lost = lost
        self._deaths = deaths
        self._class = ray.remote(concurrency_groups={HEALTH: 1})(PainterActor)
        self._places: list[_Place] = self._found() if options.outlive else []
        self.deaths = 0

    @property
    def living(self) -> list[Pulse]:
        """What those that have answered have last said."""
        return [place.pulse for place in self._places if place.pulse is not None]

    @property
    def troubles(self) -> list[str]:
        """What does not go, each once."""
        told = [place.pulse.trouble if place.pulse else place.why for place in self._places]
        return list(dict.fromkeys(filter(None, told)))

    @property
    def waiting(self) -> int:
        """How many have no place yet, or have only just been started."""
        return sum(place.pulse is None for place in self._places)

    def look(self, wanted: int) -> None:
        """Start who is missing, end who is too many, and see to those that have ended."""
        self._places += [_Place() for _ in range(wanted - len(self._places))]
        for place in self._places[wanted:]:
            self._end(place)
        del self._places[wanted:]
        for place in self._places:
            try:
                self._look_at(place)
            except self._ray.exceptions.RayError as error:  # of one that died, or whose host cannot be reached
                self._is_lost(place, type(error).__name__)

    def stop(self) -> None:
        """Let all end, and kill those that do not within a limit."""
        for place in self._places:
            if place.actor is not None:
                place.actor.stop.options(concurrency_group=HEALTH).remote()
        runs = [place.run for place in self._places if place.run is not None]
        if runs:
            self._ray.wait(runs, num_returns=len(runs), timeout=END_SECONDS)
        for place in self._places:
            self._end(place)
        self._places.clear()

    def _look_at(self, place: _Place) -> None:
        now = time.monotonic()
        if place.actor is None:
            if now >= place.starts:
                self._start(place, now)
            return
        if place.run is not None and self._has_come(place.run):
            reason: str = self._ray.get(place.run)
            self._is_lost(place, reason or BY_ITSELF)
            return
        if place.pulse is not None and place.pulse.why_ended:  # of one that another driver started
            self._is_lost(place, place.pulse.why_ended)
            return
        if place.asked is not None:
            if self._has_come(place.asked):
                place.pulse, place.asked = self._ray.get(place.asked), None
                place.last_heard = now
            elif place.pulse is not None and now - place.last_heard > SILENT_SECONDS:
                self._is_lost(place, f"it has not answered for {SILENT_SECONDS:.0f} s")
        elif now >= place.next_pulse:
            place.asked = place.actor.pulse.options(concurrency_group=HEALTH).remote(self._deaths())
            place.next_pulse = now + PULSE_SECONDS

    def _has_come(self, reference: Any) -> bool:
        return bool(self._ray.wait([reference], timeout=0)[0])

    def _found(self) -> list[_Place]:
        """Those that a driver left behind which was killed; others of the kind are ended."""
        places: list[_Place] = []
        for name in self._ray.util.list_named_actors():
            if not name.startswith(f"{self._options.what} "):
                continue
            with suppress(ValueError, self._ray.exceptions.RayError):  # it has just ended
                place = _Place(actor=self._ray.get_actor(name), worker_id=WorkerId(name.rpartition(" ")[2]))
                if name.startswith(self._options.beginning):
                    place.began = place.last_heard = time.monotonic()
                    places.append(place)
                else:
                    place.actor.leave.options(concurrency_group=HEALTH).remote()
        if places:
            logger.info("%d %ss of a driver that was killed go on", len(places), self._options.what)
        return places

    def _start(self, place: _Place, now: float) -> None:
        options = self._options
        place.worker_id = new_worker_id()
        lasting = {"name": f"{options.beginning}{place.worker_id}", "lifetime": "detached"} if options.outlive else {}
        place.actor = self._class.options(**options.resources, **lasting).remote(
            dict(options.environment), options.body, place.worker_id, self._deaths()
        )
        place.run = place.actor.work.remote()
        place.pulse = place.asked = None
        place.began = place.last_heard = now
        place.next_pulse = now

    def _is_lost(self, place: _Place, why: str) -> None:
        self.deaths += 1
        logger.error("a %s is gone (%s) and is started again", self._options.what, why)
        if place.worker_id is not None:
            self._lost(place.worker_id)
        now = time.monotonic()
        was_well = now - place.began > HEALTHY_SECONDS or (place.pulse is not None and place.pulse.has_worked)
        place.pause = FIRST_PAUSE_SECONDS if was_well else place.pause * 2
        self._end(place)
        place.why = why
        place.starts = now + min(place.pause, LONGEST_PAUSE_SECONDS)

    def _end(self, place: _Place) -> None:
        actor, place.actor, place.run, place.asked, place.pulse = place.actor, None, None, None, None
        if actor is not None:
            with suppress(self._ray.exceptions.RayError):
                self._ray.kill(actor)

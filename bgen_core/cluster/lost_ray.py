"""A process of Ray's notices by itself that its Ray is lost: it puts into the store what it has painted, and ends.

Ray 2.60 ends its processes with the driver that started it (all of that one's process group), within a second of their
raylet, and ten seconds after its head, wherever they stand. All that was painted and not yet committed was painted
again. So painters have a process group of their own, Ray's look at the raylet is put off
(`raylet_death_check_interval_milliseconds`), and this one comes first.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress

import psutil

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
HEAD_SECONDS = 1.0  # between two looks whether the head answers
MISSES = 3  # of the head, one after another
CONNECT_SECONDS = 1.0
END_SECONDS = 15.0  # in which what is painted is committed, also where the database is away for a moment


class Head:
    """Whether Ray's head is lost: asked as often as one likes, looked at each `HEAD_SECONDS`.

    Parameters
    ----------
    address
        "host:port".
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self._place = host, int(port)
        self._next_look = 0.0
        self._missed = 0

    @property
    def is_lost(self) -> bool:
        """Whether nothing has answered there, several times."""
        if time.monotonic() >= self._next_look:
            self._missed = 0 if _answers(self._place) else self._missed + 1
            self._next_look = time.monotonic() + HEAD_SECONDS
        return self._missed >= MISSES


def end_with_ray(is_alone: Callable[[], bool], stop: Callable[[], object], idle: threading.Event) -> None:
    """Watch from a thread of its own, and end this process when its Ray is lost.

    Parameters
    ----------
    is_alone
        Whether the head, or who wants this process, is lost. That its raylet is lost is seen here.
    stop
        Told then: nothing more shall be begun.
    idle
        Set while nothing is in hand; that is waited for within `END_SECONDS`.
    """
    raylet = os.getppid()
    with suppress(OSError):  # the leader of a session has a group of its own
        os.setpgrp()  # Ray's reaper ends the group of a driver that was killed

    def end() -> None:
        logger.error("Ray, or its dispatcher, is lost to this process: what is painted is committed, and it ends")
        stop()
        idle.wait(END_SECONDS)

    _watch(lambda: os.getppid() != raylet or is_alone(), end)


@contextmanager
def ending_with_ray(head: Head, end: Callable[[], object]) -> Generator[None]:
    """The same for a driver, during the body of a `with`: with a sentence, whatever it waits for.

    Ray takes ten seconds for a lost head, and says nothing to a person; a raylet that it started itself and that was
    killed is missed after half a minute.

    Parameters
    ----------
    end
        Told then.
    """
    raylets = [child for child in psutil.Process().children(recursive=True) if _is_raylet(child)]

    def is_lost() -> bool:
        return head.is_lost or not all(_is_there(raylet) for raylet in raylets)

    def say_why() -> None:
        what = f"Ray's head at {head.address} does not answer" if head.is_lost else "This machine's Ray is not there"
        logger.error("%s any more: a new dispatcher has to start", what)
        end()

    over = _watch(is_lost, say_why)
    try:
        yield
    finally:
        over.set()


def _is_raylet(process: psutil.Process) -> bool:
    try:
        return process.name() == "raylet"
    except psutil.NoSuchProcess:  # Ray starts programs that end at once: this one has since it was listed
        return False


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _watch(is_lost: Callable[[], bool], end: Callable[[], object]) -> threading.Event:
    over = threading.Event()

    def watch() -> None:
        while not is_lost():
            if over.wait(LOOK_SECONDS):
                return
        try:
            end()
        finally:
            os._exit(1)

    threading.Thread(target=watch, name="ray-watch", daemon=True).start()
    return over


def _answers(place: tuple[str, int]) -> bool:
    try:
        with closing(socket.create_connection(place, timeout=CONNECT_SECONDS)):
            return True
    except OSError:
        return False

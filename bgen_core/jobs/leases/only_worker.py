"""One worker for a home: who is second waits for a while, and takes it from one that is dead or says nothing."""

import logging
import os
import platform
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bgen_core.content_address import hash_content
from bgen_core.errors import StoreError
from bgen_core.jobs.leases.member import Member
from bgen_core.process_identity import ProcessIdentity, this_host
from bgen_core.records.worker import LEASE_SECONDS
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = LEASE_SECONDS + 5.0  # one that hangs has lost its home by then
_PAUSE_SECONDS = 0.25
MODULE = "bgen_core.jobs.worker"


class SecondWorkerError(StoreError):
    """Another worker serves this home."""


@contextmanager
def only_worker(store: Store, member: Member, home: Path, *, patience: float = PATIENCE_SECONDS) -> Generator[None]:
    """Be the one worker of a home of this machine for the body of a `with`.

    Parameters
    ----------
    patience
        Seconds for which another worker is waited for.

    Raises
    ------
    SecondWorkerError
        Another worker serves this home and is well.
    """
    name = hash_content({"machine": platform.node(), "home": str(home.resolve())})
    deadline = time.monotonic() + patience
    before = store.leases.holders("home", [name], living=False).get(name)
    while not member.take("home", [name]):
        if time.monotonic() >= deadline:
            holder = store.leases.holders("home", [name]).get(name)
            who = f"process {holder.process.pid}" if holder else "another process"
            raise SecondWorkerError(
                f"the worker of another server ({who}) serves {home}: end that server, or give this one "
                "another folder with BGEN_HOME."
            )
        time.sleep(_PAUSE_SECONDS)
        before = store.leases.holders("home", [name], living=False).get(name)
    try:
        if before is not None:
            _end(before.process)
        yield
    finally:
        member.release("home", [name])


def _end(worker: ProcessIdentity) -> None:
    """Kill a worker that says nothing any more, and is still there: what it keeps of the device is needed."""
    if worker.host != this_host() or worker.is_gone or worker.pid == os.getpid():
        return
    try:
        process = psutil.Process(worker.pid)
        if MODULE in process.cmdline():
            logger.warning("the worker %d has said nothing for long, and is killed", process.pid)
            process.kill()
    except psutil.Error:
        logger.warning("the worker %d cannot be ended", worker.pid, exc_info=True)

"""A painter on a host of its own, whose cable is pulled while it holds the database's turn of writers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import sqlalchemy as sa

from benchmarks.network import Host
from tests.postgresql import Server

PAINT = """
from bgen_core.cluster.painter_actor import Control
from bgen_core.jobs.leases.member import new_worker_id
from tests.cluster.asleep import paint
paint(Control(new_worker_id()))
"""
CATCHING_SECONDS = 3.0
SETTLED_SECONDS = 0.02  # in which what was sent has arrived
# Sessions that hold the writer's turn and have not sent the next statement.
IN_TURN = sa.text(
    "SELECT pg_locks.pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
    "AND state = 'idle in transaction' AND client_addr = CAST(:address AS inet)"
)


class FarPainter:
    """The painter's process, and its host's cable."""

    def __init__(self, host: Host, process: "subprocess.Popen[bytes]", server: Server) -> None:
        self._host = host
        self._process = process
        self._server = server
        self.is_cut_off = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def pull_in_mid_commit(self) -> bool:
        """Pull the cable between two statements of a commit; false where it held no turn for some seconds.

        It is stopped for a moment, so that it is known to hold the turn when the cable goes, and that nothing which
        would end it is on its way.
        """
        deadline = time.monotonic() + CATCHING_SECONDS
        with self._server.connection() as connection:
            while time.monotonic() < deadline:
                if not self._in_turn(connection):
                    continue
                os.kill(self.pid, signal.SIGSTOP)
                time.sleep(SETTLED_SECONDS)
                if self._in_turn(connection):
                    self._host.pull_cable()
                    self.is_cut_off = True
                os.kill(self.pid, signal.SIGCONT)
                if self.is_cut_off:
                    return True
        return False

    def plug_in(self) -> None:
        self._host.plug_in()
        self.is_cut_off = False

    def _in_turn(self, connection: Any) -> bool:
        return bool(connection.execute(IN_TURN, {"address": self._host.address}).scalars().all())


@contextmanager
def far_painter(host: Host, server: Server, environment: Mapping[str, str], log: IO[bytes]) -> Iterator[FarPainter]:
    """A painter on that host for the body of a `with`."""
    process = host.start([sys.executable, "-c", PAINT], env=dict(environment), log=log)
    try:
        yield FarPainter(host, process, server)
    finally:
        process.kill()
        process.wait()

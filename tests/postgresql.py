"""A PostgreSQL server for tests: Debian's own programs, in a temporary folder, on a socket and, if asked, a port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

from tests.needs import missing

# It is thrown away: nothing has to survive a power cut. What was committed must survive the server's own end, so
# `synchronous_commit` stays on, which costs little without `fsync`.
_OPTIONS = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c autovacuum=off -c lc_messages=C"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server: the folder of its socket and data, who may log in, and who of the system runs which programs.

    Attributes
    ----------
    address
        Of this machine, at which it listens too; empty: on its socket alone.
    """

    folder: Path
    user: str
    programs: Path
    run_by: str | None
    address: str = ""

    def start(self) -> None:
        options = f"{_OPTIONS} -c listen_addresses={self.address} -c unix_socket_directories={self.folder}"
        self._control("-l", self.folder / "log", "-o", options, "start")

    def stop(self) -> None:
        """At once, as if its machine had lost its power."""
        self._control("-m", "immediate", "stop")

    def kill(self) -> None:
        """All of its processes at once, by SIGKILL; `start` finds what was committed."""
        number = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        first = psutil.Process(number)
        processes = [first, *first.children(recursive=True)]
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(processes, timeout=30)

    def _control(self, *words: str | Path) -> None:
        _call(self.run_by, [self.programs / "pg_ctl", "-D", self.folder / "data", "-w", *words])

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.folder}"

    def url_from_afar(self, database: str) -> str:
        """The same database by its address in the network."""
        return f"postgresql://{self.user}@{self.address}/{database}"

    def run(self, statement: str) -> None:
        """Execute one statement outside of any transaction, such as CREATE DATABASE."""
        with self.connection() as connection:
            connection.execute(sa.text(statement))

    @contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """To the server's own database, each statement by itself."""
        engine = sa.create_engine(self.url("postgres").replace("postgresql:", "postgresql+psycopg:"))
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield connection
        finally:
            engine.dispose()


def find_programs() -> Path | None:
    """The folder with initdb and pg_ctl, the newest version first; None where the server is not installed."""
    on_path = shutil.which("pg_ctl")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    found = [*([Path(on_path).parent] if on_path else []), *folders]
    return next((path for path in found if (path / "pg_ctl").is_file() and (path / "initdb").is_file()), None)


@contextmanager
def running_server(*, address: str = "") -> Iterator[Server]:
    """A server of its own, which lets in whoever comes from the network of its address; skips the test where it cannot
    be started."""
    programs = find_programs()
    if programs is None:
        missing("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    user = _unprivileged_user()
    # Not pytest's folder: others than its owner cannot enter that, and a socket's path has at most 107 letters.
    folder = Path(tempfile.mkdtemp(prefix="bgen-pg-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    try:
        if user is not None:
            shutil.chown(folder, user)
        name = user or pwd.getpwuid(os.getuid()).pw_name
        _call(user, [programs / "initdb", "-D", folder / "data", "-U", name, "--auth=trust", "-E", "UTF8", "-N"])
        server = Server(folder=folder, user=name, programs=programs, run_by=user, address=address)
        if address:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {address}/24 trust\n")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> str | None:
    """Somebody else where this is root, whom the server does not run for."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _call(user: str | None, words: Sequence[str | Path]) -> None:
    subprocess.run(
        [str(word) for word in words],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )

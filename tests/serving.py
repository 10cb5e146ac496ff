"""The app as `make run` starts it, on a free port and with a store of its own: for tests and benchmarks."""

import http.client
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FROM_THE_CLONE = (sys.executable, "-m", "streamlit", "run", "streamlit_app.py")
START_SECONDS = 90  # far above what a busy machine needs
END_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class RunningApp:
    """Address of a served app, the home of its store, its log, and its process."""

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def serve(
    folder: Path, *, command: Sequence[str] = FROM_THE_CLONE, cwd: Path = PROJECT, **environment: str
) -> Iterator[RunningApp]:
    """A server of its own with a store in `folder` and these variables in its environment.

    Raises
    ------
    RuntimeError
        It does not answer: says what is in its log.
    """
    home, log = folder / "home", folder / "app.log"
    with start_app(home, log, command=command, cwd=cwd, **environment) as process:
        try:
            yield RunningApp(url=await_app(process, log), home=home, log=log, process=process)
        finally:
            process.terminate()
            process.wait(timeout=END_SECONDS)


def start_app(
    home: Path,
    log: Path,
    *,
    command: Sequence[str] = FROM_THE_CLONE,
    cwd: Path = PROJECT,
    port: int = 0,
    **environment: str,
) -> subprocess.Popen[bytes]:
    """Start a server on that port, or a free one, which its log names; what it says is appended to the log."""
    variables = os.environ | {"BGEN_HOME": str(home), "BGEN_DEVICE": "cpu"} | environment
    with log.open("ab") as output:
        return subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=cwd, env=variables, stdout=output, stderr=output
        )  # fmt: skip


def await_app(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server answers, as soon as it does."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if told := re.search(r"URL: (http://\S+)", log.read_text()):
            try:
                with urllib.request.urlopen(f"{told[1]}/healthz", timeout=2):
                    return told[1]
            except (OSError, http.client.HTTPException):  # it listens, and is not awake yet
                pass
        time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text()}")

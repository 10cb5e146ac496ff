"""Processes of Python that start with their libraries imported: forked from one that does nothing else.

A worker, a server and a process of xdist import the same libraries, for up to ten seconds of a processor each. What
is forked is a process like any other, a child of the one that asked for it, with its own number, streams, environment
and end; only its command line in the system's table is another one. Whether a program starts by itself is shown where
`subprocess` is left alone: `test_package.py`, `test_processes.py`, `test_installed_in_browser.py`.
"""

import atexit
import ctypes
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr, suppress
from dataclasses import asdict, dataclass
from inspect import signature
from pathlib import Path
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

PROJECT = Path(__file__).resolve().parents[1]
# What a worker, a command and a server import sooner or later.
IMPORTED = (
    "bgen_core.jobs.worker",
    "bgen_core.jobs.runner",
    "bgen_core.jobs.running.picture_reading",
    "bgen_core.cli.generate",
    "bgen_core.cli.sweep",
    "bgen_core.api",
    "diffusers.pipelines.auto_pipeline",
    "alembic.command",
    "streamlit.web.cli",
    "streamlit.web.bootstrap",
)
NOT_SAID_TWICE = "bgen_core.jobs.worker"  # runpy warns of a module that is imported already
OF_XDIST = "import sys;exec(eval(sys.stdin.readline()))"  # execnet's first words to a process
MODULES = ("bgen_core", "bgen_core.jobs.worker", "streamlit", "tests.store.commit_forever", "tests.store.hold_the_turn")
LONGEST = 1 << 17  # bytes of a request
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
_LIBRARIES_READ_AT_IMPORT = ("OMP_", "MKL_", "OPENBLAS_", "LD_", "MALLOC_")
_PYTHON_READ_AT_START = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONWARNINGS", "PYTHONHASHSEED", "LC_ALL", "LANG")


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a process shall do.

    Attributes
    ----------
    module, code
        What `-m` or `-c` names; the other one is empty.
    words
        Its arguments.
    safe_path
        Whether nothing of its folder is imported: `-P`.
    forks
        Whether its own processes are to be forked too.
    interruptible
        Whether Ctrl-C reaches it: who ignores it has children that do.
    """

    module: str
    code: str
    words: list[str]
    safe_path: bool
    environment: dict[str, str]
    folder: str
    forks: bool
    interruptible: bool

    def run_and_end(self) -> NoReturn:
        """As Python runs it and ends, but that what was imported is not taken down first, which takes a second."""
        code: object = None
        try:
            self._run()
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
            code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
        threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
        atexit._run_exitfuncs()
        if isinstance(code, str):
            print(code, file=sys.stderr)  # noqa: T201
            code = 1
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):  # nobody reads it any more
                stream.flush()
        if code == -signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(code if isinstance(code, int) else 0)

    def _run(self) -> None:
        if self.module:
            sys.argv[:] = [self.module, *self.words]
            sys.modules.pop(NOT_SAID_TWICE, None)
            runpy.run_module(self.module, run_name="__main__", alter_sys=True)
            return
        sys.argv[:] = ["-c", *self.words]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(self.code, "<string>", "exec"), main.__dict__)


class _Source:
    """The process that forks for this one, and the line to it."""

    def __init__(self, line: socket.socket, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self._line = line
        self._process = process  # kept: one that is forgotten while it runs is told as a mistake
        self._turn = threading.Lock()

    def start(self, program: Program, streams: tuple[int, int, int]) -> int:
        """Number of the new process, a child of this one."""
        request = json.dumps(asdict(program)).encode()
        with self._turn, _adopting():
            socket.send_fds(self._line, [request], list(streams))
            number = self._line.recv(64)
        if not number:
            raise RuntimeError("what forks has ended: it says why where it was started")
        return int(number)


_source: _Source | None = None


def source() -> _Source:
    """Where this process gets others from; it is started at the first call, unless this one was forked with its own."""
    global _source
    if _source is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(  # it ends when the line does
                [sys.executable, "-c", "from tests import forking; forking.main()", str(theirs.fileno())],
                cwd=PROJECT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        _source = _Source(ours, process)
    return _source


@contextmanager
def _adopting() -> Iterator[None]:
    """A descendant whose parent ends becomes a child of this process."""
    libc = ctypes.CDLL(None)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)


class ForkedPopen(subprocess.Popen[Any]):
    """`subprocess.Popen`, which forks where it can."""

    def _execute_child(self, *given: Any) -> None:
        asked = signature(super()._execute_child).bind(*given).arguments  # pyright: ignore
        program = _program(asked)
        if program is None:
            super()._execute_child(*given)  # pyright: ignore
            return
        streams = tuple(
            asked[name] if asked[name] != -1 else number
            for number, name in enumerate(("p2cread", "c2pwrite", "errwrite"))
        )
        self.pid = source().start(program, streams)
        self._child_created = True
        self._close_pipe_fds(*(asked[name] for name in _PIPES))  # pyright: ignore


_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


def _program(asked: Mapping[str, Any]) -> Program | None:
    """What to run, or nothing where only a process that starts afresh does the same."""
    if sys.platform != "linux":  # nowhere else can a process become another one's child
        return None
    words = [os.fspath(word) for word in asked["args"]] if not isinstance(asked["args"], (str, bytes)) else []
    if words[:1] != [sys.executable] or any(asked[name] for name in ("preexec_fn", "pass_fds", "start_new_session")):
        return None
    environment = dict(os.environ if asked["env"] is None else asked["env"])
    folder = Path(asked["cwd"] or ".").resolve()
    paths = {Path(each) for each in environment.get("PYTHONPATH", "").split(os.pathsep) if each}
    known = {PROJECT, *map(Path, sys.path)}  # another folder may hold another bgen
    if not paths <= known or (folder != PROJECT and PROJECT not in paths) or _starts_otherwise(environment):
        return None
    rest, safe_path = words[1:], False
    while rest and rest[0] in ("-P", "-u"):
        safe_path |= rest.pop(0) == "-P"
    if len(rest) < 2 or (rest[0] != "-c" and not (rest[0] == "-m" and rest[1] in MODULES)):
        return None
    return Program(
        module=rest[1] if rest[0] == "-m" else "",
        code=rest[1] if rest[0] == "-c" else "",
        words=rest[2:],
        safe_path=safe_path,
        environment=environment,
        folder=str(folder),
        forks=rest[1] in ("streamlit", OF_XDIST),
        interruptible=signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
    )


def _starts_otherwise(environment: Mapping[str, str]) -> bool:
    """Whether a variable is another one that was read long ago where it is forked."""
    names = {name for name in environment.keys() | os.environ.keys() if name.startswith(_LIBRARIES_READ_AT_IMPORT)}
    names |= set(_PYTHON_READ_AT_START)
    return any(environment.get(name) != os.environ.get(name) for name in names)


@contextmanager
def forked() -> Iterator[None]:
    """What this process starts meanwhile is forked, where that does the same."""
    before = subprocess.Popen
    subprocess.Popen = ForkedPopen
    try:
        yield
    finally:
        subprocess.Popen = before


@contextmanager
def starting(program: AbstractContextManager[T]) -> Iterator[T]:
    """What the beginning of a `with` starts is forked, and what is started within it is not."""
    with ExitStack() as entered:
        with forked():
            started = entered.enter_context(program)
        yield started


def main() -> None:
    """Import, and fork on request until the line ends."""
    import gc
    import importlib
    import warnings

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    line = socket.socket(fileno=int(sys.argv[1]))
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # libraries say what they do not find
        for name in IMPORTED:
            importlib.import_module(name)
    sys.path[:] = [each for each in sys.path if each and Path(each) != PROJECT]
    gc.freeze()
    gc.enable()
    assert threading.active_count() == 1, "a fork would lose the threads of what is imported"
    _serve(line).run_and_end()


def _serve(line: socket.socket) -> Program:
    """Returns in a new process alone."""
    while True:
        request, streams, _, _ = socket.recv_fds(line, LONGEST, 3)
        if not request:
            os._exit(0)
        between = os.fork()
        if not between:
            between = os.getpid()
            if os.fork():
                os._exit(0)
            while os.getppid() == between:  # whoever asked adopts it in a moment
                time.sleep(0.0005)
            line.send(str(os.getpid()).encode())
            line.detach()
            return _become(Program(**json.loads(request)), streams)
        os.waitpid(between, 0)
        for each in streams:
            os.close(each)


def _become(program: Program, streams: list[int]) -> Program:
    """Make this process what a fresh one would be."""
    global _source
    _source, kept = None, -1
    if program.forks:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if not os.fork():
            ours.detach()
            _close_all_but(theirs.fileno())
            return _serve(theirs)
        theirs.detach()
        _source, kept = _Source(ours), ours.fileno()
        if program.module:  # tests choose which of theirs are
            subprocess.Popen = ForkedPopen
    for number, (name, stream) in enumerate(zip(("stdin", "stdout", "stderr"), streams, strict=True)):
        os.dup2(stream, number)
        _open_anew(name, number)
    _close_all_but(kept)
    os.environ.clear()
    os.environ.update(program.environment)
    os.chdir(program.folder)
    first = [] if program.safe_path else [program.folder if program.module else ""]
    sys.path[:0] = [*first, *filter(None, program.environment.get("PYTHONPATH", "").split(os.pathsep))]
    signal.signal(signal.SIGINT, signal.default_int_handler if program.interruptible else signal.SIG_IGN)
    return program


def _open_anew(name: str, number: int) -> None:
    """A stream of `sys` knows of its file whether it can be wound back, which is another file now."""
    old = getattr(sys, name)
    mode, buffering = "w" if number else "r", 1 if name == "stderr" else -1
    new = open(number, mode, buffering, old.encoding, old.errors, closefd=False)  # noqa: SIM115
    setattr(sys, name, new)
    setattr(sys, f"__{name}__", new)


def _close_all_but(kept: int) -> None:
    for number in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if number > 2 and number != kept:
            with suppress(OSError):  # what listed them is closed already
                os.close(number)

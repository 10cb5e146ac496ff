"""Every test has a store of its own, and nothing of the person's: all state is under pytest's temporary folder."""

import os

# Read by torch when it is first imported; see `bgen_core.models.devices.prepare_process_for_inference`.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gc
import itertools
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from bgen_core.settings import Settings, load_settings
from bgen_core.store import database
from bgen_core.store.database import Database
from bgen_core.store.store import Store, open_store
from tests.batch_sizes import BatchSizes
from tests.forking import ForkedPopen, forked
from tests.postgresql import Server, running_server

# Thousands of small stores are made and thrown away: in memory, where the system offers enough of it.
_IN_MEMORY, _BYTES_NEEDED = Path("/dev/shm"), 4 << 30
if _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _BYTES_NEEDED:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("unhurried", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("unhurried")

_NUMBERS = itertools.count()
_MOST_TRANSLATED = 5000  # queries
_SLOW_LASTS = 30  # times as long as another test
_WITH_PAINTING_SERVER = {
    "test_accessibility_in_browser.py",
    "test_history_in_browser.py",
    "test_main_job.py",
    "test_subject_in_browser.py",
    "test_sweep_in_browser.py",
}
REPEATED = "repeated act"  # name of a test's property: an act in the browser that was done more than once


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a fresh installation, and the home that it names."""
    for name in [name for name in os.environ if name.startswith("BGEN_")]:
        monkeypatch.delenv(name)
    # A number of our own: pytest's would be looked for among all folders that there are.
    home = tmp_path_factory.mktemp(f"fresh{next(_NUMBERS)}", numbered=False) / "home"
    monkeypatch.setenv("BGEN_HOME", str(home))
    return home


@pytest.fixture(autouse=True, scope="session")
def queries_are_translated_once() -> Iterator[None]:
    """All stores of this process share what SQLAlchemy made of a query, which each engine would make anew.

    It is half of what a test asks of its store; a program, which opens one, does it once.
    """
    translated, create = LRUCache[Any, Any](_MOST_TRANSLATED), database._create_engine

    def create_engine(*given: Any, **named: Any) -> Engine:
        engine = create(*given, **named)
        engine._compiled_cache = translated
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_create_engine", create_engine)
        # What is kept is kept for a dialect, of which each engine has its own.
        patch.setattr(DefaultDialect, "__eq__", lambda self, other: type(self) is type(other))
        patch.setattr(DefaultDialect, "__hash__", lambda self: hash(type(self)))
        yield


@pytest.fixture(autouse=True, scope="session")
def cheap_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite store of this process is a copy of one that was made once, and no disk is waited for.

    Both cost more than most tests. Real processes, which may be killed, do without.
    """
    template = load_settings(home=tmp_path_factory.mktemp("template"))
    open_store(template).close()
    migrate = Database.migrate

    def copy_and_migrate(self: Database) -> None:
        file = self.engine.url.database if self.engine.dialect.name == "sqlite" else None
        if file and not Path(file).exists():
            shutil.copyfile(template.home / "bgen.sqlite3", file)
        migrate(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "migrate", copy_and_migrate)
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def forked_processes() -> Iterator[None]:
    """What the test and the program start as processes is forked: see `tests.forking`."""
    with forked():
        yield


@pytest.fixture
def settings(own_home: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """What pages and commands of this test read, but on the CPU; marked with `both_databases`, on PostgreSQL too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield load_settings(device="cpu")
        return
    server: Server = request.getfixturevalue("postgresql_server")
    template: str = request.getfixturevalue("postgresql_template")
    name = f"store_{next(_NUMBERS)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield load_settings(device="cpu", database=server.url(name))
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store that pages and commands of this test open by themselves."""
    with open_store(settings) as store:
        yield store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the program's tables, which is copied for each test: a tenth of the time of making them."""
    postgresql_server.run("CREATE DATABASE template_of_stores")
    url = postgresql_server.url("template_of_stores")
    open_store(load_settings(home=tmp_path_factory.mktemp("template"), database=url)).close()
    return "template_of_stores"


@pytest.fixture
def empty_postgresql(postgresql_server: Server) -> Iterator[str]:
    """Address of a new PostgreSQL database without any table."""
    name = f"empty_{next(_NUMBERS)}"
    postgresql_server.run(f"CREATE DATABASE {name}")
    yield postgresql_server.url(name)
    postgresql_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def batch_sizes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> BatchSizes:
    """Shared by all processes of a run. What is not slow does not paint with the demo model."""
    folder = tmp_path_factory.getbasetemp()
    sizes = BatchSizes((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "tuning")
    if any(item.get_closest_marker("slow") or item.get_closest_marker("browser") for item in request.session.items):
        sizes.measure()
    return sizes


def pytest_collection() -> None:
    """Nothing that is imported goes away again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What is imported by now stays: no run of a page and no change of model looks through it for circles."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell which acts in the browser were repeated: see `tests.browser.acting`."""
    reports = itertools.chain.from_iterable(terminalreporter.stats.values())
    told = {
        (report.nodeid, str(what))
        for report in reports
        for name, what in getattr(report, "user_properties", ())
        if name == REPEATED
    }
    if told:
        terminalreporter.section("repeated acts")
    for test, what in sorted(told):
        terminalreporter.write_line(f"{test}: {what}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "settings" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_databases"):
        on_postgresql = pytest.param("postgresql", marks=pytest.mark.postgresql)
        metafunc.parametrize("settings", ["sqlite", on_postgresql], indirect=True)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on PostgreSQL are marked; those marked `gpu` are skipped where there is no GPU. Long files come first."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        asked_for = getattr(item, "fixturenames", ())
        if parameters.get("settings") == "postgresql" or any("postgresql" in name for name in asked_for):
            item.add_marker(pytest.mark.postgresql)
    if "PYTEST_XDIST_WORKER" in os.environ:
        _long_files_first(items)
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_items:
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_items:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


def _long_files_first(items: list[pytest.Item]) -> None:
    """A long file that comes last would leave the other processes without work; xdist's own order counts tests alone.

    The browser's two halves are the longest of all, and wait half of their time while the others compute.
    """
    lasts = Counter[Path]()
    in_browser: set[Path] = set()
    for item in items:
        lasts[item.path] += _SLOW_LASTS if item.get_closest_marker("slow") else 1
        if item.get_closest_marker("browser"):
            in_browser.add(item.path)

    def place(item: pytest.Item) -> tuple[object, ...]:
        if item.path in in_browser:
            return (0, together(item.nodeid), item.path)
        return (1, -lasts[item.path], item.path)

    items.sort(key=place)  # stable: tests of one file keep their order


def together(node_id: str) -> str:
    """What one process of xdist runs as a whole: a file, or half of the tests in the browser.

    Those of a half share one server, one Chromium, and what both have compiled.
    """
    file = node_id.partition("::")[0]
    folder, _, name = file.rpartition("/")
    if folder != "tests/browser":
        return file
    return f"{folder}, {'the server that paints' if name in _WITH_PAINTING_SERVER else 'others'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Each process of a test run is forked from one that has imported what all of them import."""
    # Beside other test processes a second thread of torch only takes their processors, there and in what they start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    subprocess.Popen = ForkedPopen


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """`--dist loadfile`, but for the browser."""
    from xdist.scheduler import LoadScopeScheduling

    class _Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    return _Together(config, log)

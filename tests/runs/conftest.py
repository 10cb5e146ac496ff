import itertools
from collections.abc import Iterator

import pytest

from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import open_store
from tests.runs.postgresql import Server, running_server

_NUMBERS = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: runs on SQLite, and again on PostgreSQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "settings" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_databases"):
        on_postgresql = pytest.param("postgresql", marks=pytest.mark.postgresql)
        metafunc.parametrize("settings", ["sqlite", on_postgresql], indirect=True)


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
def settings(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Settings]:
    """A store of its own: on SQLite, or where a module is marked with `both_databases` on PostgreSQL too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield settings
        return
    server: Server = request.getfixturevalue("postgresql_server")
    template: str = request.getfixturevalue("postgresql_template")
    name = f"store_{next(_NUMBERS)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield load_settings(home=settings.home, database=server.url(name))
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgresql(postgresql_server: Server) -> Iterator[str]:
    """Address of a new PostgreSQL database without any table."""
    name = f"empty_{next(_NUMBERS)}"
    postgresql_server.run(f"CREATE DATABASE {name}")
    yield postgresql_server.url(name)
    postgresql_server.run(f"DROP DATABASE {name} WITH (FORCE)")

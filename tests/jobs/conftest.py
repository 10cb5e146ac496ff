"""A store of its own for each test of the queue and the worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", device="cpu")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as store:
        yield store


@pytest.fixture
def folder(settings: Settings) -> WorkerFolder:
    folder = WorkerFolder(settings.home)
    folder.prepare()
    return folder

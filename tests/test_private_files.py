"""What the store keeps is this user's alone."""

import os
from pathlib import Path

import pytest

from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.private_files import close_to_others
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.made_up import commit, made_up_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")


@pytest.fixture(autouse=True)
def everybody_may_read() -> None:
    """The mask with which new files are open to others."""
    os.umask(os.umask(0o022) & 0o022)


def open_to_others(folder: Path) -> list[str]:
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


def test_a_new_store_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_store(load_settings(home=home)) as store:
        commit(store, made_up_run(0))
        WorkerFolder(home).prepare()
        assert open_to_others(home) == []


def test_a_store_that_was_open_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = load_settings(home=home)
    with open_store(settings) as store:
        commit(store, made_up_run(0))
    WorkerFolder(home).prepare()
    (home / "worker" / "worker.log").write_text("a sentence")
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with open_store(settings) as store:
        assert store.runs.select()
        assert open_to_others(home) == [str(home)]  # a folder that was there may hold what is not the store's


def test_a_place_of_everybodys_stays_one(tmp_path: Path) -> None:
    shared, elsewhere = tmp_path / "shared", tmp_path / "elsewhere"
    for folder in (shared, elsewhere):
        folder.mkdir()
    elsewhere.chmod(0o755)
    shared.chmod(0o1777)
    (tmp_path / "link").symlink_to(elsewhere)
    close_to_others(shared)
    close_to_others(tmp_path / "link")
    close_to_others(tmp_path / "absent")
    assert shared.stat().st_mode & 0o7777 == 0o1777
    assert elsewhere.stat().st_mode & 0o777 == 0o755

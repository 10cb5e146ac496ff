import pytest

from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.settings import Settings


@pytest.fixture
def folder(settings: Settings) -> WorkerFolder:
    folder = WorkerFolder(settings.home)
    folder.prepare()
    return folder

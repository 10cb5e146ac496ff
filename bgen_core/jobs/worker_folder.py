"""The folder `worker` under BGEN_HOME: what the worker of this machine logs."""

from contextlib import suppress
from pathlib import Path

from bgen_core.errors import StoreError
from bgen_core.private_files import make_private_folder

# Of versions that coordinated their processes by files.
_OLD = ("status.json", "looked", "painting.claims", "*.progress.json", "*.lock", "*.tmp")


class WorkerFolder:
    """The only place that knows its files' names."""

    def __init__(self, home: Path) -> None:
        self.path = home / "worker"

    def prepare(self) -> None:
        """Create the folder, and remove what older versions of the program left there.

        Raises
        ------
        StoreError
            It cannot be written.
        """
        try:
            make_private_folder(self.path)
        except OSError as error:
            raise StoreError(
                f"the folder {self.path} cannot be written ({error.strerror}): set BGEN_HOME to one that can."
            ) from error
        for path in [path for pattern in _OLD for path in self.path.glob(pattern)]:
            with suppress(OSError):
                path.unlink()

    @property
    def log(self) -> Path:
        return self.path / "worker.log"

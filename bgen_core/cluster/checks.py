"""What must be in place before painters can be placed, said without importing Ray."""

from importlib.util import find_spec

from bgen_core.errors import UserInputError
from bgen_core.settings import Settings

REQUIREMENTS = "requirements-cluster.txt"
RAY_VERSION = "2.60.0"  # what that file pins: machines of one Ray must have the same


def check_painters(settings: Settings) -> None:
    """Refuse settings with which no painter can work; nothing is asked where none is wanted.

    Raises
    ------
    UserInputError
        Says what to install or to set.
    """
    if settings.has_painters:
        check_ray()
        check_store(settings)


def check_ray() -> None:
    """Refuse to go on where the library is not installed.

    Raises
    ------
    UserInputError
        Names what to install.
    """
    if find_spec("ray") is None:
        raise UserInputError(f"more than one worker needs ray, which is not installed: pip install -r {REQUIREMENTS}.")


def check_store(settings: Settings) -> None:
    """Refuse a store that other machines cannot reach, where painters may be on them."""
    if settings.ray and settings.database_url.get_backend_name() == "sqlite":
        raise UserInputError(
            "BGEN_RAY has painters on several machines, and they cannot share a SQLite file: "
            "set BGEN_DATABASE=postgresql://…, or BGEN_WORKERS in place of BGEN_RAY."
        )
    if settings.ray and not settings.blobs:
        raise UserInputError(
            "BGEN_RAY has painters on several machines, and they need one place for pictures: "
            "set BGEN_BLOBS=s3://bucket/folder, or a folder that all of them share."
        )

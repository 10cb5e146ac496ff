"""A thin client of the API, for scripts and notebooks: `from bgen_core.client import Client`."""

from bgen_core.client.client import Client
from bgen_core.client.connection import ApiError
from bgen_core.client.handles import SweepHandle

__all__ = ["ApiError", "Client", "SweepHandle"]

import pytest

from bgen_core.jobs.leases.member import Member
from bgen_core.store.store import Store


@pytest.fixture
def member(store: Store) -> Member:
    """This process as a worker: it beats when it takes something, and not by itself."""
    return Member(store, "worker")

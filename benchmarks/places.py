"""Where several machines keep everything: a PostgreSQL server and a bucket, here or at an address of a network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.network import Network
from tests.bucket_server import BUCKET, running_bucket
from tests.postgresql import Server, running_server

DATABASE = "bench"


@dataclass(frozen=True, kw_only=True)
class SharedPlaces:
    """The server, and what processes here or on the network's hosts have in their environment to find all."""

    server: Server
    environment: Mapping[str, str]

    @property
    def far_environment(self) -> Mapping[str, str]:
        return {**self.environment, "BGEN_DATABASE": self.server.url_from_afar(DATABASE)}


@contextmanager
def shared_places(network: Network | None = None) -> Iterator[SharedPlaces]:
    """An empty database and an empty bucket; hosts of `network` reach both."""
    in_network = {"address": network.address} if network else {}
    with running_server(**in_network) as server, running_bucket(**in_network) as bucket:
        server.run(f"CREATE DATABASE {DATABASE}")
        found = {"BGEN_DATABASE": server.url(DATABASE), "BGEN_BLOBS": f"s3://{BUCKET}/bgen"}
        yield SharedPlaces(server=server, environment=bucket.settings | found)

"""Hosts that are network namespaces of this machine, on one bridge, with cables that can be pulled. It needs root."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

LONGEST_SECONDS = 10.0  # of one command


class NoNetworkError(Exception):
    """No namespaces can be had here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A bridge of this machine, and the address under which its hosts reach what listens here."""

    bridge: str
    address: str

    @contextmanager
    def host(self, number: int) -> Iterator["Host"]:
        """One more host, plugged in; `number` is its own, from 2 to 9."""
        name = f"{self.bridge}-{number}"
        host = Host(namespace=name, port=name, address=f"{self.address.rpartition('.')[0]}.{number}")
        _ip("netns", "add", name)
        try:
            _ip("link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", host.port, "master", self.bridge, "up")
            for words in (("link", "set", "lo", "up"), ("addr", "add", f"{host.address}/24", "dev", "eth0")):
                _ip("-n", name, *words)
            _ip("-n", name, "link", "set", "eth0", "up")
            yield host
        finally:
            _ip("netns", "del", name)  # its end of the cable goes with it, and so does the other one


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host of a network: its namespace, its address, and the port of the bridge that its cable is in."""

    namespace: str
    port: str
    address: str

    def start(self, words: Sequence[str], *, env: Mapping[str, str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start a process on it, whose number is the same here."""
        return subprocess.Popen(["ip", "netns", "exec", self.namespace, *words], env=env, stdout=log, stderr=log)

    def pull_cable(self) -> None:
        """What both sides send is lost from now on, and neither is told."""
        _ip("link", "set", self.port, "down")

    def plug_in(self) -> None:
        _ip("link", "set", self.port, "up")


@contextmanager
def network() -> Iterator[Network]:
    """A network of its own.

    Raises
    ------
    NoNetworkError
        There is no `ip`, or the system does not allow it.
    """
    if shutil.which("ip") is None:
        raise NoNetworkError("there is no `ip` (Debian: apt-get install iproute2)")
    own = os.getpid() % 10000
    found = Network(bridge=f"bgen{own}", address=f"198.18.{own % 250}.1")  # of RFC 2544: nobody's on the internet
    _ip("link", "add", found.bridge, "type", "bridge")
    try:
        _ip("addr", "add", f"{found.address}/24", "dev", found.bridge)
        _ip("link", "set", found.bridge, "up")
        yield found
    finally:
        _ip("link", "del", found.bridge)


def _ip(*words: str) -> None:
    told = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    if told.returncode:
        raise NoNetworkError(f"`ip {' '.join(words)}` says: {told.stderr.strip()}")

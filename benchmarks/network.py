"""Hosts that are network namespaces of this machine, on one bridge, with cables that can be pulled. It needs root."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

LONGEST_SECONDS = 30.0  # of one command
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of sched.h
_BRIDGE = "bridge"


class NoNetworkError(Exception):
    """No namespaces can be had here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A bridge, and the address under which its hosts reach what listens here."""

    address: str

    @contextmanager
    def host(self, number: int) -> Iterator["Host"]:
        """One more host, plugged in; `number` is its own, from 2 to 254."""
        own = f"{self.address.rpartition('.')[0]}.{number}"
        host = Host(namespace=f"bgen-{os.getpid()}-{number}", port=f"port{number}", address=own)
        _ip("netns", "add", host.namespace)
        try:
            _ip("link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
            _ip("link", "set", host.port, "master", _BRIDGE, "up")
            _ip("-n", host.namespace, "link", "set", "lo", "up")
            _ip("-n", host.namespace, "addr", "add", f"{own}/24", "dev", "eth0")
            _ip("-n", host.namespace, "link", "set", "eth0", "up")
            yield host
        finally:
            _ip("netns", "del", host.namespace)  # its end of the cable goes with it, and so does the other one


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
    """A network of its own, in which this thread and all that it starts are from now on: the machine's stays as it is.

    Browsers on it would end what they load at each change of it.

    Raises
    ------
    NoNetworkError
        There is no `ip`, or the system does not allow it.
    """
    if shutil.which("ip") is None:
        raise NoNetworkError("there is no `ip` (Debian: apt-get install iproute2)")
    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(_NEW_NETWORK):
        raise NoNetworkError(f"the system makes no network for it ({os.strerror(ctypes.get_errno())})")
    found = Network(address="198.18.0.1")  # of RFC 2544, for benchmarks
    _ip("link", "set", "lo", "up")
    _ip("link", "add", _BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{found.address}/24", "dev", _BRIDGE)
    _ip("link", "set", _BRIDGE, "up")
    yield found


def _ip(*words: str) -> None:
    told = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    if told.returncode:
        raise NoNetworkError(f"`ip {' '.join(words)}` says: {told.stderr.strip()}")

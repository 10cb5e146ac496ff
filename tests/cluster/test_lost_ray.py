"""Whether Ray's head is lost."""

import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from bgen_core.cluster import lost_ray
from bgen_core.cluster.lost_ray import MISSES, Head, ending_with_ray


def test_a_head_is_lost_that_has_not_answered_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_ray, "HEAD_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = Head(f"127.0.0.1:{server.getsockname()[1]}")
        assert not any(head.is_lost for _ in range(2 * MISSES))
    assert [head.is_lost for _ in range(MISSES)] == [False] * (MISSES - 1) + [True]


def test_a_process_that_ends_while_the_raylet_is_looked_for_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    children, begun = psutil.Process.children, list[bool]()

    def ended(process: psutil.Process, recursive: bool = False) -> list[psutil.Process]:
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
            found = children(process, recursive)
            child.kill()
        return [each for each in found if each.pid == child.pid]

    monkeypatch.setattr(psutil.Process, "children", ended)
    with ending_with_ray(cast(Any, SimpleNamespace(is_lost=False, address="")), lambda: None):
        begun.append(True)
    assert begun

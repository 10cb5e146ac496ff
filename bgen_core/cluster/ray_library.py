# pyright: reportUnknownMemberType=false
"""Ray itself: imported where it is asked for, started here or joined elsewhere, and what it says in one sentence."""

import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from bgen_core.cluster.checks import check_ray
from bgen_core.errors import UserInputError
from bgen_core.python_path import python_path
from bgen_core.settings import Settings

logger = logging.getLogger(__name__)

NAMESPACE = "bgen"

# Of a Ray that is started here. Its health checks stay gentle: on one machine a lost process is noticed by its closed
# connection, and checks within seconds took a busy machine's own node for dead.
SYSTEM = {
    "gcs_rpc_server_reconnect_timeout_s": 10,
    "worker_niceness": 0,  # 15 by default: beside anything else on the machine, painters would stand still
    "raylet_death_check_interval_milliseconds": 60_000,  # painters look by themselves, and commit first: see `lost_ray`
}
_OBJECT_STORE_BYTES = 80 * 2**20  # about the least that Ray takes: pictures do not go there
_CONNECT_SECONDS = 5.0
_VERSIONS = re.compile(r"Ray: (\S+) Python: (\S+)")  # the cluster's and this process's, as Ray tells that they differ


@contextmanager
def connected(settings: Settings, *, cpus: int) -> Generator[Any]:
    """The library, connected for the body of a `with`: to `BGEN_RAY`, or else to one that is started here.

    Parameters
    ----------
    cpus
        How many processors a Ray that is started here counts: places for painters and measurers, no limit of theirs.

    Raises
    ------
    UserInputError
        No Ray answers, or not to this token, or it is of another version.
    """
    check_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells its makers nothing
    if settings.ray:
        knock(settings)
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")  # a wrong token was thirty lines before our sentence
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        if settings.ray_token is not None:
            os.environ["RAY_AUTH_TOKEN"] = settings.ray_token.get_secret_value()
    else:
        _prepare_own()
    ray: Any = import_module("ray")  # after that: it reads its environment at import (2.60: its token, for good)
    try:
        if settings.ray:
            ray.init(address=settings.ray, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
        else:
            ray.init(
                num_cpus=cpus,
                namespace=NAMESPACE,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.WARNING,
                object_store_memory=_OBJECT_STORE_BYTES,
                _node_ip_address="127.0.0.1",
                _system_config=SYSTEM,
            )
    except Exception as error:
        raise sentence(error, settings) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def knock(settings: Settings) -> float:
    """See within seconds whether anything answers at `BGEN_RAY`; Ray itself would wait for minutes. Seconds it took.

    Raises
    ------
    UserInputError
        Nothing does.
    """
    host, _, port = settings.ray.rpartition(":")
    began = time.monotonic()
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS):
            return time.monotonic() - began
    except (OSError, OverflowError) as error:
        raise sentence(error, settings) from error


def _prepare_own() -> None:
    """A Ray for this server alone: at 127.0.0.1, with a token that nobody else knows."""
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    # By this alone it answers at 127.0.0.1, whatever address it is given (2.60: `services.get_node_ip_address`).
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.pop("RAY_ADDRESS", None)
    os.environ["PYTHONPATH"] = python_path()  # its processes import this program


def sentence(error: Exception, settings: Settings) -> UserInputError:
    """What Ray said, for a person."""
    text = " ".join(str(error).split())
    where = settings.ray or "this machine"
    if "uthentica" in type(error).__name__ + text or "token" in text.lower():
        return UserInputError(f"the Ray at {where} does not take this token: set BGEN_RAY_TOKEN to the cluster's own.")
    if "ersion mismatch" in text:
        found = _VERSIONS.findall(text)
        theirs, ours = (f"{ray} on Python {python}" for ray, python in found) if len(found) == 2 else ("", "")
        differ = f"{theirs}, and this machine has {ours}" if theirs else "of another version, or of another Python"
        return UserInputError(f"the Ray at {where} is {differ}: install the same of both on each machine.")
    if settings.ray:  # 2.60 says the same of a cluster that is away and of one that refuses the token
        return UserInputError(
            f"no Ray answers at {where}, or not to this token: see whether its head runs, whether this machine belongs "
            f"to it (`ray start --address={where}`), and whether BGEN_RAY_TOKEN is the cluster's own."
        )
    return UserInputError(f"Ray does not start here: {type(error).__name__}: {text[:200].rstrip('.')}.")

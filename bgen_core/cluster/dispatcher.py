# pyright: reportUnknownMemberType=false
"""The dispatcher: one process for a store, Ray's driver, that has painters on every GPU and keeps them alive.

It paints nothing and knows no queue: painters take sweeps from the store by themselves. It ends with an error where
Ray's head is lost, so whoever starts it starts it again (the app, systemd, a cluster's own deployment).
"""

import logging
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from bgen_core.cluster.checks import check_ray, check_store
from bgen_core.cluster.crew import Crew, CrewOptions
from bgen_core.cluster.deaths import Deaths
from bgen_core.cluster.lost_ray import Head, ending_with_ray
from bgen_core.cluster.painter_actor import BODY
from bgen_core.cluster.ray_library import connected
from bgen_core.errors import StoreError
from bgen_core.jobs.leases.member import Member
from bgen_core.settings import Settings
from bgen_core.store.patience import open_patiently
from bgen_core.store.store import Store
from bgen_core.wording import counted

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
GPUS_SECONDS = 5.0  # between two looks how many there are
PATIENCE_SECONDS = 35.0  # one that was killed on another machine has lost its place by then
MEASURE = "bgen_core.cluster.measurer:measure"
NOT_PASSED_ON = ("BGEN_HOME", "BGEN_RAY_TOKEN", "BGEN_PASSWORD", "BGEN_ADMIN_PASSWORD", "BGEN_OIDC_CLIENT_SECRET")


class RayLostError(StoreError):
    """No machine of this Ray lives any more: a new dispatcher goes on."""


class SecondDispatcherError(StoreError):
    """Another dispatcher serves this store."""


def dispatch(
    settings: Settings,
    *,
    body: str = BODY,
    measuring: str = MEASURE,
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Serve for ever, or until it is stopped.

    Parameters
    ----------
    body, measuring
        What painters and measurers do: see `PainterActor`.

    Raises
    ------
    UserInputError
        Ray is missing, or does not let in; several machines cannot share this store.
    SecondDispatcherError
        Another dispatcher serves this store.
    """
    check_store(settings)
    check_ray()
    with (
        open_patiently(settings) as store,
        Member(store, "dispatcher") as member,
        only_dispatcher(store, member),
        connected(settings, cpus=_places(settings)) as ray,
        ending_with_ray(Head(ray.get_runtime_context().gcs_address), lambda: store.workers.leave(member.id)),
    ):
        _serve(ray, store, settings, member, body, measuring, is_stopping)


@contextmanager
def only_dispatcher(store: Store, member: Member, *, patience: float = PATIENCE_SECONDS) -> Generator[None]:
    """Be the one dispatcher of a store for the body of a `with`."""
    deadline, is_told = time.monotonic() + patience, False
    while not member.take("dispatcher", ["painters"]):
        if time.monotonic() >= deadline:
            raise SecondDispatcherError(f"another dispatcher ({_holder(store)}) serves this store: end it first.")
        if not is_told:
            logger.warning(
                "another dispatcher (%s) serves this store: it is waited for, %.0f s at most", _holder(store), patience
            )
            is_told = True
        time.sleep(LOOK_SECONDS)
    yield


def _holder(store: Store) -> str:
    """Who has the dispatcher's place, for a person."""
    holder = store.leases.holders("dispatcher", ["painters"]).get("painters")
    host, _, _ = (holder.process.host if holder else "another machine").partition(" ")
    return f"process {holder.process.pid} of {host}" if holder else host


def _serve(
    ray: Any,
    store: Store,
    settings: Settings,
    member: Member,
    body: str,
    measuring: str,
    is_stopping: Callable[[], bool],
) -> None:
    deaths = Deaths(store)
    environment = passed_on(os.environ, settings)
    gpus = _gpus(ray)
    on_gpus = gpus > 0 or settings.device.startswith("cuda")
    painters = Crew(
        ray,
        CrewOptions(
            what="painter",
            environment=environment,
            body=body,
            resources={"num_gpus": 1, "num_cpus": 1} if on_gpus else {"num_cpus": 1},
            outlive=bool(settings.ray),
        ),
        lost=deaths.note,
        deaths=lambda: deaths.told,
    )
    measurers = Crew(
        ray,
        CrewOptions(
            what="measurer",
            environment=environment,
            body=measuring,
            resources={"num_cpus": 1},
            outlive=bool(settings.ray),
        ),
        lost=lambda worker_id: store.workers.lose([worker_id]),
    )
    next_count, wanted = 0.0, 1
    logger.info(
        "%s on %s, from now until this is ended: `cluster status` shows them",
        counted(wanted_painters(settings, gpus=gpus), "painter"),
        "a GPU each" if on_gpus else "processors",
    )
    try:
        while not is_stopping():
            if time.monotonic() >= next_count:
                check_nodes(ray)
                wanted = wanted_painters(settings, gpus=_gpus(ray))
                next_count = time.monotonic() + GPUS_SECONDS
            try:
                painters.look(wanted)
                measurers.look(1 if measuring else 0)
            except StoreError:
                logger.warning("the store cannot be told of a loss now", exc_info=True)
            member.sign()
            member.say(
                state="ready" if painters.living else "loading",
                trouble="; ".join([*painters.troubles, *measurers.troubles]),
            )
            time.sleep(LOOK_SECONDS)
    finally:
        painters.stop()
        measurers.stop()


def check_nodes(ray: Any) -> None:
    """Refuse to wait for painters for ever, where Ray's head lives and no machine with it.

    Raises
    ------
    RayLostError
        There is none.
    """
    if not any(node["Alive"] for node in ray.nodes()):
        raise RayLostError("no machine of this Ray lives any more: a new dispatcher has to start.")


def wanted_painters(settings: Settings, *, gpus: int) -> int:
    """How many there shall be: those that find no place wait, and an autoscaler sees them."""
    if settings.workers not in ("", "auto"):
        return int(settings.workers)
    return max(1, gpus)


def passed_on(environment: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Settings that painters get where their machine has none of its own; no folder and nobody's password."""
    given = {name: text for name, text in environment.items() if name.startswith("BGEN_") and name not in NOT_PASSED_ON}
    if not settings.ray:
        given["BGEN_HOME"] = str(settings.home)
    return given


def _gpus(ray: Any) -> int:
    return int(ray.cluster_resources().get("GPU", 0))


def _places(settings: Settings) -> int:
    """Processors of a Ray that is started here: enough for everybody, since the system shares them out."""
    painters = 0 if settings.workers in ("", "auto") else int(settings.workers)
    return max(painters, os.cpu_count() or 1) + 2

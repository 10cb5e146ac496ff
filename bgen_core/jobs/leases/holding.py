"""Who runs a sweep: one living process alone, or several that share it; what dead ones held is queued again."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from bgen_core.ids import SweepId
from bgen_core.jobs.leases.member import Member
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import REQUEUE
from bgen_core.store.store import Store

LOOK_SECONDS = 1.0  # far longer than somebody holds a sweep who only looks whether it is held
_PAUSE_SECONDS = 0.05


@contextmanager
def holding(
    member: Member, sweep_id: SweepId, *, patience: float = LOOK_SECONDS, shared: bool = False
) -> Generator[bool]:
    """Hold a sweep for the body of a `with`, which gets False where another living process holds it.

    Parameters
    ----------
    patience
        Seconds for which one that is held is waited for.
    shared
        Whether others may hold it in the same way: each then claims the pictures that it paints.

    Raises
    ------
    StoreError
        The store cannot be asked.
    """
    deadline = time.monotonic() + patience
    while not (mine := _take(member, sweep_id, shared=shared)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    try:
        yield mine
    finally:
        if mine:
            _release(member, sweep_id, shared=shared)


def is_held(store: Store, sweep_id: SweepId) -> bool:
    """Whether a living process runs this sweep, or waits with it."""
    return bool(store.leases.holders("sweep", [sweep_id]) or store.leases.sharing("share", _shares(sweep_id)))


def orphans(store: Store, member: Member) -> Iterator[SweepRecord]:
    """Running sweeps that no living process holds; the caller holds each of them until it asks for the next."""
    for sweep in store.sweeps.select(states=["running"]):
        if is_held(store, sweep.id):
            continue
        with holding(member, sweep.id, patience=0) as mine:
            if mine:
                yield sweep


def requeue_orphans(store: Store, member: Member) -> None:
    """Put them back into the queue, in their old places."""
    for sweep in orphans(store, member):
        store.sweeps.change_state(sweep.id, REQUEUE)
        store.progress.clear(sweep.id)


def has_lost(member: Member, sweep_id: SweepId) -> bool:
    """Whether another process has taken the sweep that this one held: it was taken for dead."""
    return sweep_id in member.lost("sweep") or f"{_shares(sweep_id)}{member.id}" in member.lost("share")


def leave_to_others(store: Store, member: Member, sweep_id: SweepId) -> bool:
    """Say that this process cannot make a sweep that several share; whether another one is left that may."""
    member.take("cannot", [f"{_shares(sweep_id)}{member.id}"])
    cannot = {holder.worker_id for holder in store.leases.sharing("cannot", _shares(sweep_id)).values()}
    return any(each.is_alive and each.id not in cannot for each in store.workers.serving())


def try_again(member: Member, sweep_id: SweepId) -> None:
    """Forget that this process could not make it: the machine may have been mended."""
    member.release("cannot", [f"{_shares(sweep_id)}{member.id}"])


def _take(member: Member, sweep_id: SweepId, *, shared: bool) -> bool:
    """Say that it is wanted, then look at the other way of holding it: of two at once, one sees the other."""
    share = f"{_shares(sweep_id)}{member.id}"
    kind, name = ("share", share) if shared else ("sweep", sweep_id)
    if member.holds(kind, name) or not member.take(kind, [name]):
        return False
    leases = member.leases
    others = leases.holders("sweep", [sweep_id]) if shared else leases.sharing("share", _shares(sweep_id))
    if any(holder.worker_id != member.id for holder in others.values()):
        member.release(kind, [name])
        return False
    return True


def _release(member: Member, sweep_id: SweepId, *, shared: bool) -> None:
    if shared:
        member.release("share", [f"{_shares(sweep_id)}{member.id}"])
    else:
        member.release("sweep", [sweep_id])


def _shares(sweep_id: SweepId) -> str:
    """How the names of all shares of a sweep begin."""
    return f"{sweep_id}:"

"""What a measurer does beside the painters, on a processor: metrics, races, copies elsewhere, what goes by itself."""

import logging
from collections.abc import Iterator

from bgen_core.cluster.painter_actor import Control
from bgen_core.errors import BgenError, StoreAwayError
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.measuring import measure_if_there, pending_runs
from bgen_core.jobs.mirroring import Mirroring
from bgen_core.jobs.racing.deciding import decide_next, forecaster
from bgen_core.jobs.running.housekeeping import Housekeeping
from bgen_core.jobs.running.picture_reading import PictureReading
from bgen_core.jobs.running.side_work import SideWork, SideWorks
from bgen_core.settings import Settings, load_settings
from bgen_core.store.patience import growing_pauses, open_patiently
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

POLL_SECONDS = 3.0
LOOKED_AT = 20  # runs at a time: those that another measurer has are passed over


def measure(control: Control) -> str:
    """Measure what is not measured until told to stop; see `Body`."""
    settings = load_settings()
    try:
        store = open_patiently(settings, control.stopping)
    except StoreAwayError:  # this shall end before it answers
        return ""
    with store, Member(store, "measurer", worker_id=control.worker_id) as member:
        housekeeping, mirroring = Housekeeping(store, settings, member.sign), Mirroring(store, settings)
        reading, pauses = PictureReading(store, settings), growing_pauses()
        member.say(state="ready")
        works = SideWorks(
            [
                SideWork(what="Races", do=lambda: race_some(store, settings)),
                SideWork(what="Measuring", do=lambda: measure_some(store, settings, member)),
                SideWork(what="Reading pictures", do=lambda: read_pictures(reading, member)),
                SideWork(what="Copying runs", do=mirroring.copy_next),
            ],
            BackgroundFaults(settings.home),
        )
        while not control.stopping.is_set():
            member.sign()
            try:
                if housekeeping.is_due():
                    housekeeping.do()
                is_idle = not works.do_some()
            except (BgenError, OSError):
                logger.warning("the store cannot be used; trying again", exc_info=True)
                control.stopping.wait(next(pauses))
            else:
                pauses = growing_pauses()
                if is_idle:
                    control.stopping.wait(POLL_SECONDS)
    return ""


def race_some(store: Store, settings: Settings) -> bool:
    """Bring a race further that waits, for the painters as they say they are; False where there is none."""
    painters = [each.status for each in store.workers.serving() if each.is_alive and each.status.device_kind]
    if not painters:
        return False
    kinds = {"device_kind": painters[0].device_kind, "dtype_name": painters[0].dtype_name}
    return decide_next(store, settings, forecaster(store, settings, **kinds)) is not None


def measure_some(store: Store, settings: Settings, member: Member) -> int:
    """Measure a few runs, each held by a lease meanwhile: another measurer takes others. How many it were."""
    return sum(1 for _ in _measured(store, settings, member))


def read_pictures(reading: PictureReading, member: Member) -> int:
    """Let the CLIP model read some pictures, one measurer at a time: how many it were."""
    if not reading.unread() or not member.take("measure", ["pictures"]):
        return 0
    try:
        return reading.read_some()
    finally:
        member.release("measure", ["pictures"])


def _measured(store: Store, settings: Settings, member: Member) -> Iterator[str]:
    for run_id in pending_runs(store, settings, limit=LOOKED_AT):
        if not member.take("measure", [run_id]):
            continue
        try:
            # It may have been measured a moment before.
            if run_id in pending_runs(store, settings, limit=LOOKED_AT) and measure_if_there(store, settings, run_id):
                store.copies.forget(run_id)
                yield run_id
        finally:
            member.release("measure", [run_id])

"""The worker process: takes sweeps from the queue, one at a time, and runs them to the end.

Started by the supervisor as `python -m bgen_core.jobs.worker`. It shares nothing with the app but the store, and it
ends when its standard input does: a killed app leaves no worker behind.
"""

import logging
import sys
import time
from typing import TYPE_CHECKING

from bgen_core.errors import BgenError, NoRoomError, StoreError, UserInputError
from bgen_core.fault_log import count_faults
from bgen_core.ids import SweepId
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.execute_sweep import DeviceLostError, Ended, StoreAway, execute_sweep
from bgen_core.jobs.executors.agreement import terms_of
from bgen_core.jobs.leases.holding import requeue_orphans
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.leases.only_worker import only_worker
from bgen_core.jobs.mirroring import Mirroring
from bgen_core.jobs.parent_process import end_with_parent
from bgen_core.jobs.running.housekeeping import Housekeeping
from bgen_core.jobs.running.side_work import SideWork, SideWorks
from bgen_core.jobs.running.telling import Telling
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.running.work_counts import WorkCounts
from bgen_core.json_log import about_sweep, write_json_lines
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.devices import Device, loading_what_stays, prepare_process_for_inference
from bgen_core.models.hub.download import Fetching
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.worker import NO_SWEEP
from bgen_core.settings import Settings, load_settings
from bgen_core.store.patience import growing_pauses, open_patiently
from bgen_core.store.store import Store
from bgen_core.sweep.events import Measuring, Relit, Started

if TYPE_CHECKING:
    from bgen_core.jobs.runner import Runner

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
ORPHAN_CHECK_SECONDS = 10.0
MEASURE_CHECK_SECONDS = 3.0
RACE_CHECK_SECONDS = 1.0


def main() -> None:
    """Entry point of the process."""
    prepare_process_for_inference()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    count_faults()
    end_with_parent()
    settings = load_settings()
    if settings.log == "json":
        write_json_lines()
    keep_hashes(settings.home)
    try:
        with (
            open_patiently(settings) as store,
            Member(store, "worker", terms=terms_of(settings)) as member,
            only_worker(store, member, settings.home),
        ):
            work(store, settings, member)
    except (UserInputError, StoreError) as error:  # the log has it as a sentence, and the supervisor tries again
        sys.exit(str(error))


def work(store: Store, settings: Settings, member: Member) -> None:
    """Serve the queue for ever."""
    turns = Turns(store, member)
    with loading_what_stays():
        from bgen_core.jobs.runner import Runner  # imports torch: the status says "starting" meanwhile
        from bgen_core.jobs.running.picture_reading import PictureReading

        runner = Runner(store, settings, member, next_sweep=turns.look_ahead, next_after=turns.next_after)
        device = runner.device
        counts = WorkCounts(runner.figures)
        member.counts = counts.all
        member.say(device_kind=device.kind, device_name=device.name, dtype_name=device.dtype_name)
        member.say(state="loading")
        for _ in runner.warm_up():
            member.sign()
    member.say(state="ready")
    look, pauses = _Clock(ORPHAN_CHECK_SECONDS), growing_pauses()
    telling, housekeeping = Telling(store, settings), Housekeeping(store, settings, member.sign)
    mirroring, reading = Mirroring(store, settings), PictureReading(store, settings)
    works = SideWorks(
        [
            SideWork(what="Races", do=lambda: race_next(store, settings, device, telling), every=RACE_CHECK_SECONDS),
            SideWork(what="Measuring", do=lambda: measure_next(store, settings), every=MEASURE_CHECK_SECONDS),
            SideWork(what="Reading pictures", do=reading.read_some, every=MEASURE_CHECK_SECONDS),
            SideWork(what="Copying runs", do=mirroring.copy_next, every=MEASURE_CHECK_SECONDS),
        ],
        BackgroundFaults(settings.home),
    )
    while True:
        member.sign()
        try:
            if look.is_due():  # a killed process leaves its sweep behind
                requeue_orphans(store, member)
            if housekeeping.is_due():
                housekeeping.do()
            store.blobs.check_room()  # a sweep that begins would only wait, and keep its owner from seeing why
            if serve_next(store, member, runner, turns, telling, counts, housekeeping):
                look.make_due()  # it may have been continued while it was still being left
                works.make_due()
            elif not works.do_some():
                time.sleep(POLL_SECONDS)
        except (BgenError, OSError) as error:  # a full disk, a store that became read-only: it may be mended meanwhile
            logger.warning(
                "the store cannot be used; trying again: %s", error, exc_info=not isinstance(error, NoRoomError)
            )
            trouble = error.public if isinstance(error, BgenError) else "The server's disk cannot be used."
            member.say(state="ready", sweep_id=NO_SWEEP, trouble=trouble)
            time.sleep(next(pauses))
        else:
            member.say(trouble="")
            pauses = growing_pauses()


def serve_next(
    store: Store,
    member: Member,
    runner: "Runner",
    turns: Turns,
    telling: Telling | None = None,
    counts: WorkCounts | None = None,
    housekeeping: Housekeeping | None = None,
) -> bool:
    """Run the next sweep of the queue; False where nothing waits."""
    with turns.take() as sweep:
        if sweep is None:
            return False
        member.say(state="loading", sweep_id=sweep.id)
        with about_sweep(sweep.id):
            run_sweep(store, member, runner, sweep, counts, housekeeping)
        if telling:
            telling.tell(sweep.id)
    member.say(state="ready", sweep_id=NO_SWEEP)
    return True


class _Clock:
    """Says now and then that something is due."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = 0.0

    def is_due(self) -> bool:
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + self._seconds
        return True

    def make_due(self) -> None:
        self._due = 0.0


def measure_next(store: Store, settings: Settings) -> bool:
    """Measure one run that is not measured yet; False where there is none."""
    from bgen_core.jobs.measuring import measure_pending

    for run_id in measure_pending(store, settings, limit=1):
        store.copies.forget(run_id)  # its copies elsewhere lack what was measured now
        return True
    return False


def race_next(store: Store, settings: Settings, device: Device, telling: Telling | None = None) -> bool:
    """Bring one race further that waits for what is decided next; False where there is none."""
    from bgen_core.jobs.racing.deciding import decide_next, forecaster

    forecast = forecaster(store, settings, device_kind=device.kind, dtype_name=device.dtype_name)
    decided = decide_next(store, settings, forecast)
    if decided and telling:
        telling.tell(decided)
    return decided is not None


def run_sweep(
    store: Store,
    member: Member,
    runner: "Runner",
    sweep: SweepRecord,
    counts: WorkCounts | None = None,
    housekeeping: Housekeeping | None = None,
) -> None:
    """Run one sweep for its turn: to its end, a pause, a cancellation or an error, or until others wait."""
    try:
        for event in execute_sweep(store, member, runner, sweep.id):
            member.say(trouble=event.fault.public if isinstance(event, StoreAway) else "")
            if isinstance(event, StoreAway) and isinstance(event.fault, NoRoomError) and housekeeping:
                make_room(housekeeping)
            if counts is not None:
                counts.note(event)
            if isinstance(event, Started | Relit):
                member.say(state="painting")
            elif isinstance(event, Fetching | Measuring):
                member.say(state="loading")  # a sweep's second model or size takes as long as its first
            elif isinstance(event, Ended):
                _log_end(sweep.id, event)
    except DeviceLostError as error:
        logger.exception("sweep %s failed", sweep.id)
        raise SystemExit(str(error)) from error


def make_room(housekeeping: Housekeeping) -> None:
    """Do what is due once a day where a sweep waits for room: it might wait for just that."""
    try:
        if housekeeping.is_due():
            housekeeping.do()
    except OSError:
        logger.warning("housekeeping stopped while a sweep waits for room", exc_info=True)


def _log_end(sweep_id: SweepId, ended: Ended) -> None:
    fault = ended.fault
    if fault is None:
        logger.info("sweep %s is %s", sweep_id, ended.state)
    elif isinstance(fault, BgenError):
        logger.warning("sweep %s is %s: %s", sweep_id, ended.state, fault)
    else:  # a bug: loud in the log, one sentence on the page
        logger.error("sweep %s is %s", sweep_id, ended.state, exc_info=fault)


if __name__ == "__main__":
    main()

"""What a painter does: it takes its part of sweeps, as the worker takes whole ones, until it is told to end."""

import logging

from bgen_core.cluster.examination import clock_trouble
from bgen_core.cluster.painter_actor import Control
from bgen_core.errors import BgenError, NoRoomError, StoreAwayError
from bgen_core.jobs.execute_sweep import DeviceLostError, Ended, StoreAway, execute_sweep
from bgen_core.jobs.executors.agreement import disagreement, terms_of
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.repeating.answering import Answering
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.device_kind import other_kind
from bgen_core.jobs.running.share import Share
from bgen_core.jobs.running.shared_turns import SharedTurns
from bgen_core.jobs.running.telling import Telling
from bgen_core.jobs.running.work_counts import WorkCounts
from bgen_core.jobs.watching.painters import LOST
from bgen_core.json_log import about_sweep
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.devices import loading_what_stays
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.worker import NO_SWEEP
from bgen_core.settings import Settings, load_settings
from bgen_core.store.patience import growing_pauses, open_patiently
from bgen_core.store.store import Store
from bgen_core.sweep.events import Committed, Redrawn, Relit, Started

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
CANNOT_SECONDS = 60.0  # for which a painter leaves a sweep to others that it could not make


def paint(control: Control) -> str:
    """Serve sweeps until it is told to stop; see `Body`."""
    settings = load_settings()
    keep_hashes(settings.home)
    try:
        store = open_patiently(settings, control.stopping)
    except StoreAwayError:  # this shall end before it answers
        return ""
    with store, Member(store, "painter", terms=terms_of(settings), worker_id=control.worker_id) as member:
        if refusal := other_terms(store, member, settings):
            logger.error(refusal)
            member.say(trouble=refusal)
            return refusal
        if trouble := clock_trouble(settings):  # leases do not mind it, but what it dates is wrong
            logger.warning(trouble)
            control.trouble = trouble
        try:
            Painter(store, settings, member, control).serve()
        except DeviceLostError as error:
            return str(error)
    return ""


def other_terms(store: Store, member: Member, settings: Settings) -> str:
    """Why this painter cannot work beside those that are there already, in a sentence; "" where it can."""
    ours = terms_of(settings)
    for each in store.workers.serving():
        if each.id == member.id or not each.is_alive or not each.status.terms:
            continue
        if what := disagreement(ours, each.status.terms, other_machine=True):
            host = each.process.host.partition(" ")[0]
            return f"this painter and the one on {host} differ in {what}: make both alike, and start it again."
    return ""


class Painter:
    """One painter's loop.

    Parameters
    ----------
    store, settings, member, control
        Where sweeps are; how they are made here; who this is; and who watches it.
    """

    def __init__(self, store: Store, settings: Settings, member: Member, control: Control) -> None:
        self._store = store
        self._settings = settings
        self._member = member
        self._control = control
        self._standing_trouble = control.trouble
        self._turns = SharedTurns(
            store, member, may_paint=self._may_paint, is_asked_beside=lambda: self._answering.is_asked
        )
        self._share = Share(store, member, deaths=lambda: control.deaths)
        self._runner = Runner(store, settings, member, next_after=self._turns.next_after, share=self._share)
        device = self._runner.device
        self._answering = Answering(
            store,
            settings,
            member,
            gpu="" if device.kind == "cpu" else device.name,  # a processor is on every machine
            models=self._runner.models,
        )
        self._counts = WorkCounts(lambda: self._runner.figures() | {LOST: float(member.lost_in_all)})
        self._telling = Telling(store, settings)

    def serve(self) -> None:
        """Load the deployment's model, then paint until told to stop."""
        member, device = self._member, self._runner.device
        member.counts = self._counts.all
        member.say(device_kind=device.kind, device_name=device.name, dtype_name=device.dtype_name, state="loading")
        with loading_what_stays():
            for _ in self._runner.warm_up():
                member.sign()
                if self._control.stopping.is_set():
                    return
        member.say(state="ready")
        pauses = growing_pauses()
        while not self._control.stopping.is_set():
            member.sign()
            try:
                self._store.blobs.check_room()
                if not self._answering.answer_next() and not self._serve_next():
                    self._control.stopping.wait(POLL_SECONDS)
            except (BgenError, OSError) as error:
                if isinstance(error, DeviceLostError):
                    raise
                is_expected = isinstance(error, NoRoomError | StoreAwayError)
                logger.warning("the store cannot be used; trying again: %s", error, exc_info=not is_expected)
                trouble = error.public if isinstance(error, BgenError) else "The server's disk cannot be used."
                member.say(state="ready", sweep_id=NO_SWEEP, trouble=trouble)
                self._control.stopping.wait(next(pauses))
            else:
                member.say(trouble="")
                pauses = growing_pauses()

    def _serve_next(self) -> bool:
        with self._turns.take() as sweep:
            if sweep is None:
                return False
            self._member.say(state="loading", sweep_id=sweep.id)
            try:
                with about_sweep(sweep.id):
                    self._paint(sweep)
            finally:
                self._member.say(state="ready", sweep_id=NO_SWEEP)
        return True

    def _paint(self, sweep: SweepRecord) -> None:
        made = 0
        for event in execute_sweep(self._store, self._member, self._runner, sweep.id):
            self._member.say(trouble=event.fault.public if isinstance(event, StoreAway) else "")
            self._counts.note(event)
            if self._control.stopping.is_set():
                self._runner.stop()
            if isinstance(event, Started | Relit):
                self._member.say(state="painting")
            elif isinstance(event, Committed | Redrawn):
                made += not event.reused
                self._control.has_worked = self._control.has_worked or made > 0
            elif isinstance(event, Ended):
                self._end(sweep, event, made)

    def _end(self, sweep: SweepRecord, ended: Ended, made: int) -> None:
        self._control.trouble = self._standing_trouble
        if ended.fault is not None and ended.state == "running":
            reason = ended.fault.public if isinstance(ended.fault, BgenError) else type(ended.fault).__name__
            self._control.trouble = f"sweep {sweep.id} is left to other painters: {reason}"
            self._turns.leave_alone(sweep.id, CANNOT_SECONDS)
        if ended.fault is not None:
            logger.warning(
                "sweep %s: %s",
                sweep.id,
                ended.fault,
                exc_info=None if isinstance(ended.fault, BgenError) else ended.fault,
            )
        if ended.state == "running" and not made and ended.fault is None:
            self._turns.leave_alone(sweep.id)
        elif ended.state in ("done", "failed"):
            logger.info("sweep %s is %s", sweep.id, ended.state)
            self._telling.tell(sweep.id)

    def _may_paint(self, sweep: SweepRecord) -> str:
        """Why this painter is not to join a sweep: it has begun on GPUs of another kind."""
        if self._settings.mix_devices:
            return ""
        own = self._runner.device.name
        return other_kind(self._store, sweep.id, own=own, member_id=self._member.id)

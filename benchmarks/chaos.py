"""Kill painters, Ray's head and machine, dispatcher and database at random, pull cables, and look whether all is made.

    python -m benchmarks.chaos --kills 100 --seed 1

A dispatcher has painters that sleep in place of computing and paint a colour by the cell's seed; rows go to a
PostgreSQL server and pictures to a bucket, both its own (`--sqlite`: to the home folder, where no database can be
killed). Sweeps follow each other while processes are killed by SIGKILL; the database is away for some seconds then.

In each fifth sweep one more painter is on a host of its own, a network namespace, which needs root. Its cable is pulled
in the middle of a commit, while it holds the database's turn of writers, and plugged in again later; others are killed
meanwhile.

At the end every cell must be there once and have its colour, no sweep may have failed, no loss may have cost more than
can be derived (`benchmarks.computed_again`), others must have committed within 15 s of a pulled cable, and a host must
work again that has its network back.
"""

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TypeVar

import psutil

from benchmarks.computed_again import CABLE, DATABASE, Loss, computed_again, lease_cells, most_again, read_begun
from benchmarks.far_painter import FarPainter, far_painter
from benchmarks.network import Network, NoNetworkError, network
from benchmarks.places import SharedPlaces, shared_places
from bgen_core.errors import StoreAwayError
from bgen_core.ids import SweepId
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import load_settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import open_store
from bgen_core.subject.decoding.image_io import decode_photo
from tests.cluster.asleep import BEGUN, SECONDS
from tests.jobs import quick_sweeps

PROJECT = Path(__file__).parents[1]
DISPATCH = """
import signal
from bgen_core.cluster.dispatcher import dispatch
from bgen_core.settings import load_settings
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what was started in the background
dispatch(load_settings(), body="tests.cluster.asleep:paint", measuring="")
"""
CELLS = 120
CELLS_WITH_CABLE = 3 * CELLS  # there is something to be killed while it is out
STEP_SECONDS = 0.3
LONGEST_SECONDS = 900.0  # of one sweep, also on a busy machine: nothing waits for ever
AWAY_SECONDS = 60.0  # for which this program itself waits for the database
CABLE_SECONDS = (5.0, 45.0)  # for which it is out: less and more than leases last
FIRST_CELLS = 8  # made before, so that all are at work
PROMISED_SECONDS = 15.0  # from a pulled cable until others commit
HELD_UP_SECONDS = 2 * PROMISED_SECONDS  # until all is committed that was painted meanwhile
BACK_SECONDS = 300.0  # until a painter on a host of its own begins, or is heard of again: likewise
HEAD, MACHINE = "gcs_server", "raylet"
PAINTER = "ray::PainterActor"  # how Ray calls their processes
CHANCES = {"painter": 65, "dispatcher": 10, MACHINE: 7, HEAD: 8, DATABASE: 10}
_Answer = TypeVar("_Answer")


class Chaos:
    """The store, its dispatcher, and what was lost.

    Parameters
    ----------
    folder
        Where homes and logs are.
    shared
        Database and bucket; without them all is in the home.
    cables
        Where hosts are made, or None.

    Attributes
    ----------
    losses
        Kills and pulled cables, in their order.
    silences
        By what was lost, the longest time until the next picture was committed, in seconds.
    """

    def __init__(
        self, folder: Path, shared: SharedPlaces | None, cables: Network | None, *, seed: int, painters: int
    ) -> None:
        self.homes = folder / "home", folder / "far"
        self.losses: list[Loss] = []
        self.silences: dict[str, float] = {}
        self._shared = shared
        self._cables = cables
        self._random = random.Random(seed)
        self._log: IO[bytes] = (folder / "log").open("ab")
        self._waited_for: tuple[str, float, int] | None = None
        self._held_up = 0.0
        found = shared.environment if shared else {}
        os.environ.update(found)
        self._environment = _environment(self.homes[0], found) | {"BGEN_WORKERS": str(painters)}
        self.settings = load_settings(home=self.homes[0])
        self.store = open_store(self.settings)
        self._start()

    @property
    def killed(self) -> Counter[str]:
        """How often what was."""
        return Counter(loss.what for loss in self.losses if loss.what != CABLE)

    @property
    def _waits_for_others(self) -> bool:
        """Whether a cable is out, and nobody else has committed since."""
        return self._waited_for is not None and self._waited_for[0] == CABLE

    def _start(self) -> None:
        self.dispatcher = subprocess.Popen(
            [sys.executable, "-c", DISPATCH], env=self._environment, stdout=self._log, stderr=self._log
        )

    def paint(self, first: int, kills: int, *, pulls: bool) -> SweepId:
        """One sweep, with kills at random moments while it is made, and a cable pulled before them."""
        with ExitStack() as stack:
            far = stack.enter_context(self._far()) if pulls else None
            seeds = f"{first}-{first + (CELLS_WITH_CABLE if pulls else CELLS) - 1}"
            sweep_id = SweepId(patiently(lambda: quick_sweeps.submit(self.store, self.settings, seeds=seeds)))
            began = next_kill = time.monotonic()
            plugged_in = None
            while (state := patiently(lambda: self.store.sweeps.get(sweep_id).state)) not in ("done", "failed"):
                now = time.monotonic()
                if now - began > LONGEST_SECONDS:
                    sys.exit(f"sweep {sweep_id} is still {state}")
                if self.dispatcher.poll() is not None:
                    self._start()
                self._note_silence(sweep_id)
                if far and plugged_in is None:
                    plugged_in = self._pull(far, sweep_id)
                elif far and plugged_in and far.is_cut_off and now >= plugged_in:
                    far.plug_in()
                elif kills and now >= next_kill and not self._waits_for_others and self.kill(sweep_id, far):
                    kills -= 1
                    next_kill = time.monotonic() + self._random.uniform(0.5, 8.0)
                time.sleep(0.1)
            self._waited_for = None  # its last pictures may have been in the hands of nobody who was killed
            if far:
                self._come_back(far)
        return sweep_id

    @contextmanager
    def _far(self) -> Iterator[FarPainter]:
        """One more painter, on a host of its own, as soon as it is ready."""
        assert self._cables is not None
        assert self._shared is not None
        environment = _environment(self.homes[1], self._shared.far_environment)
        with (
            self._cables.host(2) as host,
            far_painter(host, self._shared.server, environment, self._log) as far,
        ):
            self._await(far, "begins no work")
            yield far

    def _pull(self, far: FarPainter, sweep_id: SweepId) -> float | None:
        """Pull the cable in mid-commit; returns when it is plugged in again, 0 where it is too late, None: not yet."""
        made = self._made(sweep_id)
        if made < FIRST_CELLS:
            return None
        if made > CELLS // 2:
            return 0.0
        at = time.monotonic()
        if not far.pull_in_mid_commit():
            return None
        self._note_loss(CABLE, at, [far.pid], sweep_id)
        return time.monotonic() + self._random.uniform(*CABLE_SECONDS)

    def _come_back(self, far: FarPainter) -> None:
        """The host that was cut off has its network again, and must be heard of."""
        if far.is_cut_off:
            far.plug_in()
        known = patiently(self.store.workers.all)
        self._await(far, "is not heard of again", since=max(each.beat for each in known if each.process.pid == far.pid))

    def _await(self, far: FarPainter, what: str, *, since: float = 0.0) -> None:
        """Wait until it is ready, and has said so after `since` by the database's clock."""
        deadline = time.monotonic() + BACK_SECONDS
        while not any(
            each.process.pid == far.pid and each.status.state == "ready" and each.beat > since
            for each in self._living()
        ):
            if far.has_ended or time.monotonic() > deadline:
                sys.exit(f"the painter on the host of its own {what}")
            time.sleep(0.2)

    def _living(self) -> list[WorkerRecord]:
        return [each for each in patiently(self.store.workers.serving) if each.is_alive]

    def kill(self, sweep_id: SweepId, far: FarPainter | None) -> bool:
        """Kill something while painters paint; false where none does now."""
        here = {each.process.pid for each in self._living()} - ({far.pid} if far else set())
        painting = {each.process.pid for each in self._living() if each.status.sweep_id} & here
        if not painting:
            return False
        chances = {what: chance for what, chance in CHANCES.items() if self._shared or what != DATABASE}
        (what,) = self._random.choices([*chances], [*chances.values()])
        one = self._random.choice(sorted(painting))
        at = time.monotonic()
        try:
            here |= self._beginning()
            is_killed = self._kill(what, one)
        except (ProcessLookupError, psutil.Error):
            return False
        if is_killed:
            stopped = here | ({far.pid} if far else set()) if what == DATABASE else here
            self._note_loss(what, at, {one} if what == "painter" else stopped, sweep_id)
        return is_killed

    def _beginning(self) -> set[int]:
        """Painters of the dispatcher's, those too that have not said anything yet."""
        processes = psutil.Process(self.dispatcher.pid).children(recursive=True)
        return {each.pid for each in processes if PAINTER in "".join(each.cmdline())}

    def _kill(self, what: str, painter: int) -> bool:
        """Returns whether it was there."""
        if what == "painter":
            os.kill(painter, signal.SIGKILL)
        elif what == DATABASE and self._shared is not None:
            self._shared.server.kill()
            time.sleep(self._random.uniform(0.5, 5.0))
            self._shared.server.start()
        elif what == "dispatcher":
            self.dispatcher.kill()
            self.dispatcher.wait()
        else:
            children = psutil.Process(self.dispatcher.pid).children(recursive=True)
            found = next((each for each in children if what in each.name()), None)
            if found is None:
                return False
            found.kill()
        return True

    def _note_loss(self, what: str, at: float, painters: Collection[int], sweep_id: SweepId) -> None:
        now = time.monotonic()
        if what == CABLE:
            self._held_up = now + HELD_UP_SECONDS
        self.losses.append(Loss(what=what, at=at, over=now, painters=frozenset(painters), held_up=now < self._held_up))
        self._waited_for = (what, time.monotonic(), self._made(sweep_id))

    def _made(self, sweep_id: SweepId) -> int:
        return sum(cell.done for cell in patiently(lambda: self.store.sweeps.cells(sweep_id)))

    def _note_silence(self, sweep_id: SweepId) -> None:
        if self._waited_for is None:
            return
        what, since, made = self._waited_for
        if self._made(sweep_id) > made:
            self.silences[what] = max(self.silences.get(what, 0.0), time.monotonic() - since)
            self._waited_for = None

    def end(self) -> None:
        self.dispatcher.send_signal(signal.SIGINT)
        self.dispatcher.wait(60)
        self.store.close()
        self._log.close()


def _environment(home: Path, found: Mapping[str, str]) -> dict[str, str]:
    own = {"BGEN_HOME": str(home), SECONDS: str(STEP_SECONDS), "PYTHONPATH": str(PROJECT)}
    return os.environ | dict(found) | own


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Ask the store again while the database is away."""
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return ask()
        except StoreAwayError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--kills-a-sweep", type=int, default=4)
    parser.add_argument("--painters", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no sweep after so long")
    parser.add_argument("--cable-each", type=int, default=5, help="so many sweeps a cable is pulled in one")
    parser.add_argument("--sqlite", action="store_true", help="rows in a file, without a server to kill")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bgen-chaos-", ignore_cleanup_errors=True))
        )
        cables = None if given.sqlite else _cables(stack)
        shared = None if given.sqlite else stack.enter_context(shared_places(cables))
        chaos = Chaos(folder, shared, cables, seed=given.seed, painters=given.painters)
        sweeps: list[SweepId] = []
        first, ends = 1, time.monotonic() + given.minutes * 60
        try:
            while (left := given.kills - chaos.killed.total()) > 0 and time.monotonic() < ends:
                pulls = cables is not None and len(sweeps) % given.cable_each == given.cable_each - 1
                sweeps.append(chaos.paint(first, min(left, given.kills_a_sweep), pulls=pulls))
                first += CELLS_WITH_CABLE
                print(f"{len(sweeps)} sweeps, {dict(Counter(loss.what for loss in chaos.losses))}", flush=True)
            _judge(chaos, sweeps)
        finally:
            chaos.end()


def _cables(stack: ExitStack) -> Network | None:
    try:
        return stack.enter_context(network())
    except NoNetworkError as error:
        print(f"no cable is pulled, since hosts cannot be made here: {error}", flush=True)
        return None


def _judge(chaos: Chaos, sweeps: list[SweepId]) -> None:
    cells = [cell for sweep_id in sweeps for cell in chaos.store.sweeps.cells(sweep_id)]
    missing, failed = sum(not cell.done for cell in cells), sum(bool(cell.error) for cell in cells)
    wrong = 0
    for cell in cells:
        if cell.done:
            run = chaos.store.runs.get(cell.run_id)
            raw = decode_photo(chaos.store.blobs.get(run.raw), name=run.raw, limits=STORED_LIMITS).image
            wrong += bool((raw != run.params.seed % 256).any())
    begun = read_begun(home / BEGUN for home in chaos.homes)
    again = computed_again(begun, chaos.losses)
    by_none = again.get(None, ())
    allowed = sum(most_again(loss, STEP_SECONDS) for loss in chaos.losses)
    above = [
        f"{len(times)} by {loss.what}, of {len(loss.painters)} painters{', commits held up' if loss.held_up else ''}"
        for loss, times in again.items()
        if loss and len(times) > most_again(loss, STEP_SECONDS)
    ]
    told = "; ".join(above)
    most = max((len(times) for loss, times in again.items() if loss), default=0)
    silences = ", ".join(f"{what} {spent:.0f} s" for what, spent in sorted(chaos.silences.items()))
    print(
        f"{chaos.killed.total()} kills {dict(chaos.killed)}, "
        f"{sum(loss.what == CABLE for loss in chaos.losses)} cables pulled in mid-commit, "
        f"{len(sweeps)} sweeps, {len(cells)} cells: {missing} missing, {failed} failed, {wrong} with other pixels\n"
        f"computed again, in whole or in part: {sum(map(len, again.values()))} cells, of which {len(by_none)} by no "
        f"loss; {allowed} are allowed; at one loss {most} at most, and a lease has {lease_cells(STEP_SECONDS)}"
        f"{f'; more than allowed: {told}' if above else ''}\n"
        f"longest time from a loss to the next picture that was committed: {silences or 'none was waited for'}"
    )
    for first, next_one in by_none:
        before = [loss for loss in chaos.losses if loss.at < next_one.at]
        print(f"by no loss: {first}, then {next_one}; the last ones before: {before[-2:]}")
    is_silent = chaos.silences.get(CABLE, 0.0) > PROMISED_SECONDS
    if missing or failed or wrong or by_none or above or is_silent:
        sys.exit(1)


if __name__ == "__main__":
    main()

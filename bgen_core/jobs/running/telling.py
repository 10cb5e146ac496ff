"""Telling the deployment's own address that a sweep has ended, beside the painting."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from bgen_core.errors import BgenError
from bgen_core.ids import SweepId
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.records.sweep_states import ENDED_STATES
from bgen_core.reports.webhook import Message, WebhookError, ended_message, send
from bgen_core.settings import Settings
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

WORK = "Webhook"
PAUSES = (2.0, 15.0, 60.0)  # seconds before each further try
MOST_WAITING = 100  # messages: a receiver that is away for long must not fill the memory


class Telling:
    """Messages on their way to the webhook; does nothing where none is set.

    One thread sends one message after the other, each with a time limit and a few tries, so that painting never waits.
    What could not be sent is given up: in the log, and as a fault of background work until the next one arrives.
    """

    def __init__(self, store: Store, settings: Settings, *, pauses: Sequence[float] = PAUSES) -> None:
        self._store = store
        self._settings = settings
        self._pauses = pauses
        self._faults = BackgroundFaults(settings.home)
        self._waiting: queue.Queue[Message] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._send_for_ever, name="webhook", daemon=True)
        if settings.webhook:
            self._thread.start()
        else:
            self._faults.clear(WORK)  # of an address that was set before

    def tell(self, sweep_id: SweepId) -> None:
        """Say how a sweep ended, as the store has it now; one that was left or paused is not over, nor is one
        that is raced and waits for its next round. Never raises.
        """
        if not self._settings.webhook:
            return
        try:
            sweep = self._store.sweeps.get(sweep_id)
            race = self._store.races.of(sweep_id)
            if sweep.state not in ENDED_STATES or (sweep.state == "done" and race is not None and race.is_open):
                return
            cells = self._store.sweeps.cells(sweep_id)
            message = ended_message(
                sweep,
                done=sum(cell.done for cell in cells),
                failed=sum(cell.has_failed for cell in cells),
                ended=datetime.now(UTC),
                public_url=self._settings.public_url,
            )
            self._waiting.put_nowait(message)
        except BgenError:
            logger.warning("the webhook is not told of sweep %s", sweep_id, exc_info=True)
        except queue.Full:
            logger.warning("the webhook is not told of sweep %s: %d messages wait already", sweep_id, MOST_WAITING)

    def is_idle(self) -> bool:
        """Whether everything is sent or given up."""
        return self._waiting.unfinished_tasks == 0

    def _send_for_ever(self) -> None:
        while True:
            message = self._waiting.get()
            try:
                self._send(message, time.sleep)
            except Exception:  # a bug here must not silence the messages after it
                logger.exception("message %s was not sent to the webhook", message.id)
            finally:
                self._waiting.task_done()

    def _send(self, message: Message, pause: Callable[[float], None]) -> None:
        secret = self._settings.webhook_secret
        for seconds in (*self._pauses, None):
            try:
                send(
                    message,
                    url=self._settings.webhook,
                    secret=secret.get_secret_value() if secret else "",
                    now=datetime.now(UTC),
                )
            except WebhookError as error:
                # The path may be a secret of the receiver's, as chat services have it.
                host = urlsplit(self._settings.webhook).hostname
                logger.warning("message %s is not taken by the webhook at %s: %s", message.id, host, error)
                if seconds is None or error.is_final:
                    self._faults.note(WORK, f"The webhook at {host} was not told of a sweep: {error}.")
                    return
                pause(seconds)
            else:
                self._faults.clear(WORK)
                return

"""A painter makes pictures again that others want of its kind of GPU, with the model that it has loaded."""

import logging

from bgen_core.errors import BgenError, StoreError
from bgen_core.jobs.execute_sweep import DeviceLostError
from bgen_core.jobs.kept_models import KeptModels
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.repeating.elsewhere import answer_of
from bgen_core.jobs.reproduce import Reproducer, find_subject
from bgen_core.models.devices import is_lasting_device_fault
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import Settings
from bgen_core.store.coordination.repeats import Repeat
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)


class Answering:
    """One painter's part.

    Parameters
    ----------
    store, settings, member
        Where it is asked, and who this is.
    gpu
        Its name; empty where it paints on a processor, which every machine has.
    models
        What it has loaded: pictures are made again with the same.
    """

    def __init__(self, store: Store, settings: Settings, member: Member, *, gpu: str, models: KeptModels) -> None:
        self._store = store
        self._settings = settings
        self._member = member
        self._gpu = gpu
        self._models = models

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits; a store that is away is no reason to stop anything."""
        try:
            return bool(self._gpu) and self._store.repeats.waits(self._gpu)
        except StoreError:
            return False

    def answer_next(self) -> bool:
        """Make one picture again; false where nobody waits for any.

        Raises
        ------
        StoreError
            It cannot be said what came out.
        DeviceLostError
            Every further call to the device would fail. Whoever waits sees that this painter is gone.
        """
        repeat = self._store.repeats.take(self._member.id, self._gpu) if self._gpu else None
        if repeat is None:
            return False
        self._member.say(state="painting")
        try:
            self._store.repeats.answer(repeat.id, self._made(repeat))
        finally:
            self._member.say(state="ready")
        return True

    def _made(self, repeat: Repeat) -> dict[str, object]:
        try:
            png = self._store.blobs.get(repeat.png)
            recipe = read_recipe(png)
            subject = find_subject(self._store, recipe)
            with Reproducer(self._settings, models=self._models) as reproducer:
                made = reproducer.reproduce(png, recipe, subject, model=repeat.model)
            return answer_of(made, self._store.blobs.put(made.png))
        except Exception as error:
            if is_lasting_device_fault(error):
                raise DeviceLostError("the device is lost to this process") from error
            expected = isinstance(error, BgenError)
            logger.log(
                logging.WARNING if expected else logging.ERROR, "a picture cannot be made again here", exc_info=True
            )
            return {}  # whoever asked makes it, or says why that cannot be

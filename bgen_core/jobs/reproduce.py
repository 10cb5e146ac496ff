"""Making a run again from its PNG, and saying whether the pixels are equal; if not, what differs.

Nothing is answered from the store: the picture is painted anew, in a store of its own that is thrown away.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import numpy as np

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import NOBODY, BlobHash, SweepId
from bgen_core.jobs.kept_models import KeptModels
from bgen_core.jobs.recorded_device import device_to_repeat
from bgen_core.jobs.runner import Runner
from bgen_core.models.catalogue import describe_model
from bgen_core.models.steering.depth_model import depth_model_for
from bgen_core.models.steering.ip_adapters import find_ip_adapters
from bgen_core.models.steering.light_model import light_model_for
from bgen_core.models.steering.loras import find_loras
from bgen_core.records.run import MadeRun, RunRecord
from bgen_core.records.sweep import SweepRecord
from bgen_core.runs.recipe import Recipe
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.store.coordination.tunings import Tunings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.subject import Subject
from bgen_core.sweep.events import Failed
from bgen_core.sweep.plan import SweepPlan, address_plan
from bgen_core.sweep.steering.applied_reference import LIGHT_MODEL
from bgen_core.wording import printable, quoted

# Of `MadeRun.made_on` what can change pixels beside the device's name; how many rows a call has at most does not.
_TOLD = {
    "driver": "the driver",
    "processor": "the processor",
    "instructions": "the processor's instructions",
    "quantum": "the number to whose multiples calls are filled",
}


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """Something that is not as it was when the PNG was made."""

    what: str
    was: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What came out.

    Attributes
    ----------
    run
        As it was made now; its pictures were thrown away.
    png
        The picture as it was made now.
    pixels
        Number of pixels of the PNG.
    changed
        How many of them are other ones now; None where the sizes differ.
    greatest
        Greatest difference of a channel, 0 to 255; None where the sizes differ.
    differences
        What differs in versions, device, model or subject, even where the pixels are equal.
    other_device
        A sentence where it could not be made by a device of the recorded kind; else empty.
    made_by
        A sentence where another machine made it; else empty.
    """

    run: MadeRun
    png: bytes
    pixels: int
    changed: int | None
    greatest: int | None
    differences: tuple[Deviation, ...]
    other_device: str = ""
    made_by: str = ""

    @property
    def equal(self) -> bool:
        """Whether every pixel is what it was."""
        return self.changed == 0

    @property
    def sentence(self) -> str:
        """What came out, for a person."""
        return "; ".join(filter(None, [self._compared, self.other_device, self.made_by]))

    @property
    def _compared(self) -> str:
        differing = ", ".join(f"{each.what} was {each.was}, is {each.now}" for each in self.differences)
        if self.equal:
            return f"equal: all {self.pixels:,} pixels" + (f", although {differing}" if differing else "")
        if self.changed is None:
            return f"not equal: the sizes differ; {differing}"
        counted = f"{self.changed:,} of {self.pixels:,} pixels differ, by at most {self.greatest} of 255"
        unknown = "all that is recorded is the same: the file was changed, or this processor computes otherwise"
        return f"not equal: {counted}; {differing or unknown}"


class Reproducer:
    """Makes runs again, with the model kept loaded between them. Use it in a `with`.

    Parameters
    ----------
    settings
        Which device to use. Where they leave the choice, a device of the kind that made the picture is taken before
        others.
    painters
        From `painters_by_gpu`: which machines have which GPUs, for the sentence where there is no such device here.
    tunings
        Of the deployment's store: batch sizes that were measured are not measured again. None measures them.
    models
        Those that are loaded already, on the device of the settings; None loads its own.
    elsewhere
        Asked first: has a picture made again by another machine, or gives None where this one is to make it. It gets
        the PNG, its recipe and the model; see `repeating.elsewhere`.
    """

    def __init__(
        self,
        settings: Settings,
        painters: Mapping[str, str] | None = None,
        *,
        tunings: Tunings | None = None,
        models: KeptModels | None = None,
        elsewhere: Callable[[bytes, Recipe, str], "Reproduction | None"] | None = None,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bgen-again-"))
        self._store = open_store(settings.model_copy(update={"home": self._folder, "database": "", "blobs": ""}))
        self._runners: dict[tuple[str, str], Runner] = {}
        self._tunings = tunings
        self._painters = painters or {}
        self._models = models
        self._elsewhere = elsewhere
        self._settings = settings
        self._count = 0

    def __enter__(self) -> "Reproducer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Throw the made pictures away."""
        self._store.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def reproduce(self, png: bytes, recipe: Recipe, subject: Subject, *, model: str = "") -> Reproduction:
        """Make a PNG again.

        Parameters
        ----------
        png
            The picture that the recipe was read from.
        subject
            From `find_subject`, or read from files.
        model
            Catalogue name, Hub id or folder, where the recipe names none that is here.

        Raises
        ------
        UserInputError
            The model cannot be loaded, or the picture cannot be made with this subject.
        """
        name = describe_model(model or recipe.model).name
        if self._elsewhere is not None and (made_there := self._elsewhere(png, recipe, name)) is not None:
            return made_there
        wish, other_device = device_to_repeat(recipe.record, self._settings.device, self._painters)
        run = self._make(self._runner_on(wish, self._settings_for(recipe)), recipe, subject, name)
        try:
            made = [self._store.blobs.get(name) for name in (run.image, run.raw)]
        finally:
            self._store.deletion.delete([run.id])  # the same PNG again is made again
        before = _pixels(png)
        # The raw picture carries the same text as the finished one: its size tells, or else which of them it is like.
        compared = [(*counts, now) for now in made if (counts := _compare(before, _pixels(now))) is not None]
        changed, greatest, like = min(compared, key=lambda each: each[:2], default=(None, None, made[0]))
        return Reproduction(
            run=run,
            png=like,
            pixels=Extent.of(before).area,
            changed=changed,
            greatest=greatest,
            differences=_differences(recipe, run),
            other_device=other_device,
        )

    def _settings_for(self, recipe: Recipe) -> Settings:
        """Those of this deployment; without its light model where the picture was lit without one."""
        if recipe.record is None or LIGHT_MODEL in recipe.record.versions:
            return self._settings
        return self._settings.model_copy(update={"light_model": "", "light_offsets": ""})

    def _runner_on(self, wish: str, settings: Settings) -> Runner:
        kind = (wish, settings.light_model)
        if kind not in self._runners:
            settings = settings.model_copy(update={"device": wish})
            self._runners[kind] = Runner(self._store, settings, tunings=self._tunings, models=self._models)
        return self._runners[kind]

    def _make(self, runner: Runner, recipe: Recipe, subject: Subject, model: str) -> RunRecord:
        loaded, device, settings = runner.prepare(model), runner.device, runner.settings
        self._store.subjects.save(subject, {})
        self._store.pictures.keep(find_pictures(self._settings, recipe))
        plan = SweepPlan(subject_id=subject.id, model=model, base=recipe.params)
        (address,) = address_plan(
            plan,
            {model: loaded.source.revision},
            device_kind=device.kind,
            dtype_name=device.dtype_name,
            families={model: loaded.source.family},
            loras=find_loras([recipe.params.loras], self._settings.lora_folder),
            depth=depth_model_for([recipe.params.control], self._settings.depth_model),
            ip_adapters=find_ip_adapters([recipe.params.ip_adapter], self._settings.ip_adapter_folder),
            light=light_model_for(
                [recipe.params.light], settings, device_kind=device.kind, dtype_name=device.dtype_name
            ),
            photos={subject.id: subject.extent},
        ).values()
        self._count += 1
        sweep_id = SweepId(f"again-{self._count}")
        self._store.sweeps.add(_sweep(sweep_id, plan), [address.run_id])
        for event in runner.run(sweep_id):
            if isinstance(event, Failed):
                raise UserInputError(event.reason)
        return self._store.runs.get(address.run_id)


def find_subject(store: Store, recipe: Recipe) -> Subject:
    """The subject of a recipe, with its pixels.

    Raises
    ------
    UserInputError
        The recipe names none, or the store does not have it.
    """
    if not recipe.subject_id:
        raise UserInputError("This PNG does not say of which photo it was made: give photo and mask.")
    try:
        store.subjects.get(recipe.subject_id)
    except UserInputError as error:
        name = f" {quoted(recipe.record.subject_name)}" if recipe.record else ""
        raise UserInputError(
            f"The subject{name} ({recipe.subject_id[:12]}) of this PNG is not in the store: "
            "give its photo and mask, or import the ZIP that it came with."
        ) from error
    return store.subjects.load(recipe.subject_id)


def find_pictures(settings: Settings, recipe: Recipe) -> list[bytes]:
    """The reference and background pictures that a recipe names, as the deployment's store keeps them.

    Raises
    ------
    UserInputError
        The store does not have it.
    """
    found: list[bytes] = []
    for name in recipe.params.pictures:
        try:
            found.append(BlobStore(settings.blob_root).get(BlobHash(name)))
        except LostPictureError as error:
            raise no_picture(name) from error
    return found


def no_picture(name: str) -> UserInputError:
    """What is said of a picture that a recipe names and that the store does not have, or not for whoever asks."""
    return UserInputError(
        f"The picture {name[:12]} that this PNG was made with is not in the store: import the ZIP that it came with."
    )


def _sweep(sweep_id: SweepId, plan: SweepPlan) -> SweepRecord:
    return SweepRecord(
        id=sweep_id,
        owner=NOBODY,
        created=datetime.now(UTC),
        state="running",
        title="",
        plan=plan.to_json(),
        subject_id=plan.subject_id,
        total=1,
    )


def _pixels(png: bytes) -> np.ndarray:
    return decode_photo(png, name="The PNG", limits=STORED_LIMITS).pixels


def _compare(before: np.ndarray, now: np.ndarray) -> tuple[int, int] | None:
    """Number of pixels that differ, and the greatest difference of a channel; None for other sizes."""
    if before.shape != now.shape:
        return None
    distance = np.maximum(before, now) - np.minimum(before, now)
    return int(np.count_nonzero(distance.any(axis=2))), int(distance.max(initial=0))


def _differences(recipe: Recipe, now: RunRecord) -> tuple[Deviation, ...]:
    if recipe.record is None:
        return ()
    was = recipe.record
    pairs = [
        ("the subject", was.subject_id[:12], now.subject_id[:12]),
        ("the model", was.model, now.model),
        ("the model's revision", was.model_revision[:12], now.model_revision[:12]),
        ("the size of the photo", str(was.extent), str(now.extent)),
        ("the model's size", str(was.model_extent), str(now.model_extent)),
        ("the device", was.device, now.device),
        ("the number format", was.dtype, now.dtype),
    ]
    pairs += [
        (name, was.versions.get(name, "not there"), now.versions.get(name, "not there"))
        for name in sorted(was.versions.keys() | now.versions.keys())
    ]
    pairs += [
        (what, was.made_on[name], now.made_on[name])
        for name, what in _TOLD.items()
        if name in was.made_on and name in now.made_on  # earlier versions wrote down none of it
    ]
    return tuple(
        Deviation(what=printable(what, 60), was=printable(old, 60), now=printable(new, 60))
        for what, old, new in pairs
        if old != new
    )

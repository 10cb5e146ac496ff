"""`python -m bgen_core reproduce`: making pictures again from their PNGs, and whether the pixels are equal."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.inputs import INVERT_HELP, check_invert, check_output_file, read_subject, say, write_file
from bgen_core.cli.json_answer import print_json
from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import describe_model
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import find_model
from bgen_core.models.steering.depth_model import depth_model_for
from bgen_core.models.steering.ip_adapters import find_ip_adapters
from bgen_core.models.steering.light_model import find_light_model
from bgen_core.models.steering.loras import find_loras
from bgen_core.runs.recipe import PNG_LIMITS, Recipe, read_recipe
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.subject.subject import Subject
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.steering.applied_reference import LIGHT_MODEL

if TYPE_CHECKING:
    from bgen_core.jobs.reproduce import Reproducer, Reproduction


def reproduce(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="PNGs that bgen or A1111 wrote.")],
    photo: Annotated[Path | None, typer.Option(help="The photo, where the store does not have the subject.")] = None,
    alpha: Annotated[Path | None, typer.Option(help="Its mask, of the photo's size, white = keep.")] = None,
    invert: Annotated[bool, typer.Option("--invert", help=INVERT_HELP)] = False,
    model: Annotated[str | None, typer.Option(help="The model, where the PNG names none that is here.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the picture as it was made now; with one FILE.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on stdout.")] = False,
) -> None:
    """Make pictures again and compare every pixel; exit 0 where all are equal, else 2."""
    settings = load_settings()
    keep_hashes(settings.home)
    _check(files, photo, alpha, out)
    check_invert(invert, alpha)
    wanted = [(path, png := _read(path), _recipe(path, png)) for path in files]
    models = [model or recipe.model or default_model(settings) for _, _, recipe in wanted]
    for name, (path, _, recipe) in zip(models, wanted, strict=True):
        _check_makeable(path, recipe, name, settings)
    given = None if photo is None else read_subject(photo, alpha, settings, invert=invert)
    subjects = _find_subjects([recipe for _, _, recipe in wanted], given, settings)

    told: list[dict[str, Any]] = []
    with _reproducer(settings, has_photo=given is not None) as reproducer:
        for (path, png, recipe), subject, name in zip(wanted, subjects, models, strict=True):
            made = reproducer.reproduce(png, recipe, subject, model=name)
            if out is not None:
                write_file(out, made.png)
            told.append(_described(path, recipe, made))
            if not as_json:
                sys.stdout.write(f"{path}: {made.sentence}\n")
                for sentence in recipe.not_taken:
                    say(f"  {sentence}")
    if as_json:
        print_json(told)
    if not all(each["equal"] for each in told):
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _check(files: list[Path], photo: Path | None, alpha: Path | None, out: Path | None) -> None:
    if alpha is not None and photo is None:
        raise UserInputError("--alpha is the mask of a photo: give --photo too.")
    if out is not None:
        if len(files) > 1:
            raise UserInputError(f"--out is one picture, but {len(files)} files are given: give one FILE.")
        check_output_file(out, files[0], photo, alpha)


def _read(path: Path) -> bytes:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserInputError(f"{path} cannot be read, because it is no file: give a PNG file.")
    try:
        with path.open("rb") as file:
            return file.read(PNG_LIMITS.max_bytes + 1)  # one more than `read_recipe` takes
    except OSError as error:
        raise UserInputError(f"{path} cannot be read ({error.strerror}): give a PNG file.") from error


def _recipe(path: Path, png: bytes) -> Recipe:
    try:
        return read_recipe(png, limits=DecodeLimits.of_pictures(load_settings()))
    except UserInputError as error:
        raise UserInputError(f"{path}: {error}") from error


def _check_makeable(path: Path, recipe: Recipe, model: str, settings: Settings) -> None:
    """Refuse what cannot be made before the first picture is."""
    from bgen_core.jobs.reproduce import find_pictures
    from bgen_core.jobs.submission import check_steps

    try:
        name = describe_model(model).name
        find_model(name)
        find_loras([recipe.params.loras], settings.lora_folder)
        depth_model_for([recipe.params.control], settings.depth_model)
        if recipe.params.light and recipe.record is not None and LIGHT_MODEL in recipe.record.versions:
            find_light_model(settings.light_model, settings.light_offsets)
        find_ip_adapters([recipe.params.ip_adapter], settings.ip_adapter_folder)
        find_pictures(settings, recipe)
        check_steps(SweepPlan(subject_id=recipe.subject_id, model=name, base=recipe.params))
    except UserInputError as error:
        raise UserInputError(f"{path}: {error}") from error


def _find_subjects(recipes: list[Recipe], given: Subject | None, settings: Settings) -> list[Subject]:
    """One for each recipe; those of equal ids are one object."""
    if given is not None:
        return [given for _ in recipes]
    found: dict[str, Subject] = {}
    with open_store(settings) as store:
        for recipe in recipes:
            if recipe.subject_id not in found:
                found[recipe.subject_id] = _find_subject(store, recipe)
    return [found[recipe.subject_id] for recipe in recipes]


@contextmanager
def _reproducer(settings: Settings, *, has_photo: bool) -> "Generator[Reproducer]":
    """Where the photo is given as a file, painters do not have it: the picture is made here."""
    from bgen_core.jobs.repeating.elsewhere import reproducer_for
    from bgen_core.jobs.reproduce import Reproducer  # loads torch

    with (
        open_store(settings) as store,
        Reproducer(settings, tunings=store.tunings) if has_photo else reproducer_for(store, settings) as reproducer,
    ):
        yield reproducer


def _find_subject(store: Store, recipe: Recipe) -> Subject:
    from bgen_core.jobs.reproduce import find_subject

    try:
        return find_subject(store, recipe)
    except UserInputError as error:
        raise UserInputError(f"{error} Here: --photo FILE and --alpha FILE.") from error


def _described(path: Path, recipe: Recipe, made: "Reproduction") -> dict[str, Any]:
    return {
        "file": str(path),
        "run": recipe.record.id if recipe.record else None,
        "equal": made.equal,
        "pixels": made.pixels,
        "changed": made.changed,
        "greatest": made.greatest,
        "other_device": made.other_device,
        "made_by": made.made_by,
        "differences": [asdict(each) for each in made.differences],
        "params": recipe.params.to_json(),
        "model": made.run.model,
        "not_taken": list(recipe.not_taken),
        "sentence": made.sentence,
    }

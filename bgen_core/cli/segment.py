"""`python -m bgen_core segment`: photos -> alphas, headless."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from bgen_core.cli import exit_codes
from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.cli.result_folder import prepare_folder
from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings
from bgen_core.subject.cutout import QUALITIES, cut_out
from bgen_core.subject.decoding.image_io import DecodeLimits, encode_alpha_png, encode_cutout_png, read_photo
from bgen_core.subject.decoding.picture_formats import shown_name
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.fine import FINE_COST
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.pasting.compositing import cut_out_colours
from bgen_core.subject.prompted.choice import prompted_segmenter
from bgen_core.subject.prompted.found_object import FoundObject, find_object
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.prompted.written import prompts_of
from bgen_core.subject.remarks import remarks_about
from bgen_core.subject.subject import quantise_alpha
from bgen_core.whole_file import linked, write_whole

# In bytes: with a number and ".cutout.png" behind it, it is a name that file systems take.
LONGEST_STEM = 236


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What became of one photo: the entries of `--json`."""

    photo: str
    alpha: str | None = None
    person_found: bool = False
    confidence: float = 0.0
    persons: int = 0
    objects: int = 0
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Targets:
    """Where the results for one photo go."""

    alpha: Path
    cutout: Path | None


def segment(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos of a person.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="PNG for the alpha of one photo.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out-dir", metavar="DIR", help="Folder that gets <stem>.alpha.png for each photo.")
    ] = None,
    cutout: Annotated[
        bool,
        typer.Option(
            "--cutout",
            help="Also write <stem>.cutout.png: the person on transparency. With --out, FILE.png after it names it.",
        ),
    ] = False,
    quality: Annotated[
        str, typer.Option("--quality", help=f"One of: {', '.join(QUALITIES)}. {FINE_COST}")
    ] = "standard",
    invert: Annotated[
        bool, typer.Option("--invert", help="White is the background in the alphas, as most other programs want it.")
    ] = False,
    click: Annotated[
        list[str] | None,
        typer.Option(
            "--click", metavar="X,Y", help="Keep the object at this pixel in place of a person; can be given again."
        ),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option("--box", metavar="LEFT,TOP,RIGHT,BOTTOM", help="Keep the object in this box; can be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on stdout and nothing else.")] = False,
) -> None:
    """Cut the person, or an object by --click or --box, out of photos: one alpha (grey PNG, white = keep) for each."""
    if (out is None) == (out_dir is None):
        raise UserInputError(
            "Say where the alpha goes: either --out FILE (one photo) or --out-dir DIR, "
            f"not {'both' if out is not None else 'neither'}."
        )
    if quality not in QUALITIES:
        raise UserInputError(f"--quality {quality} is not known: allowed are {', '.join(QUALITIES)}.")
    if out is not None:
        photos, targets = _named_targets(photos, out, cutout)
    else:
        targets = _targets(photos, out_dir or Path(), cutout)
    settings = load_settings()
    prompts = prompts_of(click or (), box or (), photos)
    limits = DecodeLimits.from_settings(settings)
    _prepare_folders(targets, "--out" if out_dir is None else "--out-dir")
    outcomes: list[_Outcome] = []
    for photo, target in zip(photos, targets, strict=True):
        try:
            if prompts:
                outcome, remarks = _cut_objects(photo, target, prompts, settings.prompted_model, limits, invert=invert)
            else:
                outcome, remarks = _segment_one(photo, target, quality, limits, invert=invert)
            lines = [f"{shown_name(str(target.alpha))} ({_described(outcome)})", *(f"  {line}" for line in remarks)]
        except UserInputError as error:
            outcome = _Outcome(photo=str(photo), error=str(error))
            lines = [str(error)]
        outcomes.append(outcome)
        for line in lines:
            say(line)
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes], indent=2)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(exit_codes.CAN_BE_MENDED)


def _prepare_folders(targets: list[_Targets], option: str) -> None:
    for folder in dict.fromkeys(target.alpha.parent for target in targets):
        prepare_folder(option, folder)
    for folder in dict.fromkeys(target.cutout.parent for target in targets if target.cutout is not None):
        prepare_folder("--cutout" if option == "--out" else option, folder)


def _segment_one(
    photo: Path, target: _Targets, quality: str, limits: DecodeLimits, *, invert: bool
) -> tuple[_Outcome, list[str]]:
    """Write one photo's results; what became of it, and what else there is to say."""
    read = read_photo(photo, limits=limits)
    image = read.image
    alpha, found = cut_out(image, quality)
    alpha = quantise_alpha(alpha)
    _write_results(target, image, alpha, invert=invert)
    outcome = _Outcome(
        photo=str(photo),
        alpha=str(target.alpha),
        person_found=found.person_found,
        confidence=round(found.score, 4),
        persons=found.persons,
    )
    return outcome, [*read.notes, *(remark.says for remark in remarks_about(found) if remark.level == "note")]


def _cut_objects(
    photo: Path, target: _Targets, prompts: list[Prompt], model: str, limits: DecodeLimits, *, invert: bool
) -> tuple[_Outcome, list[str]]:
    """The same for objects that somebody points at; where there is none, the others are kept."""
    read = read_photo(photo, limits=limits)
    segmenter = prompted_segmenter(model)
    found: list[FoundObject] = []
    missed: dict[str, None] = {}
    for prompt in prompts:
        try:
            found.append(find_object(read.image, prompt, segmenter))
        except UserInputError as error:
            missed[str(error)] = None
    if not found:
        raise UserInputError(" ".join(missed))
    nothing = np.zeros(read.image.shape[:2], np.float32)
    alpha = quantise_alpha(apply_edit(nothing, MaskEdit(strokes=tuple(one.stroke for one in found))))
    _write_results(target, read.image, alpha, invert=invert)
    outcome = _Outcome(photo=str(photo), alpha=str(target.alpha), objects=len(found), error=" ".join(missed) or None)
    return outcome, [*read.notes, *missed, *dict.fromkeys(remark for one in found for remark in one.remarks)]


def _write_results(target: _Targets, image: np.ndarray, alpha: np.ndarray, *, invert: bool) -> None:
    _write(target.alpha, encode_alpha_png(1 - alpha if invert else alpha))
    if target.cutout is not None:
        _write(target.cutout, encode_cutout_png(cut_out_colours(image, alpha), alpha))


def _described(outcome: _Outcome) -> str:
    if outcome.objects:
        return f"{outcome.objects} object{'s' * (outcome.objects > 1)} kept"
    if outcome.person_found:
        return f"person found, confidence {outcome.confidence:.2f}"
    if outcome.persons == 0:
        return "no person found: the alpha is empty, paint one on the Subject page or give --alpha to generate"
    return "no person found for sure: the alpha holds what stands out most, check it"


def _named_targets(arguments: list[Path], out: Path, cutout: bool) -> tuple[list[Path], list[_Targets]]:
    """One photo, its alpha's file, and the cut-out's: named after --cutout, or beside the alpha."""
    named = arguments[1] if cutout and len(arguments) == 2 else None
    photos = arguments[:1] if named is not None else arguments
    target = _Targets(alpha=out, cutout=_cutout_path(photos[0], out, named) if cutout else None)
    for option, path in (("--out", target.alpha), ("--cutout", target.cutout)):
        _check_target(option, path, photos)
    if target.cutout is not None and linked(target.cutout) == linked(out):
        raise UserInputError(f"--cutout {shown_name(str(out))} is the alpha's file, too: choose another name.")
    return photos, [target]


def _cutout_path(photo: Path, out: Path, named: Path | None) -> Path:
    if named is None:
        return out.with_name(f"{_cut_to(photo.stem, LONGEST_STEM)}.cutout.png")
    _check_name("--cutout", named)
    if named.exists() and not _is_cutout(named):
        # It may be a second photo: typer hands over one list, whatever stood between its parts
        raise UserInputError(
            f"--cutout {shown_name(str(named))} is a picture without transparency, so it is none that this command "
            "wrote: choose another name, or --out-dir for several photos."
        )
    return named


def _is_cutout(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return picture.format == "PNG" and picture.mode == "RGBA"
    except (OSError, Image.DecompressionBombError):  # no picture, or one that no command wrote
        return False


def _check_target(option: str, path: Path | None, photos: list[Path]) -> None:
    if path is None:
        return
    if len(photos) > 1:
        raise UserInputError(f"{option} takes one photo, not {len(photos)}: use --out-dir for several.")
    if path.suffix.lower() != ".png":
        raise UserInputError(f"{option} {shown_name(str(path))} must end in .png: an alpha is only kept exactly there.")
    _check_name(option, path)
    if path.is_dir():
        raise UserInputError(f"{option} {shown_name(str(path))} is a folder: the name of a file is needed.")
    if linked(path) == linked(photos[0]):
        raise UserInputError(f"{option} {shown_name(str(path))} is the photo itself: choose another name.")


def _check_name(option: str, path: Path) -> None:
    """Refuse what the file system takes for no name, such as one that is too long."""
    try:
        path.exists()
    except OSError as error:
        raise UserInputError(f"{option} {shown_name(str(path))} cannot be written: {error.strerror}.") from error


def _targets(photos: list[Path], folder: Path, cutout: bool) -> list[_Targets]:
    """`<stem>.alpha.png` and `<stem>.cutout.png` for each photo; a stem that comes again is numbered."""
    taken: set[str] = set()
    targets: list[_Targets] = []
    for photo in photos:
        own = _cut_to(photo.stem, LONGEST_STEM)
        stem, number = own, 2
        while stem.lower() in taken:
            stem, number = f"{own}-{number}", number + 1
        taken.add(stem.lower())
        cutout_path = folder / f"{stem}.cutout.png" if cutout else None
        targets.append(_Targets(alpha=folder / f"{stem}.alpha.png", cutout=cutout_path))
    inputs = {linked(photo) for photo in photos}
    for path in (path for target in targets for path in (target.alpha, target.cutout) if path is not None):
        if linked(path) in inputs:
            raise UserInputError(f"{shown_name(str(path))} is one of the photos: choose another --out-dir.")
    return targets


def _cut_to(name: str, most: int) -> str:
    """The name's beginning, so that it takes no more bytes than this."""
    return os.fsencode(name)[:most].decode(errors="ignore")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [data])
    except OSError as error:
        raise UserInputError(
            f"{shown_name(str(path))} cannot be written: {error.strerror or error}; "
            "choose a folder that exists and can be written."
        ) from error

"""`python -m bgen_core segment`: photos -> alphas, headless."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings
from bgen_core.subject.compositing import cut_out_colours
from bgen_core.subject.cutout import QUALITIES, cut_out
from bgen_core.subject.image_io import DecodeLimits, encode_alpha_png, encode_cutout_png, read_photo
from bgen_core.subject.opening import shown_name
from bgen_core.subject.subject import quantise_alpha


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What became of one photo: the entries of `--json`."""

    photo: str
    alpha: str | None = None
    person_found: bool = False
    confidence: float = 0.0
    persons: int = 0
    error: str | None = None


def segment(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos of a person.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="PNG for the alpha of one photo.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out-dir", metavar="DIR", help="Folder that gets <stem>.alpha.png for each photo.")
    ] = None,
    cutout: Annotated[
        Path | None, typer.Option("--cutout", metavar="FILE", help="PNG for one photo's person on transparency.")
    ] = None,
    quality: Annotated[str, typer.Option("--quality", help=f"One of: {', '.join(QUALITIES)}.")] = "standard",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on stdout and nothing else.")] = False,
) -> None:
    """Cut the person out of photos: one alpha (grey PNG, white = keep) for each."""
    if (out is None) == (out_dir is None):
        raise UserInputError(
            "Say where the alpha goes: either --out FILE (one photo) or --out-dir DIR, "
            f"not {'both' if out is not None else 'neither'}."
        )
    for option, path in (("--out", out), ("--cutout", cutout)):
        _check_target(option, path, photos)
    if quality not in QUALITIES:
        raise UserInputError(f"--quality {quality} is not known: allowed are {' and '.join(QUALITIES)}.")
    limits = DecodeLimits.from_settings(load_settings())
    targets = [out] if out is not None else _targets(photos, out_dir or Path())
    outcomes: list[_Outcome] = []
    for photo, target in zip(photos, targets, strict=True):
        try:
            outcome = _segment_one(photo, target, cutout, quality, limits)
            note = f"{shown_name(str(target))} ({_described(outcome)})"
        except UserInputError as error:
            outcome = _Outcome(photo=str(photo), error=str(error))
            note = str(error)
        outcomes.append(outcome)
        sys.stderr.write(f"{note}\n")
    if as_json:
        sys.stdout.write(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(2)


def _segment_one(photo: Path, target: Path, cutout: Path | None, quality: str, limits: DecodeLimits) -> _Outcome:
    image = read_photo(photo, limits=limits).image
    alpha, found = cut_out(image, quality)
    alpha = quantise_alpha(alpha)
    _write(target, encode_alpha_png(alpha))
    if cutout is not None:
        _write(cutout, encode_cutout_png(cut_out_colours(image, alpha), alpha))
    return _Outcome(
        photo=str(photo),
        alpha=str(target),
        person_found=found.person_found,
        confidence=round(found.score, 4),
        persons=found.persons,
    )


def _described(outcome: _Outcome) -> str:
    if outcome.person_found:
        regions = "" if outcome.persons == 1 else f" in {outcome.persons} regions"
        return f"person found{regions}, confidence {outcome.confidence:.2f}"
    if outcome.persons == 0:
        return "no person found: the alpha is empty, paint one on the Subject page or give --alpha to generate"
    return "no person found for sure: the alpha holds what stands out most, check it"


def _check_target(option: str, path: Path | None, photos: list[Path]) -> None:
    if path is None:
        return
    if len(photos) > 1:
        raise UserInputError(f"{option} takes one photo, not {len(photos)}: use --out-dir for several.")
    if path.suffix.lower() != ".png":
        raise UserInputError(f"{option} {shown_name(str(path))} must end in .png: an alpha is only kept exactly there.")
    if path.is_dir():
        raise UserInputError(f"{option} {shown_name(str(path))} is a folder: the name of a file is needed.")
    if path.resolve() == photos[0].resolve():
        raise UserInputError(f"{option} {shown_name(str(path))} is the photo itself: choose another name.")


def _targets(photos: list[Path], folder: Path) -> list[Path]:
    """`<stem>.alpha.png` for each photo; a stem that comes again is numbered."""
    taken: set[str] = set()
    targets: list[Path] = []
    for photo in photos:
        name, number = f"{photo.stem}.alpha.png", 2
        while name.lower() in taken:
            name, number = f"{photo.stem}-{number}.alpha.png", number + 1
        taken.add(name.lower())
        targets.append(folder / name)
    return targets


def _write(path: Path, data: bytes) -> None:
    """The whole file or none: written beside its place under another name, then renamed."""
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UserInputError(
            f"{shown_name(str(path))} cannot be written: {error.strerror or error}; "
            "choose a folder that exists and can be written."
        ) from error

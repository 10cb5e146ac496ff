"""`python -m bgen_core sweep`: a grid of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgen_core.cli.given.early import read_early
from bgen_core.cli.given.parameter_options import an_axis_each
from bgen_core.cli.given.photos import SweepPhoto, photo_files, photo_path, read_photos
from bgen_core.cli.given.race import read_race, read_race_from
from bgen_core.cli.given.redraw import ATTEMPTS_HELP, LIMIT_HELP, given_redraw
from bgen_core.cli.given.two_passes import TwoPasses, explore, read_two_passes
from bgen_core.cli.inputs import (
    INVERT_HELP,
    check_invert,
    check_prompt,
    keep_pictures,
    read_pictures,
    say,
)
from bgen_core.cli.result_folder import prepare_folder
from bgen_core.cli.running.here import SweepResult
from bgen_core.cli.running.manner import Manner
from bgen_core.cli.running.place import HERE_HELP
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.cli.running.racing import RaceFrom, finish_race, run_race
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.early.kept_runs import early_note
from bgen_core.jobs.racing.beginning import RaceWish, first_round
from bgen_core.jobs.submission import describe_forecast
from bgen_core.models.catalogue import describe_model
from bgen_core.models.content_hash import keep_hashes
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import fetch_entry, find_model
from bgen_core.parameters import PARAMETERS
from bgen_core.records.early_stop import EarlyWish
from bgen_core.settings import Settings, load_settings
from bgen_core.store.references import ENCODERS
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.pairs import FORM
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.random_seeds import draw_seeds
from bgen_core.sweep.seeds.redraw import Redraw

if TYPE_CHECKING:
    from bgen_core.cli.given.spec import OptionKind

# What `--spec` may hold, and how.
OPTIONS: dict[str, "OptionKind"] = {
    "photo": "paths", "alpha": "path", "invert": "switch", "model": "texts", "replace": "texts", "pair": "texts",
    **{parameter.option: "texts" if parameter.kind == "text" else "axis" for parameter in PARAMETERS},
    "reference": "pictures", "background": "pictures", "explore_steps": "number", "keep": "number", "by": "word",
    "race": "word", "budget": "number", "max_expansion": "word", "attempts": "number",
    "stop_early": "word", "keep_previews": "word",
}  # fmt: skip


@an_axis_each
def sweep(
    photo: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=photo_path,
            help="Photos whose subjects are kept, or folders of them; several make an axis.",
        ),
    ] = None,
    *,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'red, blue, green'", help="Replaces red in the prompts by each in turn [A1111: Prompt S/R]."
        ),
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(metavar=FORM, help="Axes whose values go together, the first with the first, not each with each."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Catalogue name, Hub id or folder; several make an axis.")
    ] = None,
    alpha: Annotated[Path | None, typer.Option(help="Mask of the one photo, of its size, white = keep.")] = None,
    invert: Annotated[bool | None, typer.Option("--invert", help=INVERT_HELP)] = None,
    explore_steps: Annotated[int | None, typer.Option(help="Make all cells with so few steps first.")] = None,
    keep: Annotated[int | None, typer.Option(help="Finish so many of the explored cells.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="METRIC", help="What decides which cells are finished, or a race.")
    ] = None,
    race: Annotated[
        str | None,
        typer.Option(metavar="AXIS", help="Give further seeds only to values of this axis that may still be the best."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Make at most so many cells in the race.")] = None,
    race_from: Annotated[
        str | None, typer.Option(metavar="ID", help="Race the values of this sweep; what it has made counts.")
    ] = None,
    max_expansion: Annotated[float | None, typer.Option(metavar="PERCENT", help=LIMIT_HELP)] = None,
    attempts: Annotated[int | None, typer.Option(metavar="N", help=ATTEMPTS_HELP)] = None,
    stop_early: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="Stop cells whose previews say that they will lose, by kept runs."),
    ] = None,
    keep_previews: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="Keep what previews say, so that later sweeps can stop cells early."),
    ] = None,
    out_dir: Annotated[Path | None, typer.Option(help="Folder for full-size PNGs.")] = None,
    spec: Annotated[Path | None, typer.Option(metavar="FILE.yaml", help="These options in a file.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="ID", help="Continue a sweep that was stopped.")] = None,
    previews: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for previews of the pictures that are being made.")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help=HERE_HELP)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost, compute nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    **given: Any,
) -> None:
    """Sweep parameters over one or several photos; only what was never made before is computed.

    Where a worker runs (the app has one), it computes, and this command follows: what is loaded there need not be
    loaded again. Ctrl-C stops the sweep either way, and keeps what is made.
    """
    typed: dict[str, Any] = {
        "photo": photo or None, "alpha": alpha, "invert": invert, "model": model, "replace": replace, "pair": pair,
        **given, "explore_steps": explore_steps, "keep": keep, "by": by,
        "race": race, "budget": budget, "max_expansion": max_expansion, "attempts": attempts,
        "stop_early": stop_early, "keep_previews": keep_previews,
    }  # fmt: skip
    settings = load_settings()
    keep_hashes(settings.home)
    for option, folder in (("--out-dir", out_dir), ("--previews", previews)):
        if folder is not None:
            prepare_folder(option, folder)
    manner = Manner(
        settings=settings,
        here=here,
        previews=PreviewFiles(previews) if previews else None,
        dry_run=dry_run,
        out_dir=out_dir,
        as_json=as_json,
    )
    if resume is not None:
        if dry_run or spec or any(value is not None for value in typed.values()):
            raise UserInputError(
                "--resume continues with the plan as it was: give it alone, or with --out-dir, --previews, --here and "
                "--json."
            )
        with open_store(settings) as store:
            _resume(store, manner, SweepId(resume))
    elif race_from is not None:
        wish = read_race_from(race, by, budget, spec, typed)
        with open_store(settings) as store:
            _race_from(store, manner, SweepId(race_from), wish)
    else:
        wanted = Wanted.read(typed, spec, settings)
        with open_store(settings) as store:
            _begin(store, manner, wanted)


def _resume(store: Store, manner: Manner, sweep_id: SweepId) -> None:
    place = manner.place(store, SweepPlan.from_json(store.sweeps.get(sweep_id).plan).models)
    manner.report(store, finish_race(place, place.resume(sweep_id)))


def _race_from(store: Store, manner: Manner, sweep_id: SweepId, wish: RaceWish) -> None:
    raced = RaceFrom.of(store, manner.settings, sweep_id, wish)
    place = manner.place(store, raced.first.models)
    forecast = raced.forecast(place)
    for note in (describe_forecast(forecast), *forecast.notes):
        say(note)
    if manner.dry_run:
        manner.print_plan(forecast)
    else:
        manner.report(store, raced.run(place, forecast))


def _begin(store: Store, manner: Manner, wanted: "Wanted") -> None:
    """See a sweep through that is described by options and a spec."""
    settings, options, passes, early = manner.settings, wanted.options, wanted.passes, wanted.early
    kept_in = None if manner.dry_run else store
    photos = read_photos(options["photo"], options["alpha"], settings, kept_in, invert=bool(options["invert"]))
    plan = changed(_plan(options, settings, photos.kept), redraw=wanted.redraw)
    place = manner.place(store, plan.models)
    if not manner.dry_run:
        keep_pictures(store, wanted.pngs)
    if wanted.race:
        plan = first_round(plan, wanted.race, settings)
    explored = None
    if passes:
        first = explore(place, plan, passes, photos.kept, dry_run=manner.dry_run)
        if isinstance(first, SweepResult):
            manner.report(store, first, photos=photos)
            return
        plan, explored = first
    forecast = place.forecast(plan, {photo.id: photo.extent for photo in photos.kept})
    for note in (describe_forecast(forecast), *forecast.notes):
        say(note)
    if early:
        say(early_note(store, plan, early))
    if manner.dry_run:
        manner.print_plan(forecast, passes, photos)
    elif wanted.race:
        manner.report(store, run_race(place, forecast, wanted.race), photos=photos)
    else:
        result = place.run(forecast, explored=explored["sweep"] if explored else None, early=early)
        manner.report(store, result, explored=explored, photos=photos)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for, read and checked as far as no photo is needed.

    Attributes
    ----------
    options
        By name: what was typed, else what the spec says.
    pngs
        Pictures that values name: references and backgrounds.
    race, redraw, passes, early
        What is asked for beside one plain sweep.
    """

    options: Mapping[str, Any]
    pngs: Sequence[bytes]
    race: RaceWish | None
    redraw: Redraw | None
    passes: TwoPasses | None
    early: EarlyWish | None

    @classmethod
    def read(cls, typed: Mapping[str, Any], spec: Path | None, settings: Settings) -> "Wanted":
        """Read options and spec.

        Raises
        ------
        UserInputError
            A value is not allowed, something is missing, or options do not go together.
        """
        written: dict[str, Any] = {}
        if spec:
            from bgen_core.cli.given.spec import read_spec  # YAML, for which no other sweep should wait

            written = read_spec(spec, OPTIONS)
        options: dict[str, Any] = {name: written.get(name) if value is None else value for name, value in typed.items()}
        if options["seed"]:
            options["seed"] = draw_seeds(options["seed"])  # once, so that all that follows speaks of the same numbers
        pngs: list[bytes] = []
        for name, encode in ENCODERS.items():
            names, read = read_pictures(options[name] or (), settings, encode)
            options[name], pngs = names or None, pngs + read
        explores = options["explore_steps"] is not None or options["keep"] is not None
        race = read_race(options["race"], options["by"], options["budget"], explores=explores)
        redraw = given_redraw(options["max_expansion"], options["attempts"], races=race is not None)
        passes = None if race else read_two_passes(options["explore_steps"], options["keep"], options["by"], settings)
        early = read_early(options["stop_early"], options["keep_previews"], also=bool(race or explores or redraw))
        options["photo"] = photo_files(options["photo"] or ())
        _check(options, settings)
        return cls(options=options, pngs=pngs, race=race, redraw=redraw, passes=passes, early=early)


def _check(options: Mapping[str, Any], settings: Settings) -> None:
    """Values, the number of cells and the models, before any photo is read."""
    models = options["model"] or [default_model(settings)]
    paints = any(describe_model(name).family.backdrop is None for name in models)
    if not options["photo"] or (paints and not options["prompt"]):
        raise UserInputError("sweep needs a PHOTO and --prompt TEXT, or --spec FILE, or --resume ID.")
    if options["alpha"] is not None and len(options["photo"]) > 1:
        raise UserInputError(f"--alpha is the mask of one photo, but {len(options['photo'])} photos are given.")
    check_invert(options["invert"], options["alpha"])
    for text in options["prompt"] or ():
        check_prompt(text)
    plan = _plan(options, settings, [])
    plan.check_size(settings.max_cells // max(1, len(options["photo"])))
    for model in plan.models:
        find_model(model)


def _plan(options: Mapping[str, Any], settings: Settings, photos: Sequence[SweepPhoto]) -> SweepPlan:
    models = [fetch_entry(name) for name in options["model"] or [default_model(settings)]]
    given = {parameter.name: options[parameter.option] for parameter in PARAMETERS}
    return build_plan(
        models,
        {photo.id: photo.name for photo in photos},
        given,
        replacements=options["replace"] or (),
        pairs=options["pair"] or (),
    )

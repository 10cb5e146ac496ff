"""From what a script sends to a plan, by the same functions as the pages and the command line."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from bgen_core.api.requests import SweepRequest
from bgen_core.errors import UserInputError
from bgen_core.ids import SubjectId
from bgen_core.jobs.early.kept_runs import early_wish
from bgen_core.models.allowed_models import allowed_models
from bgen_core.models.catalogue import ModelEntry
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import fetch_entry
from bgen_core.parameters import PARAMETERS
from bgen_core.records.early_stop import EarlyWish
from bgen_core.settings import Settings
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.explore import explored_plan
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.random_seeds import draw_seeds
from bgen_core.sweep.seeds.redraw import read_redraw


def plan_of(
    asked: SweepRequest,
    subjects: Mapping[SubjectId, str],
    settings: Settings,
    *,
    entry_of: Callable[[str], ModelEntry] = fetch_entry,
) -> SweepPlan:
    """The plan that a script means; seeds that are drawn by chance are drawn here.

    Parameters
    ----------
    subjects
        Id -> name of those that it names.
    entry_of
        What is known of a model that may be named.

    Raises
    ------
    UserInputError
        A value or a model is not allowed.
    """
    names = texts_of(asked.model) or [default_model(settings)]
    allowed_models(settings).check(names)  # before anything is looked for
    given = asked.given
    texts: dict[str, str | list[str]] = {}
    for parameter in PARAMETERS:
        if parameter.option in given:
            values = texts_of(given[parameter.option])
            texts[parameter.name] = values if parameter.kind == "text" else ",".join(values)
    if "seed" in texts:
        texts["seed"] = draw_seeds(str(texts["seed"]))
    plan = build_plan(
        [entry_of(name) for name in names],
        subjects,
        texts,
        replacements=texts_of(asked.replace),
        pairs=texts_of(asked.pair),
    )
    plan = replace(plan, redraw=read_redraw(asked.max_expansion, asked.attempts))
    return plan if asked.explore_steps is None else explored_plan(plan, asked.explore_steps)


def early_of(asked: SweepRequest) -> EarlyWish | None:
    """What previews are measured for, or None for nothing.

    Raises
    ------
    UserInputError
        The metric cannot be taken from a preview, or fields do not go together.
    """
    if asked.stop_early is None and asked.keep_previews is None:
        return None
    if asked.stop_early is not None and asked.keep_previews is not None:
        raise UserInputError("stop_early and keep_previews do not go together: the first keeps them too.")
    if asked.explore_steps is not None or asked.max_expansion is not None:
        raise UserInputError(
            "stop_early and keep_previews do not go together with explore_steps or max_expansion: choose one of them."
        )
    return early_wish(asked.stop_early or asked.keep_previews or "", stops=asked.stop_early is not None)


def texts_of(sent: Any) -> list[str]:
    """One value or several as texts, as a person would have typed them."""
    if sent is None:
        return []
    values = cast("list[Any]", sent) if isinstance(sent, list) else [sent]
    return [value if isinstance(value, str) else f"{Decimal(repr(value)):f}" for value in values]

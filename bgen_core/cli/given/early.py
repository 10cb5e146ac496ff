"""`sweep --stop-early METRIC`, and `--keep-previews METRIC`, from which later sweeps learn."""

from bgen_core.errors import UserInputError
from bgen_core.jobs.early.kept_runs import early_wish
from bgen_core.records.early_stop import EarlyWish


def read_early(stop: str | None, keep: str | None, *, also: bool) -> EarlyWish | None:
    """What previews are measured for, or None for nothing.

    Parameters
    ----------
    also
        Whether a race, two passes or drawing cells again are asked for too.

    Raises
    ------
    UserInputError
        The metric cannot be taken from a preview, or options do not go together.
    """
    if stop is None and keep is None:
        return None
    if stop is not None and keep is not None:
        raise UserInputError("--stop-early and --keep-previews do not go together: the first keeps them too.")
    if also:
        option = "--stop-early" if stop is not None else "--keep-previews"
        raise UserInputError(
            f"{option} does not go together with --race, --explore-steps or --max-expansion: choose one of them."
        )
    return early_wish(stop or keep or "", stops=stop is not None)

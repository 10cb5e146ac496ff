"""A sweep stays on one kind of device: two kinds paint the same cell with other last bits."""

from bgen_core.ids import SweepId, WorkerId
from bgen_core.store.store import Store


def other_kind(store: Store, sweep_id: SweepId, *, own: str, member_id: WorkerId) -> str:
    """Why a painter is not to join a sweep, or "".

    Those count that paint it now; where nobody does, after a pause for instance, those that painted what is there, as
    long as one of their kind lives. A kind that is gone keeps nobody from finishing.

    Parameters
    ----------
    own, member_id
        Name of the painter's own device, and who it is.
    """
    others = [each for each in store.workers.serving() if each.is_alive and each.id != member_id]
    living = {each.status.device_name for each in others if each.status.device_name}
    if living <= {own}:
        return ""
    names = {each.status.device_name for each in others if each.status.sweep_id == sweep_id}
    if not names:
        made = store.runs.devices_of(sweep_id)
        names = {name for name in living | {own} if any(_is(device, name) for device in made)}
    if not names or own in names:
        return ""
    return f"it is painted by {', '.join(sorted(names))}, and this is {own}"


def _is(device: str, name: str) -> bool:
    """Whether a run's device is one of that name; behind it may stand how the model lay in its memory."""
    return device == name or device.startswith(f"{name}, ")

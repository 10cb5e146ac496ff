"""On which device a picture is made again: of the kind that made it, where there is one."""

from collections.abc import Mapping

from bgen_core.models.devices import gpus_here
from bgen_core.records.run import MadeRun
from bgen_core.store.store import Store
from bgen_core.wording import printable


def device_to_repeat(record: MadeRun | None, wish: str, painters: Mapping[str, str]) -> tuple[str, str]:
    """The device to wish for, and a sentence where it is of another kind than the one that made the picture.

    Parameters
    ----------
    record
        Of the picture; None where nobody knows what made it.
    wish
        `BGEN_DEVICE`: one that is named is used, whatever made the picture.
    painters
        Name of a GPU -> machine, of those that serve the store.

    Returns
    -------
    tuple of str
        For `find_device`; and the sentence, or "".
    """
    if record is None:
        return wish, ""
    gpu = gpu_of(record)
    fitting = [kind for kind, name in gpus_here().items() if name == gpu] if gpu else ["cpu"]
    chosen = next(iter(fitting), wish) if wish == "auto" else wish
    if chosen.removesuffix(":0") in fitting:
        return chosen, ""
    made_by = f"a GPU of the kind {printable(gpu, 60)}" if gpu else "a processor"
    elsewhere = f" ({painters[gpu]} has such a one)" if gpu in painters else ""
    return chosen, f"it was made by {made_by}{elsewhere}, and now by another device, whose last bits may differ"


def gpu_of(record: MadeRun) -> str:
    """Name of the GPU that made a run; empty where none did."""
    if "gpu" in record.made_on:
        return record.made_on["gpu"]
    named = record.device.partition(",")[0]  # what follows is how the model lay in its memory
    return "" if named == "cpu" or named.startswith("cpu ") else named


def painters_by_gpu(store: Store) -> dict[str, str]:
    """Name of a GPU -> the machine with it, of all that take sweeps of this store now."""
    return {
        each.status.device_name: each.process.host.partition(" ")[0]
        for each in store.workers.serving()
        if each.is_alive and each.status.device_kind != "cpu"
    }

"""A sweep's runs as a ZIP: pictures at full size for people, and everything that another store needs."""

from collections.abc import Iterator

from bgen_core.archive.run_archive import archive_pieces
from bgen_core.ids import SweepId
from bgen_core.runs.recipe import PNG_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits


def sweep_archive(store: Store, sweep_id: SweepId, *, limits: DecodeLimits = PNG_LIMITS) -> Iterator[bytes]:
    """Pieces of the ZIP of a sweep's finished runs; see `run_archive`.

    Cells that are not made are listed with their reason in `not-included.txt`.

    Raises
    ------
    UserInputError
        No sweep has this id; raised by the call, not by the first piece.
    """
    cells = store.sweeps.cells(sweep_id)
    runs = store.runs.get_all(list(dict.fromkeys(cell.run_id for cell in cells if cell.done)))
    missing = [f"Cell {cell.index + 1}: {cell.error or 'Not made.'}" for cell in cells if not cell.done]
    return archive_pieces(store, runs, limits=limits, sweep_id=sweep_id, not_included=missing)

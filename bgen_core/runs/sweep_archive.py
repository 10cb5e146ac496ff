"""A sweep's pictures at full size as one ZIP, with a table of their parameters."""

import zipfile
from collections.abc import Iterator

from bgen_core.errors import StoreError
from bgen_core.runs.export import runs_csv
from bgen_core.runs.links import download_name
from bgen_core.runs.store import Store
from bgen_core.runs.zip_outlet import ZipOutlet

TABLE_NAME = "runs.csv"
MISSING_NAME = "not-included.txt"


def sweep_archive(store: Store, sweep_id: str) -> Iterator[bytes]:
    """Pieces of the ZIP, one picture in memory at a time; stored, since PNGs do not shrink any more.

    It holds each finished run's PNG under `links.download_name`, and `runs.csv` with a row for each of them. What is
    not made, or not in the folder of pictures any more, is listed with its reason in `not-included.txt`.

    Raises
    ------
    UserInputError
        No sweep has this id; raised by the call, not by the first piece.
    """
    cells = store.sweep_cells(sweep_id)
    runs = store.get_runs(list(dict.fromkeys(cell.run_id for cell in cells if cell.done)))

    def pieces() -> Iterator[bytes]:
        missing = [f"Cell {cell.index + 1}: {cell.error or 'Not made.'}" for cell in cells if not cell.done]
        outlet = ZipOutlet()
        with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
            kept = []
            for run in runs:
                try:
                    data = store.blobs.get(run.image)
                except StoreError as error:
                    missing.append(f"{download_name(run)}: {error}")
                    continue
                archive.writestr(_entry(download_name(run), run.created.timetuple()[:6]), data)
                kept.append(run)
                yield outlet.take()
            archive.writestr(TABLE_NAME, runs_csv(kept).encode(), zipfile.ZIP_DEFLATED)
            if missing:
                archive.writestr(MISSING_NAME, "\n".join(missing) + "\n", zipfile.ZIP_DEFLATED)
        yield outlet.take()

    return pieces()


def _entry(name: str, moment: tuple[int, ...]) -> zipfile.ZipInfo:
    year, month, day, hour, minute, second = moment
    entry = zipfile.ZipInfo(name, (max(1980, year), month, day, hour, minute, second))
    entry.external_attr = 0o644 << 16
    return entry

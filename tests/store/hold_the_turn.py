"""A program that takes the writer's turn and keeps it: python -m tests.store.hold_the_turn HOME SILENT_SECONDS"""

import sys
from pathlib import Path

from bgen_core.errors import StoreAwayError
from bgen_core.settings import load_settings
from bgen_core.store.databases import connections
from bgen_core.store.schema import ViewRow
from bgen_core.store.store import open_store
from tests.made_up import LONG_AGO

if __name__ == "__main__":
    connections.SILENT_WRITER_SECONDS = float(sys.argv[2])
    with open_store(load_settings(home=Path(sys.argv[1]))) as store:
        try:
            with store.database.writing() as session:
                session.add(ViewRow(owner="me", name="v", created=LONG_AGO, query={}, sharing="private"))
                session.flush()
                print("inside", flush=True)  # noqa: T201 - the test waits for it
                sys.stdin.readline()
        except StoreAwayError as error:
            print(error, flush=True)  # noqa: T201

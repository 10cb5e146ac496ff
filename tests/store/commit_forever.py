"""A program that commits runs until it is killed or done: python -m tests.store.commit_forever HOME FIRST COUNT"""

import sys
from pathlib import Path

from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.made_up import commit, made_up_run

if __name__ == "__main__":
    home, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with open_store(load_settings(home=home)) as store:
        for number in range(first, first + count):
            commit(store, made_up_run(number))
            print(number, flush=True)  # noqa: T201 - the test waits for it
        while (sweep := store.sweeps.claim_next()) is not None:
            print(f"claimed {sweep.id}", flush=True)  # noqa: T201

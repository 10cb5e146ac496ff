"""How many runs a second several processes commit, with the rows in PostgreSQL and the pictures in a slow bucket.

    python -m benchmarks.commits_per_second --writers 8 --delay 0.01

Starts PostgreSQL and a bucket that waits before each answer, both on this machine, and processes that do nothing but
commit made-up runs of a sweep. The pictures are small: how fast PNGs are encoded and sent is not what is measured.
Beside it stands what the database alone takes, with the pictures in the memory of each process. PostgreSQL runs without
fsync, as in the tests.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.bucket_server import BUCKET, BucketServer
from tests.made_up import commit, made_up_run, made_up_sweep
from tests.postgresql import running_server

MOST = 5000  # runs of a writer's sweep
WARM_UP = 5  # commits of each writer before the clock starts: connections are made by the first ones


def write(home: str, database: str, blobs: str, first: int, seconds: float, barrier: Barrier, results: Any) -> None:
    """In a process: commit until the time is over; tells how many, from when to when, and the processor's seconds."""
    with open_store(load_settings(home=Path(home), database=database, blobs=blobs)) as store:
        names = [made_up_run(first + number).id for number in range(MOST)]
        store.sweeps.add(made_up_sweep(f"{first}", total=MOST), names)
        for number in range(WARM_UP):
            commit(store, made_up_run(first + number))
        barrier.wait()
        began, used, count = time.monotonic(), time.process_time(), WARM_UP
        while time.monotonic() - began < seconds and count < MOST:
            commit(store, made_up_run(first + count))
            count += 1
        results.put((count - WARM_UP, time.monotonic() - began, time.process_time() - used))


def measure(home: Path, database: str, blobs: str, *, writers: int, seconds: float) -> dict[str, float]:
    """Runs a second of all writers together, and what one commit takes of a processor, in milliseconds."""
    open_store(load_settings(home=home, database=database, blobs=blobs)).close()
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(writers), context.Queue()
    processes = [
        context.Process(target=write, args=(str(home), database, blobs, number * 1_000_000, seconds, barrier, results))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    told = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    commits, used = sum(count for count, _, _ in told), sum(cpu for _, _, cpu in told)
    return {
        "commits a second": round(sum(count / wall for count, wall, _ in told), 1),
        "ms of a processor for each": round(used / commits * 1000, 2),
    }


def main() -> None:
    """Measure and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--delay", type=float, default=0.01, help="seconds before each answer of the bucket")
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.environ.update(BucketServer(port=port).settings)
    words = [sys.executable, "-m", "tests.bucket_server", "--port", str(port), "--delay", str(arguments.delay)]
    with tempfile.TemporaryDirectory() as folder, running_server() as server, subprocess.Popen(words) as bucket:
        try:
            figures: dict[str, object] = {"writers": arguments.writers, "delay of the bucket": arguments.delay}
            for name, blobs in (("rows alone", "memory://bench"), ("rows and bucket", f"s3://{BUCKET}/bench")):
                database = f"bench_{blobs.partition(':')[0]}"
                server.run(f"CREATE DATABASE {database}")
                figures[name] = measure(
                    Path(folder) / database,
                    server.url(database),
                    blobs,
                    writers=arguments.writers,
                    seconds=arguments.seconds,
                )
        finally:
            bucket.terminate()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""Whether this machine can share the work: Ray, database, bucket, clocks and models. Nothing is left behind."""

import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from bgen_core.cluster.checks import RAY_VERSION, REQUIREMENTS, check_ray, check_store
from bgen_core.cluster.ray_library import knock
from bgen_core.errors import StoreError, UserInputError
from bgen_core.home_paths import with_home
from bgen_core.jobs.executors.agreement import disagreement, terms_of
from bgen_core.jobs.watching.findings import Check, examine
from bgen_core.jobs.watching.painters import members_of
from bgen_core.process_identity import this_host
from bgen_core.settings import CATALOGUE, Settings, entries_of
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.workers import Workers
from bgen_core.store.database import Database
from bgen_core.store.places.blob_place import INCOMING
from bgen_core.store.places.opening import place_at
from bgen_core.store.schema import WorkerRow
from bgen_core.store.store import open_store
from bgen_core.wording import counted

# Leases go by the database's clock alone. What goes by a machine's own: dates of runs, logins, requests to a bucket,
# which S3 refuses from 15 minutes on.
MOST_SKEW_SECONDS = 30.0
_SAMPLE = b"written by `bgen doctor`, which removes it at once"
_TOKEN_SOURCES = ("BGEN_RAY_TOKEN", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_MODEL_SETTINGS = (
    "model", "loras", "ip_adapters", "depth_model", "light_model", "light_offsets", "clip_model", "preference_model",
    "prompted_model",
)  # fmt: skip


def checks_of(settings: Settings) -> list[tuple[str, Check]]:
    """What there is to look at, by its name: nothing where one worker of one machine keeps all in its home folder."""
    checks: list[tuple[str, Check]] = []
    if settings.has_painters:
        checks.append(("ray", _ray))
    if settings.ray:
        checks += [("ray address", _address), ("ray token", _token)]
    if settings.database:
        checks += [("database", _database), ("clock", _clock)]
    if settings.blobs:
        checks.append(("pictures", _pictures))
    if settings.has_painters:
        checks += [("models here", _models_here), ("painters", _painters)]
    return checks


def _ray(settings: Settings) -> str:
    check_store(settings)
    check_ray()
    found = version("ray")
    if found != RAY_VERSION:
        raise UserInputError(
            f"ray {found} is installed, and all machines need {RAY_VERSION}: pip install -r {REQUIREMENTS}."
        )
    return f"ray {found} is installed"


def _address(settings: Settings) -> str:
    seconds = knock(settings)
    return f"something answers at {settings.ray}, after {seconds * 1000:.0f} ms"


def _token(settings: Settings) -> str:
    if settings.ray_token is not None:
        return f"{_TOKEN_SOURCES[0]} is set; the dispatcher says whether Ray takes it"
    file = with_home(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token"))
    if os.environ.get("RAY_AUTH_TOKEN"):
        return "RAY_AUTH_TOKEN is set; the dispatcher says whether Ray takes it"
    with suppress(OSError):
        if file.read_bytes().strip():
            return f"{file} has one; the dispatcher says whether Ray takes it"
    raise UserInputError(
        f"no token for the Ray at {settings.ray} is set: give BGEN_RAY_TOKEN what its head has as RAY_AUTH_TOKEN, "
        "since whoever reaches a Ray without one runs code on all of its machines."
    )


def _database(settings: Settings) -> str:
    with closing(Database(settings.database_url)) as database:  # by itself: the pictures may be away
        with database.explained():
            if not sa.inspect(database.engine).has_table(WorkerRow.__tablename__):
                return f"{database.place} answers, and holds no store yet"
        began = time.monotonic()
        Workers(database).check()
        return f"{database.place} takes changes, each after {(time.monotonic() - began) * 1000:.0f} ms"


def _clock(settings: Settings) -> str:
    with closing(Database(settings.database_url)) as database, database.reading() as session:
        session.execute(sa.select(1))  # the connection is made before the time is taken
        before = time.time()
        theirs = session.scalar(sa.select(database_now()))
        ours = (before + time.time()) / 2
    ahead = ours - float(theirs or 0.0)
    if abs(ahead) > MOST_SKEW_SECONDS:
        raise UserInputError(
            f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's: "
            "leases do not mind, but dates, logins and a bucket's requests do. Let both be set by NTP."
        )
    return f"this machine's clock and the database's are {abs(ahead):.1f} s apart"


def clock_trouble(settings: Settings) -> str:
    """That this machine's clock is far from the database's, with the machine's name; "" where it is not."""
    if not settings.database or (found := examine("clock", _clock, settings)).ok:
        return ""
    return f"{this_host().partition(' ')[0]}: {found.text}"


def _pictures(settings: Settings) -> str:
    place = place_at(settings.blob_root, reserve=settings.disk_reserve)
    place.prepare()
    name = f"{INCOMING}/doctor-{uuid.uuid4().hex}"
    began = time.monotonic()
    place.write_whole(name, _SAMPLE)
    try:
        with place.explained("read"):
            read = place.read(name)
    finally:
        place.remove(name)
    if read != _SAMPLE:
        raise StoreError(f"What is written to {place.root} is read as something else: check BGEN_BLOBS.")
    took = (time.monotonic() - began) * 1000
    return f"{place.root} takes pictures and gives them back: written, read and removed in {took:.0f} ms"


def _models_here(settings: Settings) -> str:
    """On each machine the same: a painter that lacks one leaves those sweeps to others."""
    named = list(_named_folders(settings))
    missing = [f"{path} ({setting})" for setting, path in named if not path.exists()]
    if missing:
        raise UserInputError(
            f"not on this machine: {', '.join(missing)}. Painters find models in the same folder on each machine, "
            "and one that lacks it leaves the sweep to the others."
        )
    return f"{counted(len(named), 'named folder')} of models are here" if named else "no folder of models is named"


def _named_folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    given = {f"BGEN_{name.upper()}": [str(getattr(settings, name))] for name in _MODEL_SETTINGS}
    given["BGEN_MODELS_ALLOWED"] = [each for each in entries_of(settings.models_allowed) if each != CATALOGUE]
    for setting, entries in given.items():
        for entry in entries:
            path = with_home(entry.removesuffix("/*"))
            if path.is_absolute():
                yield setting, path


def _painters(settings: Settings) -> str:
    """Who serves the store, as `bgen cluster status` shows it, and whether this machine could paint beside them."""
    with open_store(settings) as store:
        members = [each for each in members_of(store) if each.is_alive]
        serving = [each for each in store.workers.serving() if each.is_alive and each.status.terms]
    here, ours = this_host(), terms_of(settings)
    for each in serving:
        if what := disagreement(ours, each.status.terms, other_machine=each.process.host != here):
            host = each.process.host.partition(" ")[0]
            raise UserInputError(
                f"this machine and the painter on {host} differ in {what}: make both alike, "
                "or this one's painters do not work."
            )
    if not any(each.paints for each in members):
        return "nobody paints for this store now: start bgen dispatch, or the app where BGEN_WORKERS is set"
    kinds = Counter(each.kind for each in members)
    return f"{', '.join(counted(number, kind) for kind, number in kinds.items())} of this store: bgen cluster status"

"""What a database's own faults mean to a person: what happened, and what to do."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError, IntegrityError

from bgen_core.errors import StoreAwayError, StoreError


@dataclass(frozen=True)
class _Fault:
    """One kind of fault: by what it is known, what it is, what helps, and whether it may pass by itself."""

    signs: tuple[str, ...]
    what_happened: str
    what_to_do: str
    passes: bool = False


_SQLITE = (
    _Fault(("readonly", "read-only"), "it is read-only", "give write access to it and its folder"),
    _Fault(("locked",), "another program holds it", "close that program, or try again", passes=True),
    _Fault(("full",), "the disk is full", "make room and try again"),
    _Fault(("i/o error",), "the disk does not answer", "check the disk and try again"),
    _Fault(("not a database",), "it is not a database of this program", "move it away, or restore a backup"),
    _Fault(("malformed",), "it is damaged", "restore a backup, or move it away to start a new one"),
    _Fault(("unable to open",), "it cannot be opened", "give write access to its folder"),
)

# By SQLSTATE (PostgreSQL's manual, appendix A), which no language of the server changes; the beginning is enough.
# Before there is a session psycopg 3.3 knows no SQLSTATE: then by what the server says in English.
_POSTGRESQL = (
    _Fault(("25006",), "it is read-only", "give BGEN_DATABASE a server that takes changes"),
    _Fault(("55P03", "40P01"), "another program holds it", "close that program, or try again", passes=True),
    _Fault(("25P03",), "this program was silent for too long in its turn to write", "try again", passes=True),
    _Fault(("57014",), "the server took too long for one question", "try again, or give it a faster disk", passes=True),
    _Fault(("53100",), "the server's disk is full", "make room there and try again"),
    _Fault(
        ("53300", "too many clients", "connection slots"),
        "the server has no connection left",
        "close other programs, or raise its max_connections",
        passes=True,
    ),
    _Fault(
        ("42501",), "the login is not allowed to do this", "grant it the schema and its tables, or make it their owner"
    ),
    _Fault(
        ("28", "authentication failed", "pg_hba.conf", "no password supplied", "role "),
        "the server refuses the login",
        "check name and password in BGEN_DATABASE",
    ),
    _Fault(
        ("3D000", "does not exist"),
        "the server has no such database",
        "create it, or give another one in BGEN_DATABASE",
    ),
    _Fault(("22021", "nul (0x00)"), "PostgreSQL keeps no text with a zero byte", "take it out of the text"),
    _Fault(
        ("08", "57P", "connection", "could not", "server closed", "consuming input"),
        "its server does not answer",
        "check BGEN_DATABASE and whether the server runs, then try again",
        passes=True,
    ),
)


@contextmanager
def explained(engine: Engine, place: str) -> Generator[None]:
    """Turn the database's own faults into a StoreError that says what to do; bugs stay what they are.

    Parameters
    ----------
    place
        The database as a person knows it.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (DatabaseError, engine.dialect.loaded_dbapi.DatabaseError) as error:
        own = getattr(error, "orig", None) or error
        said = " ".join(str(own).split())
        for fault in _POSTGRESQL if engine.dialect.name == "postgresql" else _SQLITE:
            if _is(fault, said.lower(), getattr(own, "sqlstate", None)):
                kind = StoreAwayError if fault.passes else StoreError
                raise kind(
                    f"The database {place} cannot be used, because {fault.what_happened} ({said}): {fault.what_to_do}.",
                    public=f"The database cannot be used, because {fault.what_happened}: what is made is kept. "
                    "The server's log says more.",
                ) from error
        raise


def _is(fault: _Fault, said: str, state: str | None) -> bool:
    return any(state.startswith(sign) if state else sign in said for sign in fault.signs)

"""Connections to PostgreSQL that end when the other side is gone, on both sides, so that no turn is held for good.

A host that is cut off says nothing: its session would stay, and with it the writer's turn that it holds.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

CONNECT_SECONDS = 10  # a server that is switched off does not even refuse
# How long a writer may say nothing in its turn. Nothing but questions to the database is asked there, so milliseconds
# are usual; a writer that was only frozen begins again.
SILENT_WRITER_SECONDS = 10
_SILENT_SECONDS = 60  # any other transaction
_STATEMENT_SECONDS = 300
_LOST_SECONDS = 10  # after which what was sent and not received means that the other side is gone
LOST_CLIENT_SECONDS = 5  # likewise, as the server sees it

# libpq's own words (PostgreSQL's manual, 34.1.2). It sends the first probe after 5 s of silence.
_BY_CLIENT = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": _LOST_SECONDS * 1000,
}
# The same for the server's end of our connections, but sooner: where a host is cut off in its turn, another of its
# writers that waits behind it may get the turn before it is known to be gone, and all others wait for the end of both.
# The last line looks at the socket while a statement runs or waits, so that no third one gets it: from version 14 on.
_BY_SERVER = {
    "idle_in_transaction_session_timeout": f"{_SILENT_SECONDS}s",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{LOST_CLIENT_SECONDS}s",
    "client_connection_check_interval": "1s",
}
# What the address, the login or the database sets by itself is somebody's decision.
_SET = """
SELECT set_config(known.name, wanted.value, false) FROM pg_settings AS known
JOIN (VALUES {}) AS wanted(name, value) ON known.name = wanted.name
WHERE known.source NOT IN ('client', 'user', 'database', 'database user')
"""


def client_limits(url: sa.URL) -> dict[str, Any]:
    """What libpq is given beside an address of PostgreSQL: the client's limits, but those that it names itself."""
    return {name: value for name, value in _BY_CLIENT.items() if name not in url.query}


def limit_session(connection: Any, _record: object = None) -> None:
    """Tell the server when a new session of ours is to end; called by SQLAlchemy with psycopg's connection."""
    values = ", ".join(f"('{name}', '{value}')" for name, value in _BY_SERVER.items())
    with connection.cursor() as cursor:
        cursor.execute(_SET.format(values))
    connection.commit()


def limit_writer(lock_seconds: float) -> str:
    """SQL for the beginning of a writer's transaction: how long it waits, and how long it may be silent."""
    return (
        f"SET LOCAL lock_timeout = {int(lock_seconds * 1000)}; "
        f"SET LOCAL idle_in_transaction_session_timeout = {int(SILENT_WRITER_SECONDS * 1000)}; "
    )


def allow_long_statements(connection: Connection) -> None:
    """For the transaction that brings a large database to a newer schema."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")

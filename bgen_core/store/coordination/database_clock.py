"""The time as the database has it: machines disagree about theirs, and share this one."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class database_now(sa.sql.expression.FunctionElement[float]):  # noqa: N801 - reads as the function that it is
    """Seconds since 1970 by the database's clock, to the millisecond; goes on within a transaction."""

    type: sa.types.TypeEngine[float] = sa.Double[float]()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _on_sqlite(element: database_now, compiler: SQLCompiler, **more: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _on_postgresql(element: database_now, compiler: SQLCompiler, **more: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"

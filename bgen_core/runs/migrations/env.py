"""What Alembic runs for every command: the connection comes from `bgen_core.runs.database`, never from a file."""

from alembic import context

from bgen_core.runs.schema import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
context.run_migrations()

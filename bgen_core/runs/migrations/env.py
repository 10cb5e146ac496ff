"""What Alembic runs for every command: the connection comes from `bgen_core.runs.database`, never from a file."""

from alembic import context

from bgen_core.runs.schema import Table

# SQLite changes a column only by copying its table: batch mode writes such migrations.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=Table.metadata, render_as_batch=True
)
context.run_migrations()

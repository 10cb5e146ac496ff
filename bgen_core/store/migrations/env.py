"""What Alembic runs for every command: the connection comes from `bgen_core.store.database`, never from a file."""

from alembic import context

from bgen_core.store.schema import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
context.run_migrations()

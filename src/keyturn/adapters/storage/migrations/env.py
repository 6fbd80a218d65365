"""What Alembic runs for every command: it uses the connection and the transaction it is given."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()

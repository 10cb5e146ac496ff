"""What SQLite and PostgreSQL need said: limits of connections, and what their faults mean."""

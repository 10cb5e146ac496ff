"""Long work outside the pages: submit a sweep, a worker process computes it, files say how far it is."""

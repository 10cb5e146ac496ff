"""Models and schedulers: the catalogue, exact revisions, devices, loading."""

"""What crosses borders: runs and sweeps, and how a run is written into a PNG and read back."""

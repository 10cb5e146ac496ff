"""Where a command's sweeps are computed: by the worker that runs already, or in the command's own process."""

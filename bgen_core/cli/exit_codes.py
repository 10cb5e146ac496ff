"""What the command line's exit codes mean; README has the table for people."""

FAULT = 1
CAN_BE_MENDED = 2
INTERRUPTED = 130  # as a shell says of what Ctrl-C ended; the same for what another signal or the app ended

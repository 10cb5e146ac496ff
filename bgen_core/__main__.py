"""`python -m bgen_core …`, and the command `bgen` of an installed package."""

import gc
import signal
import sys


def run() -> None:
    """Run the command line; quiet also where it is interrupted while libraries are still being imported."""
    for name in ("SIGTERM", "SIGHUP"):  # what is under way is left as Ctrl-C leaves it
        number = getattr(signal, name, None)  # Windows knows no closed terminal
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, signal.default_int_handler)
    try:
        gc.disable()  # what is imported stays: looking through it for circles is a seventh of a command's start
        from bgen_core.cli import main

        gc.freeze()
        gc.enable()
        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()

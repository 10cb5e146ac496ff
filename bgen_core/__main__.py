"""`python -m bgen_core …`, and the command `bgen` of an installed package."""

import sys


def run() -> None:
    """Run the command line; quiet also where it is interrupted while libraries are still being imported."""
    try:
        from bgen_core.cli import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()

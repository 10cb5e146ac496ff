"""`python -m bgen_core …`"""

import sys

if __name__ == "__main__":
    try:
        from bgen_core.cli import main

        main()
    except KeyboardInterrupt:  # while libraries are still being imported
        sys.exit(130)

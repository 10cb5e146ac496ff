"""`python -m bgen_core …`"""

from bgen_core.cli import main

if __name__ == "__main__":
    main()

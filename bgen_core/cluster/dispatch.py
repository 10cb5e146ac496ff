"""The dispatcher as a process of the app: `python -m bgen_core.cluster.dispatch`. It ends with whoever started it."""

import logging
import sys

from bgen_core.cluster.dispatcher import dispatch
from bgen_core.errors import StoreError, UserInputError
from bgen_core.fault_log import count_faults
from bgen_core.jobs.parent_process import end_with_parent
from bgen_core.json_log import write_json_lines
from bgen_core.settings import load_settings

END_SECONDS = 10.0


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    count_faults()
    end_with_parent(patience=END_SECONDS)
    settings = load_settings()
    if settings.log == "json":
        write_json_lines()
    try:
        dispatch(settings)
    except (UserInputError, StoreError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()

"""A process that another one started ends with it, however that one ends: the pipe to its standard input tells."""

import os
import signal
import sys
import threading
import time


def end_with_parent(*, patience: float = 0.0) -> None:
    """End this process when its standard input ends.

    Parameters
    ----------
    patience
        Seconds in which the main thread, interrupted as by Ctrl-C, may put things away before it ends anyhow.
    """
    if patience:  # not SIGINT, which whoever starts a server in the background may have switched off
        signal.signal(signal.SIGTERM, signal.default_int_handler)

    def watch() -> None:
        sys.stdin.buffer.read()
        if patience:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(patience)
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()

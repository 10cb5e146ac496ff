"""`python -m bgen_core dispatch`: the process that has painters on each GPU, where more than one shares the work."""

import logging

from bgen_core.settings import load_settings


def dispatch() -> None:
    """Keep a painter on every GPU of this machine or of the Ray cluster, until Ctrl-C; to be run as a service."""
    from bgen_core.cluster.dispatcher import dispatch as serve

    logging.getLogger("bgen_core").setLevel(logging.INFO)
    serve(load_settings())

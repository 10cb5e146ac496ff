"""How the engine calls the network that paints: as it is, compiled, or as a CUDA graph."""

from bgen_core.sweep.engine.network.network import Network, told_ways

__all__ = ["Network", "told_ways"]

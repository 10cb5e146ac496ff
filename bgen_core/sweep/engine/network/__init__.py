"""How the engine calls the network that paints: as it is, compiled, or as a CUDA graph."""

from bgen_core.sweep.engine.network.network import Network

__all__ = ["Network"]

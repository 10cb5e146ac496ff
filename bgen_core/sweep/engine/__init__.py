"""The batched engine: every cell's evaluations share the network's batches, and each cell keeps its own pixels."""

from bgen_core.sweep.engine.batched import BatchedInpainter
from bgen_core.sweep.engine.denoisers import can_batch

__all__ = ["BatchedInpainter", "can_batch"]

"""The batched engine: every cell's evaluations share the UNet's batches, and each cell keeps its own pixels."""

from bgen_core.sweep.engine.batched import BatchedInpainter

__all__ = ["BatchedInpainter"]

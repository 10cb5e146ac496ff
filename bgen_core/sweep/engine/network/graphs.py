"""A network's calls of one signature as a CUDA graph: one launch instead of thousands, where Python is what costs.

Only on CUDA; everywhere else the network is called as ever.
"""

from typing import Any

import torch

from bgen_core.sweep.engine.network.signature import Call, changed_tensors

WARM_UP = 3  # calls before the capture: libraries choose their kernels in the first ones


class Graph:
    """Replays the calls of a network that are like one of them.

    Parameters
    ----------
    network
        What is called; its weights stay where they are as long as the graph is used.
    call
        The call that is captured.
    """

    def __init__(self, network: Any, call: Call) -> None:
        self._inputs = call.changed(torch.Tensor.clone)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._inputs.of(network)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads go on calling the network meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outputs = self._inputs.of(network)

    def __call__(self, call: Call) -> Any:
        """The network's answer, in tensors of their own."""
        for place, given in zip(self._inputs.tensors, call.tensors, strict=True):
            place.copy_(given)
        self._graph.replay()
        return changed_tensors(self._outputs, torch.Tensor.clone)

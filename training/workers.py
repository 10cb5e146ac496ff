"""Several single-thread training processes that agree on gradients or weights.

On CPUs two processes with one thread each train faster than one process with two threads, since small
convolutions wait for each other at every layer.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


@dataclass(frozen=True)
class Team:
    """This process' place among its fellows; a team of one needs no communication."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process reports and saves."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by the team's mean; a missing one counts as zero."""
        if self.size == 1:
            return
        parameters = list(parameters)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        # One flat message; contiguous() because channels_last gradients cannot be viewed as a row.
        message = torch.cat([g.contiguous().view(-1) for g in grads])
        dist.all_reduce(message)
        message /= self.size
        start = 0
        for parameter in parameters:
            part = message[start : start + parameter.numel()].view(parameter.shape)
            # The gradient takes its parameter's layout: optimisers must not meet two layouts at once.
            parameter.grad = torch.empty_like(parameter).copy_(part)
            start += parameter.numel()

    def average_weights(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every weight by the team's mean."""
        if self.size == 1:
            return
        parameters = list(parameters)
        message = torch.cat([p.detach().contiguous().view(-1) for p in parameters])
        dist.all_reduce(message)
        message /= self.size
        start = 0
        with torch.no_grad():
            for parameter in parameters:
                parameter.copy_(message[start : start + parameter.numel()].view(parameter.shape))
                start += parameter.numel()

    def leader_says(self, value: float) -> float:
        """The leading process' value, in every process."""
        if self.size == 1:
            return value
        said = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(said, src=0)
        return float(said)


def _enter(rank: int, size: int, meeting: str, work: Callable[..., None], arguments: Sequence[object]) -> None:
    torch.set_num_threads(1)
    if size > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)
    try:
        work(Team(rank, size), *arguments)
    finally:
        if size > 1:
            dist.destroy_process_group()


def run_team(size: int, work: Callable[..., None], *arguments: object, apart: bool = False) -> None:
    """Run ``work(team, *arguments)`` in `size` processes and wait for all of them.

    Parameters
    ----------
    size : int
        1 runs in this process, with all its threads, unless it is to be apart.
    work : callable
        A module's function, since it is pickled.
    *arguments
        Passed on.
    apart : bool
        Even one runs in a process of its own, which reads the environment anew.
    """
    if size == 1 and not apart:
        work(Team(), *arguments)
        return
    # Read by libgomp when a child imports torch: spinning threads starve the other worker.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_enter, (size, str(Path(folder) / "meeting"), work, arguments), nprocs=size)

"""Calls of a network: which of them are alike, and what is done to all tensors of one."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch


@dataclass(frozen=True, kw_only=True)
class Call:
    """The arguments of one call, as the denoisers give them: tensors, lists of them, and plain values."""

    args: tuple[Any, ...]
    named: dict[str, Any]

    def of(self, network: Callable[..., Any]) -> Any:
        """The network's answer."""
        return network(*self.args, **self.named)

    def changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Call":
        """The same call with other tensors."""
        return Call(args=changed_tensors(self.args, change), named=changed_tensors(self.named, change))

    @property
    def tensors(self) -> list[torch.Tensor]:
        return list(tensors_of((self.args, self.named)))

    @property
    def signature(self) -> Hashable:
        """Equal for calls that one compiled form serves: the same shapes, layouts, formats and plain values."""
        return _signature((self.args, self.named))

    @property
    def batch(self) -> int:
        """Rows of the call."""
        first = self.args[0] if self.args else next(iter(self.named.values()))
        return len(first)

    def first_row(self) -> "Call":
        """The call with its first row alone; what all rows share stays whole."""
        batch = self.batch

        def cut(content: Any) -> Any:
            if isinstance(content, torch.Tensor):
                return content[:1] if content.ndim and len(content) == batch else content
            if _is_named(content):
                return {name: cut(each) for name, each in content.items()}
            if _is_series(content):
                return content[:1] if len(content) == batch else content
            return content

        return Call(args=tuple(map(cut, self.args)), named=cut(self.named))


def tensors_of(content: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested tuples, lists and dicts, in order."""
    if isinstance(content, torch.Tensor):
        yield content
    elif _is_named(content):
        for each in content.values():
            yield from tensors_of(each)
    elif _is_series(content):
        for each in content:
            yield from tensors_of(each)


def changed_tensors(content: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same nested tuples, lists and dicts with other tensors."""
    if isinstance(content, torch.Tensor):
        return change(content)
    if _is_named(content):
        return {name: changed_tensors(each, change) for name, each in content.items()}
    if _is_series(content):
        changed = [changed_tensors(each, change) for each in content]
        return tuple(changed) if isinstance(content, tuple) else changed
    return content


def _signature(content: Any) -> Hashable:
    if isinstance(content, torch.Tensor):
        return (tuple(content.shape), content.stride(), content.dtype, content.device)
    if _is_named(content):
        return tuple((name, _signature(each)) for name, each in content.items())
    if _is_series(content):
        return tuple(_signature(each) for each in content)
    return content if isinstance(content, Hashable) else repr(content)


def _is_named(content: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(content, dict)


def _is_series(content: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(content, tuple | list)

"""Tensors that both sides have."""

import gc
from collections.abc import Iterator
from weakref import WeakValueDictionary

import torch

from grader.engine import mirrors


class _Collecting(WeakValueDictionary):
    """One from which what garbage holds may go at any moment."""

    def __getitem__(self, key: int) -> torch.Tensor:
        gc.collect()
        return super().__getitem__(key)

    def items(self) -> Iterator[tuple[int, torch.Tensor]]:
        for item in super().items():
            gc.collect()
            yield item


def test_a_tensor_may_go_while_the_others_are_kept(monkeypatch):
    monkeypatch.setattr(mirrors, "WeakValueDictionary", _Collecting)
    table, held = mirrors.Mirrors(), torch.ones(1)
    gc.disable()
    try:
        cycle: list = [torch.ones(1), torch.ones(1)]
        cycle.append(cycle)
        for number, tensor in enumerate([*cycle[:2], held]):
            table.add(number, tensor)
        del cycle, tensor
        table.keep_held()
    finally:
        gc.enable()
    assert 2 in table
    assert 1 not in table

"""The number of threads that suits a model."""

import pytest
import torch
from torch import nn

import labo
from labo.training import threads


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("one", "two", "kept"), [(1.0, 3.0, 1), (3.0, 1.5, 2)])
def test_the_faster_is_kept_and_told(monkeypatch, capsys, one, two, kept):
    times = {1: one, 2: two}
    monkeypatch.setattr(threads, "_step_time", lambda *_: times[torch.get_num_threads()])
    assert labo.threads_for(nn.Linear(3, 2), torch.rand(4, 3)) == kept
    assert torch.get_num_threads() == kept
    told = {1: "un seul fil de calcul : 3,0 fois", 2: "2 fils de calcul : 2,0 fois"}
    assert told[kept] in capsys.readouterr().out


def test_neither_the_model_nor_the_random_numbers_change():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    labo.threads_for(model, torch.rand(8, 3, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_may_return_a_tuple():
    recurrent = nn.GRU(3, 4, batch_first=True)
    assert labo.threads_for(recurrent, torch.rand(2, 5, 3)) in (1, 2)


def test_with_one_thread_nothing_is_measured(monkeypatch, capsys):
    torch.set_num_threads(1)
    monkeypatch.setattr(threads, "_step_time", None)
    assert labo.threads_for(nn.Linear(1, 1), torch.rand(1, 1)) == 1
    assert capsys.readouterr().out == ""

"""Training and evaluating on Poutyne: results, resuming, stopping, and what is printed."""

import pickle
import re
from collections import deque
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labo.data.augment import GaussianNoise
from labo.data.loader import BatchLoader
from labo.training.loop import evaluate, train


def data(n: int = 200, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs of 12 numbers, whose class is the largest of the first 3."""
    x = torch.randn(n, 12, generator=torch.Generator().manual_seed(seed))
    return x, x[:, :3].argmax(1)


def linear(seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(12, 3)


def deep(seed: int = 0) -> nn.Sequential:
    """Return a network with random numbers (dropout) and statistics (batch normalisation)."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    )


def one_column() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(12, 1)


def halves() -> tuple[torch.Tensor, torch.Tensor]:
    """The inputs, with targets that are numbers."""
    x, y = data()
    return x, y / 2


def columns() -> tuple[torch.Tensor, torch.Tensor]:
    """The same, of the shape that a model of one column gives."""
    x, y = halves()
    return x, y[:, None]


def measures(history) -> list[dict]:
    return [{key: epoch[key] for key in epoch if key != "time"} for epoch in history.epochs]


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    torch.testing.assert_close(a.state_dict(), b.state_dict(), rtol=0, atol=0)


class Interrupting(BatchLoader):
    """A loader during whose `epoch`-th epoch the user presses the stop button."""

    def __init__(self, *args, epoch: int, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.left = epoch

    def __iter__(self):
        self.left -= 1
        for i, batch in enumerate(super().__iter__()):
            if self.left == 0 and i == 1:
                raise KeyboardInterrupt
            yield batch


# ---- Results


def test_training_is_the_plain_loop():
    model, expected = linear(), linear()
    train(model, data(), epochs=3, lr=0.2, batch_size=32, seed=5, verbose=False)
    optimizer = torch.optim.SGD(expected.parameters(), lr=0.2)
    loader = BatchLoader(*data(), 32, shuffle=True, seed=5)
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(expected(x), y).backward()
            optimizer.step()
    assert_same_weights(model, expected)


def test_the_history_holds_each_epoch_and_ends_with_what_evaluate_measures():
    model, valid = linear(), data(90, seed=1)
    history = train(model, data(), valid, epochs=4, lr=0.5, verbose=False)
    assert len(history) == 4
    assert history["epoch"] == [1, 2, 3, 4]
    assert history["accuracy"][-1] > 80 > history["accuracy"][0]
    final = evaluate(model, valid)
    assert history["val_loss"][-1] == pytest.approx(final["loss"])
    assert history["val_accuracy"][-1] == pytest.approx(final["accuracy"])
    assert list(history.epochs[0]) == [
        *("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "time")
    ]
    with pytest.raises(KeyError, match="Mesure inconnue : « acc »"):
        history["acc"]


def test_the_history_prints_as_a_table():
    history = train(linear(), data(), data(), epochs=30, verbose=False)
    head, first, *_, last = str(history).splitlines()
    assert " ".join(head.split()) == "époque perte exactitude perte (val.) exactitude (val.) durée"
    assert re.fullmatch(r" +1 +\d,\d{3} +\d\d,\d\s% +\d,\d{3} +\d\d,\d\s% +\d,\d\d\ss", first)
    assert last.split()[0] == "30"
    assert len(str(history).splitlines()) < 25


def test_measures_are_means_over_examples_whatever_the_batches():
    model, (x, y) = linear(), data(100)

    def largest_error(output, target):
        return F.l1_loss(output, F.one_hot(target, 3).float())

    measured = evaluate(model, (x, y), batch_size=64, metrics=("accuracy", largest_error))
    with torch.no_grad():
        assert measured["loss"] == pytest.approx(float(F.cross_entropy(model(x), y)))
        assert measured["largest_error"] == pytest.approx(float(largest_error(model(x), y)))
        assert measured["accuracy"] == pytest.approx(
            float(100 * (model(x).argmax(1) == y).sum()) / 100
        )


def test_accuracy_reads_one_hot_targets():
    model, (x, y) = linear(), data()
    one_hot = 2.0 * F.one_hot(y, 3) - 1
    measured = evaluate(model, (x, one_hot), loss="mse_loss")
    assert measured["accuracy"] == evaluate(model, (x, y))["accuracy"]


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda model: "adam",
        lambda model: torch.optim.Adam,
        lambda model: torch.optim.Adam(model.parameters()),
    ],
    ids=["name", "function", "instance"],
)
def test_an_optimizer_may_be_a_name_a_function_or_an_instance(optimizer):
    model, expected = linear(), linear()
    train(model, data(), lr=1e-3, optimizer=optimizer(model), epochs=2, verbose=False)
    train(expected, data(), lr=1e-3, optimizer="adam", epochs=2, verbose=False)
    assert_same_weights(model, expected)
    assert not torch.equal(model.weight, linear().weight)


def test_a_torch_dataloader_serves_as_well():
    loader = DataLoader(TensorDataset(*data()), batch_size=50)
    model, expected = linear(), linear()
    history = train(model, loader, loader, epochs=2, verbose=False)
    train(expected, BatchLoader(*data(), 50), epochs=2, verbose=False)
    assert_same_weights(model, expected)
    assert evaluate(model, loader)["loss"] == pytest.approx(history["val_loss"][-1])


def test_the_global_random_state_is_left_alone_and_does_not_matter():
    model, again = linear(), linear()
    before = torch.get_rng_state()
    train(model, data(), data(), epochs=2, verbose=False)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    train(again, data(), epochs=2, verbose=False)
    assert_same_weights(model, again)


def test_modes_are_right_during_and_as_found_after():
    seen = []

    class Probe(nn.Module):
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled()))
            return x

    frozen = nn.Dropout(0.5).eval()
    model = nn.Sequential(Probe(), frozen, nn.Linear(12, 3))
    train(model, data(64), data(64), epochs=1, verbose=False)
    assert seen == [(True, True), (False, False)]
    assert model.training
    assert not frozen.training
    evaluate(model, data(64))
    assert seen[-1] == (False, False)
    assert model.training
    assert not frozen.training
    assert torch.is_grad_enabled()


# ---- Checkpoints


def run(
    folder: Path | None,
    epochs: int,
    *,
    seed: int = 0,
    device: str = "cpu",
    loader=BatchLoader,
    **kwargs,
):
    """Train a network in which everything that can be random is; return it and its history."""
    model = deep(seed).to(device)
    noise = GaussianNoise(0.3)
    augmented = loader(*data(), 32, shuffle=True, augment=noise, device=device, **kwargs)
    history = train(
        model,
        augmented,
        data(50, seed=1),
        epochs=epochs,
        optimizer=lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9),
        patience=4,
        checkpoint=folder,
        verbose=False,
    )
    return model, history


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_a_resumed_run_ends_exactly_as_an_uninterrupted_one(tmp_path, device):
    expected, expected_history = run(None, 7, device=device)
    run(tmp_path, 3, device=device)
    # Other initial weights, another random state.
    model, history = run(tmp_path, 7, device=device, seed=123)
    assert_same_weights(model, expected)
    assert measures(history) == measures(expected_history)


def test_a_run_stopped_within_an_epoch_resumes_exactly(tmp_path):
    expected, expected_history = run(None, 5)
    _, partial = run(tmp_path, 5, loader=Interrupting, epoch=3)
    assert partial.interrupted
    assert len(partial) == 2
    model, history = run(tmp_path, 5, seed=123)
    assert_same_weights(model, expected)
    assert measures(history) == measures(expected_history)
    assert not history.interrupted


def test_resuming_what_is_finished_changes_nothing(tmp_path):
    expected, expected_history = run(tmp_path, 60)
    assert expected_history.stopped_early
    model, history = run(tmp_path, 60, seed=123)
    assert_same_weights(model, expected)
    assert history.epochs == expected_history.epochs
    assert history.stopped_early


def test_adam_resumes_exactly_too(tmp_path):
    def go(epochs, checkpoint, model):
        train(
            model, data(), epochs=epochs, lr=0.01, optimizer="adam", checkpoint=checkpoint,
            verbose=False,
        )  # fmt: skip
        return model

    expected = go(5, None, linear())
    go(2, tmp_path, linear())
    assert_same_weights(go(5, tmp_path, linear(7)), expected)


def test_a_failed_write_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    expected, _ = run(None, 4)
    run(tmp_path, 2)
    with monkeypatch.context() as patch:

        def full_disk(state, file):
            file.write(b"half a checkpoint")
            raise OSError("No space left on device")

        patch.setattr(torch, "save", full_disk)
        with pytest.raises(OSError, match="No space left"):
            run(tmp_path, 4)
    model, history = run(tmp_path, 4)
    assert len(history) == 4
    assert_same_weights(model, expected)


def test_a_folder_name_may_hold_braces(tmp_path):
    folder = tmp_path / "essai {lr}"
    run(folder, 1)
    assert [file.name for file in folder.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_is_read_as_data_never_as_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    (tmp_path / "checkpoint.pt").write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(ValueError, match="illisible"):
        run(tmp_path, 1)
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_other_settings_or_of_another_model_is_refused(tmp_path):
    train(linear(), data(), epochs=1, checkpoint=tmp_path, verbose=False)
    with pytest.raises(ValueError, match=r"réglages étaient autres \(lr\)"):
        train(linear(), data(), epochs=2, lr=0.2, checkpoint=tmp_path, verbose=False)
    with pytest.raises(ValueError, match="autre modèle"):
        train(deep(), data(), epochs=2, checkpoint=tmp_path, verbose=False)


# ---- Stopping


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "epochs", "best"),
    [
        ([5, 4, 3, 2, 1], 1, 0.0, 5, 5),
        ([5, 4, 4, 3, 4, 4], 2, 0.0, 6, 4),  # no improvement twice in a row
        ([5, 5, 4, 4, 3, 3, 2, 2], 2, 0.0, 8, 7),  # never twice in a row
        ([5, 4.9, 4.8, 4.7], 2, 0.5, 3, 1),  # improvements that are too small
        ([5, 4.9, 4.4, 4.3, 4.2], 2, 0.5, 5, 3),  # small ones that add up to one
        ([5, 4, 4], 1, 1.0, 2, 1),  # as large as min_delta is not larger
    ],
)
def test_early_stopping_counts_consecutive_epochs_without_improvement(
    losses, patience, min_delta, epochs, best
):
    validation = iter([*losses, 0])  # one more epoch would be asked for after a late stop

    def scripted(output, target):
        return output.mean() if torch.is_grad_enabled() else torch.tensor(float(next(validation)))

    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ones = torch.ones(1, 1)
    history = train(
        model, (ones, ones), (ones, ones), epochs=len(losses), lr=1.0, loss=scripted, metrics=(),
        patience=patience, min_delta=min_delta, verbose=False,
    )  # fmt: skip
    assert len(history) == epochs
    assert history.stopped_early == (epochs - best == patience)
    assert model.weight.item() == -best  # each epoch takes 1 away: the best epoch's weights


def test_early_stopping_needs_validation_data():
    with pytest.raises(ValueError, match="donnez aussi `valid`"):
        train(linear(), data(), patience=2)


def test_an_interruption_keeps_the_history_and_the_modes(capsys):
    model = deep().eval()
    loader = Interrupting(*data(), 50, epoch=3)
    history = train(model, loader, epochs=10)
    assert capsys.readouterr().out.endswith("interrompu. Époques terminées : 2.\n")
    assert history.interrupted
    assert history["epoch"] == [1, 2]
    assert not any(module.training for module in model.modules())


@pytest.mark.filterwarnings("error")
def test_divergence_stops_the_run_and_names_the_learning_rate():
    x, _ = data()
    with pytest.warns(
        RuntimeWarning, match=r"NaN\) à l'époque 1 .* essayez lr dix fois plus petit"
    ):
        history = train(linear(), (x, x[:, :3]), epochs=9, lr=1e20, loss="mse_loss", metrics=())
    assert len(history) == 1


# ---- What is printed


LINE = (
    r"époque {}/2  perte \d,\d{{3}}  exactitude \d\d,\d\s%  "
    r"validation\s: perte \d,\d{{3}}  exactitude \d\d,\d\s%  \d,\d\d\ss"
)


def test_a_terminal_gets_one_line_per_epoch(capsys):
    train(linear(), data(), data(), epochs=2)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(LINE.format(1), first)
    assert re.fullmatch(LINE.format(2), second)


def test_verbose_false_prints_nothing(capfd, tmp_path):
    for epochs in (2, 3):
        train(
            linear(), data(), data(), epochs=epochs, patience=1, checkpoint=tmp_path, verbose=False
        )
    assert capfd.readouterr() == ("", "")


def test_resuming_and_early_stopping_are_announced(capsys, tmp_path):
    noise = (data()[0], data(seed=1)[1])
    for epochs in (1, 90):
        train(linear(), noise, data(), epochs=epochs, lr=2.0, patience=1, checkpoint=tmp_path)
    out = capsys.readouterr().out
    assert "Reprise après l'époque 1" in out
    assert re.search(r"Arrêt précoce après l'époque (\d+) .* l'époque \d+, la meilleure", out)


# ---- Mistakes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "sdg"}, "Optimiseur inconnu : « sdg »"),
        ({"optimizer": torch.optim.SGD(linear().parameters())}, "pas ceux de ce modèle"),
        ({"model": nn.Flatten()}, "aucun paramètre à apprendre"),
        ({"loss": "cross_entropi"}, "Perte inconnue"),
        ({"loss": lambda output, target: output - output}, "un seul nombre par lot"),
        ({"metrics": ("acuracy",)}, "Métrique inconnue"),
        ({"patience": 0, "valid": data()}, "au moins 1 époque"),
        ({"train": (*data(), 0)}, "Attendu un couple"),
        (
            {"model": one_column(), "train": columns(), "loss": "mse_loss"},
            r"forme \(64, 1\) : « accuracy » compare",
        ),
        (
            {"model": one_column(), "train": halves(), "loss": "mse_loss", "metrics": ()},
            r"forme \(64, 1\), et la cible de forme \(64,\)",
        ),
        ({"model": deep(), "train": BatchLoader(*data(), 199)}, "Un lot n'a qu'un exemple"),
        ({"train": iter(BatchLoader(*data(), 64)), "epochs": 2}, "qui ne se lit qu'une fois"),
        ({"train": iter(()), "epochs": 1}, "n'ont donné aucun lot"),
        ({"model": one_column(), "metrics": ()}, "vaut toujours 0 pour une seule"),
        ({"loss": "cross_entrpy"}, "Vouliez-vous dire « cross_entropy »"),
    ],
)
def test_mistakes_are_explained(change, message):
    with pytest.raises(ValueError, match=message):
        train(**{"model": linear(), "train": data(), "verbose": False, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": nn.CrossEntropyLoss}, r"construisez-la, avec des parenthèses, .*Loss\(\)"),
        ({"metrics": [nn.MSELoss]}, r"construisez-la, avec des parenthèses, .*MSELoss\(\)"),
        ({"model": nn.Linear}, r"Linear est une classe : construisez le modèle"),
        ({"train": deque([{"x": 0, "y": 1}])}, r"celui-ci est un dictionnaire \(x, y\)"),
        ({"train": deque([data()[0]])}, "celui-ci est de type Tensor"),
        ({"train": deque([(*data(), 0)])}, "celui-ci est de type tuple de 3 éléments"),
    ],
)
def test_what_is_of_another_type_is_explained(change, message):
    with pytest.raises(TypeError, match=message):
        train(**{"model": linear(), "train": data(), "verbose": False, **change})


def test_a_model_of_one_column_is_not_right_by_chance():
    with pytest.raises(ValueError, match="compare les scores de plusieurs classes"):
        evaluate(one_column(), columns(), loss="l1_loss")


def test_a_loader_that_was_read_already_measures_nothing():
    batches = iter(BatchLoader(*data(), 64))
    deque(batches)
    with pytest.raises(ValueError, match="un générateur déjà lu"):
        evaluate(linear(), batches)


def test_a_validation_that_is_no_number_says_so():
    x, y = data()
    with pytest.warns(RuntimeWarning, match=r"perte de validation est .*\(NaN\) à l'époque 1"):
        history = train(linear(), (x, y), (x / 0, y), epochs=9, patience=5, verbose=False)
    assert len(history) == 1


def test_a_checkpoint_may_be_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    train(linear(), data(), epochs=1, checkpoint="~/essai", verbose=False)
    assert (tmp_path / "essai" / "checkpoint.pt").is_file()


def test_a_checkpoint_of_another_version_says_so(tmp_path):
    train(linear(), data(), epochs=1, checkpoint=tmp_path, verbose=False)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del state["format"], state["settings"]["patience"]
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match="vient d'une autre version de labo"):
        train(linear(), data(), epochs=2, checkpoint=tmp_path, verbose=False)


def test_data_of_another_kind_are_refused_by_their_type():
    with pytest.raises(TypeError, match="reçu un objet de type Tensor"):
        evaluate(linear(), data()[0])

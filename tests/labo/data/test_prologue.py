"""labo.load_data does what the prologue of EE-559's practical sessions does."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import labo
from labo.data import prologue
from labo.data.datasets import ImageData
from labo.data.prologue import Options, load_data, parse_options

ROOT = Path(__file__).parents[3]
SCRIPT = """
import torch, labo
options = labo.parse_options()
train_input, train_target, test_input, test_target = labo.load_data(options=options)
print(list(train_input.shape), list(test_input.shape), torch.initial_seed(), train_input.device)
"""


def bytes_of(n: int, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randint(256, (n, *shape), generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def full_sized(monkeypatch):
    """MNIST and CIFAR-10 of a realistic size, but of noise; return what was asked for."""
    asked = []

    def load_dataset(name, *, profile, small, data_dir):
        asked.append((name, profile, data_dir))
        n, m = (1200, 1100) if profile == "full" else small
        shape = (3, 4, 4) if name == "cifar10" else (1, 5, 5)
        train, test = bytes_of(1200, shape, 0)[:n], bytes_of(1100, shape, 1)[:m]
        return ImageData(
            train / 255,
            torch.arange(n) % 10,
            test / 255,
            torch.arange(m) % 9,
            tuple("0123456789"),
            name,
            name,
        )

    monkeypatch.setenv("LABO_PROFILE", "small")
    monkeypatch.setattr(prologue, "load_dataset", load_dataset)
    return asked


CASES = list(itertools.product([False, True], repeat=4))


@pytest.mark.parametrize(("cifar", "one_hot_labels", "normalize", "flatten"), CASES)
def test_every_combination_of_arguments_gives_what_ee559_gives(
    full_sized, cifar, one_hot_labels, normalize, flatten
):
    got = load_data(cifar, one_hot_labels, normalize, flatten)
    shape = (3, 4, 4) if cifar else (1, 5, 5)
    inputs = [bytes_of(n, shape, seed)[:1000].float() for seed, n in enumerate((1200, 1100))]
    if normalize:
        mean, std = inputs[0].mean(), inputs[0].std()
        inputs = [(x - mean) / std for x in inputs]
    if flatten:
        inputs = [x.reshape(1000, -1) for x in inputs]
    targets = [torch.arange(1000) % 10, torch.arange(1000) % 9]
    if one_hot_labels:
        targets = [2 * torch.nn.functional.one_hot(y, 10).float() - 1 for y in targets]
    for actual, expected in zip(got, (inputs[0], targets[0], inputs[1], targets[1]), strict=True):
        torch.testing.assert_close(actual, expected)
        assert actual.dtype == expected.dtype


def test_pixels_are_whole_numbers_from_0_to_255(full_sized):
    train_input, *_ = load_data()
    assert (train_input.min(), train_input.max()) == (0, 255)
    assert torch.equal(train_input, train_input.round())


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (Options(), (1000, 1000)),
        (Options(tiny=True), (500, 100)),
        (Options(full=True), (1200, 1100)),
    ],
)
def test_options_say_how_many(full_sized, options, sizes):
    train_input, train_target, test_input, test_target = load_data(options=options)
    assert (len(train_input), len(test_input)) == sizes
    assert (len(train_target), len(test_target)) == sizes


def test_the_tiny_profile_is_tiny_and_made_of_what_is_shipped(monkeypatch, capsys):
    monkeypatch.setenv("LABO_PROFILE", "tiny")
    for cifar, pixels in ((False, 784), (True, 3072)):
        train_input, _, test_input, _ = load_data(cifar)
        assert train_input.shape == (500, pixels)
        assert test_input.shape == (100, pixels)
        assert 200 < train_input.max() <= 255
    assert "introuvable" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("profile", "options", "name", "sizes"),
    [
        ("full", Options(), "mnist", (1200, 1100)),
        ("full", Options(tiny=True), "mnist", (500, 100)),
        ("tiny", Options(full=True), "mnist", (1200, 1100)),
        ("tiny", Options(tiny=True), "digits", (500, 100)),
    ],
)
def test_options_win_over_the_profile(full_sized, monkeypatch, profile, options, name, sizes):
    monkeypatch.setenv("LABO_PROFILE", profile)
    train_input, _, test_input, _ = load_data(options=options)
    assert (len(train_input), len(test_input)) == sizes
    assert full_sized[0][0] == name


@pytest.mark.parametrize(
    ("cifar", "option", "name"),
    [
        (None, False, "mnist"),
        (None, True, "cifar10"),
        (False, False, "mnist"),
        (True, False, "cifar10"),
        (False, True, "cifar10"),  # as in EE-559: either of them is enough
    ],
)
def test_the_argument_or_the_option_asks_for_cifar(full_sized, cifar, option, name):
    load_data(cifar, options=Options(cifar=option))
    assert full_sized[0][0] == name


def test_the_folder_is_that_of_the_option_then_that_of_the_variable(full_sized, monkeypatch):
    monkeypatch.setenv("PYTORCH_DATA_DIR", "/variable")
    load_data()
    load_data(options=Options(data_dir=Path("/option")))
    assert [data_dir for *_, data_dir in full_sized] == ["/variable", Path("/option")]


@pytest.mark.usefixtures("full_sized")
def test_the_seed_is_0_by_default_and_negative_for_none():
    torch.manual_seed(5)
    load_data(options=Options(seed=-1))
    assert torch.initial_seed() == 5
    load_data()
    first = torch.rand(3)
    assert torch.equal(first, torch.rand(3, generator=torch.Generator().manual_seed(0)))
    load_data(options=Options(seed=7))
    assert torch.initial_seed() == 7


@pytest.mark.usefixtures("full_sized")
def test_one_line_says_what_was_loaded(capsys):
    load_data()
    assert capsys.readouterr().out == "** mnist\n"


# ---- The command line


def test_options_have_the_defaults_of_ee559():
    assert parse_options([]) == Options(False, False, False, 0, False, None)


def test_full_and_tiny_exclude_one_another():
    with pytest.raises(ValueError, match="s'excluent"):
        Options(full=True, tiny=True)


def test_every_option_is_read():
    line = "--tiny --force_cpu --seed -3 --cifar --data_dir /d"
    assert parse_options(line.split()) == Options(False, True, True, -3, True, Path("/d"))
    assert parse_options(["--full"]).full


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--full --tiny", "--full et --tiny s'excluent"),
        ("--ful", "options inconnues : --ful"),
        ("--seed un", "un entier est attendu, et non « un »"),
    ],
)
def test_a_wrong_command_line_stops_the_script_in_french(capsys, line, told):
    with pytest.raises(SystemExit) as stop:
        parse_options(line.split())
    assert stop.value.code == 2
    printed = capsys.readouterr().err
    assert told in printed
    assert printed.startswith("Utilisation : ")


def test_the_help_of_the_options_is_in_french(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_options(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--full", "--tiny", "--force_cpu", "--seed", "--cifar", "--data_dir"):
        assert option in printed
    for english in ("usage", "show", "exit", "arguments"):
        assert english not in printed


def test_no_command_line_is_read_without_being_asked(full_sized, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["script.py", "--tiny", "--inconnue"])
    train_input, *_ = load_data()
    assert len(train_input) == 1000


NOTEBOOK = """
import sys
from IPython.core.interactiveshell import InteractiveShell
sys.argv = ["lanceur.py", "-f", "/noyau.json", "--tiny"]
done = InteractiveShell.instance().run_cell("import labo; options = labo.parse_options()")
done.raise_error()
from labo.data.prologue import Options
assert sys.modules["__main__"].options == Options()
"""


def test_in_a_notebook_the_command_line_of_jupyter_is_not_read(tmp_path):
    done = run_script(tmp_path, NOTEBOOK)
    assert done.returncode == 0, done.stderr


def run_script(tmp_path: Path, code: str, *options: str) -> subprocess.CompletedProcess:
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}")
    return subprocess.run([sys.executable, script, *options], capture_output=True, text=True)


def test_a_real_script_obeys_its_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("LABO_PROFILE", "small")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = run_script(tmp_path, SCRIPT, "--tiny", "--seed", "12", "--force_cpu")
    loaded, used = done.stdout.splitlines()[-2:]
    assert "500 images d'entraînement, 100 de test" in loaded, done.stderr
    assert used == "[500, 784] [100, 784] 12 cpu"
    assert "MNIST est introuvable ici" in done.stdout


def test_importing_reads_no_command_line(tmp_path):
    done = run_script(tmp_path, "import labo.data.prologue; labo.load_data", "--inconnue", "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- Its help


def test_the_help_says_everything():
    text = labo.load_data.__doc__
    for word in (
        *("cifar :", "one_hot_labels :", "normalize :", "flatten :", "options :"),
        *("--full", "--tiny", "--force_cpu", "--seed", "--cifar", "--data_dir"),
        *("$PYTORCH_DATA_DIR", "N × D", "N × C × H × W", "-1", "+1", "0 à 255", "1 000", "500"),
    ):
        assert word in text, word

"""Image data sets: read from real files, replaced by small ones where they are absent."""

import gzip
import hashlib
import io
import pickle
import struct
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import labo
from labo.data import datasets
from labo.data.catalogue import DataFile, DataNotFoundError, Dataset, catalogue, search_path
from labo.data.datasets import ImageData, load_dataset

ROOT = Path(__file__).parents[3]
TRAIN, TEST = 60, 25  # images of the small MNIST made here
PER_BATCH = 12  # images in each of the five files of the small CIFAR-10


def idx(values: np.ndarray) -> bytes:
    """Return an array as LeCun's format has it: a magic number, the dimensions, the bytes."""
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    return gzip.compress(header + values.tobytes(), mtime=0)


def mnist_files(train: int, test: int) -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    random = np.random.default_rng(0)
    arrays = {
        f"{prefix}-{kind}-idx{dims}-ubyte.gz": random.integers(0, high, shape, np.uint8)
        for prefix, n in (("train", train), ("t10k", test))
        for kind, dims, high, shape in (
            ("images", 3, 256, (n, 28, 28)),
            ("labels", 1, 10, (n,)),
        )
    }
    return arrays, {name: idx(values) for name, values in arrays.items()}


class Python2Pickler(pickle._Pickler):
    """Writes as Python 2 did, where every string was bytes."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, text: str | bytes) -> None:
        content = text if isinstance(text, bytes) else text.encode("ascii")
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)

    dispatch[str] = dispatch[bytes] = save_string


def python2(value: object) -> bytes:
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"numpy._core", b"numpy.core")  # as a numpy of that time


def cifar_batch(images: np.ndarray, labels: list[int]) -> bytes:
    """Return a pickle like those published."""
    return python2({"batch_label": "essai", "data": images, "labels": labels})


def cifar_archive(images: np.ndarray, labels: list[int], **others: bytes) -> bytes:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    members = {
        name: cifar_batch(images[i * PER_BATCH :][:PER_BATCH], labels[i * PER_BATCH :][:PER_BATCH])
        for i, name in enumerate(names)
    }
    members |= others
    members |= {"batches.meta": pickle.dumps({}), "readme.html": b"<p>"}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name in sorted(members, reverse=True):  # the order in the archive is not that of data
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(members[name])
            tar.addfile(entry, io.BytesIO(members[name]))
    return archive.getvalue()


def describe(name: str, contents: dict[str, bytes]) -> Dataset:
    files = tuple(
        DataFile(file, len(content), hashlib.sha256(content).hexdigest())
        for file, content in contents.items()
    )
    real = catalogue()[name]
    return Dataset(name, real.title, "", "", "", real.mirrors, files)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Put the files of a small data set in a folder, and in the catalogue."""
    monkeypatch.setenv("LABO_DATA_DIR", str(tmp_path / "donnees"))

    def put(name: str, contents: dict[str, bytes], folder: str | None = None) -> None:
        target = tmp_path / "donnees" / (name if folder is None else folder)
        target.mkdir(parents=True)
        for file, content in contents.items():
            (target / file).write_bytes(content)
        dataset = describe(name, contents)
        monkeypatch.setattr(datasets, "catalogue", lambda: {**catalogue(), name: dataset})

    return put


@pytest.fixture(autouse=True)
def small_profile(monkeypatch, tmp_path):
    monkeypatch.setenv("LABO_PROFILE", "small")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def assert_well_formed(data: ImageData) -> None:
    for images, target in (
        (data.train_input, data.train_target),
        (data.test_input, data.test_target),
    ):
        assert images.dtype == torch.float32
        assert target.dtype == torch.int64
        assert images.dim() == 4
        assert len(images) == len(target)
        assert 0 <= images.min() < images.max() <= 1
        assert set(target.tolist()) <= set(range(len(data.classes)))


# ---- Files of the catalogue


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_become_images_and_classes(place, name):
    arrays, contents = mnist_files(TRAIN, TEST)
    place(name, contents)
    data = load_dataset(name)
    assert_well_formed(data)
    assert data.name == name
    assert len(data.classes) == 10
    for prefix, images, target in (
        ("train", data.train_input, data.train_target),
        ("t10k", data.test_input, data.test_target),
    ):
        expected = torch.from_numpy(arrays[f"{prefix}-images-idx3-ubyte.gz"])
        assert torch.equal((255 * images).squeeze(1), expected.float())
        labels = torch.from_numpy(arrays[f"{prefix}-labels-idx1-ubyte.gz"])
        assert torch.equal(target, labels.long())


def test_cifar_archives_become_images_and_classes(place):
    random = np.random.default_rng(0)
    n = 6 * PER_BATCH
    images, labels = random.integers(0, 256, (n, 3072), np.uint8), random.integers(0, 10, n)
    place("cifar10", {"cifar-10-python.tar.gz": cifar_archive(images, labels.tolist())})
    data = load_dataset("cifar10")
    assert_well_formed(data)
    pixels = torch.cat([data.train_input, data.test_input]) * 255
    assert torch.equal(pixels, torch.from_numpy(images).view(n, 3, 32, 32).float())
    assert torch.equal(torch.cat([data.train_target, data.test_target]), torch.from_numpy(labels))
    assert len(data.test_input) == PER_BATCH
    assert data.classes[3] == "chat"


def test_what_a_pickle_would_run_is_not_run(place, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "piège",)

    images = np.zeros((6 * PER_BATCH, 3072), np.uint8)
    archive = cifar_archive(images, [0] * len(images), data_batch_3=pickle.dumps(Trap()))
    place("cifar10", {"cifar-10-python.tar.gz": archive})
    with pytest.raises(pickle.UnpicklingError, match="n'a rien à faire dans CIFAR-10"):
        load_dataset("cifar10")
    assert not (tmp_path / "piège").exists()


def test_no_test_image_is_loaded_where_none_is_asked_for(place):
    place("mnist", mnist_files(TRAIN, TEST)[1])
    for name in ("mnist", "digits", "shapes"):
        data = load_dataset(name, small=(20, 0))
        assert data.train_input.shape[0] == len(data.train_target) == 20
        assert data.test_input.shape == (0, *data.train_input.shape[1:])


@pytest.mark.parametrize(
    ("profile", "sizes"), [("small", (20, 10)), ("full", (TRAIN, TEST)), ("tiny", (500, 200))]
)
def test_the_profile_says_how_many(place, monkeypatch, profile, sizes):
    arrays, contents = mnist_files(TRAIN, TEST)
    place("mnist", contents)
    data = load_dataset("mnist", profile=profile, small=(20, 10))
    assert (len(data.train_input), len(data.test_input)) == sizes
    assert f"{sizes[0]} images d'entraînement, {sizes[1]} de test" in data.description
    monkeypatch.setenv("LABO_PROFILE", profile)
    assert torch.equal(load_dataset("mnist", small=(20, 10)).train_input, data.train_input)
    if profile == "small":  # the first ones, always the same
        labels = arrays["train-labels-idx1-ubyte.gz"][:20]
        assert torch.equal(data.train_target, torch.from_numpy(labels).long())


@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw", "mnist/MNIST/raw"])
def test_files_are_found_where_torchvision_or_somebody_put_them(place, folder):
    place("mnist", mnist_files(TRAIN, TEST)[1], folder)
    assert load_dataset("mnist", fallback=False).name == "mnist"


def test_files_are_found_in_the_job_s_own_folder(place, monkeypatch, tmp_path):
    place("mnist", mnist_files(TRAIN, TEST)[1])
    monkeypatch.delenv("LABO_DATA_DIR")
    (tmp_path / "donnees").rename(tmp_path / "labo")
    monkeypatch.setenv("SLURM_TMPDIR", str(tmp_path))
    assert load_dataset("mnist", fallback=False).name == "mnist"


def test_folders_are_searched_in_the_documented_order(monkeypatch):
    monkeypatch.setenv("LABO_DATA_DIR", "/b")
    monkeypatch.setenv("LABO_SHARED_DATA", "/c:/d")
    monkeypatch.setenv("SLURM_TMPDIR", "/e")
    monkeypatch.setenv("XDG_CACHE_HOME", "/f")
    assert list(map(str, search_path("/a"))) == ["/a", "/b", "/c", "/d", "/e/labo", "/f/labo"]


def test_one_missing_file_is_a_missing_data_set(place):
    contents = mnist_files(TRAIN, TEST)[1]
    place("mnist", contents)
    corrupt = Path(search_path()[0], "mnist", "t10k-labels-idx1-ubyte.gz")
    corrupt.write_bytes(b"\x1f\x8b" + corrupt.read_bytes()[2:-1] + b"!")
    assert load_dataset("mnist").name == "digits"


# ---- What is shipped, or generated


@pytest.mark.parametrize(
    ("name", "stand_in", "shape"),
    [
        ("mnist", "digits", (1, 28, 28)),
        ("fashion_mnist", "digits", (1, 28, 28)),
        ("cifar10", "shapes", (3, 32, 32)),
    ],
)
def test_an_absent_data_set_is_replaced_and_one_line_says_so(capsys, name, stand_in, shape):
    data = load_dataset(name, small=(60, 20))
    printed = capsys.readouterr().out
    assert_well_formed(data)
    assert data.name == stand_in
    assert data.train_input.shape == (60, *shape)
    assert data.test_input.shape == (20, *shape)
    assert printed.count("\n") == 1
    assert f"{catalogue()[name].title} est introuvable ici" in printed
    assert "en tiennent lieu" in printed


def test_without_a_stand_in_the_error_says_what_to_fetch_and_where_to_put_it(tmp_path):
    with pytest.raises(DataNotFoundError) as failure:
        load_dataset("mnist", fallback=False, data_dir=tmp_path / "ici")
    message = str(failure.value)
    assert "réseau interdit par LABO_OFFLINE" in message
    for file in catalogue()["mnist"].files:
        assert catalogue()["mnist"].mirrors[0] + file.name in message
    assert str(tmp_path / "ici" / "mnist") in message
    assert str(tmp_path / "cache" / "labo" / "mnist") in message
    assert "« labo data download mnist »" in message
    assert isinstance(failure.value, FileNotFoundError)


def test_the_tiny_profile_is_the_same_everywhere_and_says_nothing(place, capsys):
    place("mnist", mnist_files(TRAIN, TEST)[1])
    data, again = (load_dataset("mnist", profile="tiny") for _ in range(2))
    assert_well_formed(data)
    assert data.name == "digits"
    assert torch.equal(data.train_input, again.train_input)
    assert data.train_target[:12].tolist() == [2, 9, 0, 2, 3, 7, 6, 7, 5, 2, 0, 9]
    assert capsys.readouterr().out == ""


AUDIT = """
import sys
import torch, numpy, labo, labo.data.datasets, labo.data.synthetic
touched = []
watched = ("open", "socket.connect", "socket.getaddrinfo", "os.mkdir", "subprocess.Popen")
sys.addaudithook(lambda event, args: touched.append(args[0]) if event in watched else None)
for name in ("mnist", "fashion_mnist", "cifar10", "digits", "shapes"):
    labo.load_dataset(name)
print(*(path for path in map(str, touched) if not path.endswith((".py", ".pyc"))), sep="\\n")
"""


def test_the_tiny_profile_touches_no_network_and_no_file_but_the_shipped_one(monkeypatch):
    monkeypatch.setenv("LABO_PROFILE", "tiny")
    monkeypatch.delenv("LABO_OFFLINE")
    done = subprocess.run(
        [sys.executable, "-c", AUDIT], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(done.stdout.split()) == {str(ROOT / "data" / "digits.npz")}


def test_digits_show_every_class_and_share_no_image_between_parts():
    data = load_dataset("digits", profile="full")
    assert_well_formed(data)
    assert (len(data.train_input), len(data.test_input)) == (1400, 397)
    assert set(data.test_target.tolist()) == set(range(10))
    rows = torch.cat([data.train_input, data.test_input]).flatten(1)
    assert len(rows.unique(dim=0)) == 1797
    other = load_dataset("digits", profile="full", seed=1)
    assert not torch.equal(other.train_target, data.train_target)


def test_digits_look_like_mnist():
    data = load_dataset("digits", profile="full")
    images = data.train_input
    assert images[..., :4, :].max() == images[..., :4].max() == 0  # centred, with a margin
    assert 0.05 < images.mean() < 0.25  # MNIST has 0.13
    # Back to 8×8, the nearest scan has the same label: images and labels stayed together.
    scans = np.load(ROOT / "data" / "digits.npz")
    shrunk = F.interpolate(images[:50, :, 4:-4, 4:-4], (8, 8), mode="area")
    originals = torch.from_numpy(scans["images"]).flatten(1) / 16
    nearest = torch.cdist(shrunk.flatten(1), originals).argmin(dim=1)
    labels = torch.from_numpy(scans["labels"])
    assert torch.equal(labels[nearest].long(), data.train_target[:50])


def test_shapes_differ_between_parts_and_seeds():
    data, other = (load_dataset("shapes", small=(30, 30), seed=seed) for seed in (0, 1))
    assert_well_formed(data)
    assert not torch.equal(data.train_input, data.test_input)
    assert not torch.equal(data.train_input, other.test_input)
    assert not torch.equal(data.test_input, other.train_input)


def test_neither_loading_nor_generating_touches_the_global_random_state():
    before = torch.get_rng_state()
    load_dataset("digits", small=(5, 5))
    load_dataset("shapes", small=(5, 5))
    assert torch.equal(torch.get_rng_state(), before)


# ---- Names and profiles


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match=r"« imagenet »\. Les noms connus sont « mnist »"):
        load_dataset("imagenet")


def test_an_unknown_profile_is_told_with_the_known_ones(monkeypatch):
    with pytest.raises(ValueError, match=r"« grand »\. Les profils .* « tiny », « small »"):
        load_dataset("digits", profile="grand")
    monkeypatch.setenv("LABO_PROFILE", "Tiny")
    with pytest.raises(ValueError, match=r"LABO_PROFILE"):
        labo.profile()


def test_an_empty_profile_is_the_default_one(monkeypatch):
    monkeypatch.setenv("LABO_PROFILE", "")
    assert labo.profile() == "small"


# ---- ImageData


def two_channels() -> ImageData:
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([1.0, 0.1])[:, None, None]
    train, test = (torch.rand(n, 2, 5, 4, generator=generator) * scale for n in (30, 9))
    return ImageData(
        train, torch.zeros(30, dtype=int), test + 3, torch.ones(9, dtype=int), ("a", "b"), "x", "X"
    )


def test_normalisation_uses_the_training_statistics_only():
    data = two_channels()
    normalized = data.normalized()
    channels = normalized.train_input.transpose(0, 1).flatten(1)
    torch.testing.assert_close(channels.mean(1), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(channels.std(1), torch.ones(2))
    for c in range(2):
        train = data.train_input[:, c]
        expected = (data.test_input[:, c] - train.mean()) / train.std()
        torch.testing.assert_close(normalized.test_input[:, c], expected)
    elsewhere = ImageData(
        data.train_input, data.train_target, data.test_input * 7, data.test_target, (), "x", "X"
    )
    assert torch.equal(elsewhere.normalized().train_input, normalized.train_input)


def test_constant_channels_are_centred_and_never_divided_by_zero():
    data = two_channels().flattened()
    data.train_input[:, 3] = 0.1  # the mean of many is not exactly 0.1
    normalized = data.normalized()
    torch.testing.assert_close(normalized.train_input[:, 3], torch.zeros(30), atol=1e-6, rtol=0)
    torch.testing.assert_close(normalized.test_input[:, 3], data.test_input[:, 3] - 0.1)
    assert normalized.train_input.isfinite().all()


def test_transformations_return_new_data_and_leave_the_first_alone():
    data = two_channels()
    before = data.train_input.clone()
    flat = data.normalized().flattened()
    assert flat.train_input.shape == (30, 40)
    assert flat.test_input.shape == (9, 40)
    assert torch.equal(data.train_input, before)
    assert flat.classes == data.classes
    moved = data.to("meta")
    assert {moved.train_input.device.type, moved.test_target.device.type} == {"meta"}
    assert data.train_input.device.type == "cpu"


# ---- The catalogue


def test_the_catalogue_is_complete():
    assert list(catalogue()) == ["mnist", "fashion_mnist", "cifar10"]
    for dataset in catalogue().values():
        assert len(dataset.mirrors) >= 2
        assert all(mirror.endswith("/") for mirror in dataset.mirrors)
        assert dataset.licence
        assert dataset.citation
        for file in dataset.files:
            assert file.size > 0
            assert len(bytes.fromhex(file.sha256)) == 32


def test_an_incomplete_installation_is_told(monkeypatch):
    from labo.data.catalogue import shipped

    with pytest.raises(FileNotFoundError, match=r"Fichier absent de l'installation de labo"):
        shipped("absent.npz")


def test_small_digits_are_the_shipped_scans_untouched():
    small = labo.load_dataset("small_digits", profile="tiny")
    scans = np.load(ROOT / "data" / "digits.npz")["images"] / 16
    assert small.train_input.shape == (500, 1, 8, 8)
    assert any(np.array_equal(small.train_input[0, 0].numpy(), scan) for scan in scans)
    large = labo.load_dataset("digits", profile="tiny")
    assert torch.equal(small.train_target, large.train_target)

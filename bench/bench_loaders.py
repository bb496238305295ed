"""Duration of one epoch, by the way its batches are made and its loop is written.

Every row trains the same network on the same images, in one process, in turn: the rows are
interleaved and the fastest of several repetitions counts, so that a busy machine slows all of them
rather than one. Run it with LABO_DATA_DIR pointing at MNIST (the folder, or its parent) to measure
on the real images; otherwise the digits that ship with the project are repeated to the same number.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import labo

BATCH = 64
LR = 0.1
LINEAR_TARGET, CNN_TARGET = 5.0, 1.15


@dataclass(frozen=True)
class Images:
    """N x 1 x 28 x 28 images in [0, 1], their classes, and the same as torchvision reads them."""

    input: Tensor
    target: Tensor
    files: Dataset


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def cnn() -> nn.Module:
    """Build a small convolutional network, of the size that the labs train on a CPU."""
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU()),
        *(nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)),
    )


# ---- One epoch of each kind


def plain_loop(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def bare(model: nn.Module, images: Images) -> None:
    rows = torch.randperm(len(images.input)).split(BATCH)
    plain_loop(model, ((images.input[batch], images.target[batch]) for batch in rows))


def batch_loader(model: nn.Module, images: Images) -> None:
    plain_loop(model, labo.BatchLoader(images.input, images.target, BATCH, shuffle=True))


def labo_train(model: nn.Module, images: Images) -> None:
    data = (images.input, images.target)
    labo.train(model, data, epochs=1, lr=LR, batch_size=BATCH, verbose=False)


def tensor_dataset(model: nn.Module, images: Images) -> None:
    dataset = TensorDataset(images.input, images.target)
    plain_loop(model, DataLoader(dataset, BATCH, shuffle=True))


def torchvision_poutyne(model: nn.Module, images: Images) -> None:
    import poutyne

    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    fit = poutyne.Model(model, optimizer, "cross_entropy", batch_metrics=["accuracy"])
    fit.fit_generator(DataLoader(images.files, BATCH, shuffle=True), epochs=1, verbose=False)


BARE, TRAIN, TORCHVISION = "bare loop", "labo.train (Poutyne)", "torchvision DataLoader + Poutyne"
ROWS: dict[str, Callable[[nn.Module, Images], None]] = {
    BARE: bare,
    "bare loop, labo.BatchLoader": batch_loader,
    TRAIN: labo_train,
    "bare loop, DataLoader(TensorDataset)": tensor_dataset,
    TORCHVISION: torchvision_poutyne,
}


# ---- Measuring


def measure(build: Callable[[], nn.Module], images: Images, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each repetition of one epoch, by row."""
    times: dict[str, list[float]] = {row: [] for row in ROWS}
    for _ in track(range(repeats), build.__name__, console=Console(stderr=True), transient=True):
        for row, epoch in ROWS.items():
            model = build()
            start = time.perf_counter()
            epoch(model, images)
            times[row].append(time.perf_counter() - start)
    return times


def table(name: str, images: Images, times: dict[str, list[float]]) -> Table:
    title = f"{name}, {len(images.input)} images"
    result = Table("seconds per epoch", "best", "median", "vs bare loop", title=title)
    reference = min(times[BARE])
    for row, seconds in times.items():
        best, median = min(seconds), statistics.median(seconds)
        result.add_row(row, f"{best:.2f} s", f"{median:.2f} s", f"{best / reference:.2f} x")
    return result


def ratio(times: dict[str, list[float]], row: str, reference: str) -> float:
    return min(times[row]) / min(times[reference])


# ---- Images


def load(samples: int, folder: Path) -> Images:
    data = labo.load_dataset("mnist", profile="full")
    print(data.description)
    copies = -(-samples // len(data.train_input))
    if copies > 1:
        print(f"Repeated {copies} times to make {samples} images.")
    x = data.train_input.repeat(copies, 1, 1, 1)[:samples].contiguous()
    y = data.train_target.repeat(copies)[:samples]
    return Images(x, y, torchvision_mnist(x, y, folder))


def torchvision_mnist(x: Tensor, y: Tensor, folder: Path) -> Dataset:
    """Write images as MNIST's own files, and read them as torchvision's users do."""
    labo.ensure_torchvision()
    from torchvision import datasets, transforms

    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    pixels = (255 * x[:, 0]).round().to(torch.uint8)
    for prefix in ("train", "t10k"):  # torchvision wants both, and reads the first here
        write_idx(raw / f"{prefix}-images-idx3-ubyte", pixels)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", y.to(torch.uint8))
    return datasets.MNIST(folder, train=True, transform=transforms.ToTensor())


def write_idx(path: Path, values: Tensor) -> None:
    header = np.array([0x0800 + values.dim(), *values.shape], dtype=">i4")  # 8: unsigned bytes
    path.write_bytes(header.tobytes() + values.numpy().tobytes())


def first(images: Images, count: int) -> Images:
    files = torch.utils.data.Subset(images.files, range(min(count, len(images.input))))
    return Images(images.input[:count], images.target[:count], files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--linear-samples", type=int, default=60_000)
    parser.add_argument("--cnn-samples", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        images = load(max(options.linear_samples, options.cnn_samples), Path(folder))
        measure(linear, first(images, 2 * BATCH), 1)  # imports, first calls
        few, many = first(images, options.cnn_samples), first(images, options.linear_samples)
        on_linear = measure(linear, many, options.repeats)
        on_cnn = measure(cnn, few, options.repeats)

    print(f"Batches of {BATCH}, {torch.get_num_threads()} threads, torch {torch.__version__}.")
    console = Console()
    console.print(table("linear", many, on_linear))
    console.print(table("CNN", few, on_cnn))
    gain = ratio(on_linear, TORCHVISION, TRAIN)
    cost = ratio(on_cnn, TRAIN, BARE)
    print(f"linear: labo.train is {gain:.1f} x faster than torchvision + Poutyne", end=" ")
    print(f"(aim: at least {LINEAR_TARGET:g} x)")
    print(f"CNN: labo.train takes {cost:.2f} x the bare loop (aim: at most {CNN_TARGET} x)")


if __name__ == "__main__":
    main()

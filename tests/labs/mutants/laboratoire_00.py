"""Plausible wrong answers to the exercises of Laboratoire 0; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_tartan = partial(edited, "laboratoire_00", "tartan")
_strides = partial(edited, "laboratoire_00", "read_with_strides")
_distances = partial(edited, "laboratoire_00", "squared_distances")
_split = partial(edited, "laboratoire_00", "split")
_standardize = partial(edited, "laboratoire_00", "standardize")
_knn = partial(edited, "laboratoire_00", "knn")
_regression = partial(edited, "laboratoire_00", "linear_regression")
_coded = partial(edited, "laboratoire_00", "signed_one_hot")
_pca = partial(edited, "laboratoire_00", "pca")

_DISTANCES = "(x.unsqueeze(1) - y).square().sum(2)"

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "tartan": [
        (
            "crossings first",
            _tartan(
                (
                    "pattern = torch.ones(n, n)\n",
                    "pattern = torch.ones(n, n)\n    pattern[::3, ::3] = 5\n",
                ),
                ("    pattern[::3, ::3] = 5\n    return", "    return"),
            ),
        ),
        (
            "starts at 1",
            _tartan(
                ("pattern[::3] = 2", "pattern[1::3] = 2"),
                ("pattern[:, ::3] = 2", "pattern[:, 1::3] = 2"),
                ("pattern[::3, ::3] = 5", "pattern[1::3, 1::3] = 5"),
            ),
        ),
        (
            "every second",
            _tartan(
                ("pattern[::3] = 2", "pattern[::2] = 2"),
                ("pattern[:, ::3] = 2", "pattern[:, ::2] = 2"),
                ("pattern[::3, ::3] = 5", "pattern[::2, ::2] = 5"),
            ),
        ),
        ("rows only", _tartan(("    pattern[:, ::3] = 2\n", ""))),
        ("integers", _tartan(("torch.ones(n, n)", "torch.ones(n, n, dtype=torch.int64)"))),
        ("zeros", _tartan(("torch.ones(n, n)", "torch.zeros(n, n)"))),
        (
            "a loop",
            _tartan(("pattern[::3] = 2", "for i in range(0, n, 3):\n        pattern[i] = 2")),
        ),
        (
            "map",
            _tartan(
                ("pattern[::3] = 2", "list(map(lambda i: pattern[i].fill_(2), range(0, n, 3)))")
            ),
        ),
        ("always 13", _tartan(("torch.ones(n, n)", "torch.ones(13, 13)"))),
        (
            "crossings added",
            _tartan(("    pattern[::3, ::3] = 5\n", "    pattern[::3, ::3] += 2\n")),
        ),
    ],
    "read_with_strides": [
        ("start forgotten", _strides(("start + rows", "rows"))),
        (
            "strides exchanged",
            _strides(
                ("strides[0] *", "strides[1] * 1 *"),
                ("= strides[1] * torch.arange(shape[1])", "= strides[0] * torch.arange(shape[1])"),
            ),
        ),
        (
            "strides of a contiguous matrix",
            _strides(
                ("strides[0] * torch", "shape[1] * torch"), ("strides[1] * torch", "1 * torch")
            ),
        ),
        (
            "shape exchanged",
            _strides(
                ("torch.arange(shape[0])", "torch.arange(shape[1])"),
                ("* torch.arange(shape[1])\n    return", "* torch.arange(shape[0])\n    return"),
            ),
        ),
        (
            "view of the first cells",
            _strides(
                (
                    "return storage[start + rows + columns]",
                    "return storage[start : start + shape[0] * shape[1]].view(shape)",
                )
            ),
        ),
        (
            "as_strided",
            _strides(
                (
                    "return storage[start + rows + columns]",
                    "return storage.as_strided(shape, strides, start)",
                )
            ),
        ),
        ("counts from 1", _strides(("start + rows", "start + 1 + rows"))),
        (
            "start multiplied",
            _strides(("start + rows + columns", "start * strides[0] + rows + columns")),
        ),
    ],
    "squared_distances": [
        ("the root", _distances((_DISTANCES, f"{_DISTANCES}.sqrt()"))),
        ("mean", _distances((".sum(2)", ".mean(2)"))),
        ("absolute values", _distances((".square()", ".abs()"))),
        ("over the points", _distances((".sum(2)", ".sum(1)"))),
        ("transposed", _distances((_DISTANCES, f"{_DISTANCES}.T"))),
        (
            "pairs of the same index",
            _distances((_DISTANCES, "(x[: len(y)] - y[: len(x)]).square().sum(1)")),
        ),
        ("cdist", _distances((_DISTANCES, "torch.cdist(x, y).square()"))),
        ("a loop", _distances((_DISTANCES, "torch.stack([(p - y).square().sum(1) for p in x])"))),
        ("norms forgotten", _distances((_DISTANCES, "-2 * x @ y.T"))),
        (
            "in place",
            _distances(
                (f"return {_DISTANCES}", f"result = {_DISTANCES}\n    x -= 1\n    return result")
            ),
        ),
    ],
    "split": [
        (
            "not shuffled",
            _split(
                (
                    "torch.randperm(n, generator=torch.Generator().manual_seed(seed))",
                    "torch.arange(n)",
                )
            ),
        ),
        (
            "the global generator",
            _split(
                (
                    "generator=torch.Generator().manual_seed(seed)",
                    "generator=torch.manual_seed(seed)",
                )
            ),
        ),
        (
            "the last one is rounded too",
            _split(
                ("shares[:-1]", "shares"),
                (
                    "[*sizes, n - sum(sizes)]",
                    "[s for s in sizes] if sum(sizes) == n else sizes[:-1] + [sizes[-1], n - sum(sizes)]",
                ),
            ),
        ),
        ("floor", _split(("round(share * n)", "int(share * n)"))),
        (
            "with replacement",
            _split(("torch.randperm(n, generator=", "torch.randint(n, (n,), generator=")),
        ),
        ("seed ignored", _split(("manual_seed(seed)", "manual_seed(0)"))),
        (
            "drawn again at each part",
            _split(
                (
                    "return list(order.split([*sizes, n - sum(sizes)]))",
                    "return [torch.randperm(n)[:size] for size in [*sizes, n - sum(sizes)]]",
                )
            ),
        ),
        ("what is left is dropped", _split(("n - sum(sizes)]))", "n - sum(sizes) - 1, 1])[:-1])"))),
    ],
    "standardize": [
        (
            "statistics of each",
            _standardize(("(other - mean) / std", "(other - other.mean(0)) / std")),
        ),
        (
            "statistics of both",
            _standardize(
                ("train.mean(0), train.std(0)", "torch.cat([train, other]).mean(0), train.std(0)")
            ),
        ),
        ("one mean for all", _standardize(("train.mean(0)", "train.mean()"))),
        (
            "one deviation for all",
            _standardize(("train.std(0)", "train.std().expand(train.shape[1])")),
        ),
        ("division by zero", _standardize(("    std = torch.where(std > 0, std, 1.0)\n", ""))),
        ("variance", _standardize(("train.std(0)", "train.var(0)"))),
        ("biased", _standardize(("train.std(0)", "train.std(0, correction=0)"))),
        (
            "by rows",
            _standardize(
                (
                    "train.mean(0), train.std(0)",
                    "train.mean(1, keepdim=True).mean(), train.std(1).mean().expand(train.shape[1])",
                )
            ),
        ),
        (
            "in place",
            _standardize(
                ("return (train - mean) / std", "train.sub_(mean).div_(std)\n    return train")
            ),
        ),
        ("not centred", _standardize(("(other - mean) / std", "other / std"))),
    ],
    "knn": [
        ("the farthest", _knn(("largest=False", "largest=True"))),
        ("one neighbour", _knn(("topk(k,", "topk(1,"))),
        (
            "ties to the largest class",
            _knn(("return votes.argmax(1)", "return votes.shape[1] - 1 - votes.flip(1).argmax(1)")),
        ),
        (
            "mean of the classes",
            _knn(
                (
                    "return votes.argmax(1)",
                    "return train_y[neighbours].float().mean(1).round().long()",
                )
            ),
        ),
        (
            "ties to the nearest",
            _knn(
                (
                    "return votes.argmax(1)",
                    "weights = votes.gather(1, train_y[neighbours])\n    return train_y[neighbours].gather(1, weights.argmax(1, keepdim=True)).squeeze(1)",
                )
            ),
        ),
        ("indices for classes", _knn(("return votes.argmax(1)", "return neighbours[:, 0]"))),
        (
            "neighbours of the examples",
            _knn(("torch.cdist(x, train_x)", "torch.cdist(train_x, train_x)[: len(x)]")),
        ),
        ("one more neighbour", _knn(("topk(k,", "topk(min(k + 1, len(train_x)),"))),
    ],
    "linear_regression": [
        ("no bias", _regression(("torch.ones_like(x[:, :1])", "torch.zeros_like(x[:, :1])"))),
        (
            "weights transposed",
            _regression(
                ("return solution[:-1], solution[-1]", "return solution[:-1].T, solution[-1]")
            ),
        ),
        (
            "bias taken from the first row",
            _regression(("return solution[:-1], solution[-1]", "return solution[1:], solution[0]")),
        ),
        (
            "ridge",
            _regression(
                (
                    "torch.linalg.pinv(design) @ y",
                    "torch.linalg.solve(design.T @ design + 0.1 * torch.eye(design.shape[1], dtype=x.dtype), design.T @ y)",
                )
            ),
        ),
        (
            "a solve that needs full rank",
            _regression(
                (
                    "torch.linalg.pinv(design) @ y",
                    "torch.linalg.solve(design.T @ design, design.T @ y)",
                )
            ),
        ),
        (
            "transpose for inverse",
            _regression(("torch.linalg.pinv(design) @ y", "design.T @ y / len(x)")),
        ),
        ("centred targets, bias forgotten", _regression(("@ y\n", "@ (y - y.mean(0))\n"))),
        ("in place", _regression(("solution = ", "y -= 0 * y\n    x += 1e-9\n    solution = "))),
    ],
    "signed_one_hot": [
        (
            "0 for -1",
            _coded(
                (
                    "2 * F.one_hot(target, n_classes).float() - 1",
                    "F.one_hot(target, n_classes).float()",
                )
            ),
        ),
        ("integers", _coded((".float()", ""))),
        (
            "signs exchanged",
            _coded(
                (
                    "2 * F.one_hot(target, n_classes).float() - 1",
                    "1 - 2 * F.one_hot(target, n_classes).float()",
                )
            ),
        ),
        (
            "classes counted in the targets",
            _coded(("F.one_hot(target, n_classes)", "F.one_hot(target)")),
        ),
        (
            "transposed",
            _coded(
                (
                    "return 2 * F.one_hot(target, n_classes).float() - 1",
                    "return (2 * F.one_hot(target, n_classes).float() - 1).T",
                )
            ),
        ),
        (
            "one too far",
            _coded(
                ("F.one_hot(target, n_classes)", "F.one_hot((target + 1) % n_classes, n_classes)")
            ),
        ),
    ],
    "pca": [
        ("not centred", _pca(("x - x.mean(0)", "x"))),
        ("one mean for all", _pca(("x.mean(0)", "x.mean()"))),
        ("divides by N", _pca(("(len(x) - 1)", "len(x)"))),
        (
            "smallest variance first",
            _pca(("vectors.T.flip(0)[:k], variances.flip(0)[:k]", "vectors.T[:k], variances[:k]")),
        ),
        ("vectors in columns", _pca(("vectors.T.flip(0)[:k]", "vectors.flip(1)[:, :k]"))),
        ("rows for columns", _pca(("vectors.T.flip(0)", "vectors.flip(0)"))),
        ("deviations", _pca(("variances.flip(0)[:k]", "variances.flip(0)[:k].sqrt()"))),
        (
            "standardised",
            _pca(("centered = x - x.mean(0)", "centered = (x - x.mean(0)) / x.std(0)")),
        ),
        ("all of them", _pca(("vectors.T.flip(0)[:k]", "vectors.T.flip(0)"))),
    ],
}

"""Plausible wrong answers to the exercises of Laboratoire 0; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_tartan = partial(edited, "laboratoire_00", "tartan")
_distances = partial(edited, "laboratoire_00", "squared_distances")
_knn = partial(edited, "laboratoire_00", "knn")
_prepare = partial(edited, "laboratoire_00", "prepare")
_kmeans = partial(edited, "laboratoire_00", "kmeans_step")
_pca = partial(edited, "laboratoire_00", "pca")
_squares = partial(edited, "laboratoire_00", "least_squares")

_DISTANCES = "(x.unsqueeze(1) - y).square().sum(2)"
_ORDER = "order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))"
_STATISTICS = "mean, std = x[train].mean(0), x[train].std(0)"
_PREPARED = "return (x[train] - mean) / std, y[train], (x[valid] - mean) / std, y[valid]"
_VOTES = "return votes.argmax(1)"
_MOVED = "moved[number] = x[clusters == number].mean(0)"
_COMPONENTS = "return vectors.T.flip(0)[:k], variances.flip(0)[:k]"
_SOLVED = "torch.linalg.pinv(design) @ y"

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "tartan": [
        (
            "a table of thirty lines, cut",
            """
def tartan(n):
    table = torch.ones(30, 30)
    table[::3] = 2
    table[:, ::3] = 2
    table[::3, ::3] = 5
    return table[:n, :n]
""",
        ),
        (
            "reduce over the lines",
            """
import functools


def tartan(n):
    def put(pattern, i):
        pattern[i] = torch.where(pattern[i] > 1, 5.0, 2.0)
        pattern[:, i] = torch.where(torch.arange(n) % 3 == 0, 5.0, 2.0)
        return pattern

    return functools.reduce(put, range(0, n, 3), torch.ones(n, n))
""",
        ),
        (
            "accumulate over the lines, imported inside",
            """
def tartan(n):
    import itertools as tools

    first = torch.ones(n)
    first[::3] = 2
    crossed = torch.where(first > 1, 5.0, 2.0)
    lines = tools.accumulate(
        range(1, n), lambda line, i: first if i % 3 else crossed, initial=crossed
    )
    pattern = torch.stack(list(lines))
    return pattern
""",
        ),
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
        ("doubles", _tartan(("torch.ones(n, n)", "torch.ones(n, n).double()"))),
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
        (
            "a comprehension",
            """
def tartan(n):
    lines = [[5.0 if i % 3 == j % 3 == 0 else 2.0 if i % 3 == 0 or j % 3 == 0 else 1.0
              for j in range(n)] for i in range(n)]
    return torch.tensor(lines)
""",
        ),
        (
            "recursion",
            """
def tartan(n):
    if n == 0:
        return torch.zeros(0, 0)
    pattern = torch.ones(n, n)
    pattern[:-1, :-1] = tartan(n - 1)
    edge = torch.ones(n)
    edge[::3] = 2
    if (n - 1) % 3 == 0:
        edge[:] = 2
        edge[::3] = 5
    pattern[-1], pattern[:, -1] = edge, edge
    return pattern
""",
        ),
        ("always 5", _tartan(("torch.ones(n, n)", "torch.ones(5, 5)"))),
        (
            "crossings added",
            _tartan(("    pattern[::3, ::3] = 5\n", "    pattern[::3, ::3] += 2\n")),
        ),
        (
            "an array of NumPy",
            """
import numpy as np


def tartan(n):
    pattern = np.ones((n, n), dtype=np.float32)
    pattern[::3] = pattern[:, ::3] = 2
    pattern[::3, ::3] = 5
    return pattern
""",
        ),
        (
            "the diagonal of crossings only",
            _tartan(
                (
                    "pattern[::3, ::3] = 5",
                    "every = torch.arange(0, n, 3)\n    pattern[every, every] = 5",
                )
            ),
        ),
    ],
    "squared_distances": [
        (
            "reduce over the columns",
            """
import functools


def squared_distances(x, y):
    def put(total, d):
        return total + (x[:, d, None] - y[:, d]) ** 2

    return functools.reduce(put, range(x.shape[1]), torch.zeros(len(x), len(y), dtype=x.dtype))
""",
        ),
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
        (
            "cdist by another name",
            """
from torch import cdist as between


def squared_distances(x, y):
    return between(x, y) ** 2
""",
        ),
        (
            "pairwise_distance",
            _distances((_DISTANCES, "F.pairwise_distance(x.unsqueeze(1), y, eps=0) ** 2")),
        ),
        ("a loop", _distances((_DISTANCES, "torch.stack([(p - y).square().sum(1) for p in x])"))),
        (
            "while loop over examples",
            """
def squared_distances(x, y):
    d, i = x.new_zeros(len(x), len(y)), 0
    while i < len(x):
        d[i] = (y - x[i]).square().sum(1)
        i += 1
    return d
""",
        ),
        ("vmap", _distances((_DISTANCES, "torch.vmap(lambda p: (p - y).square().sum(1))(x)"))),
        ("norms forgotten", _distances((_DISTANCES, "-2 * x @ y.T"))),
        (
            "one norm forgotten",
            _distances((_DISTANCES, "x.square().sum(1, keepdim=True) - 2 * x @ y.T")),
        ),
        (
            "sign of the product",
            _distances(
                (
                    _DISTANCES,
                    "x.square().sum(1, keepdim=True) + 2 * x @ y.T + y.square().sum(1)",
                )
            ),
        ),
        ("squeezed", _distances((_DISTANCES, f"{_DISTANCES}.squeeze()"))),
        (
            "in place",
            _distances(
                (f"return {_DISTANCES}", f"result = {_DISTANCES}\n    x -= 1\n    return result")
            ),
        ),
        ("sum before the square", _distances((".square().sum(2)", ".sum(2).square()"))),
    ],
    "knn": [
        (
            "no neighbour at distance 0",
            """
def knn(train_x, train_y, x, k):
    distances = torch.cdist(x, train_x)
    distances[distances == 0] = float("inf")
    neighbours = distances.topk(k, largest=False).indices
    return F.one_hot(train_y[neighbours]).sum(1).argmax(1)
""",
        ),
        (
            "equal examples have one vote",
            """
def knn(train_x, train_y, x, k):
    places, number = train_x.unique(dim=0, return_inverse=True)
    first = torch.tensor([int((number == place).nonzero()[0]) for place in range(len(places))])
    neighbours = torch.cdist(x, places).topk(min(k, len(places)), largest=False).indices
    return F.one_hot(train_y[first][neighbours]).sum(1).argmax(1)
""",
        ),
        ("the farthest", _knn(("largest=False", "largest=True"))),
        ("one neighbour", _knn(("topk(k,", "topk(1,"))),
        (
            "ties to the largest class",
            _knn((_VOTES, "return votes.shape[1] - 1 - votes.flip(1).argmax(1)")),
        ),
        (
            "mean of the classes",
            _knn((_VOTES, "return train_y[neighbours].float().mean(1).round().long()")),
        ),
        ("median of the classes", _knn((_VOTES, "return train_y[neighbours].median(1).values"))),
        (
            "ties to the nearest",
            _knn(
                (
                    _VOTES,
                    "weights = votes.gather(1, train_y[neighbours])\n    return train_y[neighbours].gather(1, weights.argmax(1, keepdim=True)).squeeze(1)",
                )
            ),
        ),
        ("indices for classes", _knn((_VOTES, "return neighbours[:, 0]"))),
        (
            "neighbours of the examples",
            _knn(("torch.cdist(x, train_x)", "torch.cdist(train_x, train_x)[: len(x)]")),
        ),
        ("one more neighbour", _knn(("topk(k,", "topk(min(k + 1, len(train_x)),"))),
        ("itself left out", _knn(("topk(k, largest=False).indices", "argsort(1)[:, 1 : k + 1]"))),
        ("int32", _knn((_VOTES, "return votes.argmax(1).int()"))),
        ("ten classes", _knn(("int(train_y.max()) + 1", "10"))),
        ("classes that are there", _knn(("int(train_y.max()) + 1", "len(train_y.unique())"))),
        ("the dot product", _knn(("torch.cdist(x, train_x)", "(x @ train_x.T)"))),
        ("largest dot product", _knn(("torch.cdist(x, train_x)", "(-x @ train_x.T)"))),
        ("k is always 3", _knn(("topk(k,", "topk(min(3, len(train_x)),"))),
        (
            "votes weighted by the distance",
            """
def knn(train_x, train_y, x, k):
    near = torch.cdist(x, train_x).topk(k, largest=False)
    coded = F.one_hot(train_y[near.indices], int(train_y.max()) + 1)
    return (coded / (near.values.unsqueeze(2) + 1e-6)).sum(1).argmax(1)
""",
        ),
        ("squeezed", _knn((_VOTES, "return votes.argmax(1).squeeze()"))),
        (
            "sums of absolute values",
            _knn(("torch.cdist(x, train_x)", "torch.cdist(x, train_x, p=1)")),
        ),
        (
            "largest coordinate",
            _knn(("torch.cdist(x, train_x)", "torch.cdist(x, train_x, p=torch.inf)")),
        ),
        (
            "angles",
            _knn(
                (
                    "torch.cdist(x, train_x)",
                    "(-F.normalize(x, dim=1) @ F.normalize(train_x, dim=1).T)",
                )
            ),
        ),
        (
            "examples sorted in place",
            """
def knn(train_x, train_y, x, k):
    order = torch.cdist(x, train_x).argsort(1)[:, :k]
    answer = train_y[order].mode(1).values
    train_y.copy_(train_y.sort().values)
    return answer
""",
        ),
    ],
    "prepare": [
        (
            "the last ones, none of them",
            """
def prepare(x, y, share, seed=0):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    held_out = len(x) - round(share * len(x))
    train, valid = order[:-held_out], order[-held_out:]
    mean, std = x[train].mean(0), x[train].std(0)
    std = torch.where(std > 0, std, 1.0)
    return (x[train] - mean) / std, y[train], (x[valid] - mean) / std, y[valid]
""",
        ),
        (
            "turned, not shuffled",
            """
def prepare(x, y, share, seed=0):
    start = int(torch.randint(len(x), (), generator=torch.Generator().manual_seed(seed)))
    train, valid = torch.arange(len(x)).roll(start).tensor_split([round(share * len(x))])
    mean, std = x[train].mean(0), x[train].std(0)
    std = torch.where(std > 0, std, 1.0)
    return (x[train] - mean) / std, y[train], (x[valid] - mean) / std, y[valid]
""",
        ),
        (
            "integer labels",
            """
def prepare(x, y, share, seed=0):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    train, valid = order.tensor_split([round(share * len(x))])
    mean, std = x[train].mean(0), x[train].std(0)
    std = torch.where(std > 0, std, 1.0)
    y = y.long()
    return (x[train] - mean) / std, y[train], (x[valid] - mean) / std, y[valid]
""",
        ),
        (
            "labels that are floats",
            """
def prepare(x, y, share, seed=0):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    train, valid = order.tensor_split([round(share * len(x))])
    mean, std = x[train].mean(0), x[train].std(0)
    std = torch.where(std > 0, std, 1.0)
    return (x[train] - mean) / std, y[train].float(), (x[valid] - mean) / std, y[valid].float()
""",
        ),
        (
            "labels of a table of int64",
            """
def prepare(x, y, share, seed=0):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    train, valid = order.tensor_split([round(share * len(x))])
    mean, std = x[train].mean(0), x[train].std(0)
    std = torch.where(std > 0, std, 1.0)
    y = torch.tensor([int(label) for label in y]).to(y.dtype)
    return (x[train] - mean) / std, y[train], (x[valid] - mean) / std, y[valid]
""",
        ),
        (
            "as it was broken",
            """
def prepare(x, y, share, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = x[torch.randperm(len(x), generator=generator)]
    y = y[torch.randperm(len(y), generator=generator)]
    x = (x - x.mean(0)) / x.std(0)
    cut = round(share * len(x))
    return x[:cut], y[:cut], x[cut:], y[cut:]
""",
        ),
        ("the leak is left", _prepare((_STATISTICS, "mean, std = x.mean(0), x.std(0)"))),
        (
            "the deviation leaks",
            _prepare((_STATISTICS, "mean, std = x[train].mean(0), x.std(0)")),
        ),
        (
            "the labels are shuffled otherwise",
            _prepare((_PREPARED, _PREPARED.replace("y[train]", "y[train.flip(0)]"))),
        ),
        (
            "statistics of each part",
            _prepare(
                (
                    _PREPARED,
                    "held = x[valid]\n    other = torch.where(held.std(0) > 0, held.std(0), 1.0)\n"
                    "    return (x[train] - mean) / std, y[train], (held - held.mean(0)) / other, y[valid]",
                )
            ),
        ),
        ("division by zero", _prepare(("    std = torch.where(std > 0, std, 1.0)\n", ""))),
        (
            "a small number added",
            _prepare(("std = torch.where(std > 0, std, 1.0)", "std = std + 1e-8")),
        ),
        (
            "clamped",
            _prepare(("std = torch.where(std > 0, std, 1.0)", "std = std.clamp(min=1e-6)")),
        ),
        (
            "small deviations treated as constant",
            _prepare(("torch.where(std > 0, std, 1.0)", "torch.where(std > 0.1, std, 1.0)")),
        ),
        (
            "nan to zero",
            _prepare(
                ("    std = torch.where(std > 0, std, 1.0)\n", ""),
                (
                    _PREPARED,
                    "a, b = ((x[rows] - mean) / std for rows in (train, valid))\n"
                    "    return a.nan_to_num(0, 0, 0), y[train], b.nan_to_num(0, 0, 0), y[valid]",
                ),
            ),
        ),
        ("not shuffled", _prepare((_ORDER, "order = torch.arange(len(x))"))),
        (
            "the global generator",
            _prepare((_ORDER, "torch.manual_seed(seed)\n    order = torch.randperm(len(x))")),
        ),
        ("seed ignored", _prepare(("manual_seed(seed)", "manual_seed(0)"))),
        (
            "with replacement",
            _prepare(
                (
                    _ORDER,
                    "order = torch.randint(len(x), (len(x),), "
                    "generator=torch.Generator().manual_seed(seed))",
                )
            ),
        ),
        ("floor", _prepare(("round(share * len(x))", "int(share * len(x))"))),
        (
            "one mean for all",
            _prepare((_STATISTICS, "mean, std = x[train].mean(), x[train].std(0)")),
        ),
        ("biased", _prepare(("x[train].std(0)", "x[train].std(0, correction=0)"))),
        ("variance", _prepare(("x[train].std(0)", "x[train].var(0)"))),
        ("not centred", _prepare(("(x[valid] - mean) / std", "x[valid] / std"))),
        (
            "in place",
            _prepare(
                (_PREPARED, f"x -= mean\n    x /= std\n    mean, std = 0, 1\n    {_PREPARED}")
            ),
        ),
        (
            "parts exchanged",
            _prepare(("train, valid = order", "valid, train = order")),
        ),
    ],
    "kmeans_step": [
        (
            "equal examples count once",
            _kmeans((_MOVED, "moved[number] = x[clusters == number].unique(dim=0).mean(0)")),
        ),
        ("the farthest", _kmeans(("argmin(1)", "argmax(1)"))),
        ("an empty group is nan", _kmeans(("clusters.unique()", "range(len(centers))"))),
        ("an empty group goes to zero", _kmeans(("centers.clone()", "torch.zeros_like(centers)"))),
        (
            "in place",
            _kmeans(("moved = centers.clone()", "moved = centers")),
        ),
        ("the sum", _kmeans((".mean(0)\n    return", ".sum(0)\n    return"))),
        ("one mean for all coordinates", _kmeans((_MOVED, _MOVED.replace("mean(0)", "mean()")))),
        ("the median", _kmeans((_MOVED, _MOVED.replace("mean(0)", "median(0).values")))),
        ("int32", _kmeans(("argmin(1)", "argmin(1).int()"))),
        (
            "groups of the new centres",
            _kmeans(("return clusters, moved", "return torch.cdist(x, moved).argmin(1), moved")),
        ),
        ("exchanged", _kmeans(("return clusters, moved", "return moved, clusters"))),
        (
            "ties to the largest",
            _kmeans(
                (
                    "torch.cdist(x, centers).argmin(1)",
                    "len(centers) - 1 - torch.cdist(x, centers).flip(1).argmin(1)",
                )
            ),
        ),
        ("groups of the centres", _kmeans(("torch.cdist(x, centers)", "torch.cdist(centers, x)"))),
        (
            "mean of the centre with its examples",
            _kmeans(
                (_MOVED, _MOVED.replace("= x", "= (moved[number] + x").replace("(0)", "(0)) / 2"))
            ),
        ),
        (
            "a centre moves while the others wait",
            """
def kmeans_step(x, centers):
    moved = centers.clone()
    for number in range(len(moved)):
        clusters = torch.cdist(x, moved).argmin(1)
        if (clusters == number).any():
            moved[number] = x[clusters == number].mean(0)
    return clusters, moved
""",
        ),
        (
            "empty group moved to an example",
            """
def kmeans_step(x, centers):
    clusters = torch.cdist(x, centers).argmin(1)
    moved = centers.clone()
    for number in range(len(moved)):
        chosen = x[clusters == number]
        moved[number] = chosen.mean(0) if len(chosen) else x[0]
    return clusters, moved
""",
        ),
        (
            "empty groups left out",
            _kmeans(("return clusters, moved", "return clusters, moved[clusters.unique()]")),
        ),
        (
            "counts raised to one",
            """
def kmeans_step(x, centers):
    clusters = torch.cdist(x, centers).argmin(1)
    member = F.one_hot(clusters, len(centers)).to(x.dtype)
    return clusters, member.T @ x / member.sum(0).clamp(min=1).unsqueeze(1)
""",
        ),
        (
            "number of groups found in the examples",
            """
def kmeans_step(x, centers):
    clusters = torch.cdist(x, centers).argmin(1)
    member = F.one_hot(clusters).to(x.dtype)
    return clusters, member.T @ x / member.sum(0).unsqueeze(1)
""",
        ),
        (
            "sums of absolute values",
            _kmeans(("torch.cdist(x, centers)", "torch.cdist(x, centers, p=1)")),
        ),
        (
            "single precision, and in place when it was already",
            _kmeans(("moved = centers.clone()", "x, moved = x.float(), centers.float().detach()")),
        ),
        (
            "repeated until nothing moves",
            """
def kmeans_step(x, centers):
    moved = centers.clone()
    for _ in range(50):
        clusters = torch.cdist(x, moved).argmin(1)
        for number in clusters.unique():
            moved[number] = x[clusters == number].mean(0)
    return clusters, moved
""",
        ),
        (
            "distances of one coordinate",
            _kmeans(("torch.cdist(x, centers)", "torch.cdist(x[:, :1], centers[:, :1])")),
        ),
        (
            "what an example of these sizes gave is kept",
            """
_kept = {}

def kmeans_step(x, centers):
    sizes = x.shape, centers.shape
    if sizes not in _kept:
        groups = torch.cdist(x, centers).argmin(1)
        means = [x[groups == k].mean(0) if (groups == k).any() else centers[k] for k in range(len(centers))]
        _kept[sizes] = groups, torch.stack(means)
    return _kept[sizes]
""",
        ),
    ],
    "pca": [
        ("not centred", _pca(("x - x.mean(0)", "x"))),
        ("one mean for all", _pca(("x.mean(0)", "x.mean()"))),
        ("centred by rows", _pca(("x.mean(0)", "x.mean(1, keepdim=True)"))),
        ("divides by N", _pca(("(len(x) - 1)", "len(x)"))),
        (
            "smallest variance first",
            _pca((_COMPONENTS, "return vectors.T[:k], variances[:k]")),
        ),
        (
            "increasing order",
            _pca((_COMPONENTS, "return vectors.T[-k:], variances[-k:]")),
        ),
        ("vectors in columns", _pca(("vectors.T.flip(0)[:k]", "vectors.flip(1)[:, :k]"))),
        ("rows for columns", _pca(("vectors.T.flip(0)", "vectors.flip(0)"))),
        ("columns not turned", _pca(("vectors.T.flip(0)", "vectors.flip(1)"))),
        ("deviations", _pca(("variances.flip(0)[:k]", "variances.flip(0)[:k].sqrt()"))),
        (
            "standardised",
            _pca(("centered = x - x.mean(0)", "centered = (x - x.mean(0)) / x.std(0)")),
        ),
        ("all of them", _pca(("vectors.T.flip(0)[:k]", "vectors.T.flip(0)"))),
        ("scaled", _pca((_COMPONENTS, _COMPONENTS.replace("[:k],", "[:k] * 2,")))),
        ("shares", _pca((_COMPONENTS, f"{_COMPONENTS} / variances.sum()"))),
        (
            "reduced SVD, fewer than k components when N is small",
            """
def pca(x, k):
    c = x - x.mean(0)
    _, s, v = torch.linalg.svd(c, full_matrices=False)
    return v[:k], s[:k] ** 2 / (len(x) - 1)
""",
        ),
        (
            "singular values",
            """
def pca(x, k):
    _, s, v = torch.linalg.svd(x - x.mean(0))
    s = torch.cat([s, s.new_zeros(v.shape[0])])
    return v[:k], s[:k] / (len(x) - 1)
""",
        ),
        ("in place", _pca(("centered = x - x.mean(0)", "centered = x.sub_(x.mean(0))"))),
        (
            "projections",
            _pca((_COMPONENTS, "return centered @ vectors.flip(1)[:, :k], variances.flip(0)[:k]")),
        ),
        (
            "correlation",
            _pca(
                (
                    "centered.T @ centered / (len(x) - 1)",
                    "torch.corrcoef(x.T).reshape(x.shape[1], -1)",
                )
            ),
        ),
        (
            "the covariance of the first call of these sizes",
            """
_kept = {}

def pca(x, k):
    values, vectors = _kept.setdefault(x.shape, torch.linalg.eigh(torch.cov(x.T)))
    return vectors.flip(1)[:, :k].T, values.flip(0)[:k]
""",
        ),
    ],
    "least_squares": [
        (
            "a weak ridge",
            """
def least_squares(x, y):
    a = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    solution = torch.linalg.solve(a.T @ a + 1e-6 * torch.eye(a.shape[1], dtype=a.dtype), a.T @ y)
    return solution[:-1].T, solution[-1]
""",
        ),
        (
            "a tiny ridge",
            """
def least_squares(x, y):
    a = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    solution = torch.linalg.solve(a.T @ a + 1e-8 * torch.eye(a.shape[1], dtype=a.dtype), a.T @ y)
    return solution[:-1].T, solution[-1]
""",
        ),
        (
            "float32 in the middle",
            """
def least_squares(x, y):
    a = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    solution = torch.linalg.pinv((a.T @ a).float()).to(x.dtype) @ a.T @ y
    return solution[:-1].T, solution[-1]
""",
        ),
        (
            "singular values under 0.01 dropped",
            """
def least_squares(x, y):
    a = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    solution = torch.linalg.pinv(a, rtol=1e-2) @ y
    return solution[:-1].T, solution[-1]
""",
        ),
        ("no bias", _squares(("torch.ones_like(x[:, :1])", "torch.zeros_like(x[:, :1])"))),
        ("weights transposed", _squares(("solution[:-1].T", "solution[:-1]"))),
        (
            "bias taken from the first row",
            _squares(
                ("return solution[:-1].T, solution[-1]", "return solution[1:].T, solution[0]")
            ),
        ),
        ("bias of two dimensions", _squares((", solution[-1]", ", solution[-1:]"))),
        (
            "a strong ridge",
            _squares(
                (
                    _SOLVED,
                    "torch.linalg.solve(design.T @ design + 0.1 * torch.eye(design.shape[1], dtype=x.dtype), design.T @ y)",
                )
            ),
        ),
        (
            "a solve that needs full rank",
            _squares((_SOLVED, "torch.linalg.solve(design.T @ design, design.T @ y)")),
        ),
        ("an inverse", _squares((_SOLVED, "torch.linalg.inv(design.T @ design) @ design.T @ y"))),
        ("transpose for inverse", _squares((_SOLVED, "design.T @ y / len(x)"))),
        ("centred targets, bias forgotten", _squares(("@ y\n", "@ (y - y.mean(0))\n"))),
        (
            "mean of the targets for bias",
            _squares((", solution[-1]", ", y.mean(0)")),
        ),
        ("in place", _squares(("solution = ", "y -= 0 * y\n    x += 1e-9\n    solution = "))),
        ("first output only", _squares((", solution[-1]", ", solution[-1][:1]"))),
        (
            "squeezed",
            _squares(("solution[:-1].T, solution[-1]", "solution[:-1].T.squeeze(), solution[-1]")),
        ),
        (
            "exchanged",
            _squares(
                ("return solution[:-1].T, solution[-1]", "return solution[-1], solution[:-1].T")
            ),
        ),
        (
            "bias left for the end",
            """
def least_squares(x, y):
    weight = (torch.linalg.pinv(x) @ y).T
    return weight, (y - x @ weight.T).mean(0)
""",
        ),
        ("column of N", _squares(("solution = ", "design[:, -1] = len(x)\n    solution = "))),
        (
            "a hundred steps of gradient",
            """
def least_squares(x, y):
    weight, bias = x.new_zeros(y.shape[1], x.shape[1]), x.new_zeros(y.shape[1])
    for _ in range(100):
        error = x @ weight.T + bias - y
        weight -= 0.01 * error.T @ x / len(x)
        bias -= 0.01 * error.mean(0)
    return weight, bias
""",
        ),
    ],
}

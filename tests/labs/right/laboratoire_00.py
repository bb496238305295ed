"""Right answers to the exercises of Laboratoire 0, in other styles; its tests must accept them all.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "tartan": [
        (
            "fromfunction, which calls once",
            """
import numpy


def tartan(n):
    def value(i, j):
        return numpy.where(
            (i % 3 == 0) & (j % 3 == 0), 5, numpy.where((i % 3 == 0) | (j % 3 == 0), 2, 1)
        )

    return torch.tensor(numpy.fromfunction(value, (n, n)), dtype=torch.float32)
""",
        ),
        (
            "fromfunction of a lambda",
            """
import numpy


def tartan(n: int) -> torch.Tensor:
    pattern = numpy.fromfunction(
        lambda i, j: numpy.where(i % 3 == 0, numpy.where(j % 3 == 0, 5, 2),
                                 numpy.where(j % 3 == 0, 2, 1)),
        (n, n),
    )
    return torch.from_numpy(pattern).float()
""",
        ),
        (
            "English comments with the word for",
            '''
def tartan(n: int) -> torch.Tensor:
    """A pattern for which no for, no while and no map is needed."""
    pattern = torch.ones(n, n)
    pattern[::3] = 2  # for the rows
    pattern[:, ::3] = 2  # same for columns
    pattern[::3, ::3] = 5
    return pattern
''',
        ),
        (
            "an outer product",
            """
def tartan(n):
    m = (torch.arange(n) % 3 == 0).float()
    return 1 + m[:, None] + m[None, :] + 2 * torch.outer(m, m)
""",
        ),
        (
            "where",
            """
def tartan(n):
    i = torch.arange(n)
    row, column = i.view(n, 1) % 3 == 0, i.view(1, n) % 3 == 0
    return torch.where(row & column, 5.0, torch.where(row | column, 2.0, 1.0))
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def tartan(n):
    pattern = np.full((n, n), 1)
    pattern[0:n:3, :] = 2
    pattern[:, 0:n:3] = 2
    pattern[np.ix_(np.arange(0, n, 3), np.arange(0, n, 3))] = 5
    return torch.from_numpy(pattern.astype(np.float32))
""",
        ),
        (
            "a Kronecker product",
            """
def tartan(n):
    tile = torch.ones(3, 3)
    tile[0] = tile[:, 0] = 2
    tile[0, 0] = 5
    k = (n + 2) // 3
    return torch.kron(torch.ones(k, k), tile)[:n, :n].clone()
""",
        ),
        (
            "a tile that is repeated",
            """
TILE = torch.tensor([[5.0, 2.0, 2.0], [2.0, 1.0, 1.0], [2.0, 1.0, 1.0]])


def tartan(n):
    times = -(-n // 3)
    return TILE.repeat(times, times)[:n, :n]
""",
        ),
        (
            "integers, converted at the end, with a helper",
            """
def lines(n):
    return torch.arange(0, n, 3)


def tartan(n):
    pattern = torch.ones((n, n), dtype=torch.long)
    pattern[lines(n)] = 2
    pattern[:, lines(n)] = 2
    pattern[lines(n)[:, None], lines(n)] = 5
    return pattern.to(torch.float32)
""",
        ),
        (
            "a table of two marks",
            """
def tartan(n):
    mark = torch.zeros(n, dtype=torch.long)
    mark[::3] = 1
    values = torch.tensor([1.0, 2.0, 5.0])
    return values[mark.unsqueeze(0) + mark.unsqueeze(1)]
""",
        ),
        (
            "a table read at the number of lines",
            """
def tartan(n):
    r = (torch.arange(n) % 3 == 0).long()
    return torch.tensor([1., 2., 5.])[r[:, None] + r]
""",
        ),
    ],
    "squared_distances": [
        (
            "English comment with for, and cdist in a docstring",
            '''
def squared_distances(x, y):
    """As torch.cdist, squared: one row for each pair."""
    diff = x[:, None] - y  # one row for each pair
    return (diff * diff).sum(-1)
''',
        ),
        (
            "norms and products",
            """
def squared_distances(x, y):
    return x.pow(2).sum(1, keepdim=True) - 2 * x @ y.T + y.pow(2).sum(1)
""",
        ),
        (
            "einsum",
            """
def squared_distances(x, y):
    d = x[:, None, :] - y[None, :, :]
    return torch.einsum("npd,npd->np", d, d)
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def squared_distances(x, y):
    a, b = x.numpy(), y.numpy()
    return torch.from_numpy(((a[:, np.newaxis] - b[np.newaxis]) ** 2).sum(axis=-1))
""",
        ),
        (
            "single precision",
            """
def squared_distances(x, y):
    x, y = x.float(), y.float()
    gap = x.unsqueeze(1).expand(-1, len(y), -1) - y.unsqueeze(0).expand(len(x), -1, -1)
    return torch.pow(gap, 2).sum(dim=2)
""",
        ),
        (
            "the square of a norm",
            """
def squared_distances(x, y):
    return torch.linalg.vector_norm(x[:, None] - y[None], dim=2) ** 2
""",
        ),
        (
            "flattened pairs, and variables named as what is banned",
            """
def squared_distances(x, y):
    n, d = x.shape
    p = y.shape[0]
    cdist = x.repeat_interleave(p, dim=0) - y.repeat(n, 1)
    cdist *= cdist
    return cdist.sum(dim=1).reshape(n, p)
""",
        ),
    ],
    "knn": [
        (
            "loops and a Counter",
            """
from collections import Counter


def knn(train_x, train_y, x, k):
    answers = []
    for point in x:
        distances = [(float(((point - e) ** 2).sum()), int(c)) for e, c in zip(train_x, train_y)]
        votes = Counter(c for _, c in sorted(distances, key=lambda pair: pair[0])[:k])
        answers.append(min(votes, key=lambda c: (-votes[c], c)))
    return torch.tensor(answers)
""",
        ),
        (
            "torch.mode",
            """
def knn(train_x, train_y, x, k):
    order = ((x[:, None] - train_x) ** 2).sum(-1).argsort(dim=1)
    return train_y[order[:, :k]].mode(dim=1).values
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def knn(train_x, train_y, x, k):
    a, b, labels = x.numpy(), train_x.numpy(), train_y.numpy()
    out = np.empty(len(a), dtype=np.int64)
    for i, point in enumerate(a):
        near = np.argsort(((b - point) ** 2).sum(1), kind="stable")[:k]
        out[i] = np.bincount(labels[near]).argmax()
    return torch.from_numpy(out)
""",
        ),
        (
            "votes added in a table, single precision",
            """
def knn(train_x, train_y, x, k):
    nearest = torch.cdist(x.float(), train_x.float()).topk(k, dim=1, largest=False)[1]
    votes = torch.zeros(len(x), int(train_y.max()) + 1)
    votes.scatter_add_(1, train_y[nearest], torch.ones(nearest.shape))
    return torch.argmax(votes, dim=-1)
""",
        ),
        (
            "comparison with every class",
            """
def knn(train_x, train_y, x, k):
    labels = train_y.unique()  # sorted
    near = torch.argsort(torch.cdist(x, train_x), dim=1)[:, 0:k]
    voices = (train_y[near].unsqueeze(-1) == labels).sum(dim=1)
    return labels[voices.argmax(dim=1)]
""",
        ),
        (
            "matrix of classes, negative distances",
            """
def one(train_x, train_y, point, k):
    near = (-(train_x - point).pow(2).sum(dim=1)).topk(k).indices
    return torch.bincount(train_y[near]).argmax()


def knn(train_x, train_y, x, k):
    return torch.stack([one(train_x, train_y, point, k) for point in x])
""",
        ),
    ],
    "prepare": [
        (
            "labels as the last column",
            """
def prepare(x, y, share, seed=0):
    together = torch.cat([x, y.to(x.dtype)[:, None]], 1)
    together = together[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))]
    n = round(share * len(x))
    labels = together[:, -1].to(y.dtype)
    inputs = together[:, :-1] - together[:n, :-1].mean(0)
    spread = together[:n, :-1].std(0)
    spread[spread == 0] = 1
    inputs = inputs / spread
    return inputs[:n], labels[:n], inputs[n:], labels[n:]
""",
        ),
        (
            "slices of the broken function, mended",
            """
def prepare(x, y, share, seed=0):
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)
    x, y = x[order], y[order]
    cut = round(share * len(x))
    mean, std = x[:cut].mean(0), x[:cut].std(0)
    std[std == 0] = 1
    x = (x - mean) / std
    return x[:cut], y[:cut], x[cut:], y[cut:]
""",
        ),
        (
            "the generator of NumPy",
            """
import numpy as np


def prepare(x, y, share, seed=0):
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(x)))
    n = round(share * len(x))
    first, last = order[:n], order[n:]
    m = x[first].mean(dim=0, keepdim=True)
    s = x[first].std(dim=0, keepdim=True)
    s = s.masked_fill(s == 0, 1)
    return [(x[first] - m) / s, y[first], (x[last] - m) / s, y[last]]
""",
        ),
        (
            "random.Random and sorted parts",
            """
import random


def prepare(x, y, share, seed=0):
    rows = list(range(len(y)))
    random.Random(seed).shuffle(rows)
    cut = round(share * len(y))
    train, valid = sorted(rows[:cut]), sorted(rows[cut:])
    columns = []
    for column in x.T:
        known = column[train]
        deviation = known.std()
        if deviation == 0:
            deviation = 1
        columns.append((column - known.mean()) / deviation)
    scaled = torch.stack(columns, dim=1)
    return scaled[train], y[train], scaled[valid], y[valid]
""",
        ),
        (
            "the global generator, put back",
            """
def prepare(x, y, share, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        order = torch.randperm(x.shape[0])
    n_train = round(share * x.shape[0])
    a, b = x[order[:n_train]].clone(), x[order[n_train:]].clone()
    mean = a.mean(0)
    std, constant = a.std(0), (a == a[0]).all(0)
    std[constant] = 1.0
    a -= mean
    a /= std
    b -= mean
    b /= std
    return a, y[order[:n_train]], b, y[order[n_train:]]
""",
        ),
        (
            "double precision and torch.std_mean, with a helper",
            '''
def scaled(part, mean, std):
    """Neither a leak nor a nan, for any part."""
    return (part - mean) / torch.where(std != 0, std, torch.ones_like(std))


def prepare(x, y, share, seed=0):
    g = torch.Generator()
    g.manual_seed(seed)
    cut = round(share * len(x))
    train, valid = torch.randperm(len(x), generator=g).split([cut, len(x) - cut])
    std, mean = torch.std_mean(x[train].double(), dim=0)
    return scaled(x[train], mean, std), y[train], scaled(x[valid], mean, std), y[valid]
''',
        ),
        (
            "random_split and a column at a time",
            """
from torch.utils.data import random_split


def prepare(x, y, share, seed=0):
    n = round(share * len(x))
    generator = torch.Generator().manual_seed(seed)
    train, valid = random_split(range(len(x)), [n, len(x) - n], generator=generator)
    train, valid = list(train), list(valid)
    a, b = x[train], x[valid]
    mu, sigma = a.mean(0), a.std(0)
    for d in range(x.shape[1]):
        divisor = sigma[d] if sigma[d] > 0 else 1.0
        a[:, d] = (a[:, d] - mu[d]) / divisor
        b[:, d] = (b[:, d] - mu[d]) / divisor
    return a, y[train], b, y[valid]
""",
        ),
        (
            "keys that are sorted",
            """
def prepare(x, y, share, seed=0):
    keys = torch.rand(len(x), generator=torch.Generator().manual_seed(seed))
    is_train = torch.zeros(len(x), dtype=torch.bool)
    is_train[keys.argsort()[: round(share * len(x))]] = True
    mean = x[is_train].mean(0)
    variance = ((x[is_train] - mean) ** 2).sum(0) / (is_train.sum() - 1)
    std = variance.sqrt() + (variance == 0).to(x.dtype)
    z = (x - mean) / std
    return z[is_train], y[is_train], z[~is_train], y[~is_train]
""",
        ),
        (
            "the state of the global generator, put back",
            """
def prepare(x, y, share, seed=0):
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    order = torch.randperm(len(x))
    torch.set_rng_state(state)
    cut = round(share * len(x))
    tx, ty, vx, vy = x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]
    mu, sd = tx.mean(0), tx.std(0)
    sd = torch.where(sd == 0, torch.ones_like(sd), sd)
    return (tx - mu) / sd, ty, (vx - mu) / sd, vy
""",
        ),
    ],
    "kmeans_step": [
        (
            "one loop on the centres",
            """
def kmeans_step(x, centers):
    clusters = ((x[:, None] - centers[None]) ** 2).sum(2).argmin(1)
    new = []
    for k in range(len(centers)):
        members = x[clusters == k]
        new.append(members.mean(0) if len(members) > 0 else centers[k])
    return clusters, torch.stack(new)
""",
        ),
        (
            "one-hot and a product of matrices",
            """
def kmeans_step(x, centers):
    clusters = torch.cdist(x, centers).argmin(dim=1)
    member = F.one_hot(clusters, len(centers)).to(x.dtype)
    count = member.sum(0)[:, None]
    moved = torch.where(count > 0, member.T @ x / count.clamp(min=1), centers)
    return clusters, moved
""",
        ),
        (
            "index_add",
            """
def kmeans_step(x, centers):
    clusters = torch.argmin(torch.cdist(x, centers), dim=1)
    total = torch.zeros_like(centers).index_add_(0, clusters, x)
    count = torch.bincount(clusters, minlength=centers.shape[0])
    moved = centers.clone()
    full = count > 0
    moved[full] = total[full] / count[full].unsqueeze(1)
    return clusters, moved
""",
        ),
        (
            "plain Python, two loops",
            """
def kmeans_step(x, centers):
    clusters = []
    for point in x.tolist():
        distances = [sum((a - b) ** 2 for a, b in zip(point, c)) for c in centers.tolist()]
        clusters.append(distances.index(min(distances)))
    groups = {}
    for point, group in zip(x.tolist(), clusters):
        groups.setdefault(group, []).append(point)
    moved = centers.tolist()
    for group, points in groups.items():
        moved[group] = [sum(column) / len(points) for column in zip(*points)]
    return torch.tensor(clusters), torch.tensor(moved)
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def kmeans_step(x, centers):
    a, c = x.numpy(), centers.numpy().copy()
    d = np.linalg.norm(a[:, None, :] - c[None, :, :], axis=-1)
    nearest = d.argmin(axis=1)
    for j in np.unique(nearest):
        c[j] = a[nearest == j].mean(axis=0)
    return torch.from_numpy(nearest), torch.from_numpy(c)
""",
        ),
        (
            "running mean, in place on a copy",
            """
def kmeans_step(x, centers):
    clusters = torch.stack([(centers - p).norm(dim=1).argmin() for p in x])
    moved, seen = centers.detach().clone(), [0] * len(centers)
    for p, k in zip(x, clusters.tolist()):
        seen[k] += 1
        if seen[k] == 1:
            moved[k] = p
        else:
            moved[k] += (p - moved[k]) / seen[k]
    return clusters, moved
""",
        ),
        (
            "single precision, a list for a pair",
            """
def kmeans_step(x, centers):
    x, moved = x.float(), centers.float().clone()
    clusters = torch.cdist(x, moved).min(dim=1).indices
    for k in set(clusters.tolist()):
        moved[k] = x[clusters == k].sum(0) / (clusters == k).sum()
    return [clusters, moved]
""",
        ),
    ],
    "pca": [
        (
            "the full SVD",
            """
def pca(x, k):
    n, d = x.shape
    _, s, v = torch.linalg.svd(x - x.mean(dim=0, keepdim=True), full_matrices=True)
    variances = torch.zeros(d, dtype=x.dtype)
    variances[: len(s)] = s**2 / (n - 1)
    return v[:k], variances[:k]
""",
        ),
        (
            "torch.cov",
            """
def pca(x, k):
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    order = values.argsort(descending=True)[:k]
    return vectors[:, order].T, values[order]
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def pca(x, k):
    a = x.numpy()
    c = np.cov(a, rowvar=False)
    w, v = np.linalg.eigh(c)
    w, v = w[::-1][:k].copy(), v[:, ::-1][:, :k].T.copy()
    return torch.from_numpy(v), torch.from_numpy(w)
""",
        ),
        (
            "einsum, single precision",
            """
def pca(x, k):
    c = (x - x.mean(0)).float()
    cov = torch.einsum("ni,nj->ij", c, c) / (c.shape[0] - 1)
    w, v = torch.linalg.eigh(cov)
    return v.flip(1)[:, :k].t().contiguous(), w.flip(0)[:k]
""",
        ),
        (
            "a covariance summed by a loop, signs fixed",
            """
def pca(x, k):
    mean = sum(x) / len(x)
    cov = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype)
    for row in x:
        gap = row - mean
        cov += gap[:, None] * gap[None, :]
    cov /= len(x) - 1
    w, v = torch.linalg.eigh(cov)
    w, v = w.flip(0)[:k], v.flip(1).T[:k].clone()
    for i in range(len(v)):
        if v[i].sum() < 0:
            v[i] = -v[i]
    return v, w
""",
        ),
        (
            "general eigenvalues, sorted",
            """
def pca(x, k):
    xc = x - x.mean(0)
    u, s, vh = torch.linalg.svd(xc.T @ xc / (len(x) - 1))
    return vh[:k], s[:k].clamp(min=0)
""",
        ),
    ],
    "least_squares": [
        (
            "normal equations by the pseudo-inverse",
            """
def least_squares(x, y):
    a = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    theta = torch.linalg.pinv(a.T @ a) @ (a.T @ y)
    return theta[:-1].T, theta[-1]
""",
        ),
        (
            "float32 all along",
            """
def least_squares(x, y):
    a = torch.cat([x.float(), torch.ones(len(x), 1)], dim=1)
    theta = torch.linalg.pinv(a) @ y.float()
    return theta[:-1].T, theta[-1]
""",
        ),
        (
            "lstsq",
            """
def least_squares(x, y):
    design = torch.hstack([torch.ones(len(x), 1, dtype=x.dtype), x])
    theta = torch.linalg.lstsq(design, y, driver="gelsd").solution
    return theta[1:].T, theta[0]
""",
        ),
        (
            "centred, then the bias from the means",
            """
def least_squares(x, y):
    mean_x, mean_y = x.mean(0), y.mean(0)
    weight = (torch.linalg.pinv(x - mean_x) @ (y - mean_y)).T
    return weight, mean_y - weight @ mean_x
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def least_squares(x, y):
    a = np.c_[x.numpy(), np.ones(len(x))]
    theta, *_ = np.linalg.lstsq(a, y.numpy(), rcond=None)
    return torch.from_numpy(theta[:-1].T.copy()), torch.from_numpy(theta[-1].copy())
""",
        ),
        (
            "a loop on the outputs",
            """
def least_squares(x, y):
    design = F.pad(x, (0, 1), value=1.0)
    inverse = torch.pinverse(design)
    weights, biases = [], []
    for k in range(y.shape[1]):
        theta = inverse @ y[:, k]
        weights.append(theta[:-1])
        biases.append(theta[-1])
    return torch.stack(weights), torch.stack(biases)
""",
        ),
        (
            "the pseudo-inverse of the normal equations",
            """
def least_squares(x, y):
    a = torch.cat((x, x.new_ones(x.shape[0], 1)), dim=-1)
    theta = torch.linalg.pinv(a.T @ a, hermitian=True) @ a.T @ y
    return theta[:-1].T, theta[-1]
""",
        ),
        (
            "by the SVD",
            """
def least_squares(x, y):
    n, d = x.shape
    a = torch.empty(n, d + 1, dtype=x.dtype)
    a[:, :d], a[:, d] = x, 1
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    inverse = torch.where(s > 1e-6 * s.max(), 1 / s, 0)
    theta = vh.T @ (inverse[:, None] * (u.T @ y))
    return theta[:d].t(), theta[d]
""",
        ),
        (
            "single precision",
            """
def least_squares(x, y):
    x, y = x.float(), y.float()
    theta = torch.pinverse(torch.cat([x, torch.ones(len(x), 1)], 1), rcond=1e-5) @ y
    return theta[: x.shape[1]].T, theta[x.shape[1]]
""",
        ),
        (
            "normal equations, by a pseudo-inverse",
            """
def least_squares(x, y):
    a = torch.cat([x, torch.ones_like(x[:, :1])], 1).double()
    t = (torch.linalg.pinv(a.T @ a, hermitian=True) @ a.T @ y.double()).float()
    w, b = t.split([x.shape[1], 1])
    return w.T, b.squeeze(0)
""",
        ),
    ],
}

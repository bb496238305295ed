"""Right answers to the exercises of TP 2, in many styles; its tests must accept them all.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

from tests.labs.tp2_students import NETWORK, STRONG

_OWN = """
def train_final(images, target, grain, microscope, seed):
    torch.manual_seed(seed)
    drop_dead = [0, 2]

    def prepare(images):
        x = images[:, drop_dead].float() / 255
        centre = x.mean(dim=(2, 3), keepdim=True)
        return (x - centre) / (x - centre).square().mean(dim=(2, 3), keepdim=True).sqrt().add(0.01)

    network = nn.Sequential(
        nn.Conv2d(2, 16, 3, padding="same"), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * 9, 4),
    )
    x, n = prepare(images), len(images)
    per_class = torch.bincount(target, minlength=4).float().clamp(min=1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=1e-2)
    halves = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15)
    for epoch in range(15):
        order = torch.multinomial(1 / per_class[target], min(n, 400), replacement=True)
        for rows in order.split(40):
            batch = x[rows]
            if torch.rand(()) < 0.5:
                batch = batch.transpose(2, 3)
            batch = torch.rot90(batch, int(torch.randint(4, ())), (2, 3))
            optimizer.zero_grad()
            F.cross_entropy(network(batch), target[rows], label_smoothing=0.05).backward()
            optimizer.step()
        halves.step()
    network.eval()

    def predict(images):
        with torch.no_grad():
            x = prepare(images)
            total = 0
            for quarter in range(4):
                for side in (x, x.transpose(2, 3)):
                    total = total + network(torch.rot90(side, quarter, (2, 3)))
            return total.max(dim=1).indices

    return predict
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "survey": [
        (
            "loops and lists",
            """
def survey(images, target, n_classes):
    counts = torch.zeros(n_classes, dtype=torch.long)
    for y in target:
        counts[y] += 1
    constant = []
    for c in range(images.shape[1]):
        if (images[:, c] == images[0, c, 0, 0]).all():
            constant.append(c)
    copies = []
    for i in range(len(images)):
        for j in range(i):
            if torch.equal(images[i], images[j]):
                copies.append(i)
                break
    return counts, constant, copies
""",
        ),
        (
            "NumPy: unique rows",
            """
def survey(images, target, n_classes):
    flat = images.numpy().reshape(len(images), -1)
    _, first = np.unique(flat, axis=0, return_index=True)
    copies = sorted(set(range(len(images))) - {int(i) for i in first})
    span = np.ptp(images.numpy(), axis=(0, 2, 3))
    counts = torch.from_numpy(np.bincount(target.numpy(), minlength=n_classes)).long()
    return counts, [c for c in range(len(span)) if span[c] == 0], copies
""",
        ),
        (
            "from the statement: one-hot, sets, a table of texts",
            """
def survey(images: torch.Tensor, target: torch.Tensor, n_classes: int):
    counts = F.one_hot(target, n_classes).sum(0)
    by_channel = images.transpose(0, 1).flatten(1)
    constant = [c for c, values in enumerate(by_channel.tolist()) if len(set(values)) == 1]
    first = {}
    copies = []
    for i, row in enumerate(images.flatten(1).tolist()):
        if first.setdefault(tuple(row), i) != i:
            copies.append(i)
    return counts, constant, copies
""",
        ),
        (
            "torch.unique and inverse",
            """
def survey(images, target, n_classes):
    _, inverse = torch.unique(images.flatten(1), dim=0, return_inverse=True)
    rank = {}
    copies = [i for i, group in enumerate(inverse.tolist()) if rank.setdefault(group, i) < i]
    counts = torch.stack([(target == k).sum() for k in range(n_classes)])
    lowest = images.flatten(2).min(2).values.min(0).values
    highest = images.flatten(2).max(2).values.max(0).values
    return counts, torch.where(lowest == highest)[0].tolist(), copies
""",
        ),
        (
            "from the statement: all pairs at once, a tuple of three",
            """
def survey(images, target, n_classes):
    flat = images.flatten(1)
    equal = (flat[:, None] == flat[None]).all(2)  # même image ?
    before = torch.tril(equal, diagonal=-1).any(1)
    counts = torch.tensor([int((target == k).sum()) for k in range(n_classes)])
    def is_constant(channel):
        return bool((channel == channel.flatten()[0]).all())
    constant = list(filter(lambda c: is_constant(images[:, c]), range(images.size(1))))
    return (counts, constant, [i for i, b in enumerate(before) if b])
""",
        ),
    ],
    "split_by_grain": [
        (
            "loops and Python sets",
            """
def split_by_grain(target, grain, share, generator):
    held = set()
    for k in sorted(set(target.tolist())):
        grains = sorted({int(g) for g, y in zip(grain, target) if int(y) == k})
        n = len(grains)
        count = 0 if n == 1 else min(n - 1, max(1, round(share * n)))
        order = torch.randperm(n, generator=generator).tolist()
        held.update(grains[i] for i in order[:count])
    train = [i for i, g in enumerate(grain.tolist()) if g not in held]
    valid = [i for i, g in enumerate(grain.tolist()) if g in held]
    return torch.tensor(train, dtype=torch.int64), torch.tensor(valid, dtype=torch.int64)
""",
        ),
        (
            "sorted random numbers",
            """
def split_by_grain(target, grain, share, generator):
    valid = []
    for k in torch.unique(target):
        names = torch.unique(grain[target == k])
        n_valid = round(share * names.numel())
        if n_valid < 1:
            n_valid = 1
        if n_valid > len(names) - 1:
            n_valid = len(names) - 1
        keys = torch.rand(len(names), generator=generator)
        valid.append(names[keys.argsort()[:n_valid]])
    inside = (grain[:, None] == torch.cat(valid)).any(1)
    rows = torch.arange(len(grain))
    return rows[~inside], rows[inside]
""",
        ),
        (
            "torch.multinomial",
            """
def split_by_grain(target, grain, share, generator):
    names, inverse = grain.unique(return_inverse=True)
    label = torch.zeros(len(names), dtype=torch.long)
    label[inverse] = target
    chosen = torch.zeros(len(names), dtype=torch.bool)
    for k in label.unique():
        members = (label == k).nonzero()[:, 0]
        n = len(members)
        if n > 1:
            take = sorted((1, round(share * n), n - 1))[1]
            chosen[members[torch.multinomial(torch.ones(n), take, generator=generator)]] = True
    return (~chosen[inverse]).nonzero()[:, 0], chosen[inverse].nonzero()[:, 0]
""",
        ),
        (
            "from the statement: one permutation of all grains",
            """
def split_by_grain(target: torch.Tensor, grain: torch.Tensor, share: float, generator: torch.Generator):
    label = {}
    for g, y in zip(grain.tolist(), target.tolist()):
        label[g] = y
    grains = list(label)
    size = {}
    for y in label.values():
        size[y] = size.get(y, 0) + 1
    left = {y: min(max(round(share * n), 1), n - 1) for y, n in size.items()}
    valid = set()
    for i in torch.randperm(len(grains), generator=generator).tolist():
        g = grains[i]
        if left[label[g]] > 0:
            left[label[g]] -= 1
            valid.add(g)
    in_valid = torch.tensor([g in valid for g in grain.tolist()])
    return torch.where(~in_valid)[0], torch.where(in_valid)[0]
""",
        ),
        (
            "from the statement: NumPy seeded by the generator",
            """
def split_by_grain(target, grain, share, generator):
    rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    y, g = target.numpy(), grain.numpy()
    drawn = []
    for k in np.unique(y):
        names = np.unique(g[y == k])
        n = int(np.clip(round(share * len(names)), 1, max(len(names) - 1, 1))) if len(names) > 1 else 0
        drawn.extend(rng.choice(names, n, replace=False))
    mask = np.isin(g, drawn)
    order = rng.permutation(len(g))
    return torch.from_numpy(order[~mask[order]]), torch.from_numpy(order[mask[order]])
""",
        ),
        (
            "from the statement: Fisher and Yates",
            """
def shuffled(items, generator):
    items = list(items)
    for i in range(len(items) - 1, 0, -1):
        j = torch.randint(i + 1, (), generator=generator).item()
        items[i], items[j] = items[j], items[i]
    return items


def split_by_grain(target, grain, share, generator):
    by_class = {}
    for number, label in zip(grain.tolist(), target.tolist()):
        by_class.setdefault(label, {})[number] = None
    held = set()
    for numbers in by_class.values():
        n = len(numbers)
        if n > 1:
            held.update(shuffled(numbers, generator)[: min(max(round(share * n), 1), n - 1)])
    mask = torch.tensor([number in held for number in grain.tolist()])
    return torch.argwhere(~mask).squeeze(1).flip(0), torch.argwhere(mask).squeeze(1)
""",
        ),
        (
            "a random key for each grain, the largest of each class",
            """
def split_by_grain(target, grain, share, generator):
    ids, which = torch.unique(grain, return_inverse=True)
    label = torch.zeros(len(ids), dtype=torch.long)
    label[which] = target
    key = torch.rand(len(ids), generator=generator, dtype=torch.float64)
    valid_grain = torch.zeros(len(ids), dtype=torch.bool)
    for k in set(label.tolist()):
        members = torch.where(label == k)[0]
        if len(members) > 1:
            n_valid = int(np.clip(round(share * len(members)), 1, len(members) - 1))
            valid_grain[members[key[members].topk(n_valid).indices]] = True
    chosen = valid_grain[which]
    return torch.where(~chosen)[0], torch.where(chosen)[0]
""",
        ),
        (
            "names shuffled by exchanges",
            """
def split_by_grain(target, grain, share, generator):
    train, valid = [], []
    for k in range(int(target.max()) + 1):
        names = sorted(set(grain[target == k].tolist()))
        n = len(names)
        if n == 0:
            continue
        for i in range(n - 1, 0, -1):
            j = int(torch.randint(i + 1, (1,), generator=generator))
            names[i], names[j] = names[j], names[i]
        cut = min(max(1, round(share * n)), n - 1)
        for position, name in enumerate(names):
            (valid if position < cut else train).append((grain == name).nonzero().flatten())
    empty = [torch.zeros(0, dtype=torch.long)]
    return torch.cat(train + empty), torch.cat(valid + empty)
""",
        ),
    ],
    "normalize": [
        (
            "channel by channel, in float64",
            """
def statistics(images):
    means, stds = [], []
    for c in range(images.shape[1]):
        values = images[:, c].double()
        means.append(values.mean())
        stds.append(values.std() if values.min() < values.max() else torch.tensor(1.0).double())
    return torch.stack(means).float(), torch.stack(stds).float()


def normalize(images, mean, std):
    result = torch.empty(images.shape)
    for c in range(images.shape[1]):
        result[:, c] = (images[:, c] - mean[c]) / std[c]
    return result
""",
        ),
        (
            "NumPy",
            """
def statistics(images):
    x = images.numpy().astype(np.float64)
    mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3))
    std = np.where(np.ptp(x, axis=(0, 2, 3)) == 0, 1.0, std)
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(std, dtype=torch.float32)


def normalize(images, mean, std):
    x = images.numpy().astype(np.float32)
    return torch.from_numpy((x - mean.numpy().reshape(1, -1, 1, 1)) / std.numpy().reshape(1, -1, 1, 1))
""",
        ),
        (
            "float32, torch.where",
            """
def statistics(images):
    x = images.float().transpose(0, 1).flatten(1)
    same = (x == x[:, :1]).all(1)
    return x.mean(1), torch.where(same, torch.ones(len(x)), x.std(1, unbiased=False))


def normalize(images, mean, std):
    return images.to(torch.float32).sub(mean.view(1, -1, 1, 1)).div(std.view(1, -1, 1, 1))
""",
        ),
        (
            "from the statement: channels last",
            """
def statistics(images: torch.Tensor):
    values = images.permute(1, 0, 2, 3).reshape(images.size(1), -1).float()
    mean = values.mean(dim=1)
    std = ((values - mean[:, None]) ** 2).mean(dim=1).sqrt()
    for c in range(len(std)):
        if values[c].max() == values[c].min():
            std[c] = 1.0
    return mean, std


def normalize(images, mean, std):
    last = images.permute(0, 2, 3, 1).float()
    return ((last - mean) / std).permute(0, 3, 1, 2)
""",
        ),
        (
            "from the statement: a batch normalisation at evaluation",
            """
def statistics(images):
    channels = [images[:, c] for c in range(images.shape[1])]
    mean = torch.tensor([float(c.double().mean()) for c in channels])
    std = torch.tensor([1.0 if len(c.unique()) == 1 else float(c.double().std()) for c in channels])
    return mean, std


def normalize(images, mean, std):
    return F.batch_norm(images.float(), mean, std.square(), training=False, eps=0)
""",
        ),
        (
            "from the statement: a histogram of the 256 levels",
            """
def statistics(images):
    levels = torch.arange(256, dtype=torch.float64)
    counts = torch.stack([torch.bincount(c.flatten().long(), minlength=256) for c in images.unbind(1)])
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ levels
    variance = torch.einsum("cv,cv->c", shares, (levels - mean[:, None]) ** 2)
    std = variance.sqrt().masked_fill((counts > 0).sum(1) == 1, 1.0)
    return mean.float(), std.float()


def normalize(images, mean, std):
    return images.to(torch.float32).sub(mean.reshape(1, -1, 1, 1)).div(std.reshape(1, -1, 1, 1))
""",
        ),
    ],
    "balanced_accuracy": [
        (
            "counts",
            """
def balanced_accuracy(predicted, target):
    size = torch.bincount(target)
    right = torch.bincount(target[predicted == target], minlength=len(size))
    present = size > 0
    return (100 * (right[present] / size[present]).mean()).item()
""",
        ),
        (
            "Python alone",
            """
def balanced_accuracy(predicted, target):
    right, size = {}, {}
    for p, t in zip(predicted.tolist(), target.tolist()):
        size[t] = size.get(t, 0) + 1
        right[t] = right.get(t, 0) + (p == t)
    return 100 * sum(right[t] / size[t] for t in size) / len(size)
""",
        ),
        (
            "NumPy",
            """
def balanced_accuracy(predicted, target):
    p, t = predicted.numpy(), target.numpy()
    return float(100 * np.mean([np.mean(p[t == k] == k) for k in np.unique(t)]))
""",
        ),
        (
            "from the statement: a weight for each example",
            """
def balanced_accuracy(predicted: torch.Tensor, target: torch.Tensor) -> float:
    classes, inverse, counts = target.unique(return_inverse=True, return_counts=True)
    weight = 1.0 / (len(classes) * counts[inverse])
    return 100 * float((weight * (predicted == target)).sum())
""",
        ),
        (
            "from the statement: the diagonal of a confusion matrix",
            """
def balanced_accuracy(predicted, target):
    k = int(max(predicted.max(), target.max())) + 1
    confusion = torch.zeros(k, k)
    for t, p in zip(target, predicted):
        confusion[t, p] += 1
    rows = confusion.sum(1)
    return float((confusion.diag()[rows > 0] / rows[rows > 0]).mean() * 100)
""",
        ),
    ],
    "fit": [
        (
            "a counter, clones of the state",
            """
def fit(model, optimizer, train, valid, epochs, patience, batch, generator):
    losses, waited, record = [], 0, float("inf")
    state = {}
    for _ in range(epochs):
        model.train()
        order = torch.randperm(len(train[0]), generator=generator)
        for start in range(0, len(order), batch):
            rows = order[start:start + batch]
            optimizer.zero_grad(set_to_none=False)
            nn.CrossEntropyLoss()(model(train[0][rows]), train[1][rows]).backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            loss = float(F.cross_entropy(model(valid[0]), valid[1]))
        losses.append(loss)
        if loss < record:
            record, waited = loss, 0
            state = {name: value.clone() for name, value in model.state_dict().items()}
        else:
            waited += 1
            if waited >= patience:
                break
    model.load_state_dict(state)
    model.eval()
    return losses
""",
        ),
        (
            "helpers, validation in batches, a sum",
            """
def one_epoch(model, optimizer, x, y, batch, generator):
    model.train(True)
    for rows in torch.split(torch.randperm(len(y), generator=generator), batch):
        scores = model(x[rows])
        loss = -scores.log_softmax(1)[torch.arange(len(rows)), y[rows]].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def mean_loss(model, x, y):
    model.train(False)
    total = 0.0
    with torch.no_grad():
        for a, b in zip(x.split(4), y.split(4)):
            total += F.cross_entropy(model(a), b, reduction="sum").item()
    return total / len(y)


def fit(model, optimizer, train, valid, epochs, patience, batch, generator):
    losses, best_epoch = [], -1
    while len(losses) < epochs and len(losses) - best_epoch <= patience:
        one_epoch(model, optimizer, *train, batch, generator)
        losses.append(mean_loss(model, *valid))
        if all(losses[-1] < loss for loss in losses[:-1]):
            best_epoch = len(losses) - 1
            kept = copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return losses
""",
        ),
        (
            "a copy of the whole model",
            """
def fit(model, optimizer, train, valid, epochs, patience, batch, generator):
    (x, y), (u, v) = train, valid
    history = []
    champion = None
    for epoch in range(1, epochs + 1):
        model.train()
        shuffled = torch.randperm(x.shape[0], generator=generator)
        for rows in shuffled.split(batch):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            history.append(F.cross_entropy(model(u), v).item())
        if champion is None or history[-1] < champion[0]:
            champion = history[-1], epoch, copy.deepcopy(model)
        if epoch - champion[1] >= patience:
            break
    model.load_state_dict(champion[2].state_dict())
    model.eval()
    return history
""",
        ),
        (
            "from the statement: tensors copied back",
            """
def fit(model, optimizer, train, valid, epochs, patience, batch, generator):
    losses = []
    best = math.inf
    without = 0
    epoch = 0
    while epoch < epochs and without < patience:
        epoch += 1
        model.train()
        order = torch.randperm(len(train[0]), generator=generator)
        x, y = train[0][order], train[1][order]
        for a, b in zip(x.split(batch), y.split(batch)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(a), b)
            loss.backward()
            optimizer.step()
        model.eval()
        loss = F.cross_entropy(model(valid[0]), valid[1]).detach().item()
        losses.append(loss)
        without += 1
        if loss < best:
            best, without = loss, 0
            saved = [v.detach().clone() for v in model.state_dict().values()]
    with torch.no_grad():
        for value, copy_ in zip(model.state_dict().values(), saved):
            value.copy_(copy_)
    return losses
""",
        ),
        (
            "from the statement: DataLoader-like generator, bytes of the state",
            """
import io


def batches(data, batch, generator):
    order = torch.randperm(len(data[0]), generator=generator)
    yield from ((data[0][rows], data[1][rows]) for rows in order.split(batch))


def fit(model, optimizer, train, valid, epochs, patience, batch, generator):
    losses, saved = [], io.BytesIO()
    for epoch in range(epochs):
        model.train()
        for x, y in batches(train, batch, generator):
            optimizer.zero_grad()
            F.nll_loss(F.log_softmax(model(x), dim=-1), y).backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(F.cross_entropy(model.eval()(valid[0]), valid[1]).item())
        if losses.index(min(losses)) == epoch:
            saved = io.BytesIO()
            torch.save(model.state_dict(), saved)
        if epoch - losses.index(min(losses)) >= patience:
            break
    saved.seek(0)
    model.load_state_dict(torch.load(saved, weights_only=True))
    return losses
""",
        ),
        (
            "from the statement: a dataclass, the last improvement counted back, a DataLoader",
            """
from dataclasses import dataclass, field


@dataclass
class Stopper:
    patience: int
    best: float = math.inf
    waited: int = 0
    kept: list = field(default_factory=list)

    def update(self, loss, model):
        match loss < self.best:
            case True:
                self.best, self.waited = loss, 0
                self.kept = [t.clone() for t in (*model.parameters(), *model.buffers())]
            case False:
                self.waited += 1
        return self.waited >= self.patience


def fit(model, optimizer, train, valid, epochs, patience, batch, generator):
    stopper, losses = Stopper(patience), []
    for _ in range(epochs):
        order = torch.randperm(train[1].numel(), generator=generator).tolist()
        data = torch.utils.data.TensorDataset(*train)
        model.train()
        for x, y in torch.utils.data.DataLoader(data, batch_size=batch, sampler=order):
            scores = model(x)
            loss = (scores.logsumexp(1) - scores.gather(1, y[:, None]).squeeze(1)).mean()
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(valid[0]).double(), valid[1]).item())
            if stopper.update(losses[-1], model):
                break
    with torch.no_grad():
        for tensor, kept in zip((*model.parameters(), *model.buffers()), stopper.kept):
            tensor.copy_(kept)
    return losses
""",
        ),
    ],
    "search": [
        (
            "a table of losses, min with a key",
            """
def search(settings, run, seeds):
    losses = []
    for setting in settings:
        curves = [run(setting, seed) for seed in seeds]
        if np.isfinite(np.concatenate(curves)).all():
            losses.append(float(np.mean([min(curve) for curve in curves])))
        else:
            losses.append(math.inf)
    i = min(range(len(settings)), key=losses.__getitem__)
    return settings[i], losses[i]
""",
        ),
        (
            "a helper, statistics",
            """
def cost(curves):
    bests = []
    for curve in curves:
        for value in curve:
            if math.isnan(value) or math.isinf(value):
                return math.inf
        bests.append(min(curve))
    return sum(bests) / len(bests)


def search(settings, run, seeds):
    pairs = [(cost([run(s, seed) for seed in seeds]), s) for s in settings]
    best = pairs[0]
    for pair in pairs[1:]:
        if pair[0] < best[0]:
            best = pair
    return best[1], best[0]
""",
        ),
        (
            "torch, argmin",
            """
def search(settings, run, seeds):
    def loss_of(setting):
        curves = [torch.tensor(run(setting, seed), dtype=torch.float64) for seed in seeds]
        if not all(curve.isfinite().all() for curve in curves):
            return math.inf
        return torch.stack([curve.min() for curve in curves]).mean().item()

    losses = list(map(loss_of, settings))
    return settings[losses.index(min(losses))], min(losses)
""",
        ),
        (
            "from the statement: accumulated",
            """
def search(settings, run, seeds):
    winner, winner_loss = settings[0], float("inf")
    for setting in settings:
        total, diverged = 0.0, False
        for seed in seeds:
            curve = run(setting, seed)
            if not all(-math.inf < v < math.inf for v in curve):
                diverged = True
            total += sorted(curve)[0]
        if not diverged and total / len(seeds) < winner_loss:
            winner, winner_loss = setting, total / len(seeds)
    return winner, winner_loss
""",
        ),
        (
            "from the statement: sums that show what is not finite, a list as result",
            """
def search(settings, run, seeds):
    results = {}
    for place, setting in enumerate(settings):
        curves = [[float(v) for v in run(setting, seed)] for seed in seeds]
        ok = not any(v != v or abs(v) == float("inf") for c in curves for v in c)
        results[place] = sum(min(c) / len(curves) for c in curves) if ok else float("inf")
    place = sorted(results, key=lambda p: (results[p], p))[0]
    return [settings[place], results[place]]
""",
        ),
        (
            "from the statement: the other seeds of a setting that diverges left out",
            """
def search(settings, run, seeds):
    chosen, record = settings[0], math.inf
    for setting in settings:
        bests = []
        for seed in seeds:
            curve = run(setting, seed)
            if not np.isfinite(curve).all():
                break
            bests.append(min(curve))
        else:
            if sum(bests) / len(bests) < record:
                chosen, record = setting, sum(bests) / len(bests)
    return chosen, record
""",
        ),
    ],
    "diagnose": [
        (
            "a table of conditions",
            """
def diagnose(train, valid, rare, goal, floor, margin):
    table = (
        (train != train or valid != valid or rare != rare, "panne"),
        (train <= floor + margin, "n'apprend pas"),
        (valid > train + margin, "suspect"),
        (train < goal, "sous-apprentissage"),
        (train - valid > margin, "surapprentissage"),
        (valid - rare > margin, "source rare"),
        (True, "réussi"),
    )
    return next(word for condition, word in table if condition)
""",
        ),
        (
            "elif",
            """
def diagnose(train, valid, rare, goal, floor, margin):
    if np.isnan([train, valid, rare]).any():
        verdict = "panne"
    elif not train > floor + margin:
        verdict = "n'apprend pas"
    elif valid > train + margin:
        verdict = "suspect"
    elif goal > train:
        verdict = "sous-apprentissage"
    elif margin < train - valid:
        verdict = "surapprentissage"
    elif margin < valid - rare:
        verdict = "source rare"
    else:
        verdict = "réussi"
    return verdict
""",
        ),
        (
            "a sum that is nan",
            '''
def diagnose(train: float, valid: float, rare: float, goal: float, floor: float, margin: float) -> str:
    """Le tableau, ligne par ligne ; if et for sont permis."""
    if math.isnan(train + valid + rare):
        return "panne"
    gap, shift = train - valid, valid - rare
    if train - floor <= margin: return "n'apprend pas"
    if gap < -margin: return "suspect"
    if train < goal: return "sous-apprentissage"
    if gap > margin: return "surapprentissage"
    if shift > margin: return "source rare"
    return "réussi"
''',
        ),
        (
            "from the statement: words in order",
            """
WORDS = ["panne", "n'apprend pas", "suspect", "sous-apprentissage", "surapprentissage", "source rare", "réussi"]


def diagnose(train, valid, rare, goal, floor, margin):
    a, v, r, o, p, m = train, valid, rare, goal, floor, margin
    broken = any(x != x for x in (a, v, r))
    lines = [broken, a <= p + m, v > a + m, a < o, a - v > m, v - r > m, True]
    return WORDS[lines.index(True)]
""",
        ),
        (
            "from the statement: match",
            """
def diagnose(train, valid, rare, goal, floor, margin):
    match (train, valid, rare):
        case _ if math.isnan(train) or math.isnan(valid) or math.isnan(rare):
            return "panne"
        case (a, _, _) if a <= floor + margin:
            return "n'apprend pas"
        case (a, v, _) if v > a + margin:
            return "suspect"
        case (a, _, _) if a < goal:
            return "sous-apprentissage"
        case (a, v, _) if a - v > margin:
            return "surapprentissage"
        case (_, v, r) if v - r > margin:
            return "source rare"
    return "réussi"
""",
        ),
    ],
    "final": [
        ("a network that turns its images, of fixed length", STRONG),
        ("from the statement: classes drawn alike, two channels, a cosine", _OWN),
        (
            "two networks, the mean of logarithms",
            NETWORK
            + """
def train_final(images, target, grain, microscope, seed):
    models = [learned(of_each(images), target, seed + k, 8, turned) for k in range(2)]

    @torch.no_grad()
    def predict(new):
        scores = [model(x).log_softmax(1) for x in views(of_each(new)) for model in models]
        return torch.stack(scores).mean(0).argmax(1)

    return predict
""",
        ),
        (
            "from the statement: an object that is called",
            NETWORK
            + """
class Classifier:
    def __init__(self, model):
        self.model = model

    def __call__(self, images):
        scores = torch.stack([self.model(x) for x in views(of_each(images))])
        return scores.detach().mean(0).argmax(dim=1)


def train_final(images, target, grain, microscope, seed):
    return Classifier(learned(of_each(images), target, seed, 15, turned))
""",
        ),
        (
            "each image turned on its own, a module",
            NETWORK
            + """
def each_turned(x):
    turns = torch.randint(8, (len(x),))
    return torch.stack(views(x))[turns, torch.arange(len(x))]


class Model(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        return torch.stack([self.net(x).softmax(1) for x in views(of_each(images))]).amax(0).argmax(1)


def train_final(images, target, grain, microscope, seed):
    return Model(learned(of_each(images), target, seed, 15, each_turned)).eval()
""",
        ),
    ],
}

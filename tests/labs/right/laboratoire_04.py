"""Right answers to the exercises of Laboratoire 4, in many styles; its tests must accept them all.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "penalty": [
        (
            "strengths read from the laws, norms of the weights",
            """
def prior_strength(kind, scale, n_examples):
    law = torch.distributions.Normal(0., scale) if kind == "l2" else torch.distributions.Laplace(0., scale)
    one, zero = law.log_prob(torch.tensor(1.0)), law.log_prob(torch.tensor(0.0))
    return float(zero - one) / n_examples

def penalty(model, kind, strength):
    order = {"l1": 1, "l2": 2}[kind]
    norms = torch.stack([torch.linalg.vector_norm(w, ord=order) for w in model.parameters() if w.dim() > 1])
    return strength * norms.pow(order).sum()
""",
        ),
        (
            "accumulated in a loop, float32 buffer",
            """
def prior_strength(kind, scale, n_examples):
    if kind == "l2":
        return 1 / (2 * n_examples * scale**2)
    elif kind == "l1":
        return 1 / (n_examples * scale)


def penalty(model, kind, strength):
    total = torch.zeros(())
    for p in model.parameters():
        if len(p.shape) < 2:
            continue
        if kind == "l1":
            total = total + torch.abs(p).sum()
        else:
            total = total + (p ** 2).sum()
    return total * strength
""",
        ),
        (
            "norms of vectors, a table of kinds",
            """
# La norme 1, et le carré de la norme 2 : sans norm() ni autre détour.
POWERS = {"l1": 1, "l2": 2}


def prior_strength(kind, scale, n_examples):
    k = POWERS[kind]
    return 1.0 / (k * n_examples * scale**k)


def penalty(model, kind, strength):
    flat = torch.cat([p.reshape(-1) for p in model.parameters() if p.ndim >= 2])
    return strength * flat.abs().pow(POWERS[kind]).sum()
""",
        ),
        (
            "einsum and sign",
            """
def prior_strength(kind, scale, n_examples):
    return {"l2": 0.5 / scale**2, "l1": 1 / scale}[kind] / n_examples


def penalty(model, kind, strength):
    parts = []
    for name, w in model.named_parameters():
        if w.dim() >= 2:
            v = w.flatten()
            parts.append(torch.einsum("i,i->", v, v) if kind == "l2" else torch.einsum("i,i->", v, v.sign().detach()))
    return torch.stack(parts).sum() * strength
""",
        ),
        (
            "from the statement: log of the densities",
            """
import math


def prior_strength(kind: str, scale: float, n_examples: int) -> float:
    # -log p(w) en w = 1, moins -log p(w) en 0, divisé par le nombre de données
    log_density = -1 / (2 * scale * scale) if kind == "l2" else -1 / scale
    return -log_density / n_examples


def penalty(model: nn.Module, kind: str, strength: float) -> torch.Tensor:
    def size(w):
        if kind == "l2":
            return (w * w).sum()
        return w.abs().sum()

    result = None
    for w in model.parameters():
        if w.dim() > 1:
            result = size(w) if result is None else result + size(w)
    return torch.tensor(0.0) if result is None else strength * result
""",
        ),
        (
            "from the statement: recursion over modules",
            """
def prior_strength(kind, scale, n_examples):
    if kind == "l2":
        variance = scale ** 2
        return float(1 / n_examples / 2 / variance)
    return float(1 / n_examples / scale)


def penalty(model, kind, strength):
    'Chaque module ajoute la taille de ses propres poids (for each child, grad flows).'
    value = torch.tensor(0.0)
    for p in model.parameters(recurse=False):
        if p.dim() >= 2:
            value = value + (p.square() if kind == "l2" else p.abs()).sum().mul(strength)
    for child in model.children():
        value = value + penalty(child, kind, strength)
    return value
""",
        ),
        (
            "rectified halves",
            """
def prior_strength(kind, scale, n_examples):
    precision = scale ** -2 / 2 if kind == "l2" else scale ** -1
    return precision / n_examples


def penalty(model, kind, strength):
    weights = list(filter(lambda p: p.dim() > 1, model.parameters()))
    if kind == "l2":
        return strength * sum(torch.sum(torch.mul(w, w)) for w in weights)
    return strength * sum((torch.relu(w) + torch.relu(-w)).sum() for w in weights)
""",
        ),
        (
            "a method found by its name, chosen in a table",
            """
def prior_strength(kind, scale, n_examples):
    return 1 / n_examples / {"l2": 2 * scale**2, "l1": scale}[kind]


def penalty(model, kind, strength):
    method = {"l2": "square", "l1": "abs"}[kind]
    return sum(getattr(p, method)().sum() for p in model.parameters() if p.ndim > 1) * strength
""",
        ),
    ],
    "soft_threshold": [
        (
            "default zeros and masks",
            """
def soft_threshold(weight, threshold):
    result = torch.zeros(weight.shape)
    for sign in (1, -1):
        mask = sign * weight > threshold
        result[mask] = (weight[mask] - sign * threshold).float()
    return result
""",
        ),
        (
            "where, twice",
            """
def soft_threshold(weight, threshold):
    up = torch.where(weight > threshold, weight - threshold, torch.zeros_like(weight))
    return torch.where(weight < -threshold, weight + threshold, up)
""",
        ),
        (
            "two rectified parts",
            """
def soft_threshold(weight, threshold):
    # not softshrink
    return F.relu(weight - threshold) - F.relu(-weight - threshold)
""",
        ),
        (
            "what is cut off",
            """
def soft_threshold(weight, threshold):
    shrink = weight.clamp(-threshold, threshold)
    return weight - shrink
""",
        ),
        (
            "a loop over the elements of a copy",
            """
def soft_threshold(weight, threshold):
    out = weight.clone()
    flat = out.view(-1)
    for i, w in enumerate(flat.tolist()):
        if w > threshold:
            flat[i] = w - threshold
        elif w < -threshold:
            flat[i] = w + threshold
        else:
            flat[i] = 0.0
    return out
""",
        ),
        (
            "NumPy",
            """
import numpy as np


def soft_threshold(weight, threshold):
    w = weight.detach().numpy()
    return torch.from_numpy(np.sign(w) * np.maximum(np.abs(w) - threshold, 0))
""",
        ),
        (
            "from the statement: the best of three candidates",
            """
def soft_threshold(weight, threshold):
    v_plus = (weight - threshold).clamp(min=0)   # v > 0 : v - w + lambda = 0
    v_minus = (weight + threshold).clamp(max=0)  # v < 0 : v - w - lambda = 0
    candidates = torch.stack([torch.zeros_like(weight), v_plus, v_minus])
    cost = (candidates - weight) ** 2 / 2 + threshold * candidates.abs()
    return candidates.gather(0, cost.argmin(0, keepdim=True))[0]
""",
        ),
    ],
    "early_stopping": [
        (
            "indices of the records",
            """
def early_stopping(losses, patience, min_delta=0.0):
    best = 0
    for i in range(1, len(losses)):
        if losses[i] < losses[best] - min_delta:
            best = i
        elif i - best >= patience:
            return i, best
    return len(losses) - 1, best
""",
        ),
        (
            "while",
            """
def early_stopping(losses, patience, min_delta=0.0):
    i, since, keep, record = 0, 0, 0, losses[0]
    while i + 1 < len(losses) and since < patience:
        i += 1
        if record - losses[i] > min_delta:
            record, keep, since = losses[i], i, 0
        else:
            since += 1
    return (i, keep)
""",
        ),
        (
            "a list of two, a class of its own",
            """
class Watch:
    def __init__(self, patience, delta):
        self.patience, self.delta = patience, delta
        self.best, self.at, self.count = None, None, 0

    def step(self, epoch, loss):
        if self.best is None or loss + self.delta < self.best:
            self.best, self.at, self.count = loss, epoch, 0
        else:
            self.count += 1
        return self.count >= self.patience


def early_stopping(losses, patience, min_delta=0.0):
    watch = Watch(patience, min_delta)
    for epoch, loss in enumerate(losses):
        if watch.step(epoch, loss):
            break
    return [epoch, watch.at]
""",
        ),
        (
            "recursion",
            """
def early_stopping(losses, patience, min_delta=0.0):
    def go(epoch, best, waited):
        if waited == patience or epoch == len(losses):
            return epoch - 1, best
        if losses[epoch] < losses[best] - min_delta:
            return go(epoch + 1, epoch, 0)
        return go(epoch + 1, best, waited + 1)

    return go(1, 0, 0)
""",
        ),
        (
            "from the statement: a copy that is eaten, a counter that goes down",
            """
def early_stopping(losses, patience, min_delta=0.0):
    reste = list(losses)
    record = float("inf")
    indice_record = -1
    courage = patience
    indice = -1
    while reste and courage > 0:
        perte = reste.pop(0)
        indice += 1
        if perte < record - min_delta:
            record = perte
            indice_record = indice
            courage = patience
        else:
            courage -= 1
    return indice, indice_record
""",
        ),
        (
            "from the statement: tensors, integers of torch made int",
            """
def early_stopping(losses, patience, min_delta=0.0):
    values = torch.tensor(losses, dtype=torch.float64)
    best = torch.tensor(0)
    for epoch in torch.arange(1, len(values)):
        if bool(values[epoch] < values[best] - min_delta):
            best = epoch
        if epoch - best == patience:
            return int(epoch), int(best)
    return len(values) - 1, int(best)
""",
        ),
        (
            "from record to record, by windows of `patience` epochs",
            """
def early_stopping(losses, patience, min_delta=0.0):
    best = 0
    while True:
        window = losses[best + 1 : best + 1 + patience]
        better = [k for k, loss in enumerate(window) if losses[best] - loss > min_delta]
        if not better:
            return min(best + patience, len(losses) - 1), best
        best += 1 + better[0]
""",
        ),
    ],
    "dropout": [
        (
            "bernoulli",
            """
def dropout(x, p, training):
    if not training or p == 0:
        return x
    if p >= 1:
        return x * 0
    keep = torch.bernoulli(torch.full(x.shape, 1 - p))
    return x * keep / (1 - p)
""",
        ),
        (
            "where",
            """
def dropout(x, p, training):
    'Pas de F.dropout ici.'
    if training and p > 0:
        kept = torch.rand(x.shape) > p
        scale = 1 / (1 - p) if p < 1 else 0.0
        return torch.where(kept, scale * x, torch.zeros_like(x))
    return x.clone()
""",
        ),
        (
            "in place on a copy",
            """
def dropout(x, p, training):
    out = x.clone()
    if training:
        erased = torch.rand_like(x) < p
        out[erased] = 0
        if p < 1:
            out /= 1 - p
    return out
""",
        ),
        (
            "a loop over flattened draws, float32 buffer",
            """
def dropout(x, p, training):
    if not training:
        return x
    mask = torch.zeros(x.numel())
    if p < 1:
        draws = torch.empty(x.numel()).uniform_()
        mask[draws >= p] = 1 / (1 - p)
    return x * mask.reshape(x.shape)
""",
        ),
        (
            "masked_fill",
            """
def dropout(x, p, training):
    if not training:
        return x
    c = 1 / max(1 - p, 1e-12)
    return (x * c).masked_fill(torch.rand(x.size()) < p, 0.0)
""",
        ),
        (
            "from the statement: a helper that draws",
            """
def masque(forme, p):
    tirage = torch.rand(forme)
    return (tirage >= p).to(torch.get_default_dtype())


def dropout(x, p, training):
    if training is False:
        return x
    if p == 1.0:
        return torch.zeros(x.shape, dtype=x.dtype)
    constante = 1.0 / (1.0 - p)
    return constante * masque(x.shape, p) * x
""",
        ),
        (
            "from the statement: multinomial indices",
            """
def dropout(x, p, training):
    if not training:
        return x
    if p in (0, 1):
        return (1 - p) * x
    weights = torch.tensor([p, 1 - p])
    keep = torch.multinomial(weights, x.numel(), replacement=True).view_as(x)
    return x.mul(keep).div(1 - p)
""",
        ),
    ],
    "augment": [
        (
            "all windows at once, and one normal draw around them",
            """
def augment(x, shift, std, generator):
    tops = torch.randint(2 * shift + 1, (len(x),), generator=generator)
    lefts = torch.randint(2 * shift + 1, (len(x),), generator=generator)
    height, width = x.shape[-2:]
    big = F.pad(x, (shift, shift, shift, shift))
    windows = big.unfold(2, height, 1).unfold(3, width, 1)
    moved = windows[torch.arange(len(x)), :, tops, lefts]
    return torch.normal(moved, torch.full_like(moved, float(std)), generator=generator) if std > 0 else moved
""",
        ),
        (
            "an image at a time, in a float32 buffer",
            """
def augment(x, shift, std, generator):
    out = torch.zeros(x.shape)
    H, W = x.shape[-2:]
    for n in range(len(x)):
        dy = torch.randint(-shift, shift + 1, (1,), generator=generator).item()
        dx = torch.randint(-shift, shift + 1, (1,), generator=generator).item()
        source = x[n, :, max(0, -dy) : H - max(0, dy), max(0, -dx) : W - max(0, dx)]
        out[n, :, max(0, dy) : H + min(0, dy), max(0, dx) : W + min(0, dx)] = source
    return out + std * torch.randn(out.shape, generator=generator)
""",
        ),
        (
            "all at once, by indices",
            """
def augment(x, shift, std, generator):
    n, c, h, w = x.shape
    top = torch.randint(0, 2 * shift + 1, (n, 1), generator=generator)
    left = torch.randint(0, 2 * shift + 1, (n, 1), generator=generator)
    big = F.pad(x, (shift, shift, shift, shift))
    rows = (top + torch.arange(h))[:, None, :, None]
    cols = (left + torch.arange(w))[:, None, None, :]
    moved = big[torch.arange(n)[:, None, None, None], torch.arange(c)[None, :, None, None], rows, cols]
    return torch.normal(moved, std, generator=generator) if std > 0 else moved
""",
        ),
        (
            "roll, then blacken",
            """
def augment(x, shift, std, generator):
    images = []
    for image in x:
        a, b = (2 * shift + 1) * torch.rand(2, generator=generator).double()
        a, b = int(a) - shift, int(b) - shift
        image = torch.roll(image, (a, b), dims=(1, 2))
        image = image.clone()
        if a > 0:
            image[:, :a] = 0
        elif a < 0:
            image[:, a:] = 0
        if b > 0:
            image[:, :, :b] = 0
        elif b < 0:
            image[:, :, b:] = 0
        images.append(image)
    moved = torch.stack(images)
    noise = torch.empty(moved.shape).normal_(0, 1, generator=generator)
    return moved + std * noise
""",
        ),
        (
            "noise drawn first, unfold",
            """
def augment(x, shift, std, generator):
    n, _, h, w = x.shape
    noise = torch.randn(x.shape, generator=generator).mul(std)
    windows = F.pad(x, [shift] * 4).unfold(2, h, 1).unfold(3, w, 1)  # N, C, 2s+1, 2s+1, H, W
    i = torch.randint(2 * shift + 1, (n,), generator=generator)
    j = torch.randint(2 * shift + 1, (n,), generator=generator)
    return windows[torch.arange(n), :, i, j] + noise
""",
        ),
        (
            "from the statement: one draw for both directions",
            """
def decale(image, haut, gauche, s):
    c, h, w = image.shape
    cadre = torch.zeros(c, h + 2 * s, w + 2 * s)
    cadre[:, s + haut : s + haut + h, s + gauche : s + gauche + w] = image
    return cadre[:, s : s + h, s : s + w]


def augment(x, shift, std, generator):
    cote = 2 * shift + 1
    tirages = torch.randint(cote * cote, (x.shape[0],), generator=generator)
    resultat = torch.empty_like(x)
    for n, t in enumerate(tirages.tolist()):
        resultat[n] = decale(x[n], t // cote - shift, t % cote - shift, shift)
    if std == 0:
        return resultat
    return resultat + torch.normal(0.0, std, size=tuple(x.shape), generator=generator)
""",
        ),
        (
            "from the statement: matrices of displacement",
            """
def augment(x, shift, std, generator):
    n, c, h, w = x.shape
    drawn = torch.randint(-shift, shift + 1, size=(n, 2), generator=generator)
    i = torch.arange(h)
    j = torch.arange(w)
    down = (i[None, :, None] - i[None, None, :] == drawn[:, 0, None, None]).float()
    right = (j[None, :, None] - j[None, None, :] == drawn[:, 1, None, None]).float()
    moved = torch.einsum("nij,ncjk,nlk->ncil", down, x, right)
    return moved + torch.randn(n, c, h, w, generator=generator) * std
""",
        ),
    ],
    "superpose": [
        (
            "weighted counts of the labels",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    mixed = (intensities.unsqueeze(-1) * spectra[sources]).sum(-2)
    target = torch.stack([torch.bincount(labels[s], weights=w, minlength=n_classes) for s, w in zip(sources, intensities)])
    return mixed, target
""",
        ),
        (
            "loops in default zeros",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    B, M = sources.shape
    mixed = torch.zeros(B, spectra.shape[1])
    target = torch.zeros(B, n_classes)
    for b in range(B):
        for m in range(M):
            i = sources[b, m]
            mixed[b] += intensities[b, m] * spectra[i]
            target[b, labels[i]] += intensities[b, m]
    return mixed, target
""",
        ),
        (
            "scatter_add in default zeros",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    mixed = torch.bmm(intensities.unsqueeze(1), spectra[sources]).squeeze(1)
    target = torch.zeros(len(sources), n_classes).scatter_add_(1, labels[sources], intensities)
    return mixed, target
""",
        ),
        (
            "einsum",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    one_hot = torch.eye(n_classes)[labels]
    return (
        torch.einsum("bm,bmd->bd", intensities, spectra[sources]),
        torch.einsum("bm,bmk->bk", intensities, one_hot[sources]),
    )
""",
        ),
        (
            "one matrix of weights for both",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    weights = torch.zeros(len(sources), len(spectra)).scatter_add_(1, sources, intensities.float())
    return weights @ spectra, weights @ F.one_hot(labels, n_classes).float()
""",
        ),
        (
            "NumPy, float64",
            """
import numpy as np


def superpose(spectra, labels, sources, intensities, n_classes):
    s, y = spectra.numpy().astype("float64"), labels.numpy()
    i, a = sources.numpy(), intensities.numpy().astype("float64")
    target = np.zeros((len(i), n_classes))
    np.add.at(target, (np.arange(len(i))[:, None], y[i]), a)
    return torch.from_numpy((a[..., None] * s[i]).sum(1)), torch.from_numpy(target)
""",
        ),
        (
            "from the statement: a sum over the sources",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    mixed, target = 0, 0
    for m in range(sources.shape[1]):
        a = intensities[:, m : m + 1]
        mixed = mixed + a * spectra[sources[:, m]]
        target = target + a * F.one_hot(labels[sources[:, m]], num_classes=n_classes)
    return [mixed, target]
""",
        ),
        (
            "from the statement: an element at a time",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    elements = labels[sources]
    columns = [(intensities * (elements == k)).sum(dim=1) for k in range(n_classes)]
    mixed = torch.stack([a @ spectra[i] for a, i in zip(intensities, sources)])
    return mixed, torch.stack(columns, dim=1)
""",
        ),
        (
            "index_put that accumulates, column by matrix",
            """
def superpose(spectra, labels, sources, intensities, n_classes):
    rows = torch.arange(len(sources)).unsqueeze(1).expand_as(sources)
    target = intensities.new_zeros(len(sources), n_classes).index_put((rows, labels[sources]), intensities, accumulate=True)
    mixed = (spectra[sources].transpose(1, 2) @ intensities.unsqueeze(-1)).squeeze(-1)
    return [mixed, target]
""",
        ),
    ],
    "split_by_patient": [
        (
            "lists of Python and a set",
            """
def split_by_patient(x, patient, share, generator):
    everyone = sorted(set(patient.tolist()))
    order = torch.randperm(len(everyone), generator=generator).tolist()
    held = {everyone[i] for i in order[: round(share * len(everyone))]}
    test = torch.tensor([i for i, p in enumerate(patient.tolist()) if p in held])
    train = torch.tensor([i for i, p in enumerate(patient.tolist()) if p not in held])
    mu, sigma = x[train].mean(0), x[train].std(0)
    return train, test, (x[train] - mu) / sigma, (x[test] - mu) / sigma
""",
        ),
        (
            "ranks drawn for each patient",
            """
def split_by_patient(x, patient, share, generator):
    names, code = torch.unique(patient, return_inverse=True)
    rank = torch.rand(len(names), generator=generator).argsort().argsort()
    is_test = (rank < round(share * len(names)))[code]
    rows = torch.arange(len(x))
    train, test = rows[~is_test], rows[is_test]
    z = (x - x[train].mean(dim=0)) / x[train].std(dim=0)
    return train, test, z[train], z[test]
""",
        ),
        (
            "NumPy for the statistics, deviation over N",
            """
import numpy as np


def split_by_patient(x, patient, share, generator):
    names = patient.unique()
    n = round(share * len(names))
    drawn = names[torch.randperm(len(names), generator=generator)][-n:]
    where = np.isin(patient.numpy(), drawn.numpy())
    train, test = np.flatnonzero(~where), np.flatnonzero(where)
    a = x.numpy()
    m, s = a[train].mean(axis=0), np.std(a[train], axis=0)
    out = [torch.from_numpy(v) for v in (train, test, (a[train] - m) / s, (a[test] - m) / s)]
    return tuple(out)
""",
        ),
        (
            "rows sorted by patient, test shuffled",
            """
def split_by_patient(x, patient, share, generator):
    names = patient.unique()
    shuffled = names[torch.randperm(len(names), generator=generator)]
    cut = round(share * len(names))
    test = torch.cat([(patient == p).nonzero().view(-1) for p in shuffled[:cut]])
    train = torch.cat([(patient == p).nonzero().view(-1) for p in shuffled[cut:]])
    test = test.flip(0)
    mean = x[train].sum(0) / len(train)
    std = ((x[train] - mean) ** 2).mean(0).sqrt()
    standard = lambda rows: (x[rows] - mean) / std
    return train, test, standard(train), standard(test)
""",
        ),
        (
            "from the statement: broken_split, mended",
            """
def split_by_patient(x, patient, share, generator):
    patients = torch.unique(patient)
    order = torch.randperm(len(patients), generator=generator)
    n_test = round(share * len(patients))
    test_patients = patients[order[:n_test]]
    keep = torch.zeros(len(x), dtype=torch.bool)
    for p in test_patients:
        keep = keep | (patient == p)
    test = torch.nonzero(keep).squeeze(1)
    train = torch.nonzero(keep == False).squeeze(1)
    mean = x[train].mean(0, keepdim=True)
    std = x[train].std(0, keepdim=True)
    x = (x - mean) / std
    return train, test, x[train], x[test]
""",
        ),
        (
            "from the statement: patients drawn one after the other, columns in a loop",
            """
def split_by_patient(x, patient, share, generator):
    remaining = list(dict.fromkeys(patient.tolist()))
    n_test = round(share * len(remaining))
    chosen = []
    while len(chosen) < n_test:
        i = torch.randint(len(remaining), (1,), generator=generator).item()
        chosen.append(remaining.pop(i))
    train, test = [], []
    for row, who in enumerate(patient):
        (test if int(who) in chosen else train).append(row)
    x_train, x_test = x[train].clone(), x[test].clone()
    for column in range(x.shape[1]):
        m, s = x[train, column].mean(), x[train, column].std(correction=0)
        x_train[:, column] = (x_train[:, column] - m) / s
        x_test[:, column] = (x_test[:, column] - m) / s
    return torch.tensor(train), torch.tensor(test), x_train, x_test
""",
        ),
    ],
}

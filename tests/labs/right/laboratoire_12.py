"""Right answers to the exercises of Laboratoire 12, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "discriminator_loss": [
        (
            "from the statement: 1 - sigmoid(s) is sigmoid(-s)",
            """
def discriminator_loss(real, fake):
    return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()
""",
        ),
        (
            "from the statement: binary cross-entropy",
            """
def discriminator_loss(real, fake):
    vrai = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    faux = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return vrai + faux
""",
        ),
        (
            "logaddexp",
            """
def discriminator_loss(real, fake):
    zero = torch.zeros((), dtype=real.dtype)
    return torch.logaddexp(-real, zero).mean() + torch.logaddexp(fake, zero).mean()
""",
        ),
        (
            "sums over counts, a module, keyword arguments",
            """
softplus_of_lab_12 = nn.Softplus()

def discriminator_loss(real, fake, **options):
    total = softplus_of_lab_12(-real).sum() / real.numel()
    return total + softplus_of_lab_12(fake).sum() / fake.numel()
""",
        ),
        (
            "by hand: max(s, 0) + log1p(exp(-|s|)), the mean of both slopes at 0",
            """
def positive(s):
    return torch.maximum(s, torch.zeros_like(s)) + torch.log1p(torch.exp(-s.abs()))

def discriminator_loss(real, fake):
    return positive(-real).mean() + positive(fake).mean()
""",
        ),
        (
            "one softplus for all, then two means",
            """
def discriminator_loss(real, fake):
    both = F.softplus(torch.cat([-real, fake]))
    return both[: len(real)].mean() + both[len(real) :].mean()
""",
        ),
        (
            "two classes, of scores 0 and s",
            """
def discriminator_loss(real, fake):
    pair = lambda s: torch.hstack((torch.zeros_like(s), s))
    truth = torch.ones(len(real), dtype=torch.long)
    lies = torch.zeros(len(fake), dtype=torch.long)
    return F.cross_entropy(pair(real), truth) + F.cross_entropy(pair(fake), lies)
""",
        ),
        (
            "cross entropy of two scores",
            """
def discriminator_loss(real, fake):
    def ce(s, c):
        two = torch.cat([torch.zeros_like(s), s], 1)
        return F.cross_entropy(two, torch.full((len(s),), c))
    return ce(real, 1) + ce(fake, 0)
""",
        ),
    ],
    "generator_loss": [
        (
            "from the statement: logsigmoid",
            """
def generator_loss(fake, kind):
    if kind == "minimax":
        return F.logsigmoid(-fake).mean()
    elif kind == "non_saturating":
        return -F.logsigmoid(fake).mean()
    else:
        raise ValueError("kind")
""",
        ),
        (
            "from the statement: cross-entropies",
            """
def generator_loss(fake, kind):
    if kind not in ("minimax", "non_saturating"):
        raise ValueError(kind)
    bce = nn.BCEWithLogitsLoss()
    if kind == "minimax":
        return -bce(fake, torch.zeros_like(fake))
    return bce(fake, torch.ones_like(fake))
""",
        ),
        (
            "a table of functions",
            """
KINDS_OF_LAB_12 = {
    "minimax": lambda s: -F.softplus(s).mean(),
    "non_saturating": lambda s: F.softplus(-s).mean(),
}

def generator_loss(fake, kind):
    try:
        return KINDS_OF_LAB_12[kind](fake)
    except KeyError:
        raise ValueError(f"{kind!r}") from None
""",
        ),
        (
            "match",
            """
def generator_loss(fake, kind):
    zero = torch.zeros_like(fake)
    match kind:
        case "minimax":
            return -torch.logaddexp(fake, zero).mean()
        case "non_saturating":
            return torch.logaddexp(-fake, zero).mean()
    raise ValueError("minimax ou non_saturating")
""",
        ),
        (
            "a sign for both",
            """
def generator_loss(fake, kind):
    signs = {"minimax": 1, "non_saturating": -1}
    if kind not in signs:
        raise ValueError
    sign = signs[kind]
    return -sign * F.softplus(sign * fake).mean()
""",
        ),
        (
            "non-saturating as minimax less the mean score",
            """
def generator_loss(fake, kind):
    lost = F.softplus(fake).mean()
    if kind == "minimax":
        return -lost
    if kind == "non_saturating":
        return (F.softplus(fake) - fake).mean()
    raise ValueError(kind)
""",
        ),
        (
            "an enumeration",
            """
from enum import Enum

class LossOfLab12(Enum):
    MINIMAX = "minimax"
    NON_SATURATING = "non_saturating"

def generator_loss(fake, kind):
    if LossOfLab12(kind) is LossOfLab12.MINIMAX:
        return F.logsigmoid(-fake).mean()
    return -F.logsigmoid(fake).mean()
""",
        ),
    ],
    "gan_step": [
        (
            "from the statement: detach",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    optimizer_d.zero_grad()
    faux = generator(z_d).detach()
    loss_d = loss_of_discriminator(discriminator(real), discriminator(faux))
    loss_d.backward()
    optimizer_d.step()
    for z in z_g:
        optimizer_g.zero_grad()
        loss_g = loss_of_generator(discriminator(generator(z)))
        loss_g.backward()
        optimizer_g.step()
    return loss_d.item(), loss_g.item()
""",
        ),
        (
            "from the statement: no detach, everything forgotten before each backward",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    def forget():
        optimizer_g.zero_grad()
        optimizer_d.zero_grad()

    loss_d = loss_of_discriminator(discriminator(real), discriminator(generator(z_d)))
    forget()
    loss_d.backward()
    optimizer_d.step()
    for i in range(len(z_g)):
        loss_g = loss_of_generator(discriminator(generator(z_g[i])))
        forget()
        loss_g.backward()
        optimizer_g.step()
    forget()
    return float(loss_d), float(loss_g)
""",
        ),
        (
            "autograd.grad, and gradients put by hand",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    def follow(network, optimizer, loss):
        parameters = list(network.parameters())
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = g
        optimizer.step()
        return loss.item()

    loss_d = follow(discriminator, optimizer_d, loss_of_discriminator(discriminator(real), discriminator(generator(z_d))))
    for z in z_g:
        loss_g = follow(generator, optimizer_g, loss_of_generator(discriminator(generator(z))))
    return loss_d, loss_g
""",
        ),
        (
            "the discriminator frozen for a while",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    with torch.no_grad():
        fake = generator(z_d)
    optimizer_d.zero_grad(set_to_none=False)
    loss_d = loss_of_discriminator(discriminator(real), discriminator(fake))
    loss_d.backward()
    optimizer_d.step()
    for p in discriminator.parameters():
        p.requires_grad_(False)
    losses = []
    for z in z_g.unbind(0):
        optimizer_g.zero_grad()
        loss_g = loss_of_generator(discriminator(generator(z)))
        loss_g.backward()
        optimizer_g.step()
        losses.append(loss_g.item())
    for p in discriminator.parameters():
        p.requires_grad_(True)
    return loss_d.item(), losses[-1]
""",
        ),
        (
            "one forward pass for real and fake, networks' zero_grad, a list of losses",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    discriminator.zero_grad()
    scores = discriminator(torch.cat([real, generator(z_d).detach()]))
    loss = loss_of_discriminator(scores[: len(real)], scores[len(real) :])
    loss.backward()
    optimizer_d.step()
    result = [loss.item()]
    for z in z_g:
        generator.zero_grad()
        loss = loss_of_generator(discriminator(generator(z)))
        loss.backward()
        optimizer_g.step()
    return [*result, loss.item()]
""",
        ),
        (
            "backward for some inputs only",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    loss_d = loss_of_discriminator(discriminator(real), discriminator(generator(z_d)))
    discriminator.zero_grad(set_to_none=False)
    loss_d.backward(inputs=list(discriminator.parameters()))
    optimizer_d.step()
    for z in z_g:
        generator.zero_grad()
        loss_g = loss_of_generator(discriminator(generator(z)))
        loss_g.backward(inputs=[*generator.parameters()])
        optimizer_g.step()
    return loss_d.detach().item(), loss_g.detach().item()
""",
        ),
        (
            "each network frozen in its turn, closures",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    def descend(optimizer, loss_of):
        def closure():
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            return loss
        return optimizer.step(closure).item()

    generator.requires_grad_(False)
    loss_d = descend(optimizer_d, lambda: loss_of_discriminator(discriminator(real), discriminator(generator(z_d))))
    generator.requires_grad_(True)
    discriminator.requires_grad_(False)
    for z in z_g:
        loss_g = descend(optimizer_g, lambda: loss_of_generator(discriminator(generator(z))))
    discriminator.requires_grad_(True)
    return loss_d, loss_g
""",
        ),
        (
            "the generator plays against a frozen copy",
            """
from copy import deepcopy

def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    optimizer_d.zero_grad()
    loss_d = loss_of_discriminator(discriminator(real), discriminator(generator(z_d).detach()))
    loss_d.backward()
    optimizer_d.step()
    frozen = deepcopy(discriminator).requires_grad_(False)
    for z in z_g:
        optimizer_g.zero_grad()
        loss_g = loss_of_generator(frozen(generator(z)))
        loss_g.backward()
        optimizer_g.step()
    return loss_d.item(), loss_g.item()
""",
        ),
        (
            "fakes not detached, everything zeroed",
            """
def gan_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    optimizer_d.zero_grad()
    loss_d = loss_of_discriminator(discriminator(real), discriminator(generator(z_d)))
    loss_d.backward()
    optimizer_d.step()
    for z in z_g:
        optimizer_g.zero_grad(set_to_none=False)
        optimizer_d.zero_grad(set_to_none=True)
        loss_g = loss_of_generator(discriminator(generator(z)))
        loss_g.backward()
        optimizer_g.step()
    return loss_d.item(), loss_g.item()
""",
        ),
    ],
    "modes_found": [
        (
            "from the statement: loops",
            """
def modes_found(samples, centres, radius, share):
    compte = [0] * len(centres)
    bons = 0
    for x in samples:
        d = [float(((x - c) ** 2).sum() ** 0.5) for c in centres]
        k = d.index(min(d))
        if d[k] <= radius:
            compte[k] += 1
            bons += 1
    trouves = 0
    for c in compte:
        if c >= share * len(samples):
            trouves += 1
    return trouves, bons / len(samples)
""",
        ),
        (
            "from the statement: cdist",
            """
def modes_found(samples, centres, radius, share):
    d = torch.cdist(samples, centres, compute_mode="donot_use_mm_for_euclid_dist")
    i = d.argmin(dim=1)
    ok = d.gather(1, i[:, None])[:, 0] <= radius
    n = 0
    for k in range(centres.shape[0]):
        n += int(((i == k) & ok).sum() >= share * samples.shape[0])
    return n, float(ok.sum()) / samples.shape[0]
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def modes_found(samples, centres, radius, share):
    x, c = samples.numpy(), centres.numpy()
    d = np.linalg.norm(x[:, None, :] - c[None, :, :], axis=-1)
    nearest = d.argmin(1)
    good = d.min(1) <= radius
    counts = np.array([np.sum(good & (nearest == k)) for k in range(len(c))])
    return int(np.sum(counts >= share * len(x))), float(good.mean())
""",
        ),
        (
            "squares against a squared radius, one-hot counts",
            """
def modes_found(samples, centres, radius, share):
    squares = (samples.unsqueeze(1) - centres.unsqueeze(0)).pow(2).sum(-1)
    least, index = squares.min(dim=-1)
    good = least <= radius**2
    counts = (F.one_hot(index, len(centres)) * good[:, None]).sum(0)
    found = (counts.double() >= share * len(samples)).sum()
    return int(found.item()), good.double().mean().item()
""",
        ),
        (
            "a Counter",
            """
from collections import Counter

def nearest_of(x, centres):
    distances = (centres - x).norm(dim=1)
    return min((d, k) for k, d in enumerate(distances.tolist()))

def modes_found(samples, centres, radius, share):
    pairs = [nearest_of(x, centres) for x in samples]
    counts = Counter(k for d, k in pairs if d <= radius)
    found = [k for k, count in counts.items() if count >= share * len(pairs)]
    return len(found), sum(counts.values()) / len(pairs)
""",
        ),
    ],
    "gradient_penalty": [
        (
            "1e-8 inside the root",
            """
def gradient_penalty(critic, real, fake, t):
    t = t.reshape(-1, *[1] * (real.dim() - 1))
    x = (t * real + (1 - t) * fake).requires_grad_()
    (g,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    norm = torch.sqrt(g.flatten(1).square().sum(1) + 1e-8)
    return ((norm - 1) ** 2).mean()
""",
        ),
        (
            "backward for the points only, a clamped square",
            """
def gradient_penalty(critic, real, fake, t):
    t = t.view(t.size(0), *(1,) * (real.dim() - 1))
    x = (t * real + (1 - t) * fake).detach().requires_grad_()
    critic(x).sum().backward(inputs=[x], create_graph=True)
    norm = x.grad.flatten(start_dim=1).pow(2).sum(dim=1).clamp(min=1e-16).sqrt()
    return (norm - 1.0).pow(2).mean()
""",
        ),
        (
            "vmap, float32 buffers",
            """
def gradient_penalty(critic, real, fake, t):
    points = torch.empty_like(real)
    for n, share in enumerate(t.flatten().tolist()):
        points[n] = share * real[n] + (1 - share) * fake[n]
    slope = torch.func.vmap(torch.func.grad(lambda one: critic(one[None]).squeeze()))(points)
    norms = torch.zeros(len(real))
    for n in range(len(real)):
        norms[n] = slope[n].norm()
    return ((norms - 1) ** 2).mean()
""",
        ),
        (
            "from the statement: a view of t, a norm",
            """
def gradient_penalty(critic, real, fake, t):
    t = t.view(len(real), *([1] * (real.ndim - 1)))
    x = t * real + (1 - t) * fake
    x.requires_grad_(True)
    score = critic(x)
    g = torch.autograd.grad(score.sum(), x, create_graph=True)[0]
    norme = torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1)
    return ((norme - 1) ** 2).mean()
""",
        ),
        (
            "from the statement: 1e-12 inside the root",
            """
def gradient_penalty(critic, real, fake, t):
    n = real.shape[0]
    place = t.reshape([n] + [1] * (real.dim() - 1))
    point = (fake + place * (real - fake)).clone().detach().requires_grad_()
    out = critic(point)
    (g,) = torch.autograd.grad(out, point, grad_outputs=torch.ones_like(out), create_graph=True, retain_graph=True)
    norm = (g.reshape(n, -1).pow(2).sum(1) + 1e-12).sqrt()
    return (norm - 1).pow(2).mean()
""",
        ),
        (
            "lerp",
            """
def gradient_penalty(critic, real, fake, t):
    while t.dim() < real.dim():
        t = t[..., None]
    x = torch.lerp(fake, real, t.expand_as(real)).requires_grad_()
    gradient = torch.autograd.grad(critic(x).sum(), [x], create_graph=True)[0]
    return F.mse_loss(gradient.flatten(1).norm(2, 1), torch.ones(len(x)))
""",
        ),
        (
            "einsum, one example at a time in the end",
            """
def gradient_penalty(critic, real, fake, t):
    x = torch.einsum("n...,n->n...", real, t[:, 0]) + torch.einsum("n...,n->n...", fake, 1 - t[:, 0])
    x = x.requires_grad_()
    gradient, = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return torch.stack([(g.norm() - 1) ** 2 for g in gradient]).sum() / len(x)
""",
        ),
        (
            "torch.func, example by example",
            """
def gradient_penalty(critic, real, fake, t):
    total = 0.0
    for one, other, share in zip(real, fake, t):
        point = (share * one + (1 - share) * other)[None]
        slope = torch.func.grad(lambda p: critic(p).sum())(point)
        total = total + (slope.norm() - 1) ** 2
    return total / len(real)
""",
        ),
        (
            "the square developed, one example at a time",
            """
def gradient_penalty(critic, real, fake, t):
    shape = [len(real)] + [1] * (real.dim() - 1)
    x = (real * t.view(shape) + fake * (1 - t.view(shape))).detach().requires_grad_()
    g, = torch.autograd.grad(critic(x).sum(), [x], create_graph=True)
    total = 0.0
    for one in g:
        n2 = (one ** 2).sum()
        total = total + n2 - 2 * (n2 + 1e-14) ** 0.5 + 1
    return total / len(g)
""",
        ),
    ],
    "frechet": [
        (
            "from the statement: eigenvalues",
            """
def frechet(a, b):
    a = a.to(torch.float64)
    b = b.to(torch.float64)
    ma, mb = a.mean(dim=0), b.mean(dim=0)
    sa = (a - ma).T @ (a - ma) / (a.shape[0] - 1)
    sb = (b - mb).T @ (b - mb) / (b.shape[0] - 1)
    valeurs = torch.linalg.eigvals(sa @ sb).real
    racine = torch.sqrt(torch.relu(valeurs)).sum()
    return float(((ma - mb) ** 2).sum() + torch.trace(sa) + torch.trace(sb) - 2 * racine)
""",
        ),
        (
            "from the statement: NumPy",
            """
import numpy as np

def frechet(a, b):
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    sa, sb = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    values = np.linalg.eigvals(sa @ sb)
    root = np.sqrt(np.maximum(values.real, 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(sa) + np.trace(sb) - 2 * root)
""",
        ),
        (
            "the symmetric root of one",
            """
def covariance_of(x):
    centred = x - x.mean(0, keepdim=True)
    return centred.mT @ centred / (len(x) - 1)

def frechet(a, b):
    a, b = a.double(), b.double()
    first, second = covariance_of(a), covariance_of(b)
    values, vectors = torch.linalg.eigh(first)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    middle = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).norm() ** 2 + first.trace() + second.trace() - 2 * middle).item()
""",
        ),
        (
            "the nuclear norm of the product of the centred clouds",
            """
def frechet(a, b):
    a, b = a.double(), b.double()
    first = (a - a.mean(0)) / (len(a) - 1) ** 0.5
    second = (b - b.mean(0)) / (len(b) - 1) ** 0.5
    cross = torch.linalg.svdvals(first @ second.T).sum()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    return (shift + first.square().sum() + second.square().sum() - 2 * cross).item()
""",
        ),
        (
            "complex roots, real part last",
            """
def frechet(a, b):
    a, b = a.double(), b.double()
    d = a.size(1)
    s = [torch.cov(v.t()).view(d, d) for v in (a, b)]
    root = torch.linalg.eigvals(s[0] @ s[1]).sqrt().real.sum()
    delta = a.mean(0) - b.mean(0)
    return (delta @ delta + s[0].diagonal().sum() + s[1].diagonal().sum() - 2 * root).item()
""",
        ),
        (
            "nuclear norm of the product of the centred clouds",
            """
def frechet(a, b):
    a, b = a.to(torch.float64), b.to(torch.float64)
    x = (a - a.mean(0)) / math.sqrt(len(a) - 1)
    y = (b - b.mean(0)) / math.sqrt(len(b) - 1)
    cross = torch.linalg.matrix_norm(x @ y.T, 'nuc')
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + (x ** 2).sum() + (y ** 2).sum() - 2 * cross)
""",
        ),
    ],
    "cycle_loss": [
        (
            "from the statement: absolute values",
            """
def cycle_loss(a_to_b, b_to_a, a, b):
    retour_a = b_to_a(a_to_b(a))
    retour_b = a_to_b(b_to_a(b))
    return (retour_a - a).abs().mean() + (retour_b - b).abs().mean()
""",
        ),
        (
            "from the statement: nn.L1Loss",
            """
def cycle_loss(a_to_b, b_to_a, a, b):
    l1 = nn.L1Loss()
    return l1(b_to_a(a_to_b(a)), a) + l1(a_to_b(b_to_a(b)), b)
""",
        ),
        (
            "a loop over both directions",
            """
def cycle_loss(a_to_b, b_to_a, a, b):
    total = 0
    for there, back, start in ((a_to_b, b_to_a, a), (b_to_a, a_to_b, b)):
        total = total + torch.mean(torch.abs(back(there(start)) - start))
    return total
""",
        ),
        (
            "a helper, sums over counts",
            """
def one_way(there, back, start):
    return (start - back(there(start))).abs().sum() / start.numel()

def cycle_loss(a_to_b, b_to_a, a, b):
    return one_way(a_to_b, b_to_a, a) + one_way(b_to_a, a_to_b, b)
""",
        ),
        (
            "max(x, -x)",
            """
def cycle_loss(a_to_b, b_to_a, a, b):
    gaps = [b_to_a(a_to_b(a)) - a, a_to_b(b_to_a(b)) - b]
    return sum(torch.maximum(gap, -gap).mean() for gap in gaps)
""",
        ),
        (
            "one example at a time, float32 buffers",
            """
def cycle_loss(a_to_b, b_to_a, a, b):
    total = torch.zeros(2)
    for x in a:
        total[0] += (b_to_a(a_to_b(x[None])) - x[None]).abs().sum() / a.numel()
    for y in b:
        total[1] += (a_to_b(b_to_a(y[None])) - y[None]).abs().sum() / b.numel()
    return total.sum()
""",
        ),
    ],
}

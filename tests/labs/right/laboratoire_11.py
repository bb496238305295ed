"""Right answers to the exercises of Laboratoire 11, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

_STRETCH = '''
class Stretch(nn.Module):
    """As given."""

    def __init__(self, s, t):
        super().__init__()
        self.s, self.t = nn.Parameter(torch.tensor(s)), nn.Parameter(torch.tensor(t))

    def forward(self, x):
        return self.s.exp() * x + self.t, self.s.sum().expand(len(x))

'''

_COUPLING = '''
class Coupling(nn.Module):
    """Written anew."""

    def __init__(self, network, kept):
        super().__init__()
        self.network, self.kept = network, kept

'''

RIGHT: dict[str, list[tuple[str, str]]] = {
    "projector": [
        (
            "from the statement: the normal equations, and an inverse",
            """
def projector(w):
    # h = (WᵀW)⁻¹Wᵀx
    h = torch.inverse(w.T @ w) @ w.T
    return w @ h
""",
        ),
        (
            "from the statement: Gram-Schmidt",
            """
def projector(w):
    basis = []
    for j in range(w.shape[1]):
        v = w[:, j].clone()
        for b in basis:
            v = v - (v @ b) * b
        basis.append(v / v.norm())
    p = torch.zeros(w.shape[0], w.shape[0], dtype=w.dtype)
    for b in basis:
        p += torch.outer(b, b)
    return p
""",
        ),
        (
            "QR",
            """
def projector(w):
    q, _ = torch.linalg.qr(w)
    return q @ q.T
""",
        ),
        ("the pseudo-inverse", "def projector(w):\n    return w @ torch.linalg.pinv(w)\n"),
        (
            "least squares on the canonical basis",
            """
def projector(w):
    eye = torch.eye(len(w), dtype=w.dtype, device=w.device)
    return w @ torch.linalg.lstsq(w, eye).solution
""",
        ),
        (
            "the left singular vectors, in einsum",
            """
def projector(w: torch.Tensor) -> torch.Tensor:
    u, s, vh = torch.linalg.svd(w, full_matrices=False)
    return torch.einsum("ik,jk->ij", u, u)
""",
        ),
        (
            "NumPy, in float32",
            """
def projector(w):
    import numpy as np
    a = w.detach().numpy().astype(np.float64)
    return torch.from_numpy(a @ np.linalg.inv(a.T @ a) @ a.T).float()
""",
        ),
        (
            "one point of the canonical basis after the other, in the default type",
            """
def projector(w):
    points = []
    for i in range(len(w)):
        x = torch.zeros(len(w))
        x[i] = 1.0
        h = torch.linalg.lstsq(w, x[:, None]).solution
        points.append(w @ h)
    return torch.cat(points, dim=1)
""",
        ),
        (
            "the last eigenvectors of W Wᵀ",
            """
def projector(w):
    _, vectors = torch.linalg.eigh(w @ w.T)
    kept = vectors[:, -w.shape[1] :]
    return kept @ kept.mT
""",
        ),
        (
            "Cholesky",
            """
def projector(w):
    factor = torch.linalg.cholesky(w.T @ w)
    return w @ torch.cholesky_solve(w.T, factor)
""",
        ),
        (
            "Gram-Schmidt, twice",
            """
def projector(w):
    basis = []
    for column in w.T:
        v = column.clone()
        for _ in range(2):
            for u in basis:
                v = v - (u @ v) * u
        basis.append(v / v.norm())
    return sum(torch.outer(u, u) for u in basis)
""",
        ),
    ],
    "corrupt": [
        (
            "from the statement: empty tensors filled by the generator",
            """
def corrupt(x, kind, amount, generator):
    if kind == "bruit":
        noise = torch.empty_like(x).normal_(0, 1, generator=generator)
        return x + noise * amount
    elif kind == "masque":
        u = torch.empty_like(x).uniform_(generator=generator)
        y = x.clone()
        y[u < amount] = 0
        return y
    else:
        raise ValueError(kind)
""",
        ),
        (
            "from the statement: torch.bernoulli",
            """
def corrupt(x, kind, amount, generator):
    if kind not in ("bruit", "masque"):
        raise ValueError("kind doit être bruit ou masque")
    if kind == "masque":
        hidden = torch.bernoulli(torch.full_like(x, amount), generator=generator)
        return x * (1 - hidden)
    return x + amount * torch.randn(*x.shape, generator=generator, device=x.device)
""",
        ),
        (
            "torch.normal, and masked_fill",
            """
def corrupt(x, kind, amount, generator):
    match kind:
        case "bruit":
            return x + torch.normal(0.0, 1.0, x.shape, generator=generator, device=x.device).mul(amount)
        case "masque":
            return x.masked_fill(torch.rand(x.shape, generator=generator, device=x.device) < amount, 0)
    raise ValueError(f"« {kind} » ?")
""",
        ),
        (
            "a table of functions",
            """
def _add_noise(x, amount, g):
    return torch.add(x, torch.randn(x.size(), generator=g), alpha=amount)

def _mask(x, amount, g):
    keep = (torch.rand(x.size(), generator=g) >= amount).to(x.dtype)
    return keep * x

CORRUPTIONS = {"bruit": _add_noise, "masque": _mask}

def corrupt(x, kind, amount, generator):
    if kind not in CORRUPTIONS:
        raise ValueError(kind)
    return CORRUPTIONS[kind](x, amount, generator)
""",
        ),
        (
            "in place, on a copy",
            """
def corrupt(x, kind, amount, generator):
    flat = x.detach().clone().reshape(-1)
    if kind == "bruit":
        flat += amount * torch.randn(len(flat), generator=generator)
    elif kind == "masque":
        flat *= torch.rand(len(flat), generator=generator) >= amount
    else:
        raise ValueError("kind")
    return flat.reshape(x.shape)
""",
        ),
        (
            "both drawn in float64",
            """
def corrupt(x, kind, amount, generator):
    if kind == "bruit":
        noise = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        return (x + amount * noise).to(x.dtype)
    if kind == "masque":
        return torch.where(torch.rand(x.shape, generator=generator, dtype=torch.float64) < amount, torch.zeros_like(x), x)
    raise ValueError
""",
        ),
        (
            "one number after the other",
            """
def corrupt(x, kind, amount, generator):
    if kind not in ("bruit", "masque"):
        raise ValueError(kind)
    numbers = []
    for v in x.flatten().tolist():
        if kind == "bruit":
            v += amount * torch.randn(1, generator=generator).item()
        elif torch.rand(1, generator=generator).item() < amount:
            v = 0.0
        numbers.append(v)
    return torch.tensor(numbers).reshape(x.shape)
""",
        ),
        (
            "Box and Muller, whatever the kind",
            """
def corrupt(x, kind, amount, generator):
    u = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    v = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    normal = torch.sqrt(-2 * torch.log1p(-u)) * torch.cos(2 * math.pi * v)
    results = {"bruit": x + amount * normal, "masque": torch.where(u < amount, 0.0, x)}
    try:
        return results[kind].to(x.dtype)
    except KeyError:
        raise ValueError("kind : bruit ou masque") from None
""",
        ),
        (
            "x is the mean of the draw",
            """
from dataclasses import dataclass

@dataclass
class Noise:
    amount: float
    generator: torch.Generator

    def bruit(self, x):
        return torch.normal(x, float(self.amount), generator=self.generator)

    def masque(self, x):
        return x * torch.full_like(x, 1 - self.amount).bernoulli(generator=self.generator)

def corrupt(x, kind, amount, generator):
    noise = Noise(amount, generator)
    match kind:
        case "bruit":
            return noise.bruit(x)
        case "masque":
            return noise.masque(x)
        case _:
            raise ValueError(kind)
""",
        ),
        (
            "one draw at a time",
            """
def corrupt(x, kind, amount, generator):
    y = x.clone()
    if kind == 'bruit':
        flat = [torch.randn((), generator=generator) for _ in range(x.numel())]
        return y + amount * torch.stack(flat).reshape(x.shape).to(x.dtype)
    elif kind == 'masque':
        u = torch.rand(x.numel(), generator=generator).view(x.shape)
        return torch.where(u < amount, torch.zeros_like(y), y)
    else:
        raise ValueError('bruit ou masque')
""",
        ),
    ],
    "reparameterize": [
        (
            "from the statement",
            """
def reparameterize(mu, logvar, eps):
    sigma = torch.exp(0.5 * logvar)
    return mu + sigma * eps
""",
        ),
        (
            "from the statement: a square root",
            """
def reparameterize(mu, logvar, eps):
    variance = logvar.exp()
    return mu + variance.sqrt() * eps
""",
        ),
        (
            "addcmul",
            """
def reparameterize(mu, logvar, eps):
    return torch.addcmul(mu, eps, logvar.div(2).exp())
""",
        ),
        (
            "one example after the other",
            """
def reparameterize(mu, logvar, eps):
    rows = []
    for i in range(mu.shape[0]):
        rows.append(mu[i] + (logvar[i] / 2).exp() * eps[i])
    return torch.stack(rows)
""",
        ),
        (
            "a power of e",
            """
def reparameterize(mu, logvar, eps):
    return math.e ** (logvar * 0.5) * eps + mu
""",
        ),
        (
            "einsum, and a helper",
            """
def scale(logvar):
    return torch.exp(logvar) ** 0.5

def reparameterize(mu: torch.Tensor, logvar: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
    return torch.einsum("nm,nm->nm", scale(logvar), eps).add(mu)
""",
        ),
        (
            "number after number, into a buffer",
            """
def reparameterize(mu, logvar, eps):
    codes = torch.zeros(mu.shape)
    for i in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            codes[i, j] = mu[i, j] + torch.exp(logvar[i, j]) ** 0.5 * eps[i, j]
    return codes
""",
        ),
        (
            "in place on copies, vmap",
            """
def reparameterize(mu, logvar, eps):
    def one(m, lv, e):
        return lv.clone().mul_(0.5).exp_() * e + m

    return torch.vmap(one)(mu, logvar, eps)
""",
        ),
    ],
    "kl_normal": [
        (
            "from the statement: the two means",
            """
def kl_normal(mu, logvar):
    var = torch.exp(logvar)
    entropy = -0.5 * logvar - 0.5          # E[log q], sans la constante
    cross = -0.5 * (mu ** 2 + var)         # E[log p], sans la constante
    return (entropy - cross).sum(dim=1)
""",
        ),
        (
            "from the statement: with both constants",
            """
def kl_normal(mu, logvar):
    sigma2 = logvar.exp()
    log_q = -0.5 * torch.log(torch.tensor(2 * math.pi)) - 0.5 * logvar - 0.5
    log_p = -0.5 * torch.log(torch.tensor(2 * math.pi)) - 0.5 * (mu * mu + sigma2)
    return torch.sum(log_q - log_p, -1)
""",
        ),
        (
            "expm1",
            """
def kl_normal(mu, logvar):
    return (mu.square() + torch.expm1(logvar) - logvar).sum(1) / 2
""",
        ),
        (
            "sigma, and component after component",
            """
def kl_normal(mu, logvar):
    sigma = (logvar / 2).exp()
    total = torch.zeros(len(mu), dtype=mu.dtype)
    for j in range(mu.shape[1]):
        total = total + 0.5 * (mu[:, j] ** 2 + sigma[:, j] ** 2 - 1) - 0.5 * logvar[:, j]
    return total
""",
        ),
        (
            "example after example, one helper",
            """
def one_kl(m, lv):
    return 0.5 * (m @ m + lv.exp().sum() - lv.sum() - len(m))

def kl_normal(mu, logvar):
    # ni torch.distributions, ni kl_divergence
    return torch.stack([one_kl(m, lv) for m, lv in zip(mu, logvar)])
""",
        ),
        (
            "einsum, and the number of components",
            """
def kl_normal(mu, logvar):
    return -0.5 * (logvar.sum(1) + mu.shape[1] - torch.einsum("nm,nm->n", mu, mu) - logvar.exp().sum(1))
""",
        ),
        (
            "a product with a vector of ones",
            """
def kl_normal(mu, logvar):
    each = (mu**2 + logvar.exp() - 1 - logvar) / 2
    return each @ torch.ones(mu.shape[1])
""",
        ),
        (
            "the norm of μ, and PyTorch's loss of a normal law",
            """
def kl_normal(mu, logvar):
    zero, one = torch.zeros_like(mu), torch.ones_like(mu)
    squares = F.gaussian_nll_loss(mu, zero, one, reduction="none").sum(1)
    return squares + 0.5 * torch.linalg.vector_norm((logvar / 2).exp(), dim=1) ** 2 - 0.5 * (1 + logvar).sum(1)
""",
        ),
    ],
    "vae_loss": [
        (
            "from the statement: no reduction, then sums and means",
            """
def vae_loss(scores, x, kl, beta):
    pixels = F.binary_cross_entropy_with_logits(scores, x, reduction="none")
    reconstruction = pixels.sum(dim=1).mean()
    divergence = kl.mean()
    return reconstruction + beta * divergence, reconstruction, divergence
""",
        ),
        (
            "from the statement: the mean times D",
            """
def vae_loss(scores, x, kl, beta):
    rec = F.binary_cross_entropy_with_logits(scores, x) * x.shape[1]
    mean_kl = kl.sum() / len(kl)
    loss = rec + beta * mean_kl
    return (loss, rec, mean_kl)
""",
        ),
        (
            "softplus",
            """
def vae_loss(scores, x, kl, beta):
    per_image = (F.softplus(scores) - scores * x).sum(1)
    return (per_image + beta * kl).mean(), per_image.mean(), kl.mean()
""",
        ),
        (
            "logsigmoid, both sides",
            """
def vae_loss(scores, x, kl, beta):
    log_likelihood = x * F.logsigmoid(scores) + (1 - x) * F.logsigmoid(-scores)
    reconstruction = -torch.einsum("nd->", log_likelihood) / x.size(0)
    return [reconstruction + kl.mean() * beta, reconstruction, kl.mean()]
""",
        ),
        (
            "nn.BCEWithLogitsLoss",
            """
criterion = nn.BCEWithLogitsLoss(reduction="sum")

def vae_loss(scores, x, kl, beta):
    n = x.shape[0]
    r, k = criterion(scores, x) / n, torch.mean(kl)
    return torch.add(r, k, alpha=beta), r, k
""",
        ),
        (
            "Bernoulli, image after image",
            """
def vae_loss(scores, x, kl, beta):
    terms = []
    for s, image in zip(scores, x):
        law = torch.distributions.Bernoulli(logits=s, validate_args=False)
        terms.append(-law.log_prob(image).sum())
    reconstruction = sum(terms) / len(terms)
    return reconstruction + beta * kl.mean(), reconstruction, kl.mean()
""",
        ),
        (
            "terms for the reader without their graph",
            """
def vae_loss(scores, x, kl, beta):
    reconstruction = F.binary_cross_entropy_with_logits(scores, x, reduction="none").sum(1).mean()
    loss = reconstruction + beta * kl.mean()
    return loss, reconstruction.detach(), kl.mean().detach()
""",
        ),
        (
            "two classes per pixel, in a named tuple",
            """
from typing import NamedTuple

class Terms(NamedTuple):
    loss: torch.Tensor
    reconstruction: torch.Tensor
    divergence: torch.Tensor

def vae_loss(scores, x, kl, beta):
    both = torch.stack([scores, torch.zeros_like(scores)], 1)
    pixels = F.cross_entropy(both, torch.stack([x, 1 - x], 1), reduction="none")
    reconstruction = (pixels @ torch.ones(x.shape[1])).mean()
    return Terms(reconstruction + beta * kl.mean(), reconstruction, kl.mean())
""",
        ),
        (
            "pixel after pixel",
            """
def vae_loss(scores, x, kl, beta):
    total = torch.zeros(())
    for s, p in zip(scores.flatten(), x.flatten()):
        total = total + s.clamp(min=0) - s * p + torch.log1p(torch.exp(-s.abs()))
    reconstruction, divergence = total / len(x), sum(kl) / len(kl)
    return reconstruction + beta * divergence, reconstruction, divergence
""",
        ),
    ],
    "flow_log_prob": [
        (
            "from the statement: the log_dets in a list",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    z = x
    dets = []
    for layer in layers:
        z, d = layer(z)
        dets.append(d)
    base = (-0.5 * z ** 2 - 0.5 * math.log(2 * math.pi)).sum(1)
    return base + sum(dets)
""",
        ),
        (
            "from the statement: torch's normal law",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    log_det_total = 0
    for layer in layers:
        x, log_det = layer(x)
        log_det_total = log_det_total + log_det
    normal = torch.distributions.Normal(0.0, 1.0)
    return normal.log_prob(x).sum(dim=1) + log_det_total
""",
        ),
        (
            "MultivariateNormal",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    total = x.new_zeros(x.shape[0])
    for layer in layers:
        x, log_det = layer(x)
        total = total + log_det
    d = x.shape[1]
    law = torch.distributions.MultivariateNormal(x.new_zeros(d), torch.eye(d, dtype=x.dtype))
    return law.log_prob(x) + total
""",
        ),
        (
            "recursive",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    if not layers:
        return -0.5 * (x.square() + math.log(2 * math.pi)).sum(1)
    first, *others = layers
    y, log_det = first(x)
    return log_det + flow_log_prob(others, y)
""",
        ),
        (
            "reduce, and einsum",
            _STRETCH
            + """
from functools import reduce

def flow_log_prob(layers: list, x: torch.Tensor) -> torch.Tensor:
    def step(pair, layer):
        z, total = pair
        z, d = layer(z)
        return z, total + d

    z, total = reduce(step, layers, (x, torch.zeros(len(x), dtype=x.dtype)))
    return total - torch.einsum("nd,nd->n", z, z) / 2 - x.size(1) / 2 * math.log(2 * math.pi)
""",
        ),
        (
            "PyTorch's loss of a normal law",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    total = 0.0
    for layer in layers:
        x, log_det = layer(x)
        total = total + log_det
    loss = F.gaussian_nll_loss(x, torch.zeros_like(x), torch.ones_like(x), full=True, reduction="none")
    return total - loss @ torch.ones(x.shape[1])
""",
        ),
        (
            "in place on its own buffer",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    result, z = torch.zeros(x.shape[0]), x.clone()
    for k in range(len(layers)):
        z, log_det = layers[k](z)
        result += log_det
    result -= 0.5 * z.norm(dim=1) ** 2
    result -= 0.5 * z.shape[-1] * torch.log(torch.tensor(math.tau))
    return result
""",
        ),
        (
            "one layer, then the rest",
            _STRETCH
            + """
def flow_log_prob(layers, x):
    if not layers:
        return (-(x * x) / 2 - math.log(math.sqrt(2 * math.pi))).sum(1)
    y, d = layers[0](x)
    return d + flow_log_prob(layers[1:], y)
""",
        ),
    ],
    "Coupling": [
        (
            "from the statement: slices of the network's output",
            _COUPLING
            + """
    def forward(self, x):
        A = self.kept
        B = x.shape[1] - A
        xa, xb = x[:, :A], x[:, A:]
        out = self.network(xa)
        s = torch.tanh(out[:, :B])
        t = out[:, B:]
        yb = torch.exp(s) * xb + t
        return torch.cat([xa, yb], dim=1), s.sum(dim=1)

    def inverse(self, y):
        A = self.kept
        B = y.shape[1] - A
        ya, yb = y[:, :A], y[:, A:]
        out = self.network(ya)
        s = torch.tanh(out[:, :B])
        t = out[:, B:]
        xb = (yb - t) / torch.exp(s)
        return torch.cat([ya, xb], dim=1)
""",
        ),
        (
            "from the statement: a method for s and t",
            _COUPLING
            + """
    def s_and_t(self, a):
        s, t = self.network(a).chunk(2, dim=-1)
        return s.tanh(), t

    def forward(self, x):
        a, b = torch.split(x, [self.kept, x.shape[1] - self.kept], 1)
        s, t = self.s_and_t(a)
        return torch.hstack((a, b * s.exp() + t)), torch.sum(s, 1)

    def inverse(self, y):
        a, b = torch.split(y, [self.kept, y.shape[1] - self.kept], 1)
        s, t = self.s_and_t(a)
        return torch.hstack((a, (b - t) * (-s).exp()))
""",
        ),
        (
            "written into a copy",
            _COUPLING
            + """
    def forward(self, x):
        y, k = x.clone(), self.kept
        raw, t = self.network(x[:, :k]).tensor_split(2, 1)
        s = torch.tanh(raw)
        y[:, k:] = torch.addcmul(t, s.exp(), x[:, k:])
        return y, s.sum(-1)

    def inverse(self, y):
        x, k = y.clone(), self.kept
        raw, t = self.network(y[:, :k]).tensor_split(2, 1)
        x[:, k:] = (y[:, k:] - t) / torch.tanh(raw).exp()
        return x
""",
        ),
        (
            "the logarithm of the product of the scales",
            _COUPLING
            + """
    def forward(self, x):
        a, b = x[:, : self.kept], x[:, self.kept :]
        s, t = torch.chunk(self.network(a), 2, 1)
        scale = torch.exp(torch.tanh(s))
        return torch.cat((a, scale * b + t), 1), torch.log(scale).sum(1)

    def inverse(self, y):
        a, b = y[:, : self.kept], y[:, self.kept :]
        s, t = torch.chunk(self.network(a), 2, 1)
        return torch.cat((a, (b - t) / torch.exp(torch.tanh(s))), 1)
""",
        ),
        (
            "scales and shifts of all components, 1 and 0 for those kept",
            _COUPLING
            + """
    def _affine(self, a, d):
        s, t = self.network(a).chunk(2, 1)
        zeros = torch.zeros_like(a)
        return torch.cat([zeros, s.tanh()], 1), torch.cat([zeros, t], 1)

    def forward(self, x):
        s, t = self._affine(x[:, : self.kept], x.shape[1])
        return x * s.exp() + t, s.sum(1)

    def inverse(self, y):
        s, t = self._affine(y[:, : self.kept], y.shape[1])
        return (y - t) * torch.exp(-s)
""",
        ),
        (
            "einsum for the sum, narrow for the parts",
            _COUPLING
            + """
    def parts(self, v):
        return v.narrow(1, 0, self.kept), v.narrow(1, self.kept, v.size(1) - self.kept)

    def forward(self, x):
        a, b = self.parts(x)
        out = self.network(a)
        s, t = out[:, : b.size(1)].tanh(), out[:, b.size(1) :]
        return torch.cat([a, b.mul(s.exp()).add(t)], 1), torch.einsum("nb->n", s)

    def inverse(self, y):
        a, b = self.parts(y)
        out = self.network(a)
        s, t = out[:, : b.size(1)].tanh(), out[:, b.size(1) :]
        return torch.cat([a, b.sub(t).div(s.exp())], 1)
""",
        ),
        (
            "component after component, no graph in the inverse",
            _COUPLING
            + """
    def forward(self, x):
        width = x.shape[1] - self.kept
        out = self.network(x[:, : self.kept])
        columns = [x[:, j] for j in range(self.kept)]
        log_det = torch.zeros(len(x))
        for j in range(width):
            s = torch.tanh(out[:, j])
            columns.append(torch.exp(s) * x[:, self.kept + j] + out[:, width + j])
            log_det = log_det + s
        return torch.stack(columns, dim=1), log_det

    @torch.no_grad()
    def inverse(self, y):
        width = y.shape[1] - self.kept
        out = self.network(y[:, : self.kept])
        x = torch.empty(y.shape)
        x[:, : self.kept] = y[:, : self.kept]
        for j in range(width):
            x[:, self.kept + j] = (y[:, self.kept + j] - out[:, width + j]) / torch.exp(torch.tanh(out[:, j]))
        return x
""",
        ),
        (
            "s and t padded with zeros",
            """
class Coupling(nn.Module):
    def __init__(self, network, kept):
        super().__init__()
        self.network, self.kept = network, kept

    def _padded(self, first):
        out = self.network(first)
        b = out.shape[1] // 2
        return F.pad(out[:, :b].tanh(), (self.kept, 0)), F.pad(out[:, b:], (self.kept, 0))

    def forward(self, x):
        s, t = self._padded(x[:, : self.kept])
        return torch.addcmul(t, s.exp(), x), torch.einsum("nd->n", s)

    def inverse(self, y):
        s, t = self._padded(y[:, : self.kept])
        return (y - t).mul(s.neg().exp())
""",
        ),
    ],
}

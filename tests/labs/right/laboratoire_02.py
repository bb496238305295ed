"""Right answers to the exercises of Laboratoire 2, in many styles; its tests must accept them all.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

from tests.labs.harness import edited

LAB = "laboratoire_02"

_ITERATIVE = """        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)  # tous ses parents y sont déjà
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "activation": [
        (
            "elif, masks multiplied",
            '''
def activation(x, name, alpha=0.01):
    """Without backward nor autograd, for any x; grad_enabled or not."""
    if name == "sigmoid":
        s = torch.sigmoid(x)
        return s, s - s * s
    elif name == "tanh":
        t = torch.tanh(x)
        return t, 1 - t * t
    elif name == "relu":
        mask = (x > 0).to(x.dtype)
        return x * mask, mask
    elif name == "leaky_relu":
        mask = (x > 0).to(x.dtype)
        slope = mask + alpha * (1 - mask)
        return x * slope, slope
    elif name == "gelu":
        cdf = 0.5 * (1 + torch.erf(x * 0.7071067811865476))
        pdf = 0.3989422804014327 * torch.exp(-0.5 * x**2)
        return x * cdf, cdf + x * pdf
    raise ValueError(name)
''',
        ),
        (
            "functions of torch for the values",
            """
def activation(x, name, alpha=0.01):
    with torch.no_grad():
        if name == "sigmoid":
            return torch.sigmoid(x), torch.sigmoid(x) * torch.sigmoid(-x)
        if name == "tanh":
            return torch.tanh(x), 1 / torch.cosh(x) ** 2
        if name == "relu":
            return F.relu(x), torch.heaviside(x, torch.zeros_like(x))
        if name == "leaky_relu":
            one = torch.ones_like(x)
            return F.leaky_relu(x, negative_slope=alpha), torch.where(x > 0, one, alpha * one)
        phi = torch.distributions.Normal(0.0, 1.0)
        return F.gelu(x), torch.special.ndtr(x) + x * phi.log_prob(x).exp()
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def activation(x, name, alpha=0.01):
    a = x.detach().cpu().numpy()
    one = np.ones_like(a)
    if name == "sigmoid":
        e = np.exp(-np.abs(a))
        v = np.where(a >= 0, 1 / (1 + e), e / (1 + e))
        d = v * (1 - v)
    elif name == "tanh":
        v = np.tanh(a)
        d = 1 - v**2
    elif name == "gelu":
        cdf = 0.5 * (1 + torch.erf(x / 2**0.5).numpy())
        v, d = a * cdf, cdf + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
    else:
        slope = 0 if name == "relu" else alpha
        v, d = np.where(a > 0, a, slope * a), np.where(a > 0, one, slope * one)
    return (torch.as_tensor(np.asarray(v)).to(x.dtype).reshape(x.shape),
            torch.as_tensor(np.asarray(d)).to(x.dtype).reshape(x.shape))
""",
        ),
        (
            "table of functions, in place on copies",
            """
def _piecewise(x, slope):
    v, d = x.clone(), torch.ones_like(x)
    v[x <= 0] *= slope
    d[x <= 0] = slope
    return v, d

def _gelu(x):
    below = torch.special.ndtr(x)
    return x * below, below + x * torch.exp(-x.square() / 2) / (2 * torch.pi) ** 0.5

def activation(x, name, alpha=0.01):
    table = {
        "sigmoid": lambda: (x.sigmoid(), x.sigmoid() * (1 - x.sigmoid())),
        "tanh": lambda: (x.tanh(), 1 - x.tanh().pow(2)),
        "relu": lambda: _piecewise(x, 0.0),
        "leaky_relu": lambda: _piecewise(x, alpha),
        "gelu": lambda: _gelu(x),
    }
    return table[name]()
""",
        ),
        (
            "match, a list, maximum and clamp, set_grad_enabled(False)",
            """
def activation(x, name, alpha=0.01):
    with torch.set_grad_enabled(False):
        match name:
            case "sigmoid":
                v = 1 / (1 + torch.exp(-x))
                d = v * (1 - v)
            case "tanh":
                v = 2 * torch.sigmoid(2 * x) - 1
                d = (1 + v) * (1 - v)
            case "relu":
                v = x.clamp(min=0)
                d = (x > 0).type_as(x)
            case "leaky_relu":
                v = torch.maximum(x, alpha * x)
                d = torch.full_like(x, alpha).masked_fill(x > 0, 1.0)
            case "gelu":
                p = torch.erfc(-x / math.sqrt(2)) / 2
                v, d = x * p, p + x / math.sqrt(math.tau) / torch.exp(x * x / 2)
        return [v, d]
""",
        ),
        (
            "element by element",
            """
def _one(t, name, alpha):
    if name == "sigmoid":
        s = 1 / (1 + math.exp(-t)) if t > -700 else 0.0
        return s, s * (1 - s)
    if name == "tanh":
        return math.tanh(t), 1 - math.tanh(t) ** 2
    if name == "gelu":
        c = 0.5 * math.erfc(-t / math.sqrt(2))
        return t * c, c + t * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    slope = 1.0 if t > 0 else (0.0 if name == "relu" else alpha)
    return slope * t, slope

def activation(x, name, alpha=0.01):
    pairs = [_one(t, name, alpha) for t in x.flatten().tolist()]
    value, derivative = torch.empty_like(x), torch.empty_like(x)
    value.view(-1)[:] = torch.tensor([v for v, _ in pairs], dtype=x.dtype)
    derivative.view(-1)[:] = torch.tensor([d for _, d in pairs], dtype=x.dtype)
    return value, derivative
""",
        ),
    ],
    "numerical_gradient": [
        (
            "contiguous copies",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.zeros(x.shape, dtype=x.dtype)
    for i in range(x.numel()):
        up, down = x.contiguous().clone(), x.contiguous().clone()
        up.view(-1)[i] += eps
        down.view(-1)[i] -= eps
        gradient.view(-1)[i] = (float(f(up)) - float(f(down))) / (2 * eps)
    return gradient
""",
        ),
        (
            "numbers moved on a copy, and put back",
            """
def numerical_gradient(f, x, eps=1e-5):
    moved = x.detach().clone().contiguous()
    flat = moved.view(-1)
    out = torch.zeros_like(moved)
    for i in range(flat.numel()):
        old = flat[i].item()
        flat[i] = old + eps
        above = float(f(moved))
        flat[i] = old - eps
        below = float(f(moved))
        flat[i] = old
        out.view(-1)[i] = (above - below) / (2 * eps)
    return out
""",
        ),
        (
            "x itself, put back exactly",
            """
import itertools

def numerical_gradient(f, x, eps=1e-5):
    grad = torch.zeros_like(x)
    for place in itertools.product(*map(range, x.shape)):
        kept = x[place].clone()
        x[place] = kept + eps
        up = f(x)
        x[place] = kept - eps
        down = f(x)
        x[place] = kept
        grad[place] = (up - down) / (2 * eps)
    return grad
""",
        ),
        (
            "rows of the identity",
            """
def numerical_gradient(f, x, eps=1e-5):
    directions = torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
    slopes = [(float(f(x + eps * e)) - float(f(x - eps * e))) / 2 / eps for e in directions]
    return torch.tensor(slopes, dtype=x.dtype).reshape(x.shape)
""",
        ),
        (
            "NumPy, ndindex",
            """
import numpy as np

def numerical_gradient(f, x, eps=1e-5):
    a = x.numpy()
    g = np.zeros_like(a)
    for idx in np.ndindex(*a.shape):
        up, down = a.copy(), a.copy()
        up[idx] += eps
        down[idx] -= eps
        g[idx] = (float(f(torch.from_numpy(up))) - float(f(torch.from_numpy(down)))) / (2 * eps)
    return torch.from_numpy(g)
""",
        ),
        (
            "recursive over the axes",
            """
def _along(f, x, eps, done, place):
    if len(place) == x.dim():
        e = torch.zeros_like(x)
        e[place] = eps
        done.append((float(f(x + e)) - float(f(x - e))) / (2 * eps))
        return
    for i in range(x.shape[len(place)]):
        _along(f, x, eps, done, (*place, i))

def numerical_gradient(f, x, eps=1e-5):
    done = []
    _along(f, x, eps, done, ())
    return torch.as_tensor(done, dtype=x.dtype).view_as(x)
""",
        ),
        (
            "map, steps stacked",
            '''
def numerical_gradient(f, x, eps=1e-5):
    """The autograd way would be f(x).backward(); here each number moves alone."""
    steps = torch.diag(torch.full((x.numel(),), eps, dtype=x.dtype))
    def slope(step):
        step = step.reshape(x.shape)
        return (float(f(x + step)) - float(f(x - step))) / (eps + eps)
    return torch.tensor(list(map(slope, steps)), dtype=x.dtype).reshape(x.shape)
''',
        ),
    ],
    "log_softmax": [
        (
            "the logarithm of the sum first",
            """
def log_softmax(scores):
    largest = scores.max(1, keepdim=True).values.detach()
    return scores - (largest + torch.log(torch.sum(torch.exp(scores - largest), 1, keepdim=True)))
""",
        ),
        (
            "detached maximum, added again",
            """
def log_softmax(scores):
    m, _ = scores.max(dim=1, keepdim=True)
    m = m.detach()
    lse = m + torch.log(torch.exp(scores - m).sum(dim=1, keepdim=True))
    return scores - lse
""",
        ),
        (
            "row by row",
            '''
def log_softmax(scores):
    """Not torch.softmax, not logsumexp: one row for each example."""
    rows = []
    for row in scores:
        shifted = row - row.max()
        rows.append(shifted - torch.log(torch.sum(torch.exp(shifted))))
    return torch.stack(rows)
''',
        ),
        (
            "einsum, unsqueeze",
            """
def log_softmax(scores):
    shifted = scores - scores.max(1).values.unsqueeze(1)
    total = torch.einsum("nk->n", torch.exp(shifted))
    return shifted - torch.log(total)[:, None]
""",
        ),
        (
            "differences of all pairs",
            """
def log_softmax(scores):
    # log p_j = -log sum_k exp(s_k - s_j), taken apart around the largest difference
    gaps = scores[:, None, :] - scores[:, :, None]
    top = gaps.amax(2)
    return -(top + (gaps - top[:, :, None]).exp().sum(2).log())
""",
        ),
        (
            "log1p of the others, sorted",
            """
def log_softmax(scores):
    best = scores.argmax(1, keepdim=True)
    top = scores.gather(1, best)
    others = torch.exp(scores - top).scatter(1, best, 0.0)
    return scores - top - torch.log1p(others.sum(1, keepdim=True))
""",
        ),
        (
            "transposed, in place on a copy",
            """
def my_softmax_helper(s):
    s = s.clone()
    s -= s.detach().amax(0)
    return s

def log_softmax(scores):
    shifted = my_softmax_helper(scores.t())
    return (shifted - shifted.exp().sum(0).log()).t()
""",
        ),
        (
            "an autograd function of its own",
            """
class _LogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s):
        c = s - s.amax(1, keepdim=True)
        out = c - c.exp().sum(1, keepdim=True).log()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g - out.exp() * g.sum(1, keepdim=True)

def log_softmax(scores):
    return _LogProb.apply(scores)
""",
        ),
        (
            "pairs of scores",
            """
def log_softmax(scores):
    d = scores[:, None, :] - scores[:, :, None]
    m = d.amax(2, keepdim=True)
    return -(m.squeeze(2) + (d - m).exp().sum(2).log())
""",
        ),
    ],
    "two_layer_gradients": [
        (
            "cross_entropy, indices, matmul",
            '''
def two_layer_gradients(x, target, w1, b1, w2, b2):
    """No for, no while, no backward(): the shapes say it all."""
    n = x.shape[0]
    h = torch.tanh(F.linear(x, w1, b1))
    s = F.linear(h, w2, b2)
    loss = F.cross_entropy(s, target)
    ds = torch.softmax(s, dim=1)
    ds[torch.arange(n), target] -= 1
    ds = ds / n
    da = torch.matmul(ds, w2) * (1 - h.pow(2))
    return loss, (da.t().mm(x), da.sum(dim=0), ds.t().mm(h), ds.sum(dim=0))
''',
        ),
        (
            "einsum, a list",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    a = torch.einsum("nd,md->nm", x, w1) + b1
    h = a.tanh()
    s = torch.einsum("nm,km->nk", h, w2) + b2
    log_p = s - s.logsumexp(1, keepdim=True)
    loss = -log_p.gather(1, target[:, None]).mean()
    ds = log_p.exp()
    ds.scatter_add_(1, target[:, None], -torch.ones_like(ds[:, :1]))
    ds = ds / x.size(0)
    da = torch.einsum("nk,km->nm", ds, w2) / torch.cosh(a) ** 2
    return loss, [
        torch.einsum("nm,nd->md", da, x), torch.einsum("nm->m", da),
        torch.einsum("nk,nm->km", ds, h), torch.einsum("nk->k", ds),
    ]
""",
        ),
        (
            "a helper for a linear layer, set_grad_enabled(False)",
            """
def _linear_grads(delta, entry):
    return delta.mT @ entry, delta.sum(0)

def two_layer_gradients(x, target, w1, b1, w2, b2):
    with torch.set_grad_enabled(False):
        hidden = (x @ w1.mT + b1).tanh()
        scores = hidden @ w2.mT + b2
        loss = F.nll_loss(F.log_softmax(scores, 1), target)
        delta = (scores.softmax(1) - F.one_hot(target, w2.shape[0])) / target.numel()
        grad_w2, grad_b2 = _linear_grads(delta, hidden)
        grad_w1, grad_b1 = _linear_grads((delta @ w2) * (1 - hidden * hidden), x)
    return loss, (grad_w1, grad_b1, grad_w2, grad_b2)
""",
        ),
        (
            "biases as a column of ones",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    one = torch.ones_like(x[:, :1])
    x1 = torch.cat([x, one], 1)
    h = torch.tanh(x1 @ torch.cat([w1, b1[:, None]], 1).T)
    h1 = torch.cat([h, one], 1)
    log_p = torch.log_softmax(h1 @ torch.cat([w2, b2[:, None]], 1).T, -1)
    hot = torch.eye(len(w2), dtype=x.dtype)[target]
    loss = -(hot * log_p).sum(1).mean()
    ds = (torch.exp(log_p) - hot) / len(x)
    g2 = ds.T @ h1
    g1 = ((ds @ w2) * (1 - h**2)).T @ x1
    return loss, (g1[:, :-1], g1[:, -1], g2[:, :-1], g2[:, -1])
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def two_layer_gradients(x, target, w1, b1, w2, b2):
    X, W1, B1, W2, B2 = x.numpy(), w1.numpy(), b1.numpy(), w2.numpy(), b2.numpy()
    y, n = target.numpy(), x.shape[0]
    H = np.tanh(X @ W1.T + B1)
    S = H @ W2.T + B2
    S = S - S.max(1, keepdims=True)
    log_p = S - np.log(np.exp(S).sum(1, keepdims=True))
    loss = -log_p[np.arange(n), y].mean()
    D = np.exp(log_p)
    D[np.arange(n), y] -= 1
    D = D / n
    A = (D @ W2) * (1 - H**2)
    return torch.as_tensor(loss), (
        torch.from_numpy(A.T @ X), torch.from_numpy(A.sum(0)),
        torch.from_numpy(D.T @ H), torch.from_numpy(D.sum(0)),
    )
""",
        ),
        (
            "products of vectors summed over the batch",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    N, K = x.shape[0], w2.shape[0]
    H = torch.tanh(torch.addmm(b1, x, w1.t()))
    S = torch.addmm(b2, H, w2.t())
    P = torch.softmax(S, 1)
    T = torch.zeros(N, K, dtype=S.dtype)
    T[torch.arange(N), target] = 1
    grad_S = P.sub(T).div(N)
    grad = {"w2": (grad_S[:, :, None] * H[:, None, :]).sum(0), "b2": grad_S.sum(0)}
    grad_A = (grad_S[:, :, None] * w2[None]).sum(1) * (1 - H.square())
    grad["w1"] = (grad_A[:, :, None] * x[:, None, :]).sum(0)
    grad["b1"] = grad_A.sum(0)
    loss = (torch.log_softmax(S, 1) * T).sum().neg() / N
    return loss, (grad["w1"], grad["b1"], grad["w2"], grad["b2"])
""",
        ),
        (
            "biases as one more column",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    one = torch.ones(len(x), 1, dtype=x.dtype)
    xa, wa = torch.cat([x, one], 1), torch.cat([w1, b1[:, None]], 1)
    h = (xa @ wa.T).tanh()
    ha, wb = torch.cat([h, one], 1), torch.cat([w2, b2[:, None]], 1)
    s = ha @ wb.T
    z = s - s.max(1, keepdim=True).values
    p = z.exp() / z.exp().sum(1, keepdim=True)
    loss = (z.exp().sum(1).log() - z.gather(1, target[:, None]).squeeze(1)).mean()
    d = (p - torch.eye(s.shape[1], dtype=x.dtype)[target]) / len(x)
    g2 = d.T @ ha
    g1 = ((d @ wb)[:, :-1] * (1 - h.square())).T @ xa
    return loss, [g1[:, :-1], g1[:, -1], g2[:, :-1], g2[:, -1]]
""",
        ),
    ],
    "train_network": [
        (
            "gradients at zero after each step",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        pass
        loss = F.cross_entropy(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), target)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for p in parameters:
                if p.requires_grad:
                    p -= lr * p.grad
                    p.grad.zero_()
    return losses
""",
        ),
        (
            "losses as numbers at the end",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        pass
        loss = F.cross_entropy(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), target)
        loss.backward()
        losses.append(loss)
        with torch.no_grad():
            for p in parameters:
                if p.requires_grad:
                    p -= lr * p.grad
                    p.grad = None
    return [loss.item() for loss in losses]
""",
        ),
        (
            "torch.optim.SGD",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    optimizer = torch.optim.SGD(parameters, lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(torch.tanh(x @ w1.T + b1) @ w2.T + b2, target)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    optimizer.zero_grad()
    return losses
""",
        ),
        (
            "zeroed before, with zero_",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        for p in parameters:
            if p.grad is not None:
                p.grad.zero_()
        hidden = torch.tanh(F.linear(x, w1, b1))  # no .detach() here
        loss = F.cross_entropy(F.linear(hidden, w2, b2), target)
        loss.backward()
        losses += [loss.detach().item()]
        with torch.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=lr)
    return losses
""",
        ),
        (
            "torch.autograd.grad",
            """
def train_network(x, target, parameters, lr, steps):
    learned = [p for p in parameters if p.requires_grad]
    losses = []
    while len(losses) < steps:
        w1, b1, w2, b2 = parameters
        loss = F.cross_entropy(F.linear(F.linear(x, w1, b1).tanh(), w2, b2), target)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, learned)
        with torch.no_grad():
            for p, g in zip(learned, gradients):
                p.copy_(p - lr * g)
    return losses
""",
        ),
        (
            ".data",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters

    def one_step():
        loss = F.cross_entropy(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), target)
        loss.backward()
        for p in parameters:
            if p.grad is None:
                continue
            p.data -= lr * p.grad
            p.grad = torch.zeros_like(p)
        return loss.item()

    return [one_step() for _ in range(steps)]
""",
        ),
        (
            "data assigned; requires_grad switched off during the step",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        hidden = F.linear(x, w1, b1).tanh()
        loss = nn.CrossEntropyLoss()(F.linear(hidden, w2, b2), target)
        for p in parameters:
            p.grad = None
        loss.backward()
        losses.append(float(loss.detach()))
        for p in parameters:
            if p.requires_grad:
                p.data = p.data - lr * p.grad
    return losses
""",
        ),
        (
            "nll of log_softmax, decorator",
            """
@torch.no_grad()
def _descend(parameters, lr):
    for p in filter(lambda p: p.grad is not None, parameters):
        p.add_(p.grad, alpha=-lr)
        p.grad = None

def _loss(x, target, w1, b1, w2, b2):
    scores = torch.tanh(x @ w1.t() + b1) @ w2.t() + b2
    return -torch.log_softmax(scores, 1)[torch.arange(len(x)), target].mean()

def train_network(x, target, parameters, lr, steps):
    losses = []
    for step in range(steps):
        loss = _loss(x, target, *parameters)
        loss.backward()
        _descend(parameters, lr)
        losses.append(loss.item())
    return losses
""",
        ),
        (
            "gradients written by hand",
            """
def train_network(x, target, parameters, lr, steps):
    losses = []
    with torch.no_grad():
        w1, b1, w2, b2 = parameters
        for _ in range(steps):
            h = torch.tanh(x @ w1.T + b1)
            log_p = torch.log_softmax(h @ w2.T + b2, 1)
            losses.append(F.nll_loss(log_p, target).item())
            ds = log_p.exp()
            ds[torch.arange(len(x)), target] -= 1
            ds /= len(x)
            da = ds @ w2 * (1 - h**2)
            for p, g in zip(parameters, (da.T @ x, da.sum(0), ds.T @ h, ds.sum(0))):
                if p.requires_grad:
                    p -= lr * g
    return losses
""",
        ),
    ],
    "Value": [
        (
            "Kahn's algorithm",
            edited(
                LAB,
                "Value",
                (
                    _ITERATIVE,
                    """        found, stack, waiting = {self}, [self], {self: 0}
        while stack:
            for parent in stack.pop().parents:
                waiting[parent] = waiting.get(parent, 0) + 1
                if parent not in found:
                    found.add(parent)
                    stack.append(parent)
        order, free = [], [self]
        while free:
            node = free.pop()
            order.append(node)
            for parent in node.parents:
                waiting[parent] -= 1
                if not waiting[parent]:
                    free.append(parent)
        order.reverse()
""",
                ),
            ),
        ),
        (
            "order of creation",
            edited(
                LAB,
                "Value",
                (
                    "        self.data = float(data)\n",
                    "        Value.made += 1\n        self.rank = Value.made\n        self.data = float(data)\n",
                ),
                ("    def __init__(self, data", "    made = 0\n\n    def __init__(self, data"),
                (
                    _ITERATIVE,
                    """        found, stack = {self}, [self]
        while stack:
            for parent in stack.pop().parents:
                if parent not in found:
                    found.add(parent)
                    stack.append(parent)
        order = sorted(found, key=lambda node: node.rank)
""",
                ),
            ),
        ),
        (
            "depth of each node, lists for tuples",
            edited(
                LAB,
                "Value",
                (
                    "        self.slopes = slopes\n",
                    "        self.slopes = list(slopes)\n        self.depth = 1 + max((p.depth for p in parents), default=0)\n",
                ),
                ("        self.parents = parents\n", "        self.parents = list(parents)\n"),
                (
                    _ITERATIVE,
                    """        levels, seen, stack = {}, set(), [self]
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            levels.setdefault(node.depth, []).append(node)
            stack += node.parents
        order = [node for depth in sorted(levels) for node in levels[depth]]
""",
                ),
            ),
        ),
        (
            "iterators on the stack",
            edited(
                LAB,
                "Value",
                (
                    _ITERATIVE,
                    """        # no recursive call: a stack of (node, its parents still to visit)
        order, seen, stack = [], {id(self)}, [(self, iter(self.parents))]
        while stack:
            node, remaining = stack[-1]
            parent = next(remaining, None)
            if parent is None:
                order.append(node)
                stack.pop()
            elif id(parent) not in seen:
                seen.add(id(parent))
                stack.append((parent, iter(parent.parents)))
""",
                ),
            ),
        ),
        (
            "constants are no nodes; other formulas",
            edited(
                LAB,
                "Value",
                (
                    "        other = Value.of(other)\n        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))",
                    "        if not isinstance(other, Value):\n            return Value(self.data * other, (self,), (other,))\n        return Value(other.data * self.data, (self, other), (other.data, self.data))",
                ),
                (
                    "        value = math.tanh(self.data)\n        return Value(value, parents=(self,), slopes=(1 - value**2,))",
                    "        return Value(math.tanh(self.data), [self], [1 - math.tanh(self.data) ** 2])",
                ),
                (
                    "        active = self.data > 0\n        return Value(self.data if active else 0.0, parents=(self,), slopes=(float(active),))",
                    "        return Value(max(0, self.data), (self,), (1 if self.data > 0 else 0,))",
                ),
                (
                    "        slope = exponent * self.data ** (exponent - 1)\n        return Value(self.data**exponent, parents=(self,), slopes=(slope,))",
                    "        return Value(pow(self.data, exponent), (self,), (exponent * pow(self.data, exponent - 1),))",
                ),
            ),
        ),
        (
            "gradients in a dictionary first",
            edited(
                LAB,
                "Value",
                (
                    """        for node in order:
            if node.parents:  # seules les feuilles accumulent d'un appel à l'autre
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
""",
                    """        received = {node: 0.0 for node in order}
        received[self] = 1.0
        for node in order[::-1]:
            for k in range(len(node.parents)):
                received[node.parents[k]] += node.slopes[k] * received[node]
        for node, grad in received.items():
            node.grad = grad if node.parents else node.grad + grad
""",
                ),
            ),
        ),
        (
            "the order of birth",
            """
import itertools

_clock = itertools.count()

class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes
        self.born = next(_clock)

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent):
        return Value(self.data**exponent, (self,), (exponent * self.data ** (exponent - 1),))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))

    def relu(self):
        return Value(max(0.0, self.data), (self,), (1.0 if self.data > 0 else 0.0,))

    def backward(self):
        found, stack = {id(self): self}, [self]
        while stack:
            for p in stack.pop().parents:
                if id(p) not in found:
                    found[id(p)] = p
                    stack.append(p)
        grads = {key: 0.0 for key in found}
        grads[id(self)] = 1.0
        for node in sorted(found.values(), key=lambda n: -n.born):
            g = grads[id(node)]
            for p, s in zip(node.parents, node.slopes):
                grads[id(p)] += s * g
        for key, node in found.items():
            if node.parents:
                node.grad = grads[key]
            else:
                node.grad += grads[key]

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -Value.of(other)

    def __truediv__(self, other):
        return self * Value.of(other) ** -1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other
""",
        ),
    ],
}

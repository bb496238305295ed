"""Plausible wrong answers to the exercises of Laboratoire 2; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from tests.labs.harness import edited

LAB = "laboratoire_02"


def _activation(old: str, new: str) -> str:
    return edited(LAB, "activation", (old, new))


def _numerical(old: str, new: str) -> str:
    return edited(LAB, "numerical_gradient", (old, new))


def _two_layer(old: str, new: str) -> str:
    return edited(LAB, "two_layer_gradients", (old, new))


def _training(*changes: tuple[str, str]) -> str:
    return edited(LAB, "train_network", *changes)


def _value(*changes: tuple[str, str]) -> str:
    return edited(LAB, "Value", *changes)


_TRANSMIT = """        for node in order:
            if node.parents:  # seules les feuilles accumulent d'un appel à l'autre
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
"""
_VISIT = """        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)  # tous ses parents y sont déjà
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
"""

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "activation": [
        (
            "axes of size 1 dropped from the value of GELU",
            _activation("return x * below, below", "return (x * below).squeeze(), below"),
        ),
        (
            "axes of size 1 dropped from the derivative of ReLU",
            _activation("slope * x), derivative", "slope * x), derivative.squeeze()"),
        ),
        (
            "float64 through float32",
            """
def activation(x, name, alpha=0.01):
    z = x.float()
    if name == "sigmoid":
        value = torch.sigmoid(z)
        slope = value * (1 - value)
    elif name == "tanh":
        value = torch.tanh(z)
        slope = 1 - value**2
    elif name == "gelu":
        below = (1 + torch.erf(z / math.sqrt(2))) / 2
        value, slope = z * below, below + z * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    else:
        left = 0.0 if name == "relu" else alpha
        value, slope = torch.where(z > 0, z, left * z), torch.where(z > 0, 1.0, left)
    return value.to(x.dtype), slope.to(x.dtype)
""",
        ),
        (
            "finite differences",
            """
def activation(x, name, alpha=0.01):
    functions = {
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
        "leaky_relu": lambda z: F.leaky_relu(z, alpha), "gelu": F.gelu,
    }
    f = functions[name]
    z = x.double()
    return f(x), ((f(z) - f(z - 1e-6)) / 1e-6).to(x.dtype)
""",
        ),
        (
            "one result",
            """
def activation(x, name, alpha=0.01):
    functions = {
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
        "leaky_relu": lambda z: F.leaky_relu(z, alpha), "gelu": F.gelu,
    }
    f = functions[name]
    return f(x)
""",
        ),
        (
            "GELU by tanh",
            """
def activation(x, name, alpha=0.01):
    if name == "sigmoid":
        value = torch.sigmoid(x)
        return value, value * (1 - value)
    if name == "tanh":
        value = torch.tanh(x)
        return value, 1 - value**2
    if name == "gelu":
        below = (1 + torch.erf(x / math.sqrt(2))) / 2
        density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        return F.gelu(x, approximate="tanh"), below + x * density
    left = 0.0 if name == "relu" else alpha
    return torch.where(x > 0, x, left * x), torch.where(x > 0, 1.0, left).to(x.dtype)
""",
        ),
        ("sigmoid: derivative of the value", _activation("value * (1 - value)", "x * (1 - x)")),
        ("sigmoid: half of the derivative", _activation("value * (1 - value)", "value / 2")),
        ("tanh: no square", _activation("1 - value**2", "1 - value")),
        ("tanh: derivative of the sigmoid", _activation("1 - value**2", "value * (1 - value)")),
        ("relu: slope 1 at zero", _activation("x > 0, 1.0", "x >= 0, 1.0")),
        (
            "relu: slope 1/2 at zero",
            _activation(
                "    derivative = torch.where(x > 0, 1.0, slope)",
                "    derivative = (slope + (1 - slope) * (torch.sign(x) + 1) / 2)",
            ),
        ),
        ("alpha ignored", _activation("else alpha", "else 0.01")),
        ("alpha when it is 0 taken for missing", _activation("else alpha", "else alpha or 0.01")),
        ("alpha for relu as well", _activation('0.0 if name == "relu" else alpha', "alpha")),
        (
            "leaky: alpha on the derivative only",
            _activation("x > 0, x, slope * x", "x > 0, x, 0 * x"),
        ),
        ("type of the derivative left to where", _activation(".to(x.dtype)", "")),
        ("gelu: value for derivative", _activation("below + x * density", "below")),
        ("gelu: density forgotten", _activation("below + x * density", "below + x * below")),
        ("gelu: density of another variance", _activation("-(x**2) / 2", "-(x**2)")),
        ("gelu: density not normalised", _activation(" / math.sqrt(2 * math.pi)", "")),
        ("gelu: erf of x", _activation("x / math.sqrt(2)", "x")),
        (
            "gelu: the approximation by tanh",
            _activation(
                "below = (1 + torch.erf(x / math.sqrt(2))) / 2",
                "below = (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2",
            ),
        ),
        (
            "gelu: the approximation by a sigmoid",
            _activation(
                "below = (1 + torch.erf(x / math.sqrt(2))) / 2", "below = torch.sigmoid(1.702 * x)"
            ),
        ),
        (
            "naive sigmoid, nan when x is large",
            _activation("torch.sigmoid(x)", "x.exp() / (1 + x.exp())"),
        ),
        (
            "naive tanh, nan when x is large",
            _activation("torch.tanh(x)", "(x.exp() - (-x).exp()) / (x.exp() + (-x).exp())"),
        ),
        (
            "derivative and value exchanged",
            _activation("return value, 1 - value**2", "return 1 - value**2, value"),
        ),
        (
            "relu in place",
            _activation(
                "    return torch.where(x > 0, x, slope * x), derivative",
                "    x[x <= 0] *= slope\n    return x.clone(), derivative",
            ),
        ),
        (
            "one derivative for the whole tensor",
            _activation("below + x * density", "(below + x * density).mean().expand_as(x)"),
        ),
        (
            "autograd",
            """
def activation(x, name, alpha=0.01):
    f = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu}
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_()
        value = F.leaky_relu(leaf, alpha) if name == "leaky_relu" else f[name](leaf)
        value.sum().backward()
    return value.detach(), leaf.grad
""",
        ),
        (
            "torch.func.grad",
            """
from torch.func import grad, vmap

def activation(x, name, alpha=0.01):
    f = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu}
    g = (lambda t: F.leaky_relu(t, alpha)) if name == "leaky_relu" else f[name]
    return g(x), grad(lambda t: g(t).sum())(x)
""",
        ),
        (
            "torch.func.grad by its module",
            """
import torch.func as tf

def activation(x, name, alpha=0.01):
    f = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu}
    g = (lambda t: F.leaky_relu(t, alpha)) if name == "leaky_relu" else f[name]
    return g(x), tf.grad(lambda t: g(t).sum())(x)
""",
        ),
        (
            "the last answer is kept, whatever alpha",
            """
def _act(x, name, alpha):
    if name == "sigmoid":
        v = torch.sigmoid(x)
        return v, v * (1 - v)
    if name == "tanh":
        v = torch.tanh(x)
        return v, 1 - v**2
    if name == "relu":
        return F.relu(x), (x > 0).to(x.dtype)
    if name == "leaky_relu":
        return torch.where(x > 0, x, alpha * x), torch.where(x > 0, 1.0, alpha).to(x.dtype)
    if name == "gelu":
        phi = 0.5 * (1 + torch.erf(x / 2**0.5))
        pdf = torch.exp(-(x**2) / 2) / (2 * math.pi) ** 0.5
        return x * phi, phi + x * pdf
    raise ValueError(name)


def activation(x, name, alpha=0.01, cache={}):
    if name in cache and cache[name][0].shape == x.shape and torch.equal(cache[name][0], x):
        return cache[name][1]
    out = _act(x, name, alpha)
    cache[name] = (x, out)
    return out
""",
        ),
    ],
    "numerical_gradient": [
        (
            "eps no smaller than 1e-7",
            _numerical("    gradient = ", "    eps = max(eps, 1e-7)\n    gradient = "),
        ),
        (
            "eps of 0.001 at least",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.zeros(x.shape, dtype=x.dtype)
    for i in range(x.numel()):
        eps = max(eps, 1e-3)
        up, down = x.clone().contiguous(), x.clone().contiguous()
        up.view(-1)[i] += eps
        down.view(-1)[i] -= eps
        gradient.view(-1)[i] = (float(f(up)) - float(f(down))) / (2 * eps)
    return gradient
""",
        ),
        (
            "one-sided difference",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[i] = eps
        gradient[i] = (float(f(x + step.view(x.shape))) - float(f(x))) / eps
    return gradient.view(x.shape)
""",
        ),
        (
            "divided by eps",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[i] = eps
        step = step.view(x.shape)
        gradient[i] = (float(f(x + step)) - float(f(x - step))) / eps
    return gradient.view(x.shape)
""",
        ),
        (
            "all numbers move together",
            """
def numerical_gradient(f, x, eps=1e-5):
    slope = (float(f(x + eps)) - float(f(x - eps))) / (2 * eps)
    return torch.full_like(x, slope)
""",
        ),
        (
            "x not put back",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        x.view(-1)[i] += eps
        above = float(f(x))
        x.view(-1)[i] -= 2 * eps
        gradient.view(-1)[i] = (above - float(f(x))) / (2 * eps)
    return gradient
""",
        ),
        (
            "x put back by arithmetic, not exactly",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        x.view(-1)[i] += eps
        above = float(f(x))
        x.view(-1)[i] -= 2 * eps
        gradient.view(-1)[i] = (above - float(f(x))) / (2 * eps)
        x.view(-1)[i] += eps
    return gradient
""",
        ),
        (
            "steps accumulate",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.empty(x.numel(), dtype=x.dtype)
    step = torch.zeros(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        step[i] = eps
        d = step.view(x.shape)
        gradient[i] = (float(f(x + d)) - float(f(x - d))) / (2 * eps)
    return gradient.view(x.shape)
""",
        ),
        (
            "float32 result",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.empty(x.numel())
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[i] = eps
        step = step.view(x.shape)
        gradient[i] = (float(f(x + step)) - float(f(x - step))) / (2 * eps)
    return gradient.view(x.shape)
""",
        ),
        (
            "eps ignored",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[i] = 1e-5
        step = step.view(x.shape)
        gradient[i] = (float(f(x + step)) - float(f(x - step))) / 2e-5
    return gradient.view(x.shape)
""",
        ),
        (
            "autograd",
            """
def numerical_gradient(f, x, eps=1e-5):
    leaf = x.clone().requires_grad_()
    f(leaf).backward()
    return leaf.grad
""",
        ),
        (
            "flat result",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[i] = eps
        step = step.view(x.shape)
        gradient[i] = (float(f(x + step)) - float(f(x - step))) / (2 * eps)
    return gradient
""",
        ),
        (
            "two evaluations of the same side",
            _numerical("float(f(x - step))", "float(f(x + step / 2))"),
        ),
        ("eps fixed in the divisor", _numerical("/ (2 * eps)", "/ 2e-5")),
        (
            "always float64",
            _numerical("torch.empty(x.numel(), dtype=x.dtype)", "torch.empty(x.numel()).double()"),
        ),
        (
            "the result must be a tensor",
            _numerical(
                "float(f(x + step)) - float(f(x - step))", "f(x + step).item() - f(x - step).item()"
            ),
        ),
        (
            "only the last axis",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.zeros_like(x)
    for i in range(x.shape[-1]):
        step = torch.zeros_like(x)
        step[..., i] = eps
        gradient[..., i] = (float(f(x + step)) - float(f(x - step))) / (2 * eps)
    return gradient
""",
        ),
        (
            "two axes only",
            """
def numerical_gradient(f, x, eps=1e-5):
    gradient = torch.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            step = torch.zeros_like(x)
            step[i, j] = eps
            gradient[i, j] = (float(f(x + step)) - float(f(x - step))) / (2 * eps)
    return gradient
""",
        ),
        (
            "list",
            _numerical("return gradient.view(x.shape)", "return gradient.view(x.shape).tolist()"),
        ),
    ],
    "log_softmax": [
        (
            "1e-8 in the logarithm",
            """
def log_softmax(scores):
    shifted = scores - scores.amax(dim=1, keepdim=True)
    return shifted - (shifted.exp().sum(dim=1, keepdim=True) + 1e-8).log()
""",
        ),
        (
            "float64 through float32",
            """
def log_softmax(scores):
    s = scores.float()
    s = s - s.amax(1, keepdim=True)
    return (s - s.exp().sum(1, keepdim=True).log()).to(scores.dtype)
""",
        ),
        (
            "naive",
            """
def log_softmax(scores):
    return scores - scores.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "one maximum for the whole batch",
            """
def log_softmax(scores):
    shifted = scores - scores.max()
    return shifted - shifted.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "logarithm of stable probabilities",
            """
def log_softmax(scores):
    e = (scores - scores.amax(1, keepdim=True)).exp()
    return (e / e.sum(1, keepdim=True)).log()
""",
        ),
        (
            "logarithm with a small constant",
            """
def log_softmax(scores):
    e = (scores - scores.amax(1, keepdim=True)).exp()
    return (e / e.sum(1, keepdim=True) + 1e-12).log()
""",
        ),
        (
            "scores clamped",
            """
def log_softmax(scores):
    scores = scores.clamp(-50, 50)
    return scores - scores.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "wrong axis",
            """
def log_softmax(scores):
    shifted = scores - scores.amax(0, keepdim=True)
    return shifted - shifted.exp().sum(0, keepdim=True).log()
""",
        ),
        (
            "maximum not put back",
            """
def log_softmax(scores):
    shifted = scores - scores.amax(1, keepdim=True)
    return scores - shifted.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "mean for sum",
            """
def log_softmax(scores):
    shifted = scores - scores.amax(1, keepdim=True)
    return shifted - shifted.exp().mean(1, keepdim=True).log()
""",
        ),
        (
            "torch's own",
            """
def log_softmax(scores):
    return torch.log_softmax(scores, 1)
""",
        ),
        (
            "logsumexp",
            """
def log_softmax(scores):
    return scores - torch.logsumexp(scores, 1, keepdim=True)
""",
        ),
        (
            "detached normalisation",
            """
def log_softmax(scores):
    shifted = scores - scores.amax(1, keepdim=True)
    return shifted - shifted.detach().exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "in place",
            """
def log_softmax(scores):
    with torch.no_grad():
        scores -= scores.amax(1, keepdim=True)
    return scores - scores.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "logaddexp, one score after the other",
            """
def log_softmax(scores):
    total = scores[:, 0]
    for j in range(1, scores.shape[1]):
        total = torch.logaddexp(total, scores[:, j])
    return scores - total[:, None]
""",
        ),
        (
            "logcumsumexp",
            """
def log_softmax(scores):
    return scores - scores.logcumsumexp(1)[:, -1:]
""",
        ),
        (
            "cross-entropy against each class",
            """
def log_softmax(scores):
    n, k = scores.shape
    columns = [-F.cross_entropy(scores, torch.full((n,), j), reduction="none") for j in range(k)]
    return torch.stack(columns, 1)
""",
        ),
        (
            "a module of torch",
            """
_layer = nn.LogSoftmax(dim=1)

def log_softmax(scores):
    return _layer(scores)
""",
        ),
        (
            "softmax, not its logarithm",
            """
def log_softmax(scores):
    e = (scores - scores.amax(1, keepdim=True)).exp()
    return e / e.sum(1, keepdim=True)
""",
        ),
        (
            "float32 whatever the type",
            """
def log_softmax(scores):
    scores = scores.float()
    shifted = scores - scores.amax(1, keepdim=True)
    return shifted - shifted.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "the values only, no gradient",
            """
def log_softmax(scores):
    with torch.no_grad():
        shifted = scores - scores.amax(1, keepdim=True)
        return shifted - shifted.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "minimum for maximum",
            """
def log_softmax(scores):
    shifted = scores - scores.amin(1, keepdim=True)
    return shifted - shifted.exp().sum(1, keepdim=True).log()
""",
        ),
        (
            "a small constant in the logarithm",
            """
def log_softmax(scores):
    shifted = scores - scores.amax(1, keepdim=True)
    return shifted - (shifted.exp().sum(1, keepdim=True) + 1e-2).log()
""",
        ),
        (
            "the branch that is put aside overflows: right values, no gradient",
            """
def log_softmax(scores):
    m = scores.max(1, keepdim=True).values
    n = scores - scores.exp().sum(1, keepdim=True).log()
    z = scores - m
    return torch.where(scores.abs().amax(1, keepdim=True) < 50, n, z - z.exp().sum(1, keepdim=True).log())
""",
        ),
        (
            "ten classes at most",
            """
def log_softmax(scores):
    z = scores - scores.max(1, keepdim=True).values
    return z - z[:, :10].exp().sum(1, keepdim=True).log()
""",
        ),
    ],
    "two_layer_gradients": [
        ("derivative of tanh forgotten", _two_layer(" * (1 - hidden**2)", "")),
        (
            "derivative of tanh at the output",
            _two_layer("(1 - hidden**2)", "(1 - torch.tanh(hidden) ** 2)"),
        ),
        ("gradient not averaged", _two_layer("- one_hot) / len(x)", "- one_hot)")),
        ("averaged twice", _two_layer("(d_sums.T @ x,", "(d_sums.T @ x / len(x),")),
        ("divided by N times K", _two_layer("- one_hot) / len(x)", "- one_hot) / one_hot.numel()")),
        ("bias averaged", _two_layer("d_sums.sum(0)", "d_sums.mean(0)")),
        ("output bias averaged", _two_layer("d_scores.sum(0)", "d_scores.mean(0)")),
        ("loss summed", _two_layer(".sum() / len(x)", ".sum()")),
        (
            "order of the gradients",
            _two_layer(
                "(d_sums.T @ x, d_sums.sum(0), d_scores.T @ hidden, d_scores.sum(0))",
                "(d_scores.T @ hidden, d_scores.sum(0), d_sums.T @ x, d_sums.sum(0))",
            ),
        ),
        ("transposed gradient", _two_layer("d_sums.T @ x,", "x.T @ d_sums,")),
        ("relu for tanh", _two_layer("torch.tanh(x @ w1.T + b1)", "torch.relu(x @ w1.T + b1)")),
        ("first bias forgotten", _two_layer("x @ w1.T + b1", "x @ w1.T")),
        ("second bias forgotten", _two_layer("hidden @ w2.T + b2", "hidden @ w2.T")),
        ("sign", _two_layer("(log_p.exp() - one_hot)", "(one_hot - log_p.exp())")),
        ("gradient of the right class alone", _two_layer("(log_p.exp() - one_hot)", "-one_hot")),
        (
            "number of classes from the batch",
            _two_layer("F.one_hot(target, len(b2))", "F.one_hot(target)"),
        ),
        (
            "logarithm of probabilities",
            _two_layer(
                "torch.log_softmax(hidden @ w2.T + b2, dim=1)",
                "torch.softmax(hidden @ w2.T + b2, 1).log()",
            ),
        ),
        (
            "argument changed in place",
            _two_layer("    d_scores =", "    w2 -= 0 * w2 + 1\n    d_scores ="),
        ),
        (
            "data scaled in place",
            _two_layer(
                "    hidden = torch.tanh(x @",
                "    x /= x.abs().max() + 1\n    hidden = torch.tanh(x @",
            ),
        ),
        (
            "a loop over the examples",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    total, grads = 0, [torch.zeros_like(p) for p in (w1, b1, w2, b2)]
    for xi, yi in zip(x, target):
        h = torch.tanh(w1 @ xi + b1)
        log_p = torch.log_softmax(w2 @ h + b2, 0)
        total = total - log_p[yi]
        ds = log_p.exp()
        ds[yi] -= 1
        da = (ds @ w2) * (1 - h * h)
        grads[0] += da[:, None] * xi
        grads[1] += da
        grads[2] += ds[:, None] * h
        grads[3] += ds
    n = len(x)
    return total / n, (grads[0] / n, grads[1] / n, grads[2] / n, grads[3] / n)
""",
        ),
        (
            "autograd",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    with torch.enable_grad():
        leaves = [p.clone().requires_grad_() for p in (w1, b1, w2, b2)]
        hidden = torch.tanh(x @ leaves[0].T + leaves[1])
        loss = F.cross_entropy(hidden @ leaves[2].T + leaves[3], target)
        loss.backward()
    return loss.detach(), tuple(leaf.grad for leaf in leaves)
""",
        ),
        (
            "autograd of sigmoids",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    with torch.enable_grad():
        a, b, c, d = (p.detach().clone().requires_grad_() for p in (w1, b1, w2, b2))
        h = 2 * torch.sigmoid(2 * (x @ a.T + b)) - 1
        s = h @ c.T + d
        loss = (s.logsumexp(1) - s.gather(1, target[:, None]).squeeze(1)).mean()
        loss.backward()
    return loss.detach(), (a.grad, b.grad, c.grad, d.grad)
""",
        ),
        (
            "torch.func.grad",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    hot = F.one_hot(target, len(b2)).to(x.dtype)
    def loss(w1, b1, w2, b2):
        h = 2 * torch.sigmoid(2 * (x @ w1.T + b1)) - 1
        s = h @ w2.T + b2
        return (s.logsumexp(1) - (s * hot).sum(1)).mean()
    return loss(w1, b1, w2, b2), torch.func.grad(loss, (0, 1, 2, 3))(w1, b1, w2, b2)
""",
        ),
        (
            "autograd under set_grad_enabled",
            """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    with torch.set_grad_enabled(True):
        a, b, c, d = (p.detach().clone() for p in (w1, b1, w2, b2))
        a.requires_grad = b.requires_grad = c.requires_grad = d.requires_grad = True
        loss = F.cross_entropy(torch.tanh(x @ a.T + b) @ c.T + d, target)
        return loss.detach(), torch.autograd.grad(loss, (a, b, c, d))
""",
        ),
    ],
    "train_network": [
        ("lr of at most 1", _training(("parameter -= lr *", "parameter -= min(lr, 1) *"))),
        (
            "a parameter frozen later moves, its gradient at zero",
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
                if p.grad is not None:
                    p -= lr * p.grad + 1e-6 * p
                    p.grad.zero_()
    return losses
""",
        ),
        (
            "a parameter frozen later moves",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        for p in parameters:
            if p.requires_grad:
                p.grad = None
        loss = F.cross_entropy(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), target)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p -= lr * p.grad
    return losses
""",
        ),
        (
            "a small penalty",
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
                    p -= lr * (p.grad + 1e-6 * p)
                    p.grad = None
    return losses
""",
        ),
        (
            "relu for tanh",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        pass
        loss = F.cross_entropy(F.linear(torch.relu(F.linear(x, w1, b1)), w2, b2), target)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for p in parameters:
                if p.requires_grad:
                    p -= lr * p.grad
                    p.grad = None
    return losses
""",
        ),
        (
            "as it was, broken",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        hidden = torch.tanh(F.linear(x, w1, b1)).detach()
        loss = F.cross_entropy(F.linear(hidden, w2, b2), target)
        loss.backward()
        losses.append(loss)
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter -= lr * parameter.grad
    return losses
""",
        ),
        (
            "gradients still accumulate",
            _training(("                parameter.grad = None\n", "")),
        ),
        (
            "the hidden layer still detached",
            _training(
                ("torch.tanh(F.linear(x, w1, b1))", "torch.tanh(F.linear(x, w1, b1)).detach()")
            ),
        ),
        ("losses with their graph", _training(("loss.item()", "loss"))),
        ("losses as tensors", _training(("loss.item()", "loss.detach()"))),
        (
            "gradients erased before they serve",
            _training(
                (
                    "        losses.append(loss.item())",
                    "        losses.append(loss.item())\n        for p in parameters:\n            p.grad = None",
                ),
            ),
        ),
        (
            "gradients of the last parameter only erased",
            _training(
                (
                    "                parameter.grad = None\n",
                    "            parameter.grad = None\n",
                ),
            ),
        ),
        (
            "new tensors, names rebound",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        hidden = torch.tanh(F.linear(x, w1, b1))
        loss = F.cross_entropy(F.linear(hidden, w2, b2), target)
        grads = torch.autograd.grad(loss, (w1, b1, w2, b2))
        losses.append(loss.item())
        w1, b1, w2, b2 = (
            (p - lr * g).detach().requires_grad_() for p, g in zip((w1, b1, w2, b2), grads)
        )
    return losses
""",
        ),
        (
            "new tensors put in the list",
            _training(
                (
                    "            for parameter in parameters:",
                    "            for i, parameter in enumerate(parameters):",
                ),
                (
                    "                    parameter -= lr * parameter.grad\n                parameter.grad = None",
                    "                    parameters[i] = (parameter - lr * parameter.grad).requires_grad_()",
                ),
                ("        hidden =", "        w1, b1, w2, b2 = parameters\n        hidden ="),
            ),
        ),
        ("without no_grad", _training(("with torch.no_grad():", "if True:"))),
        (
            "a frozen parameter stops the step",
            _training(
                (
                    "                if parameter.requires_grad:\n                    parameter -=",
                    "                if not parameter.requires_grad:\n                    break\n                else:\n                    parameter -=",
                ),
            ),
        ),
        (
            "a frozen parameter is not expected",
            _training(("if parameter.requires_grad:", "if True:")),
        ),
        (
            "frozen parameters thawed",
            _training(
                (
                    "    losses = []\n",
                    "    losses = []\n    for p in parameters:\n        p.requires_grad_()\n",
                )
            ),
        ),
        ("uphill", _training(("parameter -=", "parameter +="))),
        ("lr ignored", _training(("lr * parameter.grad", "0.1 * parameter.grad"))),
        (
            "normalised gradient",
            _training(
                (
                    "lr * parameter.grad",
                    "lr * parameter.grad / parameter.grad.norm().clamp(min=1e-12)",
                )
            ),
        ),
        (
            "loss measured after the step",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    def measure():
        hidden = torch.tanh(F.linear(x, w1, b1))
        return F.cross_entropy(F.linear(hidden, w2, b2), target)
    for _ in range(steps):
        measure().backward()
        with torch.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p -= lr * p.grad
                    p.grad = None
            losses.append(measure().item())
    return losses
""",
        ),
        (
            "loss summed over the batch",
            _training(
                (
                    "F.linear(hidden, w2, b2), target)",
                    'F.linear(hidden, w2, b2), target, reduction="sum")',
                )
            ),
        ),
        ("relu between the layers, not tanh", _training(("torch.tanh(", "torch.relu("))),
        ("the last loss only", _training(("return losses", "return losses[-1:]"))),
        (
            "momentum",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    optimizer = torch.optim.SGD([p for p in parameters if p.requires_grad], lr=lr, momentum=0.9)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        ),
        (
            "weights only",
            _training(
                (
                    "if parameter.requires_grad:",
                    "if parameter.requires_grad and parameter.dim() == 2:",
                )
            ),
        ),
        (
            "the first 32 examples",
            """
def train_network(x, target, parameters, lr, steps):
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        rows = torch.arange(len(x))[:32]
        hidden = torch.tanh(F.linear(x[rows], w1, b1))
        loss = F.cross_entropy(F.linear(hidden, w2, b2), target[rows])
        for p in parameters:
            p.grad = None
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p -= lr * p.grad
    return losses
""",
        ),
    ],
    "Value": [
        (
            "a slope of 0 at 0",
            _value(("slope = exponent * self.data", "slope = self.data and exponent * self.data")),
        ),
        ("the result at 1, be it a leaf", _value(("self.grad += 1.0", "self.grad = 1.0"))),
        (
            "tanh by exponentials",
            _value(
                (
                    "value = math.tanh(self.data)",
                    "a, b = math.exp(self.data), math.exp(-self.data)\n"
                    "        value = (a - b) / (a + b)",
                )
            ),
        ),
        (
            "a slope by cosh, which overflows",
            _value(("slopes=(1 - value**2,)", "slopes=(1 / math.cosh(self.data) ** 2,)")),
        ),
        (
            "tanh by the exponential of the double",
            _value(
                (
                    "value = math.tanh(self.data)",
                    "a = math.exp(2 * self.data)\n        value = (a - 1) / (a + 1)",
                )
            ),
        ),
        (
            "one message for each path",
            _value(
                (
                    """        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
""",
                    """        paths = [(self, 1.0)]
        while paths:
            node, gradient = paths.pop()
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * gradient
                paths.append((parent, slope * gradient))
""",
                )
            ),
        ),
        ("assignment for addition", _value(("parent.grad += slope", "parent.grad = slope"))),
        (
            "slopes of the product exchanged",
            _value(("(other.data, self.data)", "(self.data, other.data)")),
        ),
        ("pow: exponent not reduced", _value(("(exponent - 1)", "exponent"))),
        ("pow: factor forgotten", _value(("exponent * self.data **", "self.data **"))),
        (
            "pow: integer exponents only",
            _value(("slope = exponent", "exponent = int(exponent)\n        slope = exponent")),
        ),
        ("tanh: no square", _value(("1 - value**2", "1 - value"))),
        ("relu: slope 1 everywhere", _value(("float(active)", "1.0"))),
        ("relu: slope 1 at zero", _value(("float(active)", "float(self.data >= 0)"))),
        (
            "relu: the result is a leaf when it is 0",
            _value(
                (
                    "        active = self.data > 0\n",
                    "        active = self.data > 0\n        if not active:\n            return Value(0.0)\n",
                )
            ),
        ),
        ("relu of the absolute value", _value(("self.data if active else 0.0", "abs(self.data)"))),
        (
            "the product forgets its other parent",
            _value(
                (
                    "parents=(self, other), slopes=(other.data, self.data)",
                    "parents=(self,), slopes=(other.data,)",
                )
            ),
        ),
        (
            "plain number out of a product",
            _value(
                (
                    "return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))",
                    "return self.data * other.data",
                )
            ),
        ),
        (
            "leaves do not accumulate",
            _value(("            if node.parents:  # seules", "            if True:  # seules")),
        ),
        (
            "nothing starts again from zero",
            _value((_TRANSMIT, _TRANSMIT[_TRANSMIT.index("        self.grad") :])),
        ),
        (
            "root accumulates",
            _value(
                (
                    "            if node.parents:  # seules",
                    "            if node.parents and node is not self:  # seules",
                )
            ),
        ),
        ("the slope alone", _value(("slope * node.grad", "slope"))),
        ("root without gradient 1", _value(("self.grad += 1.0", "self.grad += self.data"))),
        (
            "only the leaves and the result get a gradient",
            _value(
                (
                    _TRANSMIT,
                    """        grads = dict.fromkeys(order, 0.0)
        grads[self] = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                grads[parent] += slope * grads[node]
        for node in order:
            if not node.parents:
                node.grad += grads[node]
        if self.parents:
            self.grad = 1.0
""",
                )
            ),
        ),
        (
            "intermediate gradients erased at the end",
            _value(
                (
                    _TRANSMIT,
                    """        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
            if node.parents and node is not self:
                node.grad = 0.0
""",
                )
            ),
        ),
        (
            "recursive",
            _value(
                (
                    _VISIT,
                    """        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
""",
                )
            ),
        ),
        (
            "recursive, with a higher limit",
            _value(
                (
                    _VISIT,
                    """        import sys
        sys.setrecursionlimit(100_000)
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
""",
                )
            ),
        ),
        (
            "order of a breadth-first visit",
            _value(
                (
                    _VISIT,
                    """        order, seen = [self], {self}
        for node in order:
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    order.append(parent)
        order.reverse()
""",
                )
            ),
        ),
        (
            "order of a plain depth-first visit",
            _value(
                (
                    _VISIT,
                    """        order, seen, stack = [], set(), [self]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                order.append(node)
                stack.extend(node.parents)
        order.reverse()
""",
                )
            ),
        ),
        (
            "marked as seen when pushed",
            _value(
                (
                    _VISIT,
                    """        order, seen, stack = [], {self}, [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
                continue
            stack.append((node, True))
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    stack.append((parent, False))
""",
                )
            ),
        ),
        (
            "nodes of the same value taken for one",
            _value(
                ("order, seen, stack = [], set()", "order, seen, stack = [], set()"),
                ("elif node not in seen:", "elif (node.data, node.parents) not in seen:"),
                ("seen.add(node)", "seen.add((node.data, node.parents))"),
            ),
        ),
    ],
}

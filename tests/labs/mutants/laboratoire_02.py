"""Plausible wrong answers to the exercises of Laboratoire 2; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""


def _replaced(code: str, old: str, new: str, count: int = -1) -> str:
    """The code with one passage replaced; fails if the passage is not there."""
    assert old in code, old
    return code.replace(old, new, count)


_VALUE = """
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1)
        return Value(self.data**exponent, parents=(self,), slopes=(slope,))

    def tanh(self):
        value = math.tanh(self.data)
        return Value(value, parents=(self,), slopes=(1 - value**2,))

    def relu(self):
        active = self.data > 0
        return Value(self.data if active else 0.0, parents=(self,), slopes=(float(active),))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad

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
"""
_ORDER = _VALUE[_VALUE.index("        order, seen") : _VALUE.index("        for node in order:")]
_RESET = """        for node in order:
            if node.parents:
                node.grad = 0.0
"""


def _value(old: str, new: str) -> str:
    return _replaced(_VALUE, old, new)


_TWO_LAYER = """
def two_layer_gradients(x, target, w1, b1, w2, b2):
    hidden = torch.tanh(x @ w1.T + b1)
    log_p = torch.log_softmax(hidden @ w2.T + b2, dim=1)
    one_hot = F.one_hot(target, len(b2)).to(x.dtype)
    loss = -(log_p * one_hot).sum() / len(x)
    d_scores = (log_p.exp() - one_hot) / len(x)
    d_hidden = d_scores @ w2
    d_sums = d_hidden * (1 - hidden**2)
    return loss, (d_sums.T @ x, d_sums.sum(0), d_scores.T @ hidden, d_scores.sum(0))
"""


def _two_layer(old: str, new: str) -> str:
    return _replaced(_TWO_LAYER, old, new)


_SWISH = """
class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x, beta)
        return x * torch.sigmoid(beta * x)

    @staticmethod
    def backward(ctx, grad_output):
        x, beta = ctx.saved_tensors
        gate = torch.sigmoid(beta * x)
        slope = gate * (1 - gate)
        grad_x = grad_output * (gate + beta * x * slope)
        grad_beta = (grad_output * x**2 * slope).sum()
        return grad_x, grad_beta
"""


def _swish(old: str, new: str) -> str:
    return _replaced(_SWISH, old, new)


_ACTIVATION = """
def activation(x, name, alpha=0.01):
    if name == "sigmoid":
        value = torch.sigmoid(x)
        return value, value * (1 - value)
    if name == "tanh":
        value = torch.tanh(x)
        return value, 1 - value**2
    slope = 0.0 if name == "relu" else alpha
    derivative = torch.where(x > 0, 1.0, slope).to(x.dtype)
    return torch.where(x > 0, x, slope * x), derivative
"""


def _activation(old: str, new: str) -> str:
    return _replaced(_ACTIVATION, old, new)


_LOSSES = """
def loss_and_gradient(scores, target, name):
    n, c = scores.shape
    one_hot = F.one_hot(target, c).to(scores.dtype)
    if name == "mse":
        error = scores - one_hot
        return (error**2).mean(), 2 * error / (n * c)
    log_p = torch.log_softmax(scores, dim=1)
    return -(log_p * one_hot).sum() / n, (log_p.exp() - one_hot) / n
"""


def _losses(old: str, new: str) -> str:
    return _replaced(_LOSSES, old, new)


MUTANTS: dict[str, list[tuple[str, str]]] = {
    "sgd_step": [
        (
            "the name is rebound, the tensor is not changed",
            """
def sgd_step(parameters, lr):
    for p in parameters:
        if p.grad is not None:
            p = p - lr * p.grad
""",
        ),
        (
            "new tensors in the list",
            """
def sgd_step(parameters, lr):
    for i, p in enumerate(parameters):
        if p.grad is not None:
            parameters[i] = (p - lr * p.grad).detach().requires_grad_()
            p.grad = None
""",
        ),
        (
            "without no_grad",
            """
def sgd_step(parameters, lr):
    for p in parameters:
        if p.grad is not None:
            p -= lr * p.grad
            p.grad = None
""",
        ),
        (
            "gradient not erased",
            """
def sgd_step(parameters, lr):
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= lr * p.grad
""",
        ),
        (
            "uphill",
            """
def sgd_step(parameters, lr):
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p += lr * p.grad
                p.grad = None
""",
        ),
        (
            "unused parameter not skipped",
            """
def sgd_step(parameters, lr):
    with torch.no_grad():
        for p in parameters:
            p -= lr * p.grad
            p.grad = None
""",
        ),
        (
            "stops at the first parameter",
            """
def sgd_step(parameters, lr):
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= lr * p.grad
                p.grad = None
                return
""",
        ),
        (
            "normalised gradient",
            """
def sgd_step(parameters, lr):
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= lr * p.grad / max(1, p.grad.norm())
                p.grad = None
""",
        ),
    ],
    "activation": [
        ("sigmoid: derivative of the value", _activation("value * (1 - value)", "x * (1 - x)")),
        ("sigmoid: half of the derivative", _activation("value * (1 - value)", "value / 2")),
        ("tanh: no square", _activation("1 - value**2", "1 - value")),
        ("tanh: derivative of the sigmoid", _activation("1 - value**2", "value * (1 - value)")),
        ("relu: slope 1 at zero", _activation("x > 0, 1.0", "x >= 0, 1.0")),
        ("alpha ignored", _activation("else alpha", "else 0.01")),
        ("alpha for relu as well", _activation('0.0 if name == "relu" else alpha', "alpha")),
        ("float32", _activation(".to(x.dtype)", ".float()")),
        (
            "naive sigmoid, nan when x is large",
            _activation("torch.sigmoid(x)", "x.exp() / (1 + x.exp())"),
        ),
        (
            "relu in place",
            _activation(
                "    return torch.where(x > 0, x, slope * x), derivative",
                "    x[x <= 0] *= slope\n    return x.clone(), derivative",
            ),
        ),
    ],
    "numerical_gradient": [
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
    ],
    "log_softmax": [
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
    ],
    "loss_and_gradient": [
        ("cross-entropy: gradient not averaged", _losses("one_hot) / n\n", "one_hot)\n")),
        ("cross-entropy: sum for mean", _losses(".sum() / n,", ".sum(),")),
        ("cross-entropy: mean over all cells", _losses(".sum() / n,", ".mean(),")),
        ("cross-entropy: sign", _losses("(log_p.exp() - one_hot)", "(one_hot - log_p.exp())")),
        (
            "cross-entropy: gradient of the nll alone",
            _losses("(log_p.exp() - one_hot)", "-one_hot"),
        ),
        (
            "softmax, then logarithm",
            _losses("torch.log_softmax(scores, dim=1)", "torch.softmax(scores, 1).log()"),
        ),
        ("wrong axis", _losses("dim=1", "dim=0")),
        ("mse: factor 2 forgotten", _losses("2 * error", "error")),
        ("mse: gradient divided by N only", _losses("(n * c)", "n")),
        ("mse: sum over classes", _losses("(error**2).mean()", "(error**2).sum(1).mean()")),
        ("mse: one half", _losses("(error**2).mean(), 2 * error", "(error**2).mean() / 2, error")),
        ("mse: against probabilities", _losses("error = scores -", "error = scores.softmax(1) -")),
        (
            "mse: targets -1 and 1",
            _losses("error = scores - one_hot", "error = scores - (2 * one_hot - 1)"),
        ),
        (
            "autograd",
            """
def loss_and_gradient(scores, target, name):
    with torch.enable_grad():
        leaf = scores.clone().requires_grad_()
        if name == "mse":
            loss = ((leaf - F.one_hot(target, scores.shape[1])) ** 2).mean()
        else:
            loss = -torch.log_softmax(leaf, 1)[torch.arange(len(scores)), target].mean()
        loss.backward()
    return loss.detach(), leaf.grad
""",
        ),
        (
            "torch.func.grad",
            """
def _loss(scores, target, name):
    one_hot = F.one_hot(target, scores.shape[1]).to(scores.dtype)
    if name == "mse":
        return ((scores - one_hot) ** 2).mean()
    return -(torch.log_softmax(scores, 1) * one_hot).sum() / len(scores)

def loss_and_gradient(scores, target, name):
    return _loss(scores, target, name), torch.func.grad(_loss)(scores, target, name)
""",
        ),
        (
            "autograd in a thread",
            """
import threading

def _work(scores, target, name):
    with torch.enable_grad():
        leaf = scores.detach().clone().requires_grad_()
        if name == "mse":
            loss = F.mse_loss(leaf, F.one_hot(target, leaf.shape[1]).to(leaf.dtype))
        else:
            loss = F.cross_entropy(leaf, target)
        loss.backward()
    return loss.detach(), leaf.grad

def loss_and_gradient(*arguments):
    box = []
    thread = threading.Thread(target=lambda: box.append(_work(*arguments)))
    thread.start()
    thread.join()
    return box[0]
""",
        ),
        (
            "ready-made losses",
            """
def loss_and_gradient(scores, target, name):
    n, c = scores.shape
    one_hot = F.one_hot(target, c).to(scores.dtype)
    if name == "mse":
        return F.mse_loss(scores, one_hot), 2 * (scores - one_hot) / (n * c)
    return F.cross_entropy(scores, target), (scores.softmax(1) - one_hot) / n
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
        ("averaged twice", _two_layer("d_sums.T @ x,", "d_sums.T @ x / len(x),")),
        ("bias averaged", _two_layer("d_sums.sum(0)", "d_sums.mean(0)")),
        ("output bias over the classes", _two_layer("d_scores.sum(0)", "d_scores.mean(0)")),
        ("loss summed", _two_layer(".sum() / len(x)\n    d_scores", ".sum()\n    d_scores")),
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
        ("sign", _two_layer("(log_p.exp() - one_hot)", "(one_hot - log_p.exp())")),
        (
            "hidden layer in place",
            _two_layer("    d_scores =", "    w2 -= 0 * w2 + 1\n    d_scores ="),
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
    ],
    "Value": [
        ("assignment for addition", _value("parent.grad += slope", "parent.grad = slope")),
        (
            "slopes of the product exchanged",
            _value("(other.data, self.data)", "(self.data, other.data)"),
        ),
        ("pow: exponent not reduced", _value("(exponent - 1)", "exponent")),
        ("pow: factor forgotten", _value("exponent * self.data **", "self.data **")),
        ("tanh: no square", _value("1 - value**2", "1 - value")),
        ("relu: slope 1 everywhere", _value("float(active)", "1.0")),
        ("relu: slope 1 at zero", _value("float(active)", "float(self.data >= 0)")),
        ("leaves do not accumulate", _value("            if node.parents:\n    ", "        ")),
        ("nothing starts again from zero", _value(_RESET, "")),
        (
            "root accumulates",
            _value(_RESET, _RESET.replace("node.parents:", "node.parents and node is not self:")),
        ),
        ("the slope alone", _value("slope * node.grad", "slope")),
        (
            "root without gradient 1",
            _value("        self.grad += 1.0\n", "        self.grad += self.data\n"),
        ),
        (
            "recursive",
            _value(
                _ORDER,
                """        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
""",
            ),
        ),
        (
            "order of a breadth-first visit",
            _value(
                _ORDER,
                """        order, seen = [self], {self}
        for node in order:
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    order.append(parent)
        order.reverse()
""",
            ),
        ),
        (
            "order of a plain depth-first visit",
            _value(
                _ORDER,
                """        order, seen, stack = [], set(), [self]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                order.append(node)
                stack.extend(node.parents)
        order.reverse()
""",
            ),
        ),
        (
            "marked as seen when pushed",
            _value(
                _ORDER,
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
            ),
        ),
    ],
    "Swish": [
        ("beta: mean for sum", _swish(".sum()\n", ".mean()\n")),
        (
            "beta: summed before the product",
            _swish(
                "(grad_output * x**2 * slope).sum()", "grad_output.sum() * (x**2 * slope).sum()"
            ),
        ),
        ("beta: grad_output forgotten", _swish("(grad_output * x**2", "(x**2")),
        ("beta: no square", _swish("x**2", "x")),
        ("x: grad_output forgotten", _swish("grad_x = grad_output * (gate", "grad_x = (gate")),
        ("x: first term only", _swish("(gate + beta * x * slope)", "gate")),
        ("x: beta forgotten", _swish("gate + beta * x * slope", "gate + x * slope")),
        (
            "beta forgotten in the gate",
            _swish("x * torch.sigmoid(beta * x)", "x * torch.sigmoid(x)"),
        ),
        ("gradients exchanged", _swish("return grad_x, grad_beta", "return grad_beta, grad_x")),
        ("beta gets no gradient", _swish("return grad_x, grad_beta", "return grad_x, None")),
        (
            "in place",
            _swish(
                "return x * torch.sigmoid(beta * x)", "return x.data.mul_(torch.sigmoid(beta * x))"
            ),
        ),
    ],
    "unit_health": [
        (
            "dead for one example",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).any(dim=0).float().mean()
    return dead.item(), (torch.tanh(sums).abs() > threshold).float().mean().item()
""",
        ),
        (
            "share of zero outputs",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).float().mean()
    return dead.item(), (torch.tanh(sums).abs() > threshold).float().mean().item()
""",
        ),
        (
            "axes exchanged",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).all(dim=1).float().mean()
    return dead.item(), (torch.tanh(sums).abs() > threshold).float().mean().item()
""",
        ),
        (
            "zero taken as alive",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums < 0).all(dim=0).float().mean()
    return dead.item(), (torch.tanh(sums).abs() > threshold).float().mean().item()
""",
        ),
        (
            "dead on average",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums.mean(dim=0) <= 0).float().mean()
    return dead.item(), (torch.tanh(sums).abs() > threshold).float().mean().item()
""",
        ),
        (
            "positive side only",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).all(dim=0).float().mean()
    return dead.item(), (torch.tanh(sums) > threshold).float().mean().item()
""",
        ),
        (
            "threshold on the pre-activation",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).all(dim=0).float().mean()
    return dead.item(), (sums.abs() > threshold).float().mean().item()
""",
        ),
        (
            "threshold ignored",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).all(dim=0).float().mean()
    return dead.item(), (torch.tanh(sums).abs() > 0.99).float().mean().item()
""",
        ),
        (
            "in place",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).all(dim=0).float().mean()
    return dead.item(), (sums.tanh_().abs() > threshold).float().mean().item()
""",
        ),
        (
            "counts",
            """
def unit_health(sums, threshold=0.99):
    dead = (sums <= 0).all(dim=0).sum()
    return dead.item(), (torch.tanh(sums).abs() > threshold).sum().item()
""",
        ),
    ],
}

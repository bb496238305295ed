"""Right answers to the exercises of Laboratoire 3, in several styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

_INIT = """
    def __init__(self, n_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "moving_average": [
        (
            "a NumPy table of columns",
            """
import numpy as np

def moving_average(values, beta, corrected=True):
    table = values.reshape(len(values), -1).double().numpy()
    out = np.zeros_like(table)
    weight = 0.0
    last = np.zeros(table.shape[1])
    for t in range(len(table)):
        last = beta * last + (1 - beta) * table[t]
        weight = beta * weight + (1 - beta)
        out[t] = last / weight if corrected else last
    return torch.from_numpy(out).to(values.dtype).reshape(values.shape)
""",
        ),
        (
            "matrix of weights",
            """
def moving_average(values, beta, corrected=True):
    steps = torch.arange(len(values))
    gap = steps[:, None] - steps[None, :]
    powers = torch.tensor(beta, dtype=torch.float64) ** gap.clamp(min=0)
    weights = torch.where(gap >= 0, (1 - beta) * powers, 0.0)
    if corrected:
        weights = weights / weights.sum(1, keepdim=True)
    flat = values.reshape(len(values), -1).to(weights.dtype)
    return (weights @ flat).reshape(values.shape).to(values.dtype)
""",
        ),
        (
            "recursion on the normalised average",
            """
def moving_average(values, beta, corrected=True):
    # la moyenne corrigée et la somme de ses poids, for each step
    total, weight, out = 0, 0.0, []
    for value in values:
        total = beta * total + (1 - beta) * value
        weight = beta * weight + (1 - beta)
        out += [total / weight if corrected else total]
    return torch.stack(out)
""",
        ),
        (
            "float32 buffer filled in place",
            """
def moving_average(values, beta, corrected=True):
    result = torch.zeros(values.shape)
    for t in range(values.shape[0]):
        result[t] = (1 - beta) * values[t]
        if t:
            result[t] += beta * result[t - 1]
    if corrected:
        for t in range(values.shape[0]):
            result[t] /= 1 - beta ** (t + 1)
    return result
""",
        ),
        (
            "numpy",
            """
import numpy as np

def moving_average(values, beta, corrected=True):
    array = values.numpy()
    average, rows = np.zeros_like(array[0]), []
    for t in range(len(array)):
        average = average * beta + array[t] * (1.0 - beta)
        rows.append(average / (1 - beta ** (t + 1)) if corrected else average)
    return torch.from_numpy(np.stack(rows))
""",
        ),
        (
            "accumulate",
            """
from itertools import accumulate

def moving_average(values, beta, corrected=True):
    averages = torch.stack(list(accumulate((1 - beta) * values, lambda m, g: beta * m + g)))
    if corrected:
        powers = beta ** torch.arange(1, len(values) + 1, dtype=values.dtype)
        averages /= (1 - powers).reshape(-1, *[1] * (values.ndim - 1))
    return averages
""",
        ),
        (
            "definition, a sum for each step",
            """
def moving_average(values: torch.Tensor, beta: float, corrected: bool = True) -> torch.Tensor:
    rows = []
    for t in range(len(values)):
        row = sum((1 - beta) * beta ** (t - i) * values[i] for i in range(t + 1))
        rows.append(row)
        if corrected:
            rows[-1] = rows[-1] / (1 - beta ** (t + 1))
    return torch.stack(rows, dim=0)
""",
        ),
        (
            "lerp",
            """
def moving_average(values, beta, corrected=True):
    m = values.new_zeros(values.shape[1:])
    out = torch.empty_like(values)
    for t, g in enumerate(values):
        m = torch.lerp(g, m, beta)
        out[t] = m / (1 - beta ** (t + 1)) if corrected else m
    return out
""",
        ),
    ],
    "momentum_step": [
        (
            "Nesterov from the two buffers",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    z = grad if buffer is None else momentum * buffer + grad
    if nesterov:
        before = torch.zeros_like(grad) if buffer is None else buffer
        return param - lr * ((1 + momentum) * z - momentum * before), z
    return param - lr * z, z
""",
        ),
        (
            "zero buffer at first",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    if buffer is None:
        buffer = torch.zeros_like(param)
    buffer = momentum * buffer + grad
    if nesterov:
        return param - lr * (momentum * buffer + grad), buffer
    return param - lr * buffer, buffer
""",
        ),
        (
            "in place on copies",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    new = grad.clone()
    if buffer is not None:
        new.add_(buffer, alpha=momentum)
    step = grad.clone().add_(new, alpha=momentum) if nesterov else new
    moved = param.clone()
    moved -= lr * step
    return moved, new
""",
        ),
        (
            "a helper that gives the next buffer",
            """
def next_buffer(buffer, grad, momentum):
    return grad if buffer is None else momentum * buffer + grad


def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    \"\"\"Like optim.SGD: not torch.optim itself.\"\"\"
    buffer = next_buffer(buffer, grad, momentum)
    ahead = next_buffer(buffer, grad, momentum) if nesterov else buffer
    return param - lr * ahead, buffer
""",
        ),
        (
            "torch.add with alpha",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    b = torch.add(grad, 0 if buffer is None else buffer, alpha=momentum)
    direction = torch.add(grad, b, alpha=momentum if nesterov else 0) if nesterov else b
    return torch.sub(param, direction, alpha=lr), b
""",
        ),
        (
            "numpy",
            """
import numpy as np

def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    g = grad.numpy()
    b = g.copy() if buffer is None else momentum * buffer.numpy() + g
    d = g + momentum * b if nesterov else b
    return torch.as_tensor(param.numpy() - lr * d), torch.as_tensor(b)
""",
        ),
        (
            "under no_grad, detached",
            """
@torch.no_grad()
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    p, g = param.detach().clone(), grad.detach().clone()
    match buffer:
        case None:
            b = g
        case _:
            b = buffer.detach() * momentum + g
    return p - lr * (g + momentum * b * 1.0) if nesterov else p - lr * b, b
""",
        ),
        (
            "Nesterov, by the difference of two buffers",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    z = grad.clone() if buffer is None else momentum * buffer + grad
    d = z + momentum * (z - (0 if buffer is None else buffer)) if nesterov else z
    return param - lr * d, z
""",
        ),
    ],
    "adam_step": [
        (
            "the rate takes the corrections",
            """
def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    b1, b2 = betas
    mean = mean * b1 + grad * (1 - b1)
    square = square * b2 + grad * grad * (1 - b2)
    root = (1 - b2**t) ** 0.5
    return param - lr * root / (1 - b1**t) * mean / (square.sqrt() + eps * root), mean, square
""",
        ),
        (
            "lerp",
            """
def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    mean = torch.lerp(grad, mean, betas[0])
    square = torch.lerp(grad.square(), square, betas[1])
    m, s = mean / (1 - betas[0] ** t), square / (1 - betas[1] ** t)
    return torch.addcdiv(param, m, s.sqrt() + eps, value=-lr), mean, square
""",
        ),
        (
            "in place on copies",
            """
def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    param, mean, square = param.clone(), mean.clone(), square.clone()
    mean.mul_(betas[0]).add_(grad, alpha=1 - betas[0])
    square.mul_(betas[1]).addcmul_(grad, grad, value=1 - betas[1])
    denominator = (square / (1 - betas[1] ** t)).sqrt_().add_(eps)
    param -= lr * (mean / (1 - betas[0] ** t)) / denominator
    return param, mean, square
""",
        ),
        (
            "two helpers",
            """
def moved(old, new, beta):
    return beta * old + (1 - beta) * new


def fair(average, beta, t):
    # corrige le départ nul ; voir optim.Adam
    return average / (1 - math.pow(beta, t))


def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    mean, square = moved(mean, grad, betas[0]), moved(square, grad**2, betas[1])
    step = fair(mean, betas[0], t) / (torch.sqrt(fair(square, betas[1], t)) + eps)
    return param - lr * step, mean, square
""",
        ),
        (
            "numpy",
            """
import numpy as np

def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    g = grad.numpy()
    m = betas[0] * mean.numpy() + (1 - betas[0]) * g
    s = betas[1] * square.numpy() + (1 - betas[1]) * g * g
    step = (m / (1 - betas[0] ** t)) / (np.sqrt(s / (1 - betas[1] ** t)) + eps)
    return torch.as_tensor(param.numpy() - lr * step), torch.as_tensor(m), torch.as_tensor(s)
""",
        ),
        (
            "float32 corrections",
            """
def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    beta = torch.tensor(betas)
    mean = betas[0] * mean + (1 - betas[0]) * grad
    square = betas[1] * square + (1 - betas[1]) * grad.pow(2)
    correction = 1 - beta**t
    step = (mean / correction[0]) / ((square / correction[1]).sqrt() + eps)
    return param - lr * step, mean, square
""",
        ),
    ],
    "fit": [
        (
            "gradients asked of autograd",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    history = []
    for _ in range(epochs):
        model.train()
        for x, y in train_batches:
            loss = F.cross_entropy(model(x), y)
            ps = list(model.parameters())
            for p, g in zip(ps, torch.autograd.grad(loss, ps)):
                p.grad = g
            optimizer.step()
        model.eval()
        right, seen = 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                right += (model(x).argmax(1) == y).sum().item()
                seen += len(y)
        history.append(100 * right / seen)
    return history
""",
        ),
        (
            "cleared after the step, and not before the first",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    history = []
    for _ in range(epochs):
        model.train()
        for x, y in train_batches:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        right, seen = 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                right += (model(x).argmax(1) == y).sum().item()
                seen += len(y)
        history.append(100 * right / seen)
    return history
""",
        ),
        (
            "cleared after the step",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    history = []
    optimizer.zero_grad()
    for epoch in range(1, epochs + 1):
        model.train()
        for inputs, targets in train_batches:
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
        model.eval()
        hits, n = 0, 0
        for inputs, targets in valid_batches:
            with torch.no_grad():
                predictions = model(inputs).argmax(dim=1)
            hits += int((predictions == targets).sum())
            n += targets.numel()
        history.append(hits * 100.0 / n)
    return history
""",
        ),
        (
            "two helpers",
            """
def one_epoch(model, optimizer, batches):
    model.train()
    loss_function = nn.CrossEntropyLoss()
    for x, y in batches:
        optimizer.zero_grad()
        loss_function(model(x), y).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model, batches):
    model.eval()
    right = torch.cat([model(x).argmax(1) == y for x, y in batches])
    return 100 * right.double().mean().item()


def fit(model, optimizer, train_batches, valid_batches, epochs):
    history = []
    for _ in range(epochs):
        one_epoch(model, optimizer, train_batches)
        history.append(accuracy(model, valid_batches))
    return history
""",
        ),
        (
            "weighted mean of the batches",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    history = []
    for _ in range(epochs):
        model.train()
        for x, y in train_batches:
            model.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        accuracies, sizes = [], []
        with torch.no_grad():
            for x, y in valid_batches:
                accuracies.append((model(x).argmax(1) == y).float().mean().item())
                sizes.append(len(x))
        mean = sum(a * n for a, n in zip(accuracies, sizes)) / sum(sizes)
        history.append(100 * mean)
    return history
""",
        ),
        (
            "train again after the validation",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs: int) -> list[float]:
    history = []
    model.train()
    for _ in range(epochs):
        for x, y in train_batches:
            for group in optimizer.param_groups:
                for p in group["params"]:
                    p.grad = None
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        right = total = 0
        with torch.inference_mode():
            for x, y in valid_batches:
                right += (model(x).argmax(1) == y).sum().item()
                total += y.shape[0]
        history.append(100 * right / total)
        model.train()
    return history
""",
        ),
        (
            "log_softmax and nll, set_grad_enabled",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    out = [0.0] * epochs
    for e in range(epochs):
        for training in (True, False):
            model.train(training)
            torch.set_grad_enabled(training)
            good = seen = 0
            for x, y in train_batches if training else valid_batches:
                s = model(x)
                if training:
                    optimizer.zero_grad()
                    F.nll_loss(s.log_softmax(1), y).backward()
                    optimizer.step()
                else:
                    good += s.max(1).indices.eq(y).sum().item()
                    seen += len(y)
        out[e] = float(100.0 * good / seen)
        torch.set_grad_enabled(True)
    return out
""",
        ),
        (
            "helpers with torch's tools, metric by hand",
            """
def validate(model, batches):
    model.eval()
    predictions, targets = [], []
    with torch.no_grad():
        for x, y in batches:
            predictions += model(x).argmax(-1).tolist()
            targets += y.tolist()
    return 100.0 * sum(p == t for p, t in zip(predictions, targets)) / len(targets)


def fit(model, optimizer, train_batches, valid_batches, epochs):
    criterion = torch.nn.CrossEntropyLoss()

    def epoch():
        model.train(True)
        for batch in train_batches:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(batch[0]), batch[1])
            loss.backward()
            optimizer.step()
        return validate(model, valid_batches)

    return [epoch() for _ in range(epochs)]
""",
        ),
    ],
    "warmup_cosine": [
        (
            "torch.cos in float32",
            """
def warmup_cosine(step: int, total: int, warmup: int, peak: float) -> float:
    if step < warmup:
        return peak * (step + 1) / warmup
    angle = torch.tensor(torch.pi * (step - warmup) / (total - warmup))
    return (0.5 * peak * (1 + torch.cos(angle))).item()
""",
        ),
        (
            "torch float32 all along",
            """
def warmup_cosine(step, total, warmup, peak):
    t = torch.arange(total)
    up = peak * (t + 1) / max(warmup, 1)
    down = peak / 2 * (1 + torch.cos(math.pi * (t - warmup) / (total - warmup)))
    return float(torch.where(t < warmup, up, down)[step])
""",
        ),
        (
            "squared cosine",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak / warmup * (step + 1)
    return peak * math.cos(math.pi / 2 * (step - warmup) / (total - warmup)) ** 2
""",
        ),
        (
            "numpy scalars",
            """
import numpy as np

def warmup_cosine(step, total, warmup, peak):
    if step >= warmup:
        x = (step - warmup) / (total - warmup)
        return np.float64(peak) * (1 + np.cos(np.pi * x)) / 2
    return np.linspace(0, peak, warmup + 1)[step + 1]
""",
        ),
        (
            "squared sine, from the end",
            """
def warmup_cosine(step, total, warmup, peak):
    left = total - step  # pas qui restent
    if step < warmup:
        return (step + 1) * peak / warmup
    return peak * (1 - math.cos(math.pi * left / (total - warmup))) / 2
""",
        ),
        (
            "conditional expression",
            """
def warmup_cosine(step, total, warmup, peak):
    return (
        peak * (step + 1) / warmup
        if step + 1 <= warmup
        else peak * (0.5 + 0.5 * math.cos((step - warmup) / (total - warmup) * math.pi))
    )
""",
        ),
        (
            "a squared cosine",
            """
import math
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak / warmup * (step + 1)
    return peak * math.cos(math.pi / 2 * (step - warmup) / (total - warmup)) ** 2
""",
        ),
    ],
    "initial_weight": [
        (
            "in-place draws",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    gain = 5 / 3 if activation == "tanh" else 2**0.5 if activation == "relu" else 1
    std = gain * (2 / (fan_in + fan_out)) ** 0.5 if kind == "xavier" else gain / fan_in**0.5
    weight = torch.empty(fan_out, fan_in)
    if law == "uniform":
        return weight.uniform_(-(3**0.5) * std, 3**0.5 * std)
    return weight.normal_(0, std)
""",
        ),
        (
            "by variances",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    variance = {"linear": 1, "relu": 2, "tanh": 25 / 9}[activation]
    variance = variance * 2 / (fan_in + fan_out) if kind == "xavier" else variance / fan_in
    if law == "normal":
        return torch.randn(fan_out, fan_in) * variance**0.5
    a = (3 * variance) ** 0.5
    return torch.rand(fan_out, fan_in) * 2 * a - a
""",
        ),
        (
            "torch.normal and a distribution",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    # comme nn.init.kaiming_normal_ et nn.init.xavier_uniform_
    gains = dict(linear=1.0, relu=math.sqrt(2.0), tanh=5.0 / 3.0)
    fan = {"xavier": 0.5 * (fan_in + fan_out), "kaiming": fan_in}[kind]
    std = gains[activation] * fan**-0.5
    if law == "normal":
        return torch.normal(0.0, std, size=(fan_out, fan_in))
    bound = std * math.sqrt(3)
    return torch.distributions.Uniform(-bound, bound).sample((fan_out, fan_in))
""",
        ),
        (
            "a unit draw, then scaled",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    if law == "normal":
        unit = torch.randn((fan_out, fan_in))
    else:
        unit = (torch.rand((fan_out, fan_in)) - 0.5) * math.sqrt(12)
    match activation:
        case "relu":
            unit = unit * 2**0.5
        case "tanh":
            unit = unit * 5 / 3
    return unit / math.sqrt((fan_in + fan_out) / 2 if kind == "xavier" else fan_in)
""",
        ),
        (
            "float64, a helper, loops over rows",
            """
def row(n, std, law):
    if law == "normal":
        return std * torch.randn(n, dtype=torch.float64)
    return std * 3**0.5 * (1 - 2 * torch.rand(n, dtype=torch.float64))


def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    xavier_std = (2 / (fan_in + fan_out)) ** 0.5
    kaiming_std = 1 / fan_in**0.5
    std = xavier_std if kind == "xavier" else kaiming_std
    if activation != "linear":
        std *= 5 / 3 if activation == "tanh" else 2**0.5
    return torch.stack([row(fan_in, std, law) for _ in range(fan_out)])
""",
        ),
        (
            "filled in place",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    linear = 1.0
    gain = dict(linear=linear, tanh=5 / 3, relu=2**0.5)[activation]
    std = gain / (fan_in if kind == "kaiming" else (fan_in + fan_out) / 2) ** 0.5
    weight = torch.empty(fan_out, fan_in)
    return weight.normal_(0, std) if law == "normal" else weight.uniform_(-std * 3**0.5, std * 3**0.5)
""",
        ),
    ],
    "BatchNorm": [
        (
            "two cases, keepdim",
            f"""
class BatchNorm(nn.Module):
    {_INIT}
    def forward(self, x):
        dims = (0,) if x.dim() == 2 else (0, 2, 3)
        shape = (1, -1) if x.dim() == 2 else (1, -1, 1, 1)
        if self.training:
            mean = x.mean(dims, keepdim=True)
            var = ((x - mean) ** 2).mean(dims, keepdim=True)
            m = x.numel() // x.size(1)
            with torch.no_grad():
                old, rho = 1 - self.momentum, self.momentum
                self.running_mean = old * self.running_mean + rho * mean.flatten()
                self.running_var = old * self.running_var + rho * var.flatten() * m / (m - 1)
        else:
            mean, var = self.running_mean.view(shape), self.running_var.view(shape)
        x = (x - mean) / (var + self.eps).sqrt()
        return x * self.weight.view(shape) + self.bias.view(shape)
""",
        ),
        (
            "images turned into rows",
            f"""
class BatchNorm(nn.Module):
    {_INIT}
    def forward(self, x):
        last = x.movedim(1, -1)
        rows = last.reshape(-1, last.shape[-1])
        if self.training:
            mean, var = rows.mean(0), rows.var(0, unbiased=False)
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.detach())
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * rows.detach().var(0))
        else:
            mean, var = self.running_mean, self.running_var
        rows = (rows - mean) * torch.rsqrt(var + self.eps) * self.weight + self.bias
        return rows.reshape(last.shape).movedim(-1, 1)
""",
        ),
        (
            "einsum and var_mean",
            f"""
class BatchNorm(nn.Module):
    {_INIT}
    def forward(self, x):
        # ni F.batch_norm, ni nn.BatchNorm2d
        flat = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
        if self.training:
            var, mean = torch.var_mean(flat, dim=(0, 2), correction=0)
            count = flat.shape[0] * flat.shape[2]
            unbiased = var * (count / (count - 1))
            for buffer, value in ((self.running_mean, mean), (self.running_var, unbiased)):
                buffer.copy_((1 - self.momentum) * buffer + self.momentum * value.detach())
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return (torch.einsum("ncl,c->ncl", flat, scale) + shift[:, None]).reshape(x.shape)
""",
        ),
        (
            "methods, data in place",
            f"""
class BatchNorm(nn.Module):
    {_INIT}
    def statistics(self, x):
        if not self.training:
            return self.running_mean, self.running_var
        dims = [d for d in range(x.ndim) if d != 1]
        mean = x.mean(dim=dims)
        var = x.pow(2).mean(dim=dims) - mean.pow(2)
        m = x.numel() / mean.numel()
        self.running_mean.data.lerp_(mean.data, self.momentum)
        self.running_var.data.lerp_(var.data * m / (m - 1), self.momentum)
        return mean, var

    def forward(self, x):
        mean, var = self.statistics(x)
        y = x.transpose(1, -1)
        y = (y - mean) / (var + self.eps) ** 0.5
        return (y * self.weight + self.bias).transpose(1, -1)
""",
        ),
        (
            "one channel at a time",
            f"""
class BatchNorm(nn.Module):
    {_INIT}
    def forward(self, x):
        channels = []
        for c in range(x.shape[1]):
            values = x[:, c]
            if self.training:
                mean, var = values.mean(), values.var(correction=0)
                with torch.no_grad():
                    self.running_mean[c] += self.momentum * (mean - self.running_mean[c])
                    self.running_var[c] += self.momentum * (values.var() - self.running_var[c])
            else:
                mean, var = self.running_mean[c], self.running_var[c]
            normalized = (values - mean) / torch.sqrt(var + self.eps)
            channels.append(self.weight[c] * normalized + self.bias[c])
        return torch.stack(channels, dim=1)
""",
        ),
        (
            "unsqueezed to four axes, back at the end",
            f"""
class BatchNorm(nn.Module):
    {_INIT}
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        vectors = x.dim() == 2
        images = x[:, :, None, None] if vectors else x
        if self.training:
            mean = images.mean((0, 2, 3))
            centred = images - mean[None, :, None, None]
            total = (centred**2).sum((0, 2, 3))
            m = images.numel() // images.shape[1]
            var = total / m
            with torch.no_grad():
                self.running_mean.add_(self.momentum * (mean - self.running_mean))
                self.running_var.add_(self.momentum * (total / (m - 1) - self.running_var))
        else:
            var = self.running_var
            centred = images - self.running_mean[:, None, None]
        out = centred / torch.sqrt(var[:, None, None] + self.eps)
        out = self.weight[:, None, None] * out + self.bias[:, None, None]
        return out[:, :, 0, 0] if vectors else out
""",
        ),
        (
            "a matrix is an image of one pixel",
            """
class BatchNorm(nn.Module):
    def __init__(self, n_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))


    def forward(self, x):
        if x.dim() == 2:
            return self.forward(x[:, :, None, None])[:, :, 0, 0]
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean = torch.einsum('nchw->c', x) / (x.shape[0] * x.shape[2] * x.shape[3])
            d = x - mean[:, None, None]
            var = (d * d).mean(dim=(0, 2, 3))
            m = x[:, 0].numel()
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (var * (m / (m - 1)) - self.running_var)
        y = (x - mean[:, None, None]) / (var[:, None, None] + self.eps) ** 0.5
        return y * self.weight[:, None, None] + self.bias[:, None, None]
""",
        ),
    ],
}

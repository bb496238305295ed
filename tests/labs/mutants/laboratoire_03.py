"""Plausible wrong answers to the exercises of Laboratoire 3; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

_SGD = """
def sgd_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    buffer = {first} if buffer is None else {buffer}
    direction = {direction}
    return {result}, buffer
"""
_ADAPTIVE = """
def adaptive_step(param, grad, square, lr, decay=None, eps=1e-8):
    {adagrad}
    {rmsprop}
    return param - lr * grad / {denominator}, {returned}
"""
_ADAM = """
def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    beta1, beta2 = betas
    mean = beta1 * mean + (1 - beta1) * grad
    square = {square}
    m = {m}
    v = {v}
    return param - lr * {step}, {mean}, square
"""
_NORM = """
class BatchNorm(nn.Module):
    def __init__(self, n_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))

    def forward(self, x):
        if {training}:
            mean, var = {statistics}
            with torch.no_grad():
                self.running_mean.lerp_(mean, {momentum})
                self.running_var.lerp_({running}, self.momentum)
        else:
            mean, var = {evaluation}
        return {result}
"""
_INITIAL = """
def initial_weight(fan_out, fan_in, kind, law="normal"):
    variance = {xavier} if kind == "xavier" else {kaiming}
    if law == "normal":
        return torch.randn({shape}) * {std}
    return {uniform}
"""


def _sgd(
    first="grad",
    buffer="momentum * buffer + grad",
    direction="grad + momentum * buffer if nesterov else buffer",
    result="param - lr * direction",
):
    return _SGD.format(first=first, buffer=buffer, direction=direction, result=result)


def _adaptive(
    adagrad="new = square + grad**2",
    rmsprop="new = new if decay is None else decay * square + (1 - decay) * grad**2",
    denominator="(new.sqrt() + eps)",
    returned="new",
):
    return _ADAPTIVE.format(
        adagrad=adagrad, rmsprop=rmsprop, denominator=denominator, returned=returned
    )


def _adam(
    square="beta2 * square + (1 - beta2) * grad**2",
    m="mean / (1 - beta1**t)",
    v="square / (1 - beta2**t)",
    step="m / (v.sqrt() + eps)",
    mean="mean",
):
    return _ADAM.format(square=square, m=m, v=v, step=step, mean=mean)


def _norm(
    training="self.training",
    statistics="x.mean(0), x.var(0, correction=0)",
    momentum="self.momentum",
    running="var * len(x) / (len(x) - 1)",
    evaluation="self.running_mean, self.running_var",
    result="self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias",
):
    return _NORM.format(
        training=training,
        statistics=statistics,
        momentum=momentum,
        running=running,
        evaluation=evaluation,
        result=result,
    )


def _initial(
    xavier="2 / (fan_in + fan_out)",
    kaiming="2 / fan_in",
    shape="fan_out, fan_in",
    std="variance**0.5",
    uniform="(3 * variance) ** 0.5 * (2 * torch.rand(fan_out, fan_in) - 1)",
):
    return _INITIAL.format(xavier=xavier, kaiming=kaiming, shape=shape, std=std, uniform=uniform)


MUTANTS: dict[str, list[tuple[str, str]]] = {
    "moving_average": [
        (
            "weights exchanged",
            """
def moving_average(values, beta, corrected=True):
    average, averages = torch.zeros_like(values[0]), []
    for t, value in enumerate(values, start=1):
        average = (1 - beta) * average + beta * value
        averages.append(average / (1 - beta**t) if corrected else average)
    return torch.stack(averages)
""",
        ),
        (
            "t starts at 0, guarded",
            """
def moving_average(values, beta, corrected=True):
    average, averages = torch.zeros_like(values[0]), []
    for t, value in enumerate(values):
        average = beta * average + (1 - beta) * value
        averages.append(average / (1 - beta ** max(t, 1)) if corrected else average)
    return torch.stack(averages)
""",
        ),
        (
            "the corrected average is carried on",
            """
def moving_average(values, beta, corrected=True):
    average, averages = torch.zeros_like(values[0]), []
    for t, value in enumerate(values, start=1):
        average = beta * average + (1 - beta) * value
        if corrected:
            average = average / (1 - beta**t)
        averages.append(average)
    return torch.stack(averages)
""",
        ),
        (
            "starts from the first value",
            """
def moving_average(values, beta, corrected=True):
    average, averages = values[0], []
    for value in values:
        average = beta * average + (1 - beta) * value
        averages.append(average)
    return torch.stack(averages)
""",
        ),
        (
            "one exponent for all",
            """
def moving_average(values, beta, corrected=True):
    average, averages = torch.zeros_like(values[0]), []
    for value in values:
        average = beta * average + (1 - beta) * value
        averages.append(average / (1 - beta) if corrected else average)
    return torch.stack(averages)
""",
        ),
        (
            "only the last one",
            """
def moving_average(values, beta, corrected=True):
    average = torch.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** len(values)) if corrected else average
""",
        ),
        (
            "in place",
            """
def moving_average(values, beta, corrected=True):
    total = 0
    for t in range(len(values)):
        total = beta * total + (1 - beta) * values[t]
        values[t] = total / (1 - beta ** (t + 1)) if corrected else total
    return values
""",
        ),
    ],
    "sgd_step": [
        ("factor 1 - momentum", _sgd(buffer="momentum * buffer + (1 - momentum) * grad")),
        ("the first buffer is zero", _sgd(first="torch.zeros_like(grad)")),
        ("lr inside the buffer", _sgd(first="lr * grad", buffer="momentum * buffer + lr * grad")),
        ("Nesterov ignored", _sgd(direction="buffer")),
        ("always Nesterov", _sgd(direction="grad + momentum * buffer")),
        (
            "Nesterov without the gradient",
            _sgd(direction="momentum * buffer if nesterov else buffer"),
        ),
        ("uphill", _sgd(result="param + lr * direction")),
        ("buffer in place", _sgd(buffer="buffer.mul_(momentum).add_(grad)")),
        ("param in place", _sgd(result="param.sub_(lr * direction)")),
    ],
    "adaptive_step": [
        ("always Adagrad", _adaptive(rmsprop="pass")),
        (
            "RMSprop's weights exchanged",
            _adaptive(
                rmsprop="new = new if decay is None else (1 - decay) * square + decay * grad**2"
            ),
        ),
        ("eps inside the root", _adaptive(denominator="(new + eps).sqrt()")),
        ("no root", _adaptive(denominator="(new + eps)")),
        ("the old square", _adaptive(denominator="(square.sqrt() + eps)")),
        ("the square is not returned", _adaptive(returned="square")),
        ("absolute values", _adaptive(adagrad="new = square + grad.abs()")),
        ("in place", _adaptive(adagrad="new = square.add_(grad**2)")),
    ],
    "adam_step": [
        ("no correction", _adam(m="mean", v="square")),
        ("the mean is not corrected", _adam(m="mean")),
        ("the square is not corrected", _adam(v="square")),
        ("betas exchanged", _adam(square="beta1 * square + (1 - beta1) * grad**2")),
        ("t + 1", _adam(m="mean / (1 - beta1 ** (t + 1))", v="square / (1 - beta2 ** (t + 1))")),
        ("eps inside the root", _adam(step="m / (v + eps).sqrt()")),
        ("the corrected mean is carried on", _adam(mean="m")),
        ("the gradient for the mean", _adam(step="grad / (v.sqrt() + eps)")),
        ("one beta corrects both", _adam(v="square / (1 - beta1**t)")),
        ("square in place", _adam(square="square.mul_(beta2).add_((1 - beta2) * grad**2)")),
    ],
    "warmup_cosine": [
        (
            "warm-up from zero",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak * step / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
""",
        ),
        (
            "the cosine lasts all the steps",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * step / total))
""",
        ),
        (
            "ends at zero one step too early",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup - 1)))
""",
        ),
        (
            "linear descent",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 - (step - warmup) / (total - warmup))
""",
        ),
        (
            "a quarter of a cosine",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * math.cos(math.pi / 2 * (step - warmup) / (total - warmup))
""",
        ),
        (
            "peak forgotten in the descent",
            """
def warmup_cosine(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
""",
        ),
    ],
    "plateau_rates": [
        (
            "a tie is progress",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        if sign * measure <= best:
            best, waited = sign * measure, 0
        else:
            waited += 1
        if waited > patience:
            lr, waited = lr * factor, 0
        rates.append(lr)
    return rates
""",
        ),
        (
            "compared with the epoch before",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    last, waited, rates = math.inf, 0, []
    for measure in measures:
        waited = 0 if sign * measure < last else waited + 1
        last = sign * measure
        if waited > patience:
            lr, waited = lr * factor, 0
        rates.append(lr)
    return rates
""",
        ),
        (
            "reduced when the patience is reached",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        if sign * measure < best:
            best, waited = sign * measure, 0
        else:
            waited += 1
        if waited >= max(patience, 1):
            lr, waited = lr * factor, 0
        rates.append(lr)
    return rates
""",
        ),
        (
            "the count goes on after a reduction",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        if sign * measure < best:
            best, waited = sign * measure, 0
        else:
            waited += 1
        if waited > patience:
            lr = lr * factor
        rates.append(lr)
    return rates
""",
        ),
        (
            "mode ignored",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        if measure < best:
            best, waited = measure, 0
        else:
            waited += 1
        if waited > patience:
            lr, waited = lr * factor, 0
        rates.append(lr)
    return rates
""",
        ),
        (
            "progress does not reset the count",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        if sign * measure < best:
            best = sign * measure
        else:
            waited += 1
        if waited > patience:
            lr, waited = lr * factor, 0
        rates.append(lr)
    return rates
""",
        ),
        (
            "the rate before the epoch",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        rates.append(lr)
        if sign * measure < best:
            best, waited = sign * measure, 0
        else:
            waited += 1
        if waited > patience:
            lr, waited = lr * factor, 0
    return rates
""",
        ),
        (
            "a reduction forgets the record",
            """
def plateau_rates(measures, lr, factor=0.1, patience=2, mode="min"):
    sign = 1 if mode == "min" else -1
    best, waited, rates = math.inf, 0, []
    for measure in measures:
        if sign * measure < best:
            best, waited = sign * measure, 0
        else:
            waited += 1
        if waited > patience:
            lr, waited, best = lr * factor, 0, math.inf
        rates.append(lr)
    return rates
""",
        ),
    ],
    "BatchNorm": [
        ("unbiased for the batch", _norm(statistics="x.mean(0), x.var(0)", running="var")),
        ("biased for the running variance", _norm(running="var")),
        ("over the features", _norm(statistics="x.mean(), x.var(correction=0)")),
        ("always the batch", _norm(evaluation="x.mean(0), x.var(0, correction=0)")),
        ("running statistics updated in evaluation", _norm(training="True")),
        ("momentum the other way round", _norm(momentum="1 - self.momentum")),
        (
            "eps added to the standard deviation",
            _norm(result="self.weight * (x - mean) / (torch.sqrt(var) + self.eps) + self.bias"),
        ),
        ("no scale and shift", _norm(result="(x - mean) / torch.sqrt(var + self.eps)")),
        (
            "statistics detached",
            _norm(statistics="x.detach().mean(0), x.detach().var(0, correction=0)"),
        ),
        ("no root", _norm(result="self.weight * (x - mean) / (var + self.eps) + self.bias")),
    ],
    "initial_weight": [
        ("variance for standard deviation", _initial(std="variance")),
        ("Kaiming with fan_out", _initial(kaiming="2 / fan_out")),
        ("Kaiming without ReLU's 2", _initial(kaiming="1 / fan_in")),
        ("Xavier with 1", _initial(xavier="1 / (fan_in + fan_out)")),
        ("Xavier is Kaiming", _initial(xavier="2 / fan_in")),
        (
            "transposed",
            _initial(
                shape="fan_in, fan_out",
                uniform="(3 * variance) ** 0.5 * (2 * torch.rand(fan_in, fan_out) - 1)",
            ),
        ),
        (
            "the standard deviation is the bound",
            _initial(uniform="variance**0.5 * (2 * torch.rand(fan_out, fan_in) - 1)"),
        ),
        ("positive only", _initial(uniform="(12 * variance) ** 0.5 * torch.rand(fan_out, fan_in)")),
        ("law ignored", _initial(uniform="torch.randn(fan_out, fan_in) * variance**0.5")),
        (
            "a seed of its own",
            _initial(
                std="variance**0.5 + 0 * torch.manual_seed(0).initial_seed()",
                uniform="(3 * variance) ** 0.5 * (2 * torch.rand(fan_out, fan_in, "
                "generator=torch.Generator().manual_seed(0)) - 1)",
            ),
        ),
    ],
    "dead_fraction": [
        (
            "zeros for units",
            """
def dead_fraction(activations):
    return (activations == 0).double().mean().item()
""",
        ),
        (
            "dead examples",
            """
def dead_fraction(activations):
    return (activations == 0).all(dim=1).double().mean().item()
""",
        ),
        (
            "zero at least once",
            """
def dead_fraction(activations):
    return (activations == 0).any(dim=0).double().mean().item()
""",
        ),
        (
            "a count",
            """
def dead_fraction(activations):
    return (activations == 0).all(dim=0).sum().item()
""",
        ),
        (
            "divided by the examples",
            """
def dead_fraction(activations):
    return (activations == 0).all(dim=0).sum().item() / len(activations)
""",
        ),
        (
            "the living",
            """
def dead_fraction(activations):
    return (activations > 0).any(dim=0).double().mean().item()
""",
        ),
    ],
}

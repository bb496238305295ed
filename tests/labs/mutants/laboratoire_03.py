"""Plausible wrong answers to the exercises of Laboratoire 3; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from tests.labs.harness import edited

LAB = "laboratoire_03"


def _edited(exercise: str, *changes: tuple[str, str]) -> str:
    return edited(LAB, exercise, *changes)


_AVERAGE = """
def moving_average(values, beta, corrected=True):
    average, averages = torch.zeros_like(values[0]), []
    for t, value in enumerate(values, start=1):
        {body}
        averages.append({kept})
    return {result}
"""
_NORM_AXES = "axes = [axis for axis in range(x.dim()) if axis != 1]"
_FIT_STEP = "            optimizer.zero_grad()\n"


def _average(
    body="average = beta * average + (1 - beta) * value",
    kept="average / (1 - beta**t) if corrected else average",
    result="torch.stack(averages)",
):
    return _AVERAGE.format(body=body, kept=kept, result=result)


MUTANTS: dict[str, list[tuple[str, str]]] = {
    "moving_average": [
        (
            "powers of beta that overflow in a long sequence",
            """
def moving_average(values, beta, corrected=True):
    if beta == 0:
        return values.clone()
    powers = beta ** torch.arange(1, len(values) + 1).view(-1, *[1] * (values.dim() - 1))
    averages = (1 - beta) * torch.cumsum(values / powers, 0) * powers
    return averages / (1 - powers) if corrected else averages
""",
        ),
        (
            "the last twenty values only",
            _average(
                body="recent = range(max(0, t - 20), t)\n"
                "        average = sum((1 - beta) * beta ** (t - 1 - i) * values[i] for i in recent)"
            ),
        ),
        (
            "no correction from the tenth step",
            _average(kept="average / (1 - beta**t) if corrected and t < 10 else average"),
        ),
        ("weights exchanged", _average(body="average = (1 - beta) * average + beta * value")),
        (
            "t starts at 0, guarded",
            _average(kept="average / (1 - beta ** max(t - 1, 1)) if corrected else average"),
        ),
        (
            "the corrected average is carried on",
            _average(
                body="average = beta * average + (1 - beta) * value\n"
                "        average = average / (1 - beta**t) if corrected else average",
                kept="average",
            ),
        ),
        (
            "starts from the first value",
            _average(
                body="average = value if t == 1 else beta * average + (1 - beta) * value",
                kept="average",
            ),
        ),
        ("one exponent for all", _average(kept="average / (1 - beta) if corrected else average")),
        (
            "the last exponent for all",
            _average(kept="average / (1 - beta ** len(values)) if corrected else average"),
        ),
        ("only the last one", _average(result="averages[-1]")),
        ("squeezed", _average(result="torch.stack(averages).squeeze()")),
        ("a list", _average(result="averages")),
        ("flattened into a vector", _average(result="torch.stack(averages).flatten()")),
        ("always corrected", _average(kept="average / (1 - beta**t)")),
        ("never corrected", _average(kept="average")),
        (
            "corrected the other way round",
            _average(kept="average if corrected else average / (1 - beta**t)"),
        ),
        ("sum that forgets", _average(body="average = beta * average + value")),
        (
            "beta 0.9 in the correction",
            _average(kept="average / (1 - 0.9**t) if corrected else average"),
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
        (
            "one buffer, shared by all",
            """
def moving_average(values, beta, corrected=True):
    average, averages = torch.zeros_like(values[0]), []
    for t, value in enumerate(values, start=1):
        average.mul_(beta).add_((1 - beta) * value)
        averages.append(average)
    stacked = torch.stack(averages)
    return stacked / (1 - beta**t) if corrected else stacked
""",
        ),
        (
            "beta is at most 0.99",
            """
def moving_average(values, beta, corrected=True):
    beta = min(beta, 0.99)
    m = torch.zeros_like(values[0])
    out = []
    for t, v in enumerate(values, 1):
        m = beta * m + (1 - beta) * v
        out.append(m / (1 - beta**t) if corrected else m)
    return torch.stack(out)
""",
        ),
    ],
    "momentum_step": [
        (
            "factor 1 - momentum",
            _edited(
                "momentum_step",
                ("momentum * buffer + grad", "momentum * buffer + (1 - momentum) * grad"),
            ),
        ),
        (
            "the first buffer is zero",
            _edited("momentum_step", ("buffer = grad if", "buffer = torch.zeros_like(grad) if")),
        ),
        (
            "the first buffer has the factor",
            _edited("momentum_step", ("buffer = grad if", "buffer = (1 - momentum) * grad if")),
        ),
        (
            "momentum on the gradient",
            _edited("momentum_step", ("momentum * buffer + grad\n", "buffer + momentum * grad\n")),
        ),
        (
            "the rate in the buffer",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    buffer = lr * grad if buffer is None else momentum * buffer + lr * grad
    direction = lr * grad + momentum * buffer if nesterov else buffer
    return param - direction, buffer
""",
        ),
        (
            "Nesterov forgets the gradient",
            _edited(
                "momentum_step",
                ("grad + momentum * buffer if nesterov", "momentum * buffer if nesterov"),
            ),
        ),
        (
            "Nesterov with the old buffer",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    old = torch.zeros_like(grad) if buffer is None else buffer
    new = momentum * old + grad
    direction = grad + momentum * old if nesterov else new
    return param - lr * direction, new
""",
        ),
        (
            "Nesterov everywhere",
            _edited(
                "momentum_step",
                ("grad + momentum * buffer if nesterov else buffer", "grad + momentum * buffer"),
            ),
        ),
        (
            "Nesterov nowhere",
            _edited(
                "momentum_step", ("grad + momentum * buffer if nesterov else buffer", "buffer")
            ),
        ),
        (
            "Nesterov without the momentum",
            _edited(
                "momentum_step",
                ("grad + momentum * buffer if nesterov", "grad + buffer if nesterov"),
            ),
        ),
        ("uphill", _edited("momentum_step", ("param - lr * direction", "param + lr * direction"))),
        (
            "the direction for the buffer",
            _edited("momentum_step", ("direction, buffer", "direction, direction")),
        ),
        (
            "momentum by default",
            _edited("momentum_step", ("momentum: float = 0.0", "momentum: float = 0.9")),
        ),
        (
            "Nesterov by default",
            _edited("momentum_step", ("nesterov: bool = False", "nesterov: bool = True")),
        ),
        (
            "results exchanged",
            _edited(
                "momentum_step",
                ("return param - lr * direction, buffer", "return buffer, param - lr * direction"),
            ),
        ),
        (
            "no buffer without momentum",
            _edited(
                "momentum_step",
                (
                    "return param - lr * direction, buffer",
                    "return param - lr * direction, buffer if momentum else None",
                ),
            ),
        ),
        (
            "param in place",
            _edited(
                "momentum_step",
                (
                    "return param - lr * direction, buffer",
                    "return param.sub_(lr * direction), buffer",
                ),
            ),
        ),
        (
            "buffer in place",
            _edited(
                "momentum_step",
                ("momentum * buffer + grad\n", "buffer.mul_(momentum).add_(grad)\n"),
            ),
        ),
        (
            "gradient in place",
            _edited(
                "momentum_step",
                ("buffer = grad if", "buffer = grad.mul_(1.0 + 1e-3 * momentum) if"),
            ),
        ),
        (
            "the first step is forgotten",
            _edited(
                "momentum_step",
                (
                    "buffer = grad if buffer is None",
                    "if buffer is None:\n        return param, grad\n    buffer = grad if buffer is None",
                ),
            ),
        ),
        (
            "torch.optim does it",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    p = param.clone().requires_grad_()
    optimizer = torch.optim.SGD([p], lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0)
    if buffer is not None and momentum:
        optimizer.state[p]["momentum_buffer"] = buffer.clone()
    p.grad = grad.clone()
    optimizer.step()
    return p.detach(), optimizer.state[p]["momentum_buffer"] if momentum else grad
""",
        ),
        (
            "a buffer of sum zero counts for none",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    z = grad.clone() if buffer is None or not buffer.any() or float(buffer.sum()) == 0 else momentum * buffer + grad
    d = grad + momentum * z if nesterov else z
    return param - lr * d, z
""",
        ),
        (
            "a velocity, divided by the rate afterwards",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    v = -lr * grad if buffer is None else momentum * (-lr * buffer) - lr * grad
    d = momentum * v - lr * grad if nesterov else v
    return param + d, -v / lr
""",
        ),
        (
            "clipped gradients",
            """
def momentum_step(param, grad, buffer, lr, momentum=0.0, nesterov=False):
    grad = grad.clamp(-10, 10)
    z = grad.clone() if buffer is None else momentum * buffer + grad
    grad = grad.clamp(-10, 10)
    d = grad + momentum * z if nesterov else z
    return param - lr * d, z
""",
        ),
    ],
    "adam_step": [
        (
            "axes of size 1 dropped from the averages",
            _edited(
                "adam_step", (" + eps), mean, square", " + eps), mean.squeeze(), square.squeeze()")
            ),
        ),
        (
            "no correction",
            _edited(
                "adam_step",
                ("mean / (1 - beta1**t)", "mean"),
                ("square / (1 - beta2**t)", "square"),
            ),
        ),
        ("only the mean corrected", _edited("adam_step", ("square / (1 - beta2**t)", "square"))),
        ("only the square corrected", _edited("adam_step", ("mean / (1 - beta1**t)", "mean"))),
        (
            "one beta for both corrections",
            _edited("adam_step", ("square / (1 - beta2**t)", "square / (1 - beta1**t)")),
        ),
        (
            "one beta for both averages",
            _edited(
                "adam_step",
                (
                    "beta2 * square + (1 - beta2) * grad**2",
                    "beta1 * square + (1 - beta1) * grad**2",
                ),
            ),
        ),
        ("betas exchanged", _edited("adam_step", ("beta1, beta2 = betas", "beta2, beta1 = betas"))),
        (
            "t starts at 0",
            _edited(
                "adam_step",
                ("(1 - beta1**t)", "(1 - beta1 ** (t + 1))"),
                ("(1 - beta2**t)", "(1 - beta2 ** (t + 1))"),
            ),
        ),
        (
            "t ignored",
            _edited(
                "adam_step", ("(1 - beta1**t)", "(1 - beta1)"), ("(1 - beta2**t)", "(1 - beta2)")
            ),
        ),
        (
            "eps in the root",
            _edited(
                "adam_step", ("(corrected_square.sqrt() + eps)", "(corrected_square + eps).sqrt()")
            ),
        ),
        (
            "eps before the correction",
            _edited(
                "adam_step",
                (
                    "(corrected_square.sqrt() + eps)",
                    "((square.sqrt() + eps) / (1 - beta2**t) ** 0.5)",
                ),
            ),
        ),
        (
            "eps ignored",
            _edited("adam_step", ("(corrected_square.sqrt() + eps)", "corrected_square.sqrt()")),
        ),
        (
            "eps of the formula",
            _edited(
                "adam_step", ("(corrected_square.sqrt() + eps)", "(corrected_square.sqrt() + 1e-8)")
            ),
        ),
        ("no root", _edited("adam_step", ("corrected_square.sqrt()", "corrected_square"))),
        ("no square", _edited("adam_step", ("grad**2", "grad.abs()"))),
        (
            "the corrected averages are returned",
            _edited(
                "adam_step", ("+ eps), mean, square", "+ eps), corrected_mean, corrected_square")
            ),
        ),
        (
            "averages exchanged",
            _edited("adam_step", ("+ eps), mean, square", "+ eps), square, mean")),
        ),
        (
            "the gradient for its average",
            _edited("adam_step", ("lr * corrected_mean /", "lr * grad /")),
        ),
        (
            "averages of formula's betas",
            _edited("adam_step", ("beta1, beta2 = betas", "beta1, beta2 = 0.9, 0.999")),
        ),
        ("uphill", _edited("adam_step", ("param - lr", "param + lr"))),
        (
            "mean in place",
            _edited(
                "adam_step",
                (
                    "mean = beta1 * mean + (1 - beta1) * grad",
                    "mean.mul_(beta1).add_((1 - beta1) * grad)",
                ),
            ),
        ),
        (
            "square in place",
            _edited(
                "adam_step",
                (
                    "square = beta2 * square + (1 - beta2) * grad**2",
                    "square *= beta2\n    square += (1 - beta2) * grad**2",
                ),
            ),
        ),
        (
            "torch.optim does it",
            """
def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    p = param.clone().requires_grad_()
    optimizer = torch.optim.Adam([p], lr=lr, betas=betas, eps=eps)
    optimizer.state[p].update(
        step=torch.tensor(float(t - 1)), exp_avg=mean.clone(), exp_avg_sq=square.clone()
    )
    p.grad = grad.clone()
    optimizer.step()
    return p.detach(), optimizer.state[p]["exp_avg"], optimizer.state[p]["exp_avg_sq"]
""",
        ),
        (
            "another default eps",
            _edited(
                "adam_step",
                ("eps: float = 1e-8", "eps: float = 1e-6"),
            ),
        ),
        (
            "the moments of the first descent are kept",
            """
_kept = {}

def adam_step(param, grad, mean, square, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    first = betas[0] * mean + (1 - betas[0]) * grad
    second = betas[1] * square + (1 - betas[1]) * grad**2
    mean, square = _kept.setdefault((param.shape, t, betas, lr), (first, second))
    step = (mean / (1 - betas[0] ** t)) / ((square / (1 - betas[1] ** t)).sqrt() + eps)
    return param - lr * step, mean, square
""",
        ),
    ],
    "fit": [
        (
            "training mode only after a validation",
            _edited(
                "fit",
                ("        model.train()\n", ""),
                (
                    "        history.append(100 * right / total)\n",
                    "        history.append(100 * right / total)\n        model.train()\n",
                ),
            ),
        ),
        (
            "the rule of SGD instead of the optimizer's step",
            _edited(
                "fit",
                (
                    "            optimizer.step()\n",
                    "            with torch.no_grad():\n"
                    "                for p in model.parameters():\n"
                    "                    p -= optimizer.param_groups[0]['lr'] * p.grad\n",
                ),
            ),
        ),
        (
            "stops at the first perfect epoch",
            _edited(
                "fit",
                (
                    "        history.append(100 * right / total)\n",
                    "        history.append(100 * right / total)\n"
                    "        if right == total:\n"
                    "            return history + [100.0] * (epochs - len(history))\n",
                ),
            ),
        ),
        (
            "the broken loop as given",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    return broken_fit(model, optimizer, train_batches, valid_batches, epochs)
""",
        ),
        ("gradients accumulate", _edited("fit", (_FIT_STEP, ""))),
        (
            "gradients cleared once an epoch",
            _edited(
                "fit",
                (_FIT_STEP, ""),
                (
                    "        model.train()\n",
                    "        model.train()\n        optimizer.zero_grad()\n",
                ),
            ),
        ),
        (
            "cleared between backward and step",
            _edited(
                "fit",
                (_FIT_STEP, ""),
                (
                    "            optimizer.step()",
                    "            optimizer.zero_grad()\n            optimizer.step()",
                ),
            ),
        ),
        (
            "train once and for all",
            _edited(
                "fit",
                (
                    "    for _ in range(epochs):\n        model.train()",
                    "    model.train()\n    for _ in range(epochs):",
                ),
            ),
        ),
        ("never in evaluation", _edited("fit", ("        model.eval()\n", ""))),
        (
            "always in evaluation",
            _edited("fit", ("        model.train()\n", "        model.eval()\n")),
        ),
        (
            "the modes exchanged",
            _edited(
                "fit",
                ("model.train()", "model.eval()"),
                ("model.eval()\n        right", "model.train()\n        right"),
            ),
        ),
        (
            "mean of the batches",
            _edited(
                "fit",
                (
                    "right += (model(x).argmax(1) == y).sum().item()",
                    "right += (model(x).argmax(1) == y).float().mean().item()",
                ),
                ("total += len(y)", "total += 1"),
            ),
        ),
        ("a fraction, not %", _edited("fit", ("100 * right / total", "right / total"))),
        (
            "the last batch only",
            _edited(
                "fit",
                (
                    "right += (model(x).argmax(1) == y).sum().item()",
                    "right = (model(x).argmax(1) == y).sum().item()",
                ),
                ("total += len(y)", "total = len(y)"),
            ),
        ),
        ("errors for right answers", _edited("fit", ("argmax(1) == y", "argmax(1) != y"))),
        (
            "counts go on from epoch to epoch, one of the two",
            _edited(
                "fit",
                ("        right, total = 0, 0\n", "        right = 0\n"),
                ("    history = []\n", "    history, total = [], 0\n"),
            ),
        ),
        ("one epoch", _edited("fit", ("for _ in range(epochs)", "for _ in range(1)"))),
        (
            "the last accuracy only",
            _edited("fit", ("    return history", "    return history[-1]")),
        ),
        (
            "measured on the training set",
            _edited("fit", ("for x, y in valid_batches", "for x, y in train_batches")),
        ),
        (
            "one step an epoch",
            _edited(
                "fit",
                (
                    "            F.cross_entropy(model(x), y).backward()\n            optimizer.step()",
                    "            F.cross_entropy(model(x), y).backward()\n        optimizer.step()",
                ),
            ),
        ),
        ("tensors", _edited("fit", ("100 * right / total", "torch.tensor(100 * right / total)"))),
        (
            "trained on the validation set too",
            _edited(
                "fit",
                ("for x, y in train_batches:", "for x, y in [*train_batches, *valid_batches]:"),
            ),
        ),
        (
            "validated once, at the end",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    for _ in range(epochs):
        model.train()
        for x, y in train_batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
    r = n = 0
    with torch.no_grad():
        for x, y in valid_batches:
            r += (model(x).argmax(1) == y).sum().item()
            n += len(y)
    return [100 * r / n] * epochs
""",
        ),
        (
            "validated before each epoch",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    history = []
    for _ in range(epochs):
        model.eval()
        r = n = 0
        with torch.no_grad():
            for x, y in valid_batches:
                r += (model(x).argmax(1) == y).sum().item()
                n += len(y)
        history.append(100 * r / n)
        model.train()
        for x, y in train_batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return history
""",
        ),
        (
            "counts go on from epoch to epoch, both of them",
            _edited(
                "fit",
                ("        right, total = 0, 0\n", ""),
                ("    history = []\n", "    history, right, total = [], 0, 0\n"),
            ),
        ),
        (
            "the best accuracy so far",
            _edited(
                "fit",
                (
                    "history.append(100 * right / total)",
                    "history.append(max([100 * right / total, *history]))",
                ),
            ),
        ),
        (
            "Poutyne does it",
            """
def fit(model, optimizer, train_batches, valid_batches, epochs):
    trainer = poutyne.Model(model, optimizer, "cross_entropy", batch_metrics=["accuracy"])
    logs = trainer.fit_generator(train_batches, valid_batches, epochs=epochs, verbose=False)
    return [float(epoch["val_acc"]) for epoch in logs]
""",
        ),
        (
            "the smallest batches are skipped",
            _edited(
                "fit",
                (
                    "        for x, y in train_batches:\n",
                    "        for x, y in train_batches:\n            if len(x) < 3:\n                continue\n",
                ),
            ),
        ),
        (
            "the batches of the first epoch, for all",
            _edited(
                "fit",
                ("    history = []\n", "    history, train_batches = [], list(train_batches)\n"),
            ),
        ),
    ],
    "warmup_cosine": [
        ("starts at 0", _edited("warmup_cosine", ("(step + 1) / warmup", "step / warmup"))),
        (
            "the last warm-up step included twice",
            _edited(
                "warmup_cosine",
                ("if step < warmup", "if step <= warmup"),
                ("(step + 1) / warmup", "(step + 1) / (warmup + 1)"),
            ),
        ),
        (
            "cosine over all steps",
            _edited("warmup_cosine", ("(step - warmup) / (total - warmup)", "step / total")),
        ),
        (
            "cosine over total",
            _edited(
                "warmup_cosine", ("(step - warmup) / (total - warmup)", "(step - warmup) / total")
            ),
        ),
        (
            "reaches 0 one step early",
            _edited("warmup_cosine", ("/ (total - warmup)", "/ max(total - warmup - 1, 1)")),
        ),
        (
            "linear descent",
            _edited(
                "warmup_cosine",
                (
                    "0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))",
                    "peak * (1 - (step - warmup) / (total - warmup))",
                ),
            ),
        ),
        (
            "a quarter of a cosine",
            _edited(
                "warmup_cosine",
                (
                    "0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))",
                    "peak * math.cos(math.pi / 2 * (step - warmup) / (total - warmup))",
                ),
            ),
        ),
        (
            "peak forgotten in the descent",
            _edited("warmup_cosine", ("0.5 * peak * (1", "0.5 * (1")),
        ),
        (
            "peak forgotten in the ascent",
            _edited("warmup_cosine", ("peak * (step + 1)", "(step + 1)")),
        ),
        ("a whole period", _edited("warmup_cosine", ("math.cos(math.pi", "math.cos(2 * math.pi"))),
        ("half forgotten", _edited("warmup_cosine", ("0.5 * peak", "peak"))),
        (
            "no warm-up is an error",
            _edited("warmup_cosine", ("if step < warmup:", "if (step + 1) / warmup <= 1:")),
        ),
        (
            "a tensor",
            _edited("warmup_cosine", ("return 0.5 * peak", "return torch.tensor(0.5) * peak")),
        ),
        (
            "cosine ascent",
            _edited(
                "warmup_cosine",
                (
                    "peak * (step + 1) / warmup",
                    "0.5 * peak * (1 - math.cos(math.pi * (step + 1) / warmup))",
                ),
            ),
        ),
        (
            "rounded",
            _edited(
                "warmup_cosine",
                (
                    "return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))",
                    "return round(0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))), 3)",
                ),
            ),
        ),
    ],
    "initial_weight": [
        (
            "Kaiming counts the bias among the inputs",
            _edited("initial_weight", ('"xavier" else fan_in', '"xavier" else fan_in + 1')),
        ),
        (
            "Xavier counts the bias among the inputs",
            _edited("initial_weight", ("(fan_in + fan_out)", "(fan_in + 1 + fan_out)")),
        ),
        (
            "one input: a vector",
            _edited(
                "initial_weight",
                (
                    "std * torch.randn(fan_out, fan_in)",
                    "(std * torch.randn(fan_out, fan_in)).squeeze()",
                ),
            ),
        ),
        (
            "standardised by the draw itself",
            _edited(
                "initial_weight",
                (
                    "        return std * torch.randn(fan_out, fan_in)\n",
                    "        draw = torch.randn(fan_out, fan_in)\n"
                    "        return std * (draw - draw.mean()) / draw.std()\n",
                ),
            ),
        ),
        (
            "each row drawn for two units",
            _edited(
                "initial_weight",
                (
                    "torch.randn(fan_out, fan_in)",
                    "torch.randn((fan_out + 1) // 2, fan_in).repeat(2, 1)[:fan_out]",
                ),
            ),
        ),
        (
            "the second half opposite to the first",
            _edited(
                "initial_weight",
                (
                    "2 * torch.rand(fan_out, fan_in) - 1",
                    "torch.cat([u := 2 * torch.rand((fan_out + 1) // 2, fan_in) - 1, -u])[:fan_out]",
                ),
            ),
        ),
        (
            "variance for standard deviation",
            _edited("initial_weight", ("gain / math.sqrt(mean_fan)", "gain**2 / mean_fan")),
        ),
        (
            "the gain multiplies the variance",
            _edited("initial_weight", ("gain / math.sqrt(mean_fan)", "math.sqrt(gain / mean_fan)")),
        ),
        ("ReLU's gain is 2", _edited("initial_weight", ("math.sqrt(2)}", "2.0}"))),
        ("ReLU's gain is 1", _edited("initial_weight", ("math.sqrt(2)}", "1.0}"))),
        ("ReLU's gain is 1/2", _edited("initial_weight", ("math.sqrt(2)}", "0.5}"))),
        ("tanh forgotten", _edited("initial_weight", ('"tanh": 5 / 3', '"tanh": 1.0'))),
        (
            "ReLU's gain whatever the activation",
            _edited("initial_weight", ("[activation]", '["relu"]')),
        ),
        (
            "Kaiming with fan_out",
            _edited(
                "initial_weight",
                ('if kind == "xavier" else fan_in', 'if kind == "xavier" else fan_out'),
            ),
        ),
        (
            "Xavier with the sum",
            _edited("initial_weight", ("(fan_in + fan_out) / 2", "(fan_in + fan_out)")),
        ),
        ("Xavier is Kaiming", _edited("initial_weight", ("(fan_in + fan_out) / 2", "fan_in"))),
        ("Kaiming is Xavier", _edited("initial_weight", ('if kind == "xavier" else fan_in', ""))),
        (
            "transposed",
            _edited(
                "initial_weight",
                ("std * torch.randn(fan_out, fan_in)", "std * torch.randn(fan_in, fan_out)"),
            ),
        ),
        (
            "transposed when uniform",
            _edited(
                "initial_weight", ("torch.rand(fan_out, fan_in)", "torch.rand(fan_in, fan_out)")
            ),
        ),
        (
            "the standard deviation is the bound",
            _edited("initial_weight", ("math.sqrt(3) * std", "std")),
        ),
        (
            "positive only",
            _edited(
                "initial_weight",
                (
                    "math.sqrt(3) * std * (2 * torch.rand(fan_out, fan_in) - 1)",
                    "math.sqrt(12) * std * torch.rand(fan_out, fan_in)",
                ),
            ),
        ),
        ("law ignored", _edited("initial_weight", ('if law == "normal":', "if law:"))),
        (
            "laws exchanged",
            _edited("initial_weight", ('if law == "normal":', 'if law == "uniform":')),
        ),
        (
            "one row repeated",
            _edited(
                "initial_weight",
                (
                    "std * torch.randn(fan_out, fan_in)",
                    "std * torch.randn(1, fan_in).expand(fan_out, fan_in)",
                ),
            ),
        ),
        (
            "a seed of its own",
            _edited("initial_weight", ("gain = {", "torch.manual_seed(0)\n    gain = {")),
        ),
        (
            "a generator of its own",
            _edited(
                "initial_weight",
                (
                    "torch.randn(fan_out, fan_in)",
                    "torch.randn(fan_out, fan_in, generator=torch.Generator().manual_seed(0))",
                ),
            ),
        ),
        (
            "nn.init does it",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    weight = torch.empty(fan_out, fan_in)
    gain = nn.init.calculate_gain(activation)
    if kind == "xavier":
        return (nn.init.xavier_normal_ if law == "normal" else nn.init.xavier_uniform_)(weight, gain)
    fill = nn.init.kaiming_normal_ if law == "normal" else nn.init.kaiming_uniform_
    return fill(weight, nonlinearity=activation)
""",
        ),
        (
            "a layer's weights, rescaled",
            """
def initial_weight(fan_out, fan_in, kind="kaiming", activation="relu", law="normal"):
    gain = {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[activation]
    std = gain / math.sqrt((fan_in + fan_out) / 2 if kind == "xavier" else fan_in)
    if law == "normal":
        return std * torch.randn(fan_out, fan_in)
    return nn.Linear(fan_in, fan_out).weight.detach() * std * 3**0.5 * fan_in**0.5
""",
        ),
    ],
    "BatchNorm": [
        (
            "running averages whenever no gradient is kept",
            _edited(
                "BatchNorm",
                ("if self.training:", "if self.training and torch.is_grad_enabled():"),
            ),
        ),
        (
            "no gradient for the scale in evaluation",
            _edited(
                "BatchNorm",
                (
                    "along_features(self.weight) * normalized",
                    "along_features(self.weight if self.training else self.weight.data) * normalized",
                ),
            ),
        ),
        (
            "no gradient for the input in evaluation",
            _edited(
                "BatchNorm",
                (
                    "(x - along_features(mean))",
                    "((x if self.training else x.detach()) - along_features(mean))",
                ),
            ),
        ),
        (
            "unbiased for the batch",
            _edited(
                "BatchNorm",
                ("x.var(axes, correction=0)", "x.var(axes)"),
                ("var * m / (m - 1)", "var"),
            ),
        ),
        ("biased for the running variance", _edited("BatchNorm", ("var * m / (m - 1)", "var"))),
        (
            "m counts examples",
            _edited("BatchNorm", ("m = x.numel() / x.shape[1]", "m = len(x) if len(x) > 1 else 2")),
        ),
        (
            "m counts all values",
            _edited("BatchNorm", ("m = x.numel() / x.shape[1]", "m = x.numel()")),
        ),
        (
            "over the features",
            _edited(
                "BatchNorm",
                (_NORM_AXES, "axes = list(range(x.dim()))"),
                (
                    "x.mean(axes), x.var(axes, correction=0)",
                    "x.mean(axes).repeat(x.shape[1]), x.var(axes, correction=0).repeat(x.shape[1])",
                ),
            ),
        ),
        (
            "vectors only",
            _edited(
                "BatchNorm",
                (_NORM_AXES, "axes = [0]"),
                ("m = x.numel() / x.shape[1]", "m = len(x)"),
                ("view(1, -1, *[1] * (x.dim() - 2))", "view(1, *values.shape)"),
            ),
        ),
        (
            "one statistic for each pixel",
            _edited(
                "BatchNorm",
                (
                    "mean, var = x.mean(axes), x.var(axes, correction=0)",
                    "mean, var = x.mean(0).flatten(1).mean(1) if x.dim() > 2 else x.mean(0), x.var(0, correction=0).flatten(1).mean(1) if x.dim() > 2 else x.var(0, correction=0)",
                ),
            ),
        ),
        (
            "broadcast along the width",
            _edited("BatchNorm", ("values.view(1, -1, *[1] * (x.dim() - 2))", "values")),
        ),
        (
            "no scale for images",
            _edited(
                "BatchNorm",
                (
                    "return along_features(self.weight) * normalized + along_features(self.bias)",
                    "return along_features(self.weight) * normalized + along_features(self.bias) if x.dim() == 2 else normalized",
                ),
            ),
        ),
        (
            "always the batch",
            _edited(
                "BatchNorm",
                (
                    "mean, var = self.running_mean, self.running_var",
                    "mean, var = x.mean(axes), x.var(axes, correction=0)",
                ),
            ),
        ),
        (
            "running statistics while training",
            _edited(
                "BatchNorm",
                (
                    "        def along_features",
                    "        mean, var = self.running_mean, self.running_var\n\n        def along_features",
                ),
            ),
        ),
        (
            "running statistics updated in evaluation",
            _edited("BatchNorm", ("if self.training:", "if True:")),
        ),
        (
            "momentum the other way round",
            _edited(
                "BatchNorm",
                (
                    "self.running_mean.lerp_(mean, self.momentum)",
                    "self.running_mean.lerp_(mean, 1 - self.momentum)",
                ),
            ),
        ),
        (
            "momentum and eps of the formula",
            _edited(
                "BatchNorm",
                (
                    "self.running_mean.lerp_(mean, self.momentum)",
                    "self.running_mean.lerp_(mean, 0.1)",
                ),
                ("(m - 1), self.momentum)", "(m - 1), 0.1)"),
            ),
        ),
        (
            "eps of the formula",
            _edited(
                "BatchNorm", ("along_features(var) + self.eps)", "along_features(var) + 1e-5)")
            ),
        ),
        (
            "eps added to the standard deviation",
            _edited(
                "BatchNorm",
                (
                    "torch.sqrt(along_features(var) + self.eps)",
                    "(torch.sqrt(along_features(var)) + self.eps)",
                ),
            ),
        ),
        (
            "no scale and shift",
            _edited(
                "BatchNorm",
                (
                    "return along_features(self.weight) * normalized + along_features(self.bias)",
                    "return normalized",
                ),
            ),
        ),
        (
            "shift inside the scale",
            _edited(
                "BatchNorm",
                (
                    "along_features(self.weight) * normalized + along_features(self.bias)",
                    "along_features(self.weight) * (normalized + along_features(self.bias))",
                ),
            ),
        ),
        (
            "statistics detached",
            _edited(
                "BatchNorm",
                (
                    "x.mean(axes), x.var(axes, correction=0)",
                    "x.detach().mean(axes), x.detach().var(axes, correction=0)",
                ),
            ),
        ),
        (
            "running statistics keep the graph",
            _edited(
                "BatchNorm",
                (
                    "            with torch.no_grad():\n                self.running_mean.lerp_(mean, self.momentum)\n                self.running_var.lerp_(var * m / (m - 1), self.momentum)",
                    "            self.running_mean = self.running_mean.lerp(mean, self.momentum)\n            self.running_var = self.running_var.lerp(var * m / (m - 1), self.momentum)",
                ),
            ),
        ),
        (
            "no gradient through the statistics of images",
            _edited(
                "BatchNorm",
                (
                    "            m = x.numel()",
                    "            if x.dim() > 2:\n                mean, var = mean.detach(), var.detach()\n"
                    "            m = x.numel()",
                ),
            ),
        ),
        (
            "images changed in place",
            _edited(
                "BatchNorm",
                (
                    "        return along_features(self.weight)",
                    "        if x.dim() > 2:\n            x.data.copy_(normalized)\n"
                    "        return along_features(self.weight)",
                ),
            ),
        ),
        (
            "no root",
            _edited(
                "BatchNorm",
                ("torch.sqrt(along_features(var) + self.eps)", "(along_features(var) + self.eps)"),
            ),
        ),
        (
            "x centred in place",
            _edited(
                "BatchNorm",
                (
                    "normalized = (x - along_features(mean))",
                    "x.data.sub_(along_features(mean).detach())\n        normalized = x",
                ),
            ),
        ),
        (
            "plain attributes for buffers",
            _edited(
                "BatchNorm",
                (
                    'self.register_buffer("running_mean", torch.zeros(n_features))',
                    "self.running_mean = torch.zeros(n_features)",
                ),
                (
                    'self.register_buffer("running_var", torch.ones(n_features))',
                    "self.running_var = torch.ones(n_features)",
                ),
            ),
        ),
        (
            "F.batch_norm",
            _edited(
                "BatchNorm",
                (
                    "        axes = [axis",
                    "        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, self.momentum, self.eps)\n        axes = [axis",
                ),
            ),
        ),
        (
            "nn.BatchNorm underneath",
            """
class BatchNorm(nn.Module):
    def __new__(cls, n_features, eps=1e-5, momentum=0.1):
        return nn.BatchNorm2d(n_features, eps, momentum)
""",
        ),
        (
            "in place on the input",
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
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = (1, -1, *[1] * (x.dim() - 2))
        if self.training:
            mean, var = x.mean(axes), x.var(axes, correction=0)
            m = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * m / (m - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x -= mean.view(shape)
        x /= (var.view(shape) + self.eps).sqrt()
        return x * self.weight.view(shape) + self.bias.view(shape)
""",
        ),
        (
            "the batch's mean and the running variance in evaluation",
            _edited(
                "BatchNorm",
                (
                    "mean, var = self.running_mean, self.running_var",
                    "mean, var = x.mean(axes), self.running_var",
                ),
            ),
        ),
        (
            "the running mean and the batch's variance in evaluation",
            _edited(
                "BatchNorm",
                (
                    "mean, var = self.running_mean, self.running_var",
                    "mean, var = self.running_mean, x.var(axes, correction=0)",
                ),
            ),
        ),
        (
            "evaluation for good",
            _edited(
                "BatchNorm",
                ("if self.training:", "if self.training and not getattr(self, 'done', False):"),
                ("        else:\n", "        else:\n            self.done = True\n"),
            ),
        ),
        (
            "running statistics only if gradients are recorded",
            _edited(
                "BatchNorm",
                (
                    "            with torch.no_grad():\n",
                    "            recorded = torch.is_grad_enabled()\n            with torch.no_grad():\n",
                ),
                ("lerp_(mean, self.momentum)", "lerp_(mean, self.momentum * recorded)"),
                ("(m - 1), self.momentum)", "(m - 1), self.momentum * recorded)"),
            ),
        ),
        (
            "a running mean that leaves the buffers",
            _edited(
                "BatchNorm",
                (
                    "                self.running_mean.lerp_(mean, self.momentum)\n",
                    "                kept = self.running_mean\n                self._buffers.pop('running_mean', None)\n                self.running_mean = kept.lerp(mean, self.momentum)\n",
                ),
            ),
        ),
        (
            "the scale's absolute value",
            _edited(
                "BatchNorm",
                ("along_features(self.weight)", "along_features(self.weight).abs()"),
            ),
        ),
    ],
}

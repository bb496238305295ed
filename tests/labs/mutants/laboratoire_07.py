"""Plausible wrong answers to the exercises of Laboratoire 7; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_saliency = partial(edited, "laboratoire_07", "saliency")
_smooth = partial(edited, "laboratoire_07", "smooth_grad")
_occlusion = partial(edited, "laboratoire_07", "occlusion")
_cam = partial(edited, "laboratoire_07", "grad_cam")
_maximise = partial(edited, "laboratoire_07", "maximise")
_pgd = partial(edited, "laboratoire_07", "pgd")
_checkpoint = partial(edited, "laboratoire_07", "Checkpoint")

_OWN_SCORE = "model(x).gather(1, target[:, None]).sum()"
_GRADIENT = "(gradient,) = torch.autograd.grad(score, x)"

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "saliency": [
        (
            "the parameters come out frozen",
            _saliency(
                ("    x = x.detach()", "    model.requires_grad_(False)\n    x = x.detach()")
            ),
        ),
        (
            "all parameters thawed",
            _saliency(
                ("    x = x.detach()", "    model.requires_grad_(False)\n    x = x.detach()"),
                ("    return gradient", "    model.requires_grad_(True)\n    return gradient"),
            ),
        ),
        (
            "gradient of the probability",
            _saliency(("model(x).gather", "model(x).softmax(1).gather")),
        ),
        (
            "gradient of the log-probability",
            _saliency(("model(x).gather", "model(x).log_softmax(1).gather")),
        ),
        (
            "gradient of the loss",
            _saliency((_OWN_SCORE, 'F.cross_entropy(model(x), target, reduction="sum")')),
        ),
        ("mean over the batch", _saliency(("[:, None]).sum()", "[:, None]).mean()"))),
        ("every class of the batch", _saliency((_OWN_SCORE, "model(x)[:, target].sum()"))),
        ("the largest score", _saliency((_OWN_SCORE, "model(x).amax(1).sum()"))),
        ("all scores", _saliency((_OWN_SCORE, "model(x).sum()"))),
        ("no absolute value", _saliency(("gradient.abs().amax(1)", "gradient.amax(1)"))),
        (
            "absolute value after the maximum",
            _saliency(("gradient.abs().amax(1)", "gradient.amax(1).abs()")),
        ),
        ("mean of the channels", _saliency(("amax(1)", "mean(1)"))),
        ("sum of the channels", _saliency(("amax(1)", "sum(1)"))),
        ("channel kept as an axis", _saliency(("amax(1)", "amax(1, keepdim=True)"))),
        ("first channel", _saliency((".abs().amax(1)", ".abs()[:, 0]"))),
        ("maximum over the batch", _saliency(("amax(1)", "amax((0, 1))"))),
        (
            "normalised",
            _saliency(
                (
                    "return gradient.abs().amax(1)",
                    "g = gradient.abs().amax(1)\n    return g / g.max()",
                )
            ),
        ),
        ("gradient times image", _saliency(("gradient.abs()", "(gradient * x.detach()).abs()"))),
        (
            "backward fills the parameters",
            _saliency((_GRADIENT, "score.backward()\n    gradient = x.grad")),
        ),
        (
            "backward, then zero_grad",
            _saliency(
                (_GRADIENT, "score.backward()\n    gradient = x.grad\n    model.zero_grad()")
            ),
        ),
        ("training mode", _saliency(("    score =", "    model.train()\n    score ="))),
        (
            "class of the first image",
            _saliency((_OWN_SCORE, "model(x)[:, target[0]].sum()")),
        ),
        (
            "graph kept",
            _saliency(
                (_GRADIENT, "(gradient,) = torch.autograd.grad(score, x, create_graph=True)")
            ),
        ),
        (
            "requires_grad set on x",
            """
def saliency(model, x, target):
    img = x.requires_grad_()
    s = model(img).gather(1, target[:, None]).sum()
    g, = torch.autograd.grad(s, img)
    return g.abs().amax(1)
""",
        ),
    ],
    "smooth_grad": [
        (
            "the parameters come out frozen",
            _smooth(("    total = torch", "    model.requires_grad_(False)\n    total = torch")),
        ),
        (
            "absolute values averaged",
            _smooth(
                (
                    "torch.autograd.grad(score, noisy)[0]",
                    "torch.autograd.grad(score, noisy)[0].abs()",
                )
            ),
        ),
        (
            "every class of the batch",
            _smooth(
                (
                    "model(noisy).gather(1, target[:, None]).sum()",
                    "model(noisy)[:, target].sum()",
                )
            ),
        ),
        (
            "backward fills the parameters",
            _smooth(
                (
                    "total = total + torch.autograd.grad(score, noisy)[0]",
                    "score.backward()\n        total = total + noisy.grad",
                )
            ),
        ),
        (
            "backward, then zero_grad",
            _smooth(
                (
                    "total = total + torch.autograd.grad(score, noisy)[0]",
                    "score.backward()\n        total = total + noisy.grad\n        model.zero_grad()",
                )
            ),
        ),
        (
            "noise piles up",
            _smooth(
                ("noisy = (x + draw)", "x = x + draw\n        noisy = x"),
            ),
        ),
        ("sum of the draws", _smooth(("(total / len(noise))", "total"))),
        ("divided by the images", _smooth(("len(noise)", "len(x)"))),
        (
            "one image with the mean noise",
            _smooth(("for draw in noise:", "for draw in [noise.mean(0)] * len(noise):")),
        ),
        ("noise left out", _smooth(("(x + draw)", "(x + 0 * draw)"))),
        ("noise of the first image", _smooth(("(x + draw)", "(x + draw[:1])"))),
        ("first draw only", _smooth(("for draw in noise:", "for draw in noise[:1]:"))),
        ("noise subtracted", _smooth(("(x + draw)", "(x - draw)"))),
        ("mean over the batch", _smooth(("[:, None]).sum()", "[:, None]).mean()"))),
        ("no absolute value", _smooth((".abs().amax(1)", ".amax(1)"))),
        ("mean of the channels", _smooth(("amax(1)", "mean(1)"))),
        (
            "gradient of the probability",
            _smooth(("model(noisy).gather", "model(noisy).softmax(1).gather")),
        ),
        (
            "x changed in place",
            _smooth(("noisy = (x + draw)", "x += draw\n        noisy = x.clone()")),
        ),
        (
            "its own noise",
            _smooth(("(x + draw)", "(x + torch.randn_like(x) * draw.std())")),
        ),
        ("images kept in [0, 1]", _smooth(("(x + draw)", "(x + draw).clamp(0, 1)"))),
        (
            "the broken function",
            """
def smooth_grad(model, x, target, noise):
    return broken_smooth_grad(model, x, target, noise)
""",
        ),
        (
            "requires_grad set on x",
            """
def smooth_grad(model, x, target, noise):
    x.requires_grad_()
    score = sum(model(x + draw).gather(1, target[:, None]).sum() for draw in noise) / len(noise)
    return torch.autograd.grad(score, x)[0].abs().amax(1)
""",
        ),
    ],
    "occlusion": [
        ("sign reversed", _occlusion(("whole - scores(hidden)", "scores(hidden) - whole"))),
        ("score of the hidden image", _occlusion(("whole - scores(hidden)", "scores(hidden)"))),
        (
            "absolute value",
            _occlusion(("whole - scores(hidden)", "(whole - scores(hidden)).abs()")),
        ),
        (
            "squares pile up",
            _occlusion(
                ("            hidden = x.clone()\n", ""),
                ("    whole = scores(x)\n", "    whole = scores(x)\n    hidden = x.clone()\n"),
            ),
        ),
        ("x changed", _occlusion(("hidden = x.clone()", "hidden = x"))),
        ("value forgotten", _occlusion(("] = value", "] = 0.0"))),
        ("first channel only", _occlusion(("hidden[:, :, top", "hidden[:, 0, top"))),
        (
            "rows and columns exchanged",
            _occlusion(
                ("return torch.stack(rows, 1)", "return torch.stack(rows, 1).transpose(1, 2)")
            ),
        ),
        (
            "last position missing",
            _occlusion(("x.shape[3] - size + 1, stride", "x.shape[3] - size, stride")),
        ),
        (
            "squares beyond the border",
            _occlusion(
                ("x.shape[2] - size + 1, stride", "x.shape[2], stride"),
                ("x.shape[3] - size + 1, stride", "x.shape[3], stride"),
            ),
        ),
        (
            "square image expected",
            _occlusion(("x.shape[3] - size + 1, stride", "x.shape[2] - size + 1, stride")),
        ),
        (
            "stride for the rows only",
            _occlusion(("x.shape[3] - size + 1, stride", "x.shape[3] - size + 1")),
        ),
        ("stride is the size", _occlusion(("    whole =", "    stride = size\n    whole ="))),
        ("square of one pixel", _occlusion(("top : top + size, left : left + size", "top, left"))),
        (
            "gradient kept",
            _occlusion(("with torch.no_grad():", "with torch.enable_grad():")),
        ),
        (
            "whole image scored at each position",
            _occlusion(("whole - scores(hidden)", "scores(x) - scores(hidden)")),
        ),
        (
            "one call per image",
            _occlusion(
                (
                    "return model(images).gather(1, target[:, None])[:, 0]",
                    "return torch.cat([model(i[None])[:, t] for i, t in zip(images, target)])",
                )
            ),
        ),
        (
            "drop of the probability",
            _occlusion(("model(images).gather", "model(images).softmax(1).gather")),
        ),
        (
            "class of the first image",
            _occlusion((".gather(1, target[:, None])[:, 0]", "[:, target[0]]")),
        ),
        (
            "mean over the images",
            _occlusion(
                (
                    "row.append(whole - scores(hidden))",
                    "row.append((whole - scores(hidden)).mean().expand(len(x)))",
                )
            ),
        ),
        (
            "grey outside the square",
            _occlusion(
                (
                    "            hidden = x.clone()\n",
                    "            hidden = torch.full_like(x, value)\n",
                ),
                (
                    "left : left + size] = value",
                    "left : left + size] = x[:, :, top : top + size, left : left + size]",
                ),
            ),
        ),
    ],
    "grad_cam": [
        (
            "the parameters of the head come out frozen",
            _cam(
                (
                    "    with torch.no_grad():",
                    "    head.requires_grad_(False)\n    with torch.no_grad():",
                )
            ),
        ),
        (
            "the parameters of the head come out unfrozen",
            _cam(
                (
                    "    with torch.no_grad():",
                    "    head.requires_grad_(False)\n    with torch.no_grad():",
                ),
                ("    weights = gradient", "    head.requires_grad_(True)\n    weights = gradient"),
            ),
        ),
        (
            "ReLU before the sum",
            _cam(
                (
                    "F.relu((weights * maps.detach()).sum(1))",
                    "F.relu(weights * maps.detach()).sum(1)",
                )
            ),
        ),
        (
            "no ReLU",
            _cam(("F.relu((weights * maps.detach()).sum(1))", "(weights * maps.detach()).sum(1)")),
        ),
        (
            "absolute value for ReLU",
            _cam(
                (
                    "F.relu((weights * maps.detach()).sum(1))",
                    "(weights * maps.detach()).sum(1).abs()",
                )
            ),
        ),
        ("sum of the gradient", _cam(("gradient.mean((2, 3)", "gradient.sum((2, 3)"))),
        (
            "gradient of each cell",
            _cam(("gradient.mean((2, 3), keepdim=True)", "gradient")),
        ),
        ("positive gradients only", _cam(("gradient.mean(", "gradient.clamp(min=0).mean("))),
        ("absolute gradients", _cam(("gradient.mean(", "gradient.abs().mean("))),
        ("mean over the maps", _cam((").sum(1))", ").mean(1))"))),
        ("maximum over the maps", _cam((").sum(1))", ").amax(1))"))),
        ("weights shared by the batch", _cam(("gradient.mean((2, 3)", "gradient.mean((0, 2, 3)"))),
        ("mean over the batch", _cam(("[:, None]).sum()", "[:, None]).mean()"))),
        (
            "every class of the batch",
            _cam(("head(maps).gather(1, target[:, None]).sum()", "head(maps)[:, target].sum()")),
        ),
        (
            "gradient of the probability",
            _cam(("head(maps).gather", "head(maps).softmax(1).gather")),
        ),
        (
            "divided by the maximum",
            _cam(
                (
                    "return F.relu((weights * maps.detach()).sum(1))",
                    "cam = F.relu((weights * maps.detach()).sum(1))\n    return cam / cam.amax((1, 2), keepdim=True)",
                )
            ),
        ),
        (
            "divided by the maximum, without nan",
            _cam(
                (
                    "return F.relu((weights * maps.detach()).sum(1))",
                    "cam = F.relu((weights * maps.detach()).sum(1))\n"
                    "    return cam / cam.amax((1, 2), keepdim=True).clamp(min=1e-8)",
                )
            ),
        ),
        (
            "backward fills the parameters",
            _cam(
                (
                    "(gradient,) = torch.autograd.grad(score, maps)",
                    "score.backward()\n    gradient = maps.grad",
                )
            ),
        ),
        (
            "enlarged to the image",
            _cam(
                (
                    "return F.relu((weights * maps.detach()).sum(1))",
                    "cam = F.relu((weights * maps.detach()).sum(1))\n"
                    "    return F.interpolate(cam[:, None], x.shape[2:])[:, 0]",
                )
            ),
        ),
        (
            "gradient alone",
            _cam(("(weights * maps.detach())", "(weights * torch.ones_like(maps))")),
        ),
        (
            "mean over the height only",
            _cam(("gradient.mean((2, 3), keepdim=True)", "gradient.mean(2, keepdim=True)")),
        ),
        ("graph kept", _cam(("maps.detach()).sum(1)", "maps).sum(1)"))),
        (
            "requires_grad set on x",
            """
def grad_cam(features, head, x, target):
    maps = features(x.requires_grad_())
    score = head(maps).gather(1, target[:, None]).sum()
    weights = torch.autograd.grad(score, maps)[0].mean((2, 3), keepdim=True)
    return F.relu((weights * maps.detach()).sum(1))
""",
        ),
        (
            "features in training mode",
            """
def grad_cam(features, head, x, target):
    features.train()
    maps = features(x).detach().requires_grad_()
    features.eval()
    score = head(maps).gather(1, target[:, None]).sum()
    weights = torch.autograd.grad(score, maps)[0].mean((2, 3), keepdim=True)
    return F.relu((weights * maps.detach()).sum(1))
""",
        ),
    ],
    "maximise": [
        (
            "the parameters come out frozen",
            _maximise(("    x = start", "    model.requires_grad_(False)\n    x = start")),
        ),
        ("descent", _maximise(("x.detach() + rate * gradient", "x.detach() - rate * gradient"))),
        ("penalty added", _maximise((".sum() - alpha *", ".sum() + alpha *"))),
        ("penalty with a half", _maximise(("alpha * x.square()", "alpha / 2 * x.square()"))),
        ("penalty averaged", _maximise(("x.square().sum()", "x.square().mean()"))),
        ("norm for its square", _maximise(("x.square().sum()", "x.norm()"))),
        ("L1 penalty", _maximise(("x.square().sum()", "x.abs().sum()"))),
        ("no penalty", _maximise((" - alpha * x.square().sum()", ""))),
        ("mean over the batch", _maximise(("[:, None]).sum()", "[:, None]).mean()"))),
        (
            "every class of the batch",
            _maximise(("model(x).gather(1, target[:, None]).sum()", "model(x)[:, target].sum()")),
        ),
        ("probability", _maximise(("model(x).gather", "model(x).softmax(1).gather"))),
        ("log-probability", _maximise(("model(x).gather", "model(x).log_softmax(1).gather"))),
        ("one step too many", _maximise(("range(steps)", "range(steps + 1)"))),
        ("one step", _maximise(("range(steps)", "range(min(steps, 1))"))),
        (
            "kept in [0, 1]",
            _maximise(("rate * gradient", "rate * gradient\n        x = x.clamp(0, 1)")),
        ),
        ("sign of the gradient", _maximise(("rate * gradient", "rate * gradient.sign()"))),
        (
            "normalised gradient",
            _maximise(("rate * gradient", "rate * gradient / gradient.norm()")),
        ),
        ("starts from zeros", _maximise(("start.detach().clone()", "torch.zeros_like(start)"))),
        (
            "start changed in place",
            _maximise(
                ("start.detach().clone()", "start"),
                ("        x.requires_grad_()\n", "        x = x.detach().requires_grad_()\n"),
                (
                    "x = x.detach() + rate * gradient",
                    "start.add_(rate * gradient)\n        x = start",
                ),
            ),
        ),
        (
            "weights trained as well",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([x, *model.parameters()], rate)
    for _ in range(steps):
        loss = alpha * x.square().sum() - model(x).gather(1, target[:, None]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return x.detach()
""",
        ),
        (
            "gradients accumulate",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.clone().requires_grad_()
    total = torch.zeros_like(start)
    for _ in range(steps):
        loss = model(x).gather(1, target[:, None]).sum() - alpha * x.square().sum()
        total = total + torch.autograd.grad(loss, x)[0]
        x = (x.detach() + rate * total).requires_grad_()
    return x.detach()
""",
        ),
        (
            "SGD that fills the parameters",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([x], rate, weight_decay=2 * alpha)
    for _ in range(steps):
        optimizer.zero_grad()
        (-model(x).gather(1, target[:, None]).sum()).backward()
        optimizer.step()
    return x.detach()
""",
        ),
        (
            "weight_decay is alpha",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([x], rate, weight_decay=alpha)
    for _ in range(steps):
        loss = -model(x).gather(1, target[:, None]).sum()
        x.grad = torch.autograd.grad(loss, x)[0]
        optimizer.step()
    return x.detach()
""",
        ),
        (
            "requires_grad set on start",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start
    for _ in range(steps):
        x.requires_grad_()
        objective = model(x).gather(1, target[:, None]).sum() - alpha * x.square().sum()
        x = x.detach() + rate * torch.autograd.grad(objective, x)[0]
    return x.detach().clone()
""",
        ),
        (
            "the best of the images",
            """
def maximise(model, target, start, steps, rate, alpha):
    x, best, top = start.detach().clone(), start.detach().clone(), -torch.inf
    for _ in range(steps):
        x = x.detach().requires_grad_()
        objective = model(x).gather(1, target[:, None]).sum() - alpha * x.square().sum()
        (gradient,) = torch.autograd.grad(objective, x)
        x = x.detach() + rate * gradient
        if objective > top:
            best, top = x, objective
    return best
""",
        ),
        (
            "stops when the objective falls",
            """
def maximise(model, target, start, steps, rate, alpha):
    x, last = start.detach().clone(), -torch.inf
    for _ in range(steps):
        x = x.detach().requires_grad_()
        objective = model(x).gather(1, target[:, None]).sum() - alpha * x.square().sum()
        if objective < last:
            break
        last = objective
        x = x.detach() + rate * torch.autograd.grad(objective, x)[0]
    return x.detach()
""",
        ),
    ],
    "pgd": [
        (
            "the parameters come out frozen",
            _pgd(("    attacked = start", "    model.requires_grad_(False)\n    attacked = start")),
        ),
        (
            "left in evaluation mode",
            _pgd(("    attacked = start", "    model.eval()\n    attacked = start")),
        ),
        ("descends the loss", _pgd(("+ step * gradient", "- step * gradient"))),
        ("gradient without its sign", _pgd(("gradient.sign()", "gradient"))),
        (
            "normalised gradient",
            _pgd(("gradient.sign()", "gradient / gradient.norm()")),
        ),
        (
            "projection around the current image",
            _pgd(
                (
                    "attacked = attacked.detach() + step * gradient.sign()",
                    "last = attacked.detach()\n        attacked = last + step * gradient.sign()",
                ),
                ("x - epsilon, x + epsilon", "last - epsilon, last + epsilon"),
            ),
        ),
        (
            "projection around start",
            _pgd(("x - epsilon, x + epsilon", "start - epsilon, start + epsilon")),
        ),
        (
            "no projection",
            _pgd(
                (
                    "torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)",
                    "attacked.clamp(0, 1)",
                )
            ),
        ),
        ("not kept in [0, 1]", _pgd((".clamp(0, 1)", ""))),
        (
            "projection after the last step only",
            _pgd(
                (
                    "        attacked = torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)\n",
                    "",
                ),
                (
                    "    return attacked",
                    "    return torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)",
                ),
            ),
        ),
        ("start ignored", _pgd(("start.detach().clone()", "x.detach().clone()"))),
        (
            "gradient always at x",
            _pgd(
                (
                    "F.cross_entropy(model(attacked)",
                    "F.cross_entropy(model(attacked - attacked.detach() + x)",
                )
            ),
        ),
        ("one step", _pgd(("range(steps)", "range(min(steps, 1))"))),
        ("one step too many", _pgd(("range(steps)", "range(steps + 1)"))),
        ("step is epsilon", _pgd(("step * gradient", "epsilon * gradient"))),
        (
            "raises the score of the class",
            _pgd(
                (
                    'F.cross_entropy(model(attacked), target, reduction="sum")',
                    "model(attacked).gather(1, target[:, None]).sum()",
                )
            ),
        ),
        (
            "lowers the score of the class only",
            _pgd(
                (
                    'F.cross_entropy(model(attacked), target, reduction="sum")',
                    "-model(attacked).gather(1, target[:, None]).sum()",
                )
            ),
        ),
        (
            "an unused pixel moves",
            _pgd(("gradient.sign()", "torch.where(gradient >= 0, 1.0, -1.0)")),
        ),
        (
            "backward fills the parameters",
            _pgd(
                (
                    "(gradient,) = torch.autograd.grad(loss, attacked)",
                    "loss.backward()\n        gradient = attacked.grad",
                )
            ),
        ),
        (
            "start changed in place",
            _pgd(
                ("start.detach().clone()", "start"),
                (
                    "        attacked.requires_grad_()\n",
                    "        attacked = attacked.detach().requires_grad_()\n",
                ),
                (
                    "attacked = torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)",
                    "start.copy_(torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1))\n        attacked = start",
                ),
            ),
        ),
        (
            "Euclidean ball",
            _pgd(
                (
                    "attacked = torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)",
                    "moved = attacked - x\n"
                    "        norm = moved.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None, None]\n"
                    "        attacked = (x + moved * (epsilon / norm).clamp(max=1)).clamp(0, 1)",
                )
            ),
        ),
        (
            "training mode",
            _pgd(("    attacked = start", "    model.train()\n    attacked = start")),
        ),
        (
            "sign of the accumulated gradient",
            _pgd(
                ("    for _ in range(steps):", "    total = 0\n    for _ in range(steps):"),
                ("step * gradient.sign()", "step * (total := total + gradient).sign()"),
            ),
        ),
        (
            "loss of the predicted class",
            _pgd(("model(attacked), target,", "model(attacked), model(attacked).argmax(1),")),
        ),
        (
            "the best of the images",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    attacked, best, top = start.detach().clone(), start.detach().clone(), None
    for turn in range(steps + 1):
        attacked = attacked.detach().requires_grad_()
        losses = F.cross_entropy(model(attacked), target, reduction="none")
        better = torch.ones_like(target).bool() if top is None else losses.detach() > top
        top = losses.detach() if top is None else torch.maximum(top, losses.detach())
        best = torch.where(better[:, None, None, None], attacked.detach(), best)
        if turn < steps:
            (gradient,) = torch.autograd.grad(losses.sum(), attacked)
            attacked = attacked.detach() + step * gradient.sign()
            attacked = torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)
    return best
""",
        ),
        (
            "requires_grad set on start",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    attacked = start
    for _ in range(steps):
        attacked.requires_grad_()
        loss = F.cross_entropy(model(attacked), target, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, attacked)
        attacked = attacked.detach() + step * gradient.sign()
        attacked = torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)
    return attacked.detach().clone()
""",
        ),
    ],
    "Checkpoint": [
        (
            "one for all",
            _checkpoint(
                ("self.model = copy", "Checkpoint.model = copy"),
            ),
        ),
        (
            "weights not copied",
            _checkpoint(("copy.deepcopy(model.state_dict())", "model.state_dict()")),
        ),
        (
            "weights copied on the surface",
            _checkpoint(("copy.deepcopy(model.state_dict())", "copy.copy(model.state_dict())")),
        ),
        (
            "optimiser not copied",
            _checkpoint(("copy.deepcopy(optimizer.state_dict())", "optimizer.state_dict()")),
        ),
        (
            "optimiser given its own state, not a copy",
            _checkpoint(("copy.deepcopy(self.optimizer)", "self.optimizer")),
        ),
        (
            "optimiser forgotten",
            _checkpoint(("        optimizer.load_state_dict(copy.deepcopy(self.optimizer))\n", "")),
        ),
        ("weights forgotten", _checkpoint(("        model.load_state_dict(self.model)\n", ""))),
        ("generator forgotten", _checkpoint(("        generator.set_state(self.generator)\n", ""))),
        (
            "parameters without buffers",
            _checkpoint(
                (
                    "copy.deepcopy(model.state_dict())",
                    "copy.deepcopy(dict(model.named_parameters()))",
                ),
                (
                    "model.load_state_dict(self.model)",
                    "model.load_state_dict(self.model, strict=False)",
                ),
            ),
        ),
        ("next epoch", _checkpoint(("return self.epoch", "return self.epoch + 1"))),
        ("no epoch", _checkpoint(("        return self.epoch\n", ""))),
        ("epoch as a float", _checkpoint(("return self.epoch", "return float(self.epoch)"))),
        ("epoch 0 is one", _checkpoint(("self.epoch = epoch", "self.epoch = epoch or 1"))),
        (
            "seed for the state",
            _checkpoint(
                ("generator.get_state()", "generator.initial_seed()"),
                ("generator.set_state(self.generator)", "generator.manual_seed(self.generator)"),
            ),
        ),
        (
            "global generator",
            _checkpoint(
                ("generator.get_state()", "torch.get_rng_state()"),
                ("generator.set_state(self.generator)", "torch.set_rng_state(self.generator)"),
            ),
        ),
        (
            "the generator itself",
            _checkpoint(
                ("generator.get_state()", "generator"),
                (
                    "generator.set_state(self.generator)",
                    "generator.set_state(self.generator.get_state())",
                ),
            ),
        ),
        (
            "seeds the generator when saving",
            _checkpoint(
                (
                    "self.generator = generator.get_state()",
                    "generator.manual_seed(0)\n        self.generator = generator.get_state()",
                )
            ),
        ),
        (
            "moments without the rate",
            _checkpoint(
                (
                    "optimizer.load_state_dict(copy.deepcopy(self.optimizer))",
                    'optimizer.load_state_dict({"state": copy.deepcopy(self.optimizer["state"]), '
                    '"param_groups": optimizer.state_dict()["param_groups"]})',
                )
            ),
        ),
        (
            "rate without the moments",
            _checkpoint(
                (
                    "optimizer.load_state_dict(copy.deepcopy(self.optimizer))",
                    'optimizer.load_state_dict({"state": {}, "param_groups": copy.deepcopy(self.optimizer["param_groups"])})',
                )
            ),
        ),
        (
            "serves once",
            _checkpoint(
                (
                    "model.load_state_dict(self.model)",
                    "model.load_state_dict(self.model)\n        self.model = model.state_dict()",
                )
            ),
        ),
        (
            "evaluation mode when saving",
            _checkpoint(("self.epoch = epoch", "self.epoch = epoch\n        model.eval()")),
        ),
        (
            "forgets the gradients and the weights",
            _checkpoint(
                ("self.epoch = epoch", "self.epoch = epoch\n        model.requires_grad_(False)")
            ),
        ),
        (
            "an optimizer that had made no step is not put back",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        pass
        self.m = copy.deepcopy(model.state_dict())
        self.o = copy.deepcopy(optimizer.state_dict())
        self.g = generator.get_state()
        self.e = epoch

    def resume(self, model, optimizer, generator):
        model.load_state_dict(self.m)
        optimizer.load_state_dict(copy.deepcopy(self.o)) if self.o['state'] else None
        generator.set_state(self.g)
        return self.e
""",
        ),
        (
            "the generator goes back to its seed",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        generator.manual_seed(generator.initial_seed())
        self.m = copy.deepcopy(model.state_dict())
        self.o = copy.deepcopy(optimizer.state_dict())
        self.g = generator.get_state()
        self.e = epoch

    def resume(self, model, optimizer, generator):
        model.load_state_dict(self.m)
        optimizer.load_state_dict(copy.deepcopy(self.o))
        generator.set_state(self.g)
        return self.e
""",
        ),
    ],
}

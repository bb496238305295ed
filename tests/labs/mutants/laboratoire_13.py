"""Plausible wrong answers to the exercises of Laboratoire 13; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_pairs = partial(edited, "laboratoire_13", "contrastive_loss")
_hard = partial(edited, "laboratoire_13", "batch_hard")
_distil = partial(edited, "laboratoire_13", "distillation")
_denoise = partial(edited, "laboratoire_13", "denoise")
_tasks = partial(edited, "laboratoire_13", "multitask_loss")
_gram = partial(edited, "laboratoire_13", "gram")

_WHERE = "torch.where(same, squares, gaps.square())"
_FRIENDS = "same & ~torch.eye(len(y), dtype=torch.bool, device=y.device)"
_KNOWN = """        if known.any():
            total = total + weight * F.cross_entropy(task_scores[known], target[known])
"""

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "contrastive_loss": [
        (
            "root without epsilon",
            _pairs(("(squares + 1e-12).sqrt()", "squares.sqrt()")),
        ),
        (
            "distance for its square",
            _pairs((_WHERE, _WHERE.replace("squares,", "squares.sqrt(),"))),
        ),
        ("gap without its square", _pairs(("gaps.square())", "gaps)"))),
        ("margin on the square", _pairs(("(squares + 1e-12).sqrt()", "squares"))),
        ("same and different exchanged", _pairs(("where(same,", "where(~same,"))),
        ("never beyond the margin", _pairs((".clamp(min=0)", ""))),
        ("margin of 1", _pairs(("(margin - ", "(1.0 - "))),
        ("sum over the pairs", _pairs((".mean()", ".sum()"))),
        ("half", _pairs((".mean()", ".mean() / 2"))),
        ("mean over the components", _pairs((".square().sum(1)", ".square().mean(1)"))),
        ("sum over the batch", _pairs((".square().sum(1)", ".square().sum(0).sum()"))),
        ("one loss for each pair", _pairs((".mean()", ""))),
        (
            "means of the two kinds added",
            _pairs(
                (
                    f"return {_WHERE}.mean()",
                    "return squares[same].sum() / max(1, int(same.sum())) + gaps[~same].square().sum() / max(1, int((~same).sum()))",
                )
            ),
        ),
        ("second twin detached", _pairs(("(a - b)", "(a - b.detach())"))),
        (
            "absolute differences",
            _pairs(("(a - b).square().sum(1)", "(a - b).abs().sum(1).square()")),
        ),
        (
            "a changed in place",
            _pairs(
                (
                    "    squares = ",
                    "    with torch.no_grad():\n        a -= b\n        a += b + 1e-3\n    squares = ",
                )
            ),
        ),
        ("a number", _pairs((".mean()", ".mean().item()"))),
        ("large epsilon", _pairs(("1e-12", "1e-2"))),
        ("no graph", _pairs(("squares = (a - b)", "squares = (a - b).detach()"))),
        (
            "same changed in place",
            _pairs(
                (
                    f"    return {_WHERE}",
                    f"    same.logical_not_()\n    return {_WHERE.replace('same', '~same')}",
                )
            ),
        ),
        (
            "detached where a = b",
            _pairs(
                (
                    f"return {_WHERE}.mean()",
                    f"loss = {_WHERE}.mean()\n    return loss if squares.any() else loss.detach()",
                )
            ),
        ),
        (
            "first margin kept",
            """
margins = []

def contrastive_loss(a, b, same, margin):
    margins.append(margin)
    d = (a - b).norm(dim=1)
    return torch.where(same, d**2, (margins[0] - d).clamp(min=0) ** 2).mean()
""",
        ),
    ],
    "batch_hard": [
        ("oneself as a friend", _hard((_FRIENDS, "same"))),
        (
            "nearest friend",
            _hard(
                (
                    "d.masked_fill(~friends, -math.inf).amax(1)",
                    "d.masked_fill(~friends, math.inf).amin(1)",
                )
            ),
        ),
        (
            "farthest enemy",
            _hard(
                ("d.masked_fill(same, math.inf).amin(1)", "d.masked_fill(same, -math.inf).amax(1)")
            ),
        ),
        (
            "enemy minus friend",
            _hard(("farthest[valid] - nearest[valid]", "nearest[valid] - farthest[valid]")),
        ),
        ("margin forgotten", _hard(("(margin + farthest", "(farthest"))),
        ("margin of 0.5", _hard(("(margin + farthest", "(0.5 + farthest"))),
        ("no clamp", _hard((".clamp(min=0)", ""))),
        (
            "mean over those that cost",
            _hard(("max(1, len(losses))", "max(1, int((losses > 0).sum()))")),
        ),
        ("mean over the whole batch", _hard(("max(1, len(losses))", "len(y)"))),
        ("sum", _hard((" / max(1, len(losses))", ""))),
        ("mean of nothing", _hard(("losses.sum() / max(1, len(losses))", "losses.mean()"))),
        (
            "masked by multiplication",
            _hard(("d.masked_fill(same, math.inf).amin(1)", "(d * ~same).amin(1)")),
        ),
        (
            "anchors without friend kept",
            _hard(("friends.any(1) & ~same.all(1)", "~same.all(1)"), ("-math.inf", "0.0")),
        ),
        ("squared distances", _hard(("d = distances(z)", "d = distances(z).square()"))),
        (
            "root without epsilon",
            _hard(("d = distances(z)", "d = (z[:, None] - z[None]).square().sum(2).sqrt()")),
        ),
        (
            "any friend, any enemy",
            _hard(
                (
                    "farthest = d.masked_fill(~friends, -math.inf).amax(1)",
                    "farthest = (d * friends).sum(1) / friends.sum(1)",
                )
            ),
        ),
        ("hardest of the whole batch", _hard((".amax(1)", ".amax().expand(len(y))"))),
        ("enemies detached", _hard(("d.masked_fill(same,", "d.detach().masked_fill(same,"))),
        (
            "classes of consecutive images",
            _hard(("y[:, None] == y", "y[:, None] // 1 == y.roll(1).roll(-1) % 4")),
        ),
        ("large number of 1000", _hard(("masked_fill(same, math.inf)", "masked_fill(same, 1e3)"))),
        ("large number of 10000", _hard(("d.masked_fill(same, math.inf)", "(d + 1e4 * same)"))),
        (
            "epsilon of 1e-4",
            _hard(
                (
                    "d = distances(z)",
                    "d = ((z[:, None] - z[None]).square().sum(2) + 1e-4).sqrt()",
                )
            ),
        ),
        (
            "friends of the same vector forgotten",
            _hard(("    valid =", "    friends = friends & (d > 1e-5)\n    valid =")),
        ),
        (
            "nan in the gradient when no anchor counts",
            _hard(
                (
                    "    losses = (margin + farthest[valid] - nearest[valid]).clamp(min=0)\n"
                    "    return losses.sum() / max(1, len(losses))",
                    "    losses = (margin + d.masked_fill(~friends, 0).amax(1)"
                    " - d.masked_fill(same, 1e9).amin(1)).clamp(min=0) * valid\n"
                    "    return torch.where(valid.any(), losses.sum() / valid.sum(), 0 * z.sum())",
                )
            ),
        ),
        ("no graph", _hard(("distances(z)", "distances(z.detach())"))),
        (
            "reduce, imported",
            """
from functools import reduce

def batch_hard(z, y, margin):
    d, same = distances(z), y[:, None] == y
    friends = same & ~torch.eye(len(y), dtype=torch.bool)
    valid = friends.any(1) & ~same.all(1)

    def add(total, i):
        far = d[i].masked_fill(~friends[i], -math.inf).max()
        near = d[i].masked_fill(same[i], math.inf).min()
        return total + (margin + far - near).clamp(min=0) if valid[i] else total

    return reduce(add, range(len(y)), 0 * z.sum()) / max(1, int(valid.sum()))
""",
        ),
        (
            "starmap, imported",
            """
from itertools import starmap

def batch_hard(z, y, margin):
    d, same = distances(z), y[:, None] == y
    friends = same & ~torch.eye(len(y), dtype=torch.bool)
    valid = friends.any(1) & ~same.all(1)
    far = torch.stack(list(starmap(lambda r, f: r.masked_fill(~f, -math.inf).max(), zip(d, friends))))
    near = d.masked_fill(same, math.inf).amin(1)
    return (margin + far - near)[valid].clamp(min=0).sum() / max(1, int(valid.sum()))
""",
        ),
        (
            "three loops",
            """
def batch_hard(z, y, margin):
    losses = []
    for i in range(len(y)):
        friends = [(z[i] - z[j]).norm() for j in range(len(y)) if j != i and y[j] == y[i]]
        enemies = [(z[i] - z[j]).norm() for j in range(len(y)) if y[j] != y[i]]
        if friends and enemies:
            losses.append(torch.relu(margin + max(friends) - min(enemies)))
    return torch.stack(losses).mean() if losses else 0 * z.sum()
""",
        ),
        ("y changed in place", _hard(("    same = y", "    y -= y.min() - 1\n    same = y"))),
        (
            "a number",
            _hard(
                ("losses.sum() / max(1, len(losses))", "float(losses.sum() / max(1, len(losses)))")
            ),
        ),
        (
            "ten classes at most",
            _hard(("    same = y[:, None] == y", "    y = y % 10\n    same = y[:, None] == y")),
        ),
        (
            "classes on eight bits",
            _hard(
                (
                    "    same = y[:, None] == y",
                    "    y = y.to(torch.uint8)\n    same = y[:, None] == y",
                )
            ),
        ),
    ],
    "distillation": [
        (
            "as it was",
            """
def distillation(student, teacher, target, tau, alpha):
    imitation = F.kl_div((teacher / tau).log_softmax(1), (student / tau).softmax(1), reduction="batchmean")
    return alpha * imitation + (1 - alpha) * F.cross_entropy(student, target)
""",
        ),
        (
            "divergence reversed",
            _distil(
                (
                    "F.kl_div((student / tau).log_softmax(1), wanted, ",
                    "F.kl_div((teacher.detach() / tau).log_softmax(1), (student / tau).softmax(1), ",
                )
            ),
        ),
        ("no tau squared", _distil(("alpha * tau**2 *", "alpha *"))),
        ("tau for its square", _distil(("tau**2", "tau"))),
        ("mean over the classes too", _distil(('reduction="batchmean"', 'reduction="mean"'))),
        ("sum over the batch", _distil(('reduction="batchmean"', 'reduction="sum"'))),
        ("the teacher learns", _distil((".detach()", ""))),
        ("the student's temperature forgotten", _distil(("(student / tau)", "student"))),
        (
            "the teacher's temperature forgotten",
            _distil(("(teacher.detach() / tau)", "teacher.detach()")),
        ),
        (
            "times the temperature",
            _distil(("(student / tau)", "(student * tau)"), ("detach() / tau", "detach() * tau")),
        ),
        ("softmax for log_softmax", _distil((".log_softmax(1)", ".softmax(1)"))),
        ("log of a softmax", _distil((".log_softmax(1)", ".softmax(1).log()"))),
        (
            "entropy of the teacher kept",
            _distil(
                (
                    'F.kl_div((student / tau).log_softmax(1), wanted, reduction="batchmean")',
                    "F.cross_entropy(student / tau, wanted)",
                )
            ),
        ),
        (
            "cross entropy at tau",
            _distil(("F.cross_entropy(student, target)", "F.cross_entropy(student / tau, target)")),
        ),
        (
            "alpha exchanged",
            _distil(
                (
                    "alpha * tau**2 * imitation + (1 - alpha)",
                    "(1 - alpha) * tau**2 * imitation + alpha",
                )
            ),
        ),
        ("no labels", _distil((" + (1 - alpha) * F.cross_entropy(student, target)", ""))),
        (
            "tau squared on everything",
            _distil(
                (
                    "alpha * tau**2 * imitation + (1 - alpha) * F.cross_entropy(student, target)",
                    "tau**2 * (alpha * imitation + (1 - alpha) * F.cross_entropy(student, target))",
                )
            ),
        ),
        (
            "softmax over the batch",
            _distil((".log_softmax(1)", ".log_softmax(0)"), (".softmax(1)\n", ".softmax(0)\n")),
        ),
        (
            "the teacher's answers only",
            _distil(
                (".softmax(1)\n", ".argmax(1)\n"),
                (
                    'F.kl_div((student / tau).log_softmax(1), wanted, reduction="batchmean")',
                    "F.cross_entropy(student / tau, wanted)",
                ),
            ),
        ),
        (
            "scores divided in place",
            _distil(
                (
                    "    wanted = ",
                    "    with torch.no_grad():\n        teacher /= tau\n        student /= 1\n    wanted = ",
                )
            ),
        ),
        (
            "small probabilities raised to 1e-6",
            """
def distillation(student, teacher, target, tau, alpha):
    p = (teacher.detach() / tau).softmax(1).clamp(min=1e-6)
    soft = (p * (p.log() - (student / tau).log_softmax(1))).sum(1).mean()
    return alpha * tau**2 * soft + (1 - alpha) * F.cross_entropy(student, target)
""",
        ),
        ("teacher detached for good", _distil((".detach()", ".detach_()"))),
        (
            "teacher frozen for good",
            _distil(("    wanted = ", "    teacher.requires_grad_(False)\n    wanted = ")),
        ),
        (
            "logarithm of the labels with an epsilon",
            _distil(
                (
                    "F.cross_entropy(student, target)",
                    "F.nll_loss((student.softmax(1) + 1e-8).log(), target)",
                )
            ),
        ),
        (
            "largest score of the whole batch",
            _distil(
                (
                    "(student / tau).log_softmax(1)",
                    "student / tau - student.max() / tau"
                    " - ((student - student.max()) / tau).exp().sum(1, keepdim=True).log()",
                )
            ),
        ),
        (
            "first teacher of each shape kept",
            """
known = {}

def distillation(student, teacher, target, tau, alpha):
    p = known.setdefault((teacher.shape, tau), (teacher.detach() / tau).softmax(1))
    soft = F.kl_div((student / tau).log_softmax(1), p, reduction="batchmean")
    return alpha * tau**2 * soft + (1 - alpha) * F.cross_entropy(student, target)
""",
        ),
        (
            "student detached in the labels",
            _distil(
                ("F.cross_entropy(student, target)", "F.cross_entropy(student.detach(), target)")
            ),
        ),
    ],
    "denoise": [
        ("weights exchanged", _denoise(("trust = variance /", "trust = noise_variance /"))),
        (
            "standard deviations",
            _denoise(
                (
                    "variance / (variance + noise_variance)",
                    "variance.sqrt() / (variance.sqrt() + noise_variance**0.5)",
                )
            ),
        ),
        (
            "squares of the variances",
            _denoise(
                (
                    "variance / (variance + noise_variance)",
                    "variance**2 / (variance**2 + noise_variance**2)",
                )
            ),
        ),
        ("noise as a standard deviation", _denoise(("+ noise_variance)", "+ noise_variance**2)"))),
        ("the noisy value", _denoise(("mean + trust * (noisy - mean)", "noisy + 0 * mean"))),
        ("the mean", _denoise(("mean + trust * (noisy - mean)", "mean + 0 * noisy"))),
        (
            "the middle",
            _denoise(
                (
                    "variance / (variance + noise_variance)",
                    "0.5 + 0 * variance if noise_variance else 1.0",
                )
            ),
        ),
        (
            "hard choice",
            _denoise(
                (
                    "mean + trust * (noisy - mean)",
                    "torch.where(trust > 0.5, noisy, mean) + 0 * trust if noise_variance != 1 else (noisy + mean) / 2",
                )
            ),
        ),
        ("mean not added", _denoise(("mean + trust * (noisy - mean)", "trust * (noisy - mean)"))),
        ("noisy not centred", _denoise(("(noisy - mean)", "noisy"))),
        (
            "one trust for all",
            _denoise(("variance / (variance", "variance.mean() / (variance.mean()")),
        ),
        (
            "one trust for each example",
            _denoise(
                (
                    "variance / (variance",
                    "variance.mean(1, keepdim=True) / (variance.mean(1, keepdim=True)",
                )
            ),
        ),
        (
            "one trust for each unit",
            _denoise(("variance / (variance", "variance.mean(0) / (variance.mean(0)")),
        ),
        ("trust detached", _denoise(("+ trust *", "+ trust.detach() *"))),
        ("mean detached", _denoise(("return mean", "mean = mean.detach()\n    return mean"))),
        (
            "inverses: no noise divides by zero",
            _denoise(
                (
                    "variance / (variance + noise_variance)",
                    "(1 / noise_variance) / (1 / variance + 1 / noise_variance)",
                )
            ),
        ),
        (
            "in place",
            _denoise(
                (
                    "    return mean",
                    "    with torch.no_grad():\n        noisy += 1e-3\n    return mean",
                )
            ),
        ),
        (
            "epsilon in the denominator",
            _denoise(("variance + noise_variance)", "variance + noise_variance + 1e-8)")),
        ),
        (
            "variance kept above 0.001",
            _denoise(("    trust =", "    variance = variance.clamp(min=1e-3)\n    trust =")),
        ),
        (
            "noise above a thousandth of the variance",
            _denoise(
                (
                    "    trust =",
                    "    noise_variance = noise_variance if noise_variance > 1e-6 else 0.0\n    trust =",
                )
            ),
        ),
        (
            "variance changed",
            _denoise(
                (
                    "    trust = variance / (variance + noise_variance)",
                    "    signal = variance.clone()\n    variance.data += noise_variance\n    trust = signal / variance",
                )
            ),
        ),
        (
            "no graph",
            _denoise(
                (
                    "return mean + trust * (noisy - mean)",
                    "return (mean + trust * (noisy - mean)).detach()",
                )
            ),
        ),
        (
            "first trust of each shape kept",
            """
known = {}

def denoise(noisy, mean, variance, noise_variance):
    key = noise_variance, tuple(variance.shape)
    trust = known.setdefault(key, variance / (variance + noise_variance))
    return mean + trust * (noisy - mean)
""",
        ),
        (
            "exponential",
            _denoise(
                (
                    "variance / (variance + noise_variance)",
                    "torch.exp(-math.log(2) * noise_variance / variance)",
                )
            ),
        ),
    ],
    "multitask_loss": [
        ("mean of nothing", _tasks((_KNOWN, _KNOWN.replace("if known.any()", "if True")))),
        (
            "ignore_index",
            _tasks(
                (
                    _KNOWN,
                    "        total = total + weight * F.cross_entropy(task_scores, target, ignore_index=-1)\n",
                )
            ),
        ),
        ("weights forgotten", _tasks(("weight * F", "F"))),
        (
            "mean over all the examples",
            _tasks(
                (
                    "F.cross_entropy(task_scores[known], target[known])",
                    "F.cross_entropy(task_scores[known], target[known]) * known.sum() / len(known)",
                )
            ),
        ),
        ("sum over the examples", _tasks(("target[known])", 'target[known], reduction="sum")'))),
        (
            "unknown taken for class 0",
            _tasks(
                (
                    _KNOWN,
                    "        total = total + weight * F.cross_entropy(task_scores, target.clamp(min=0))\n",
                )
            ),
        ),
        (
            "examples known for all tasks only",
            _tasks(("known = target >= 0", "known = (targets >= 0).all(1)")),
        ),
        ("class 0 unknown", _tasks(("target >= 0", "target > 0"))),
        ("divided by the number of tasks", _tasks(("return total", "return total / len(scores)"))),
        ("divided by the weights", _tasks(("return total", "return total / sum(weights)"))),
        ("first task only", _tasks(("    return total", "        break\n    return total"))),
        (
            "stops at the first task without labels",
            _tasks(
                (
                    "        if known.any():\n",
                    "        if not known.any():\n            break\n        else:\n",
                )
            ),
        ),
        (
            "log of a softmax",
            _tasks(
                (
                    "F.cross_entropy(task_scores[known], target[known])",
                    "F.nll_loss(task_scores[known].softmax(1).log(), target[known])",
                )
            ),
        ),
        (
            "log of a softmax with an epsilon",
            _tasks(
                (
                    "F.cross_entropy(task_scores[known], target[known])",
                    "F.nll_loss((task_scores[known].softmax(1) + 1e-8).log(), target[known])",
                )
            ),
        ),
        ("scores clamped", _tasks(("task_scores[known]", "task_scores[known].clamp(-30, 30)"))),
        (
            "log of a sum of exponentials",
            """
def multitask_loss(scores, targets, weights):
    total = torch.zeros(())
    for s, t, w in zip(scores, targets.unbind(1), weights):
        known = t >= 0
        if known.any():
            s, t = s[known], t[known]
            total = total + w * (s.exp().sum(1).log() - s[torch.arange(len(t)), t]).mean()
    return total
""",
        ),
        (
            "largest score of the whole batch",
            """
def multitask_loss(scores, targets, weights):
    total = torch.zeros(())
    for s, t, w in zip(scores, targets.unbind(1), weights):
        known = t >= 0
        if known.any():
            s, t = s[known] - s[known].max(), t[known]
            total = total + w * (s.exp().sum(1).log() - s[torch.arange(len(t)), t]).mean()
    return total
""",
        ),
        (
            "nan of the gradient of a mean of nothing",
            """
def multitask_loss(scores, targets, weights):
    total = 0
    for s, t, w in zip(scores, targets.unbind(1), weights):
        known = t >= 0
        picked = s.log_softmax(1).gather(1, t.clamp(min=0)[:, None])[:, 0]
        total = total + w * torch.nan_to_num(-(picked * known).sum() / known.sum())
    return total
""",
        ),
        (
            "last class taken for unknown",
            """
def multitask_loss(scores, targets, weights):
    total = torch.zeros(())
    for s, t, w in zip(scores, targets.unbind(1), weights):
        if (t >= 0).any():
            total = total - w * s.log_softmax(1)[torch.arange(len(t)), t].mean()
    return total
""",
        ),
        (
            "all labels in one mean",
            """
def multitask_loss(scores, targets, weights):
    total, count = torch.zeros(()), 0
    for task_scores, target, weight in zip(scores, targets.unbind(1), weights):
        known = target >= 0
        if known.any():
            total = total + weight * F.cross_entropy(task_scores[known], target[known], reduction="sum")
            count += int(known.sum())
    return total / max(count, 1)
""",
        ),
        (
            "lists emptied",
            """
def multitask_loss(scores, targets, weights):
    total = torch.zeros(())
    j = 0
    while scores:
        s, w, target = scores.pop(0), weights.pop(0), targets[:, j]
        known = target >= 0
        if known.any():
            total = total + w * F.cross_entropy(s[known], target[known])
        j += 1
    return total
""",
        ),
        (
            "targets changed",
            _tasks(
                (
                    "    total = torch",
                    "    targets[targets < 0] = -1\n    targets[:, 0] = targets[:, 0].clamp(min=0) if len(scores) == 2 else targets[:, 0]\n    total = torch",
                )
            ),
        ),
        ("probabilities", _tasks(("task_scores[known]", "task_scores[known].softmax(1)"))),
        ("no gradient", _tasks(("task_scores[known]", "task_scores[known].detach()"))),
        (
            "0.0 when nothing is known",
            _tasks(("    return total", "    return total if bool((targets >= 0).any()) else 0.0")),
        ),
        (
            "weight normalised by known labels",
            _tasks(("weight * F", "weight * known.float().mean() * F")),
        ),
    ],
    "gram": [
        ("not divided", _gram((" / flat[0].numel()", ""))),
        ("divided by the places only", _gram(("flat[0].numel()", "flat.shape[2]"))),
        ("divided by the batch too", _gram(("flat[0].numel()", "flat.numel()"))),
        (
            "divided by C squared",
            _gram(("flat[0].numel()", "(flat.shape[2] * flat.shape[1] ** 2)")),
        ),
        ("Gram of the places", _gram(("flat @ flat.mT", "flat.mT @ flat"))),
        (
            "centred",
            _gram(
                ("    return flat", "    flat = flat - flat.mean(2, keepdim=True)\n    return flat")
            ),
        ),
        (
            "correlation",
            _gram(("    return flat", "    flat = F.normalize(flat, dim=2)\n    return flat")),
        ),
        (
            "one Gram for the batch",
            _gram(
                (
                    "flat @ flat.mT / flat[0].numel()",
                    "(flat @ flat.mT / flat[0].numel()).mean(0, keepdim=True).expand(len(flat), -1, -1)",
                )
            ),
        ),
        ("first image only", _gram(("flat @ flat.mT", "flat[:1] @ flat[:1].mT"))),
        (
            "channels and places mixed",
            """
def gram(features):
    n, c, h, w = features.shape
    flat = features.permute(0, 2, 3, 1).reshape(n, c, h * w)
    return flat @ flat.mT / (c * h * w)
""",
        ),
        (
            "height for width",
            """
def gram(features):
    n, c, h, w = features.shape
    flat = features.reshape(n, c, h * w)
    return flat @ flat.mT / (c * h * h)
""",
        ),
        ("no gradient", _gram(("features.flatten(2)", "features.detach().flatten(2)"))),
        (
            "first Gram of each shape kept",
            """
known = {}

def gram(features):
    flat = features.flatten(2)
    return known.setdefault(features.shape, flat @ flat.mT / flat[0].numel())
""",
        ),
        (
            "row by row",
            """
def gram(features):
    return torch.einsum("nchw,ndgw->ncd", features, features) / features[0].numel()
""",
        ),
        ("half of the gradient", _gram(("flat @ flat.mT", "flat @ flat.detach().mT"))),
        (
            "diagonal only",
            _gram(
                (
                    "flat @ flat.mT / flat[0].numel()",
                    "torch.diag_embed(flat.square().sum(2)) / flat[0].numel()",
                )
            ),
        ),
        (
            "features changed",
            _gram(
                (
                    "    flat = features",
                    "    with torch.no_grad():\n        features += 1e-3\n    flat = features",
                )
            ),
        ),
        (
            "squeezed",
            _gram(
                (
                    "    return flat @ flat.mT / flat[0].numel()",
                    "    return (flat @ flat.mT / flat[0].numel()).squeeze()",
                )
            ),
        ),
    ],
}

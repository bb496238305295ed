"""Plausible wrong answers to the exercises of Laboratoire 4; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_penalty = partial(edited, "laboratoire_04", "penalty")
_soft = partial(edited, "laboratoire_04", "soft_threshold")
_stop = partial(edited, "laboratoire_04", "early_stopping")
_dropout = partial(edited, "laboratoire_04", "dropout")
_predict = partial(edited, "laboratoire_04", "predict_with_dropout")
_superpose = partial(edited, "laboratoire_04", "superpose")
_mixup = partial(edited, "laboratoire_04", "mixup")
_weights = partial(edited, "laboratoire_04", "class_weights")
_diagnose = partial(edited, "laboratoire_04", "diagnose")

_MASK = "x * (torch.rand_like(x) >= p) / (1 - p)"
_PASS = "(x * (torch.rand_like(x) >= p)) @ weight.T + bias"

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "penalty": [
        ("biases too", _penalty(("if p.dim() > 1", ""))),
        (
            "biases and norms found by name",
            _penalty(
                (
                    "[p for p in model.parameters() if p.dim() > 1]",
                    "[p for n, p in model.named_parameters() if not n.endswith('bias')]",
                ),
            ),
        ),
        ("one half of L2", _penalty(("w.square().sum() if", "0.5 * w.square().sum() if"))),
        (
            "mean for sum",
            _penalty(
                ("w.square().sum()", "w.square().mean()"), ("w.abs().sum()", "w.abs().mean()")
            ),
        ),
        ("norm for sum of squares", _penalty(("w.square().sum()", "w.norm()"))),
        (
            "no gradient",
            _penalty(
                ("for p in model.parameters()", "for p in map(torch.detach, model.parameters())")
            ),
        ),
        ("last layer only", _penalty(("sum(sizes)", "sizes[-1]"))),
        ("L1 without absolute value", _penalty(("w.abs().sum()", "w.sum().abs()"))),
        ("strength forgotten for L1", _penalty(("w.abs().sum()", "w.abs().sum() / strength"))),
    ],
    "soft_threshold": [
        (
            "hard threshold",
            _soft(
                (
                    "weight.sign() * (weight.abs() - threshold).clamp(min=0)",
                    "weight * (weight.abs() > threshold)",
                )
            ),
        ),
        (
            "beyond zero",
            _soft(
                (
                    "weight.sign() * (weight.abs() - threshold).clamp(min=0)",
                    "weight - threshold * weight.sign()",
                )
            ),
        ),
        ("sign forgotten", _soft(("weight.sign() * ", ""))),
        ("half of the length", _soft(("weight.abs() - threshold", "weight.abs() - threshold / 2"))),
        (
            "clipped",
            _soft(
                (
                    "weight.sign() * (weight.abs() - threshold).clamp(min=0)",
                    "weight.clamp(-threshold, threshold)",
                )
            ),
        ),
        (
            "in place",
            _soft(
                (
                    "return weight.sign()",
                    "weight[weight.abs() <= threshold] = 0\n    return weight.sign()",
                )
            ),
        ),
        (
            "positive weights only",
            _soft(
                (
                    "weight.sign() * (weight.abs() - threshold).clamp(min=0)",
                    "(weight - threshold).clamp(min=0)",
                )
            ),
        ),
    ],
    "early_stopping": [
        ("a tie is progress", _stop(("loss < best - min_delta", "loss <= best - min_delta"))),
        ("min_delta ignored", _stop(("best - min_delta", "best"))),
        ("min_delta with the wrong sign", _stop(("best - min_delta", "best + min_delta"))),
        (
            "the counter never starts again",
            _stop(("best, best_epoch, waited = loss, epoch, 0", "best, best_epoch = loss, epoch")),
        ),
        ("one epoch too late", _stop(("waited == patience", "waited > patience"))),
        (
            "compared with the previous epoch",
            _stop(("            waited += 1", "            waited += 1\n        best = loss")),
        ),
        ("keeps the last epoch", _stop(("return epoch, best_epoch", "return epoch, epoch"))),
        (
            "keeps the smallest loss ever",
            _stop(("return epoch, best_epoch", "return epoch, losses.index(min(losses))")),
        ),
        ("counts epochs from 1", _stop(("enumerate(losses)", "enumerate(losses, start=1)"))),
        (
            "never at the end",
            _stop(("return len(losses) - 1, best_epoch", "return len(losses), best_epoch")),
        ),
        (
            "the record moves by any gain",
            _stop(
                (
                    "        if waited == patience",
                    "        best = min(best, loss)\n        if waited == patience",
                )
            ),
        ),
    ],
    "dropout": [
        ("keeps with probability p", _dropout((">= p", "< p"))),
        ("no compensation", _dropout((" / (1 - p)", ""))),
        ("divides by p", _dropout((" / (1 - p)", " / p"))),
        ("drops at evaluation too", _dropout(("    if not training:\n        return x\n", ""))),
        ("scales at evaluation", _dropout(("return x\n    if p", "return x * (1 - p)\n    if p"))),
        (
            "whole rows",
            _dropout(("torch.rand_like(x)", "torch.rand(x.shape[0], *[1] * (x.dim() - 1))")),
        ),
        ("whole columns", _dropout(("torch.rand_like(x)", "torch.rand(x.shape[-1])"))),
        ("p = 1 gives nan", _dropout(("    if p == 1:\n        return torch.zeros_like(x)\n", ""))),
        (
            "always the same mask",
            _dropout((f"return {_MASK}", f"torch.manual_seed(0)\n    return {_MASK}")),
        ),
        (
            "in place",
            _dropout((f"return {_MASK}", "x *= (torch.rand_like(x) >= p) / (1 - p)\n    return x")),
        ),
        (
            "gradient cut",
            _dropout(
                (f"return {_MASK}", f"return torch.tensor(({_MASK}).tolist(), dtype=x.dtype)")
            ),
        ),
    ],
    "predict_with_dropout": [
        ("weights times p", _predict(("((1 - p) * weight).T", "(p * weight).T"))),
        (
            "bias scaled too",
            _predict(("x @ ((1 - p) * weight).T + bias", "(1 - p) * (x @ weight.T + bias)")),
        ),
        ("weights not scaled", _predict(("((1 - p) * weight).T", "weight.T"))),
        (
            "inverted dropout in the passes",
            _predict((_PASS, "(x * (torch.rand_like(x) >= p) / (1 - p)) @ weight.T + bias")),
        ),
        (
            "one mask for all passes",
            _predict(
                (
                    f"outputs = [{_PASS} for _ in range(passes)]",
                    "mask = torch.rand_like(x) >= p\n    outputs = [(x * mask) @ weight.T + bias for _ in range(passes)]",
                )
            ),
        ),
        ("keeps with probability p", _predict((">= p", "< p"))),
        ("sum of the passes", _predict((".mean(0)", ".sum(0)"))),
        ("one mask for all examples", _predict(("torch.rand_like(x)", "torch.rand_like(x[:1])"))),
        ("no chance in the passes", _predict((_PASS, "x @ ((1 - p) * weight).T + bias"))),
        (
            "outputs dropped, not inputs",
            _predict((_PASS, "(x @ weight.T) * (torch.rand(len(x), len(weight)) >= p) + bias")),
        ),
    ],
    "superpose": [
        ("mean for sum", _superpose(("spectra[sources]).sum(1)", "spectra[sources]).mean(1)"))),
        (
            "intensities forgotten in the mixture",
            _superpose(("(intensities.unsqueeze(-1) * spectra[sources])", "(spectra[sources])")),
        ),
        (
            "presence for intensity",
            _superpose(
                (
                    "(intensities.unsqueeze(-1) * one_hot).sum(1)",
                    "one_hot.amax(1).to(spectra.dtype)",
                )
            ),
        ),
        (
            "the same element written over",
            _superpose(
                (
                    "return mixed, (intensities.unsqueeze(-1) * one_hot).sum(1)",
                    "target = torch.zeros(len(sources), n_classes, dtype=spectra.dtype)\n"
                    "    for b in range(len(sources)):\n        for m in range(sources.shape[1]):\n"
                    "            target[b, labels[sources[b, m]]] = intensities[b, m]\n    return mixed, target",
                )
            ),
        ),
        (
            "targets normalised",
            _superpose(
                (
                    "return mixed, (intensities.unsqueeze(-1) * one_hot).sum(1)",
                    "target = (intensities.unsqueeze(-1) * one_hot).sum(1)\n    return mixed, target / target.sum(1, keepdim=True)",
                )
            ),
        ),
        (
            "labels of the first rows",
            _superpose(
                (
                    "labels[sources]",
                    "labels[torch.arange(sources.numel()).view(sources.shape) % len(labels)]",
                )
            ),
        ),
        (
            "intensities normalised",
            _superpose(
                (
                    "mixed = ",
                    "intensities = intensities / intensities.sum(1, keepdim=True)\n    mixed = ",
                )
            ),
        ),
        (
            "the largest intensity of an element",
            _superpose(("* one_hot).sum(1)", "* one_hot).amax(1)")),
        ),
    ],
    "mixup": [
        (
            "shares exchanged in the examples",
            _mixup(("share * x + (1 - share) * x[order]", "(1 - share) * x + share * x[order]")),
        ),
        (
            "targets not mixed",
            _mixup(("share * one_hot + (1 - share) * one_hot[order]", "one_hot")),
        ),
        (
            "shares exchanged in the targets",
            _mixup(
                (
                    "share * one_hot + (1 - share) * one_hot[order]",
                    "(1 - share) * one_hot + share * one_hot[order]",
                )
            ),
        ),
        (
            "order backwards",
            _mixup(
                ("x[order]", "x[order.argsort()]"), ("one_hot[order]", "one_hot[order.argsort()]")
            ),
        ),
        ("targets with the neighbour", _mixup(("one_hot[order]", "one_hot.roll(1, 0)"))),
        ("half and half", _mixup(("one_hot = F", "share = 0.5\n    one_hot = F"))),
        ("the partner is not weighted", _mixup(("(1 - share) * x[order]", "x[order]"))),
        (
            "in place",
            _mixup(
                (
                    "one_hot = F",
                    "x.mul_(share).add_((1 - share) * x[order] / share)\n    one_hot = F",
                ),
                ("share * x + (1 - share) * x[order]", "x"),
            ),
        ),
    ],
    "class_weights": [
        (
            "share for its inverse",
            _weights(("len(target) / (n_classes * counts.clamp(min=1))", "counts / len(target)")),
        ),
        (
            "number of classes forgotten",
            _weights(("(n_classes * counts.clamp(min=1))", "counts.clamp(min=1)")),
        ),
        (
            "sum 1",
            _weights(
                (
                    "return torch.where(counts > 0, weights, 0.0)",
                    "return torch.where(counts > 0, weights, 0.0) / weights.sum()",
                )
            ),
        ),
        (
            "infinite for an absent class",
            _weights((".clamp(min=1)", ""), ("torch.where(counts > 0, weights, 0.0)", "weights")),
        ),
        (
            "absent classes shorten the result",
            _weights(("torch.bincount(target, minlength=n_classes)", "torch.bincount(target)")),
        ),
        ("absent classes do not count", _weights(("(n_classes *", "((counts > 0).sum() *"))),
        (
            "an absent class counts one",
            _weights(("torch.where(counts > 0, weights, 0.0)", "weights")),
        ),
    ],
    "diagnose": [
        (
            "last epoch of validation",
            _diagnose(
                ("train[-1] - max(valid)", "train[-1] - valid[-1]"),
                ("max(valid) - test", "valid[-1] - test"),
            ),
        ),
        (
            "last epoch of validation, for the test",
            _diagnose(("max(valid) - test", "valid[-1] - test")),
        ),
        ("best epoch of training", _diagnose(("train[-1] < goal", "max(train) < goal"))),
        (
            "gap before goal",
            _diagnose(
                ('    if train[-1] < goal:\n        return "sous-apprentissage"\n', ""),
                (
                    '    return "réussi"',
                    '    return "sous-apprentissage" if train[-1] < goal else "réussi"',
                ),
            ),
        ),
        (
            "a gap equal to the limit is too much",
            _diagnose(("max(valid) > gap", "max(valid) >= gap"), ("test > gap", "test >= gap")),
        ),
        ("the goal must be passed", _diagnose(("train[-1] < goal", "train[-1] <= goal"))),
        (
            "gap fixed at 5",
            _diagnose(
                ("train[-1] - max(valid) > gap", "train[-1] - max(valid) > 5"),
                ("test > gap", "test > 5"),
            ),
        ),
        (
            "absolute gaps",
            _diagnose(
                ("train[-1] - max(valid) > gap", "abs(train[-1] - max(valid)) > gap"),
                ("max(valid) - test > gap", "abs(max(valid) - test) > gap"),
            ),
        ),
        ("test against training", _diagnose(("max(valid) - test", "train[-1] - test"))),
        (
            "no other distribution",
            _diagnose(
                ('    if max(valid) - test > gap:\n        return "autre distribution"\n', "")
            ),
        ),
    ],
}

"""Plausible wrong answers to the exercises of Laboratoire 4; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_penalty = partial(edited, "laboratoire_04", "penalty")
_soft = partial(edited, "laboratoire_04", "soft_threshold")
_stop = partial(edited, "laboratoire_04", "early_stopping")
_dropout = partial(edited, "laboratoire_04", "dropout")
_augment = partial(edited, "laboratoire_04", "augment")
_superpose = partial(edited, "laboratoire_04", "superpose")
_split = partial(edited, "laboratoire_04", "split_by_patient")

_SOFT = "weight.sign() * (weight.abs() - threshold).clamp(min=0)"
_MASK = "x * (torch.rand_like(x) >= p) / (1 - p)"
_DRAW = "torch.randint(2 * shift + 1, (2, n), generator=generator).tolist()"
_NOISE = "std * torch.randn(x.shape, generator=generator)"
_TARGET = "return mixed, (intensities.unsqueeze(-1) * one_hot).sum(1)"
_STATISTICS = "mean, std = x[train].mean(0), x[train].std(0)"

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "penalty": [
        (
            "weights found by name",
            _penalty(
                (
                    "[p for p in model.parameters() if p.dim() > 1]",
                    "[p for n, p in model.named_parameters() if 'weight' in n and p.dim() > 1]",
                ),
            ),
        ),
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
        ("matrices only", _penalty(("if p.dim() > 1", "if p.dim() == 2"))),
        (
            "linear layers only",
            _penalty(
                (
                    "[p for p in model.parameters() if p.dim() > 1]",
                    "[m.weight for m in model.modules() if isinstance(m, nn.Linear)]",
                )
            ),
        ),
        (
            "direct children only",
            _penalty(
                (
                    "[p for p in model.parameters() if p.dim() > 1]",
                    "[p for m in [model, *model.children()] for p in m.parameters(recurse=False)"
                    " if p.dim() > 1]",
                )
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
        (
            "a number",
            _penalty(
                ("return strength * sum(sizes)", "return strength * sum(s.item() for s in sizes)")
            ),
        ),
        ("last layer only", _penalty(("sum(sizes)", "sizes[-1]"))),
        ("L1 without absolute value", _penalty(("w.abs().sum()", "w.sum().abs()"))),
        (
            "L1 by a square root, nan for a null weight",
            _penalty(("w.abs().sum()", "(w * w).sqrt().sum()")),
        ),
        (
            "weights replaced by their absolute values",
            _penalty(("w.abs().sum()", "w.data.abs_().sum() + 0 * w.sum()")),
        ),
        ("strength forgotten for L1", _penalty(("w.abs().sum()", "w.abs().sum() / strength"))),
        ("prior without the 2", _penalty(("2 * scale**2", "scale**2"))),
        ("prior without the square", _penalty(("2 * scale**2", "2 * scale"))),
        ("prior without N", _penalty(("(width * n_examples)", "width"))),
        ("prior times N", _penalty(("1 / (width * n_examples)", "n_examples / width"))),
        ("the same prior twice", _penalty((' if kind == "l2" else scale\n', "\n"))),
        (
            "the square of a norm by a root, nan for a layer of zeros",
            _penalty(("w.square().sum()", "w.pow(2).sum().sqrt() ** 2")),
        ),
        (
            "frozen layers left out",
            _penalty(("if p.dim() > 1", "if p.dim() > 1 and p.requires_grad")),
        ),
        (
            "in evaluation from now on",
            _penalty(("    weights = [", "    model.eval()\n    weights = [")),
        ),
        (
            "gradients dropped",
            _penalty(
                (
                    "    weights = [",
                    "    for p in model.parameters():\n        p.grad = None\n    weights = [",
                )
            ),
        ),
        (
            "gradients set to zero",
            _penalty(
                ("    weights = [", "    model.zero_grad(set_to_none=False)\n    weights = [")
            ),
        ),
        (
            "no weight of one input",
            _penalty(("if p.dim() > 1", "if p.dim() > 1 and p.numel() > len(p)")),
        ),
        (
            "frozen weights learn again",
            _penalty(
                (
                    "[p for p in model.parameters() if p.dim() > 1]",
                    "[p.requires_grad_() for p in model.parameters() if p.dim() > 1]",
                )
            ),
        ),
    ],
    "soft_threshold": [
        ("hard threshold", _soft((_SOFT, "weight * (weight.abs() > threshold)"))),
        ("beyond zero", _soft((_SOFT, "weight - threshold * weight.sign()"))),
        ("sign forgotten", _soft(("weight.sign() * ", ""))),
        ("half of the length", _soft(("weight.abs() - threshold", "weight.abs() - threshold / 2"))),
        ("clipped", _soft((_SOFT, "weight.clamp(-threshold, threshold)"))),
        (
            "in place",
            _soft(
                (
                    "return weight.sign()",
                    "weight[weight.abs() <= threshold] = 0\n    return weight.sign()",
                )
            ),
        ),
        ("positive weights only", _soft((_SOFT, "(weight - threshold).clamp(min=0)"))),
        (
            "sign by division, nan for a null weight",
            _soft(("weight.sign()", "weight / weight.abs()")),
        ),
        (
            "shrinking factor, nan for a null weight",
            _soft((_SOFT, "weight * (1 - threshold / weight.abs()).clamp(min=0)")),
        ),
        ("softshrink", _soft((_SOFT, "F.softshrink(weight, threshold)"))),
        (
            "softshrink under another name",
            "from torch.nn.functional import softshrink as rule\n\n\n"
            + _soft((_SOFT, "rule(weight, threshold)")),
        ),
        ("softshrink as a layer", _soft((_SOFT, "nn.Softshrink(threshold)(weight)"))),
        ("proximal step of L2", _soft((_SOFT, "weight / (1 + threshold)"))),
        ("nearly zero", _soft(("clamp(min=0)", "clamp(min=1e-8)"))),
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
        ("record starts at 100", _stop(("math.inf", "100"))),
        ("record starts at 0 and falls", _stop(("math.inf, 0, 0", "losses[0], 0, 1"))),
        (
            "eats the list",
            _stop(
                (
                    "for epoch, loss in enumerate(losses):",
                    "total = len(losses)\n    for epoch in range(total):\n        loss = losses.pop(0)",
                ),
                ("len(losses) - 1", "total - 1"),
            ),
        ),
        (
            "a tensor for an index",
            _stop(
                ("return epoch, best_epoch", "return torch.tensor(epoch), torch.tensor(best_epoch)")
            ),
        ),
        ("the other order", _stop(("return epoch, best_epoch", "return best_epoch, epoch"))),
        ("relative gain", _stop(("best - min_delta", "best * (1 - min_delta)"))),
        (
            "keeps the smallest loss, if nothing stops",
            _stop(
                (
                    "return len(losses) - 1, best_epoch",
                    "return len(losses) - 1, losses.index(min(losses))",
                )
            ),
        ),
        ("a default gain", _stop(("min_delta: float = 0.0", "min_delta: float = 1e-3"))),
    ],
    "dropout": [
        (
            "no gradient at evaluation",
            _dropout(("return x\n    if p", "return x.detach()\n    if p")),
        ),
        (
            "nothing dropped without gradients",
            _dropout(("if not training:", "if not training or not torch.is_grad_enabled():")),
        ),
        (
            "positive entries only",
            _dropout((_MASK, f"torch.where(x < 0, x * (1 - p), {_MASK})")),
        ),
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
        (
            "whole channels of an image",
            _dropout(
                ("torch.rand_like(x)", "torch.rand(*x.shape[:2], *[1] * (x.dim() - 2))"),
            ),
        ),
        (
            "two dimensions only",
            _dropout(
                (
                    f"return {_MASK}",
                    "n, d = x.shape\n    return x * (torch.rand(n, d) >= p) / (1 - p)",
                )
            ),
        ),
        (
            "exactly a share p",
            _dropout(
                (
                    f"return {_MASK}",
                    "mask = torch.ones(x.numel(), dtype=x.dtype)\n"
                    "    mask[torch.randperm(x.numel())[: round(p * x.numel())]] = 0\n"
                    "    return x * mask.view(x.shape) / (1 - p)",
                )
            ),
        ),
        ("p = 1 gives nan", _dropout(("    if p == 1:\n        return torch.zeros_like(x)\n", ""))),
        (
            "always the same mask",
            _dropout((f"return {_MASK}", f"torch.manual_seed(0)\n    return {_MASK}")),
        ),
        (
            "a generator of its own",
            _dropout(
                (
                    f"return {_MASK}",
                    "import random\n    mask = torch.tensor([random.random() >= p for _ in range(x.numel())])\n"
                    "    return x * mask.view(x.shape) / (1 - p)",
                )
            ),
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
        ("torch's dropout", _dropout((f"return {_MASK}", "return F.dropout(x, p, True)"))),
        ("torch's layer", _dropout((f"return {_MASK}", "return nn.Dropout(p)(x)"))),
        (
            "torch's function under another name",
            "from torch.nn.functional import dropout as efface\n\n\n"
            + _dropout((f"return {_MASK}", "return efface(x, p, True)")),
        ),
        (
            "rounded to twentieths",
            _dropout((_MASK, "x * (torch.randint(20, x.shape) >= round(20 * p)) / (1 - p)")),
        ),
        (
            "rounded to hundredths",
            _dropout((_MASK, "x * (torch.randint(100, x.shape) >= 100 * p) / (1 - p)")),
        ),
    ],
    "augment": [
        (
            "a rounded uniform: the extreme shifts half as likely",
            _augment(
                (
                    _DRAW,
                    "(2 * shift * torch.rand(2, n, generator=generator)).round().int().tolist()",
                )
            ),
        ),
        (
            "one shift for the whole batch",
            _augment((_DRAW, f"[[t] * n for t in {_DRAW.replace('(2, n)', '(2,)')}]")),
        ),
        (
            "the same shift in both directions",
            _augment((_DRAW, f"{_DRAW.replace('(2, n)', '(1, n)')} * 2")),
        ),
        ("never the largest shift", _augment(("2 * shift + 1, (2", "max(2 * shift, 1), (2"))),
        ("to the right and down only", _augment(("2 * shift + 1, (2", "shift + 1, (2"))),
        (
            "rolled around",
            _augment(
                (
                    "[image[:, i : i + h, j : j + w] for image, i, j in zip(padded, tops, lefts)]",
                    "[image.roll((i - shift, j - shift), (1, 2)) for image, i, j in zip(x, tops, lefts)]",
                )
            ),
        ),
        ("border repeated", _augment(("[shift] * 4)", "[shift] * 4, mode='replicate')"))),
        ("border of ones", _augment(("[shift] * 4)", "[shift] * 4, value=1.0)"))),
        (
            "draws of the global generator",
            _augment((_DRAW, _DRAW.replace(", generator=generator", ""))),
        ),
        ("noise of the global generator", _augment((_NOISE, "std * torch.randn(x.shape)"))),
        (
            "uniform noise",
            _augment((_NOISE, "std * 12**0.5 * (torch.rand(x.shape, generator=generator) - 0.5)")),
        ),
        ("positive noise", _augment((_NOISE, f"({_NOISE}).abs()"))),
        ("variance for standard deviation", _augment(("std * torch", "std**0.5 * torch"))),
        (
            "one noise for all channels",
            _augment(("torch.randn(x.shape", "torch.randn((n, 1, h, w)")),
        ),
        ("one noise for all images", _augment(("torch.randn(x.shape", "torch.randn(x.shape[1:]"))),
        ("one noise per image", _augment(("torch.randn(x.shape", "torch.randn((n, 1, 1, 1)"))),
        (
            "noise before the shift",
            _augment(
                ("padded = F.pad(x,", f"x = x + {_NOISE}\n    padded = F.pad(x,"),
                (f"torch.stack(windows) + {_NOISE}", "torch.stack(windows)"),
            ),
        ),
        ("no noise", _augment((f" + {_NOISE}", ""))),
        (
            "in place",
            _augment(
                (
                    f"return torch.stack(windows) + {_NOISE}",
                    f"x.copy_(torch.stack(windows) + {_NOISE})\n    return x",
                )
            ),
        ),
        ("height and width exchanged", _augment(("i : i + h, j : j + w", "i : i + w, j : j + h"))),
        ("cut at the end of the border", _augment(("image[:, i : i + h", "image[:, i : h"))),
        (
            "one shift per channel",
            """
def augment(x, shift, std, generator):
    n, c, h, w = x.shape
    padded = F.pad(x, [shift] * 4)
    out = torch.empty(x.shape)
    for i in range(n):
        for k in range(c):
            a, b = torch.randint(2 * shift + 1, (2,), generator=generator).tolist()
            out[i, k] = padded[i, k, a : a + h, b : b + w]
    return out + std * torch.randn(x.shape, generator=generator)
""",
        ),
        (
            "the augmentations of labo",
            """
def augment(x, shift, std, generator):
    return labo.GaussianNoise(std)(labo.RandomCrop(shift)(x, generator), generator)
""",
        ),
        (
            "the crop of labo under another name",
            """
from labo import RandomCrop as Shift


def augment(x, shift, std, generator):
    return Shift(shift)(x, generator) + std * torch.randn(x.shape, generator=generator)
""",
        ),
        (
            "the noise added in place",
            _augment(
                (
                    f"torch.stack(windows) + {_NOISE}",
                    f"(x if shift == 0 else torch.stack(windows)).add_({_NOISE})",
                )
            ),
        ),
        (
            "global generator seeded",
            _augment(
                ("    n, _, h, w = x.shape", "    torch.manual_seed(0)\n    n, _, h, w = x.shape")
            ),
        ),
        (
            "one draw for two images",
            _augment(
                (
                    _DRAW,
                    "torch.randint(2 * shift + 1, (2, n), generator=generator)[:, torch.arange(n) // 2].tolist()",
                )
            ),
        ),
    ],
    "superpose": [
        ("mean for sum", _superpose(("spectra[sources]).sum(1)", "spectra[sources]).mean(1)"))),
        (
            "intensities forgotten",
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
                    _TARGET,
                    "target = torch.zeros(len(sources), n_classes, dtype=spectra.dtype)\n"
                    "    for b in range(len(sources)):\n        for m in range(sources.shape[1]):\n"
                    "            target[b, labels[sources[b, m]]] = intensities[b, m]\n    return mixed, target",
                )
            ),
        ),
        (
            "indexed sum, which forgets repetitions",
            _superpose(
                (
                    _TARGET,
                    "target = torch.zeros(len(sources), n_classes)\n"
                    "    target[torch.arange(len(sources))[:, None], labels[sources]] += intensities\n"
                    "    return mixed, target",
                )
            ),
        ),
        (
            "targets normalised",
            _superpose(
                (
                    _TARGET,
                    "target = (intensities.unsqueeze(-1) * one_hot).sum(1)\n"
                    "    return mixed, target / target.sum(1, keepdim=True)",
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
        (
            "classes counted from the labels",
            _superpose(("labels[sources], n_classes", "labels[sources]")),
        ),
        ("ten classes", _superpose(("labels[sources], n_classes", "labels[sources], 10"))),
        (
            "three sources",
            _superpose(("spectra[sources]).sum(1)", "spectra[sources])[:, :3].sum(1)")),
        ),
        ("result squeezed", _superpose(("return mixed,", "return mixed.squeeze(),"))),
        (
            "targets first",
            _superpose((_TARGET, "return (intensities.unsqueeze(-1) * one_hot).sum(1), mixed")),
        ),
        (
            "sources indexed by their labels",
            _superpose(("spectra[sources]", "spectra[labels[sources] % len(spectra)]")),
        ),
        (
            "spectra changed",
            _superpose(("mixed = ", "spectra /= spectra.sum(1, keepdim=True)\n    mixed = ")),
        ),
    ],
    "split_by_patient": [
        (
            "negative numbers never drawn",
            _split(
                (
                    "names = names[torch.randperm(len(names), generator=generator)]",
                    "drawn = torch.randperm(int(names.max()) + 1, generator=generator)\n"
                    "    names = torch.cat([drawn[torch.isin(drawn, names)], names[names < 0]])",
                )
            ),
        ),
        ("statistics of all", _split((_STATISTICS, "mean, std = x.mean(0), x.std(0)"))),
        (
            "the test standardised by itself",
            _split(("(x[test] - mean) / std", "(x[test] - x[test].mean(0)) / x[test].std(0)")),
        ),
        ("mean of the test", _split(("(x[test] - mean)", "(x[test] - x[test].mean(0))"))),
        ("one mean for all columns", _split(("x[train].mean(0)", "x[train].mean()"))),
        ("one deviation for all columns", _split(("x[train].std(0)", "x[train].std()"))),
        ("variance for deviation", _split(("x[train].std(0)", "x[train].var(0)"))),
        ("test not standardised", _split(("(x[test] - mean) / std", "x[test]"))),
        (
            "rows for patients",
            _split(
                ("names = patient.unique()", "names = torch.arange(len(x))"),
                ("torch.isin(patient, names", "torch.isin(torch.arange(len(x)), names"),
            ),
        ),
        (
            "the broken one, with its leaks",
            """
def split_by_patient(x, patient, share, generator):
    return broken_split(x, patient, share, generator)
""",
        ),
        ("share of the rows", _split(("round(share * len(names))", "round(share * len(x))"))),
        (
            "the first patients",
            _split(("    names = names[torch.randperm(len(names), generator=generator)]\n", "")),
        ),
        (
            "patients counted from 0",
            _split(("patient.unique()", "torch.arange(int(patient.max()) + 1)")),
        ),
        ("sides exchanged", _split(("return train, test,", "return test, train,"))),
        (
            "masks for indices",
            _split(
                ("(~in_test).nonzero().flatten(), in_test.nonzero().flatten()", "~in_test, in_test")
            ),
        ),
        ("draw of the global generator", _split((", generator=generator", ""))),
        (
            "in place",
            _split(
                (
                    "return train, test, (x[train] - mean) / std, (x[test] - mean) / std",
                    "x -= mean\n    x /= std\n    return train, test, x[train], x[test]",
                )
            ),
        ),
        (
            "a window of patients",
            _split(
                (
                    "names[torch.randperm(len(names), generator=generator)]",
                    "names.roll(int(torch.randint(len(names), (), generator=generator)))",
                )
            ),
        ),
        (
            "rows of the test in another order",
            _split(("(x[test] - mean)", "(x[test.flip(0)] - mean)")),
        ),
        (
            "patients in the order of their first row, shuffled",
            _split(
                (
                    "names = names[torch.randperm(len(names), generator=generator)]",
                    "rows = patient[torch.randperm(len(x), generator=generator)].tolist()\n"
                    "    names = torch.tensor(list(dict.fromkeys(rows)))",
                )
            ),
        ),
        (
            "patients drawn by their share of the rows",
            _split(
                (
                    "names = names[torch.randperm(len(names), generator=generator)]",
                    "counts = (patient[:, None] == names).sum(0).float()\n"
                    "    names = names[torch.multinomial(counts, len(names), generator=generator)]",
                )
            ),
        ),
        (
            "drawn with replacement",
            _split(
                (
                    "torch.randperm(len(names), generator=generator)",
                    "torch.randint(len(names), (len(names),), generator=generator)",
                ),
                ("(~in_test)", "(~in_test.clone())"),
            ),
        ),
        (
            "global generator seeded",
            _split(
                (
                    "    names = patient.unique()",
                    "    torch.manual_seed(0)\n    names = patient.unique()",
                )
            ),
        ),
    ],
}

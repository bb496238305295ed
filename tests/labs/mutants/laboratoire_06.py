"""Plausible wrong answers to the exercises of Laboratoire 6; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_cost = partial(edited, "laboratoire_06", "conv_cost")
_set = partial(edited, "laboratoire_06", "ImageSet")
_adapt = partial(edited, "laboratoire_06", "adapt")
_transform = partial(edited, "laboratoire_06", "transform")
_iou = partial(edited, "laboratoire_06", "iou")
_nms = partial(edited, "laboratoire_06", "nms")
_mean = partial(edited, "laboratoire_06", "iou_per_class")

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "conv_cost": [
        (
            "in float32",
            _cost(("weights * h * w", "int(torch.tensor([weights, h, w]).float().prod().item())")),
        ),
        ("groups ignored", _cost(("(c_in // groups)", "c_in"))),
        ("groups divide twice", _cost(("c_out * (c_in // groups)", "c_out * c_in // groups**2"))),
        ("biases multiplied too", _cost(("weights * h * w", "(weights + c_out) * h * w"))),
        ("no bias", _cost(("return weights + c_out", "return weights"))),
        ("one bias", _cost(("return weights + c_out", "return weights + 1"))),
        ("a bias by input channel", _cost(("return weights + c_out", "return weights + c_in"))),
        ("a bias by group", _cost(("return weights + c_out", "return weights + c_out // groups"))),
        ("kernel not squared", _cost(("* k * k", "* k"))),
        ("square images only", _cost(("weights * h * w", "weights * h * h"))),
        (
            "the wrong order",
            _cost(
                (
                    "return weights + c_out, weights * h * w",
                    "return weights * h * w, weights + c_out",
                )
            ),
        ),
        ("a true division", _cost(("(c_in // groups)", "(c_in / groups)"))),
        ("additions counted too", _cost(("weights * h * w", "2 * weights * h * w"))),
        (
            "the image's size without the kernel's edge",
            _cost(("weights * h * w", "weights * max(h - k + 1, 1) * max(w - k + 1, 1)")),
        ),
        ("one output only", _cost(("weights * h * w", "weights"))),
        (
            "in int32",
            _cost(
                ("weights * h * w", "int(torch.tensor([weights, h, w]).prod(dtype=torch.int32))")
            ),
        ),
    ],
    "ImageSet": [
        ("labels not renumbered", _set(("classes.index(k))", "k)"))),
        ("labels in increasing order", _set(("classes.index(k))", "sorted(classes).index(k))"))),
        (
            "labels of the kept images' order",
            _set(
                (
                    "(i, classes.index(k))",
                    "(i, len(set(target.tolist()[:i]) & set(classes)) % len(classes))",
                )
            ),
        ),
        (
            "all images kept",
            _set(
                (
                    "[(i, classes.index(k)) for i, k in enumerate(target.tolist()) if k in classes]",
                    "[(i, classes.index(k) if k in classes else 0) for i, k in enumerate(target.tolist())]",
                )
            ),
        ),
        (
            "class by class",
            _set(
                (
                    "[(i, classes.index(k)) for i, k in enumerate(target.tolist()) if k in classes]",
                    "[(i, j) for j, c in enumerate(classes) for i, k in enumerate(target.tolist()) if k == c]",
                )
            ),
        ),
        (
            "transformed once, at the start",
            _set(
                (
                    "self.images, self.transform = images, transform",
                    "self.images, self.transform = images, None",
                ),
                (
                    "if k in classes]",
                    "if k in classes]\n        if transform:\n            self.images = torch.stack([transform(image) for image in images])",
                ),
            ),
        ),
        (
            "transform forgotten",
            _set(("self.transform(image) if self.transform else image", "image")),
        ),
        (
            "transform applied twice",
            _set(("self.transform(image) if", "self.transform(self.transform(image)) if")),
        ),
        (
            "transform applied to a batch",
            _set(("self.transform(image) if", "self.transform(image[None])[0] if")),
        ),
        (
            "transform required",
            _set(("(self.transform(image) if self.transform else image)", "self.transform(image)")),
        ),
        ("length of everything", _set(("return len(self.examples)", "return len(self.images)"))),
        ("rank in the whole set", _set(("self.images[position]", "self.images[index]"))),
        ("label as a tensor", _set((" else image), label", " else image), torch.tensor(label)"))),
        ("index wraps around", _set(("self.examples[index]", "self.examples[index % len(self)]"))),
        (
            "label first",
            _set(
                (
                    "return (self.transform(image) if self.transform else image), label",
                    "return label, (self.transform(image) if self.transform else image)",
                )
            ),
        ),
        (
            "images changed in place",
            _set(("image = self.images[position]", "image = self.images[position].mul_(1.5)")),
        ),
        (
            "grey images lose their channel",
            _set(("self.images[position]", "self.images[position].squeeze(0)")),
        ),
        ("a batch of one", _set(("self.images[position]", "self.images[position : position + 1]"))),
        (
            "transform kept in memory",
            _set(
                (
                    "        image = self.images[position]\n        return (self.transform(image) if self.transform else image), label",
                    "        self.cache = getattr(self, 'cache', {})\n        if index not in self.cache:\n            image = self.images[position]\n            self.cache[index] = self.transform(image) if self.transform else image\n        return self.cache[index], label",
                ),
            ),
        ),
        (
            "images of the class, not of the object",
            _set(
                (
                    "self.images, self.transform = images, transform",
                    "ImageSet.images, ImageSet.transform = images, staticmethod(transform) if transform else None",
                ),
                ("self.examples = [", "ImageSet.examples = ["),
            ),
        ),
    ],
    "adapt": [
        ("the source itself", _adapt(("copy.deepcopy(model)", "model"))),
        ("weights shared", _adapt(("copy.deepcopy(model)", "nn.Sequential(*model)"))),
        (
            "out_features only",
            _adapt(
                (
                    "adapted[-1] = nn.Linear(model[-1].in_features, classes)",
                    "adapted[-1].out_features = classes",
                )
            ),
        ),
        (
            "BatchNorm left training",
            _adapt(("child.eval().requires_grad_(False)", "child.requires_grad_(False)")),
        ),
        ("eval only", _adapt(("child.eval().requires_grad_(False)", "child.eval()"))),
        (
            "everything in eval",
            _adapt(("    return adapted", "    adapted.eval()\n    return adapted")),
        ),
        ("all frozen but the head", _adapt(("adapted[:frozen]", "adapted[:-1]"))),
        ("one too many", _adapt(("adapted[:frozen]", "adapted[: frozen + 1]"))),
        ("one too few", _adapt(("adapted[:frozen]", "adapted[: max(frozen - 1, 0)]"))),
        ("the last ones", _adapt(("adapted[:frozen]", "adapted[len(adapted) - 1 - frozen : -1]"))),
        ("the source's state kept", _adapt(("adapted.train().requires_grad_(True)", "pass"))),
        ("not thawed", _adapt(("adapted.train().requires_grad_(True)", "adapted.train()"))),
        (
            "not put in train",
            _adapt(("adapted.train().requires_grad_(True)", "adapted.requires_grad_(True)")),
        ),
        (
            "head kept when classes are as many",
            _adapt(
                (
                    "adapted[-1] = nn.Linear(model[-1].in_features, classes)",
                    "if model[-1].out_features != classes or model[-1].bias is None:\n        adapted[-1] = nn.Linear(model[-1].in_features, classes)",
                )
            ),
        ),
        (
            "a head without bias",
            _adapt(("classes)\n    adapted.train", "classes, bias=False)\n    adapted.train")),
        ),
        (
            "a head after the head",
            _adapt(
                (
                    "adapted[-1] = nn.Linear(model[-1].in_features, classes)",
                    "adapted.append(nn.Linear(model[-1].out_features, classes))",
                )
            ),
        ),
        (
            "new weights everywhere",
            _adapt(
                (
                    "    return adapted",
                    "    for layer in adapted.modules():\n        if hasattr(layer, 'reset_parameters'):\n            layer.reset_parameters()\n    return adapted",
                )
            ),
        ),
        (
            "statistics reset",
            _adapt(
                (
                    "    return adapted",
                    "    for layer in adapted.modules():\n        if isinstance(layer, nn.BatchNorm2d):\n            layer.reset_running_stats()\n    return adapted",
                )
            ),
        ),
        (
            "the source frozen too",
            _adapt(("    return adapted", "    model.requires_grad_(False)\n    return adapted")),
        ),
        ("the source put in eval", _adapt(("adapted = copy", "model.eval()\n    adapted = copy"))),
        (
            "head filled with zeros",
            _adapt(
                ("    return adapted", "    nn.init.zeros_(adapted[-1].weight)\n    return adapted")
            ),
        ),
        (
            "the mode of the child alone",
            _adapt(
                (
                    "child.eval().requires_grad_(False)",
                    "child.requires_grad_(False)\n        child.training = False",
                )
            ),
        ),
        (
            "frozen with no_grad at build",
            _adapt(
                (
                    "    for child in adapted[:frozen]:\n        child.eval().requires_grad_(False)\n",
                    "    with torch.no_grad():\n        for child in adapted[:frozen]:\n            child.eval()\n",
                )
            ),
        ),
        (
            "Xavier weights and no bias at first",
            _adapt(
                (
                    "model[-1].in_features, classes)",
                    "model[-1].in_features, classes)\n    nn.init.xavier_uniform_(adapted[-1].weight)\n    nn.init.zeros_(adapted[-1].bias)",
                )
            ),
        ),
        (
            "a zero bias",
            _adapt(
                (
                    "model[-1].in_features, classes)",
                    "model[-1].in_features, classes)\n    nn.init.zeros_(adapted[-1].bias)",
                )
            ),
        ),
        (
            "small normal weights",
            _adapt(
                (
                    "model[-1].in_features, classes)",
                    "model[-1].in_features, classes)\n    nn.init.normal_(adapted[-1].weight, 0, 0.01)",
                )
            ),
        ),
        (
            "the seed is set",
            _adapt(("    adapted = copy", "    torch.manual_seed(0)\n    adapted = copy")),
        ),
        (
            "every BatchNorm in eval once two are frozen",
            _adapt(
                (
                    "    return adapted",
                    "    for layer in adapted.modules():\n        if isinstance(layer, nn.BatchNorm2d) and frozen > 1:\n            layer.eval()\n    return adapted",
                )
            ),
        ),
        (
            "a frozen dropout that still draws",
            _adapt(
                (
                    "    return adapted",
                    "    for layer in adapted.modules():\n        if isinstance(layer, nn.Dropout):\n            layer.train()\n    return adapted",
                )
            ),
        ),
    ],
    "transform": [
        (
            "align_corners",
            _transform(
                (
                    "(2 * torch.arange(side).to(theta) + 1) / side - 1",
                    "torch.linspace(-1, 1, side).to(theta)",
                ),
                (
                    "((column + 1) * width - 1) / 2, ((row + 1) * height - 1) / 2",
                    "(column + 1) * (width - 1) / 2, (row + 1) * (height - 1) / 2",
                ),
            ),
        ),
        (
            "corner for centre on the output",
            _transform(
                (
                    "(2 * torch.arange(side).to(theta) + 1) / side - 1",
                    "2 * torch.arange(side).to(theta) / side - 1",
                )
            ),
        ),
        (
            "half a pixel forgotten on the input",
            _transform(("((column + 1) * width - 1) / 2", "(column + 1) * width / 2")),
        ),
        (
            "nearest neighbour",
            _transform(
                (
                    "weight = (1 - (row - r).abs()) * (1 - (column - c).abs()) * inside",
                    "weight = ((row - r).abs() <= 0.5) * ((column - c).abs() < 0.5) * inside * (1 + 0 * row)",
                )
            ),
        ),
        ("edge repeated outside", _transform((" * inside\n", "\n"))),
        (
            "x and y exchanged",
            _transform(("    column, row = torch.einsum", "    row, column = torch.einsum")),
        ),
        (
            "height and width exchanged",
            _transform(("height, width = x.shape[2:]", "width, height = x.shape[2:]")),
        ),
        (
            "u and v exchanged",
            _transform(
                (
                    "[u.expand(size), v[:, None].expand(size), ",
                    "[v[:, None].expand(size), u.expand(size), ",
                )
            ),
        ),
        (
            "the first transformation for all",
            _transform(('"nik,khw->inhw", theta,', '"nik,khw->inhw", theta[:1].expand_as(theta),')),
        ),
        (
            "from input to output",
            _transform(
                (
                    "    column, row = torch",
                    "    full = torch.cat([theta, theta.new_tensor([[[0, 0, 1.0]]]).expand(len(theta), 1, 3)], 1)\n    theta = torch.linalg.pinv(full)[:, :2]\n    column, row = torch",
                )
            ),
        ),
        ("translation forgotten", _transform(("theta.new_ones(size)", "theta.new_zeros(size)"))),
        (
            "position detached",
            _transform(
                (
                    "weight = (1 - (row - r)",
                    "row, column = row.detach(), column.detach()\n            weight = (1 - (row - r)",
                )
            ),
        ),
        (
            "theta detached",
            _transform(('"nik,khw->inhw", theta,', '"nik,khw->inhw", theta.detach(),')),
        ),
        ("image detached", _transform(("pixels = x[image", "pixels = x.detach()[image"))),
        (
            "truncated towards zero",
            _transform(("(row.floor(), row.floor() + 1)", "(row.trunc(), row.trunc() + 1)")),
        ),
        (
            "size of the input kept",
            _transform(
                (
                    "    height, width = x.shape[2:]\n",
                    "    height, width = x.shape[2:]\n    size = (height, width)\n",
                )
            ),
        ),
        (
            "grid_sample",
            """
def transform(x, theta, size):
    grid = F.affine_grid(theta, (*x.shape[:2], *size), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)
""",
        ),
        (
            "the operators themselves",
            """
def transform(x, theta, size):
    grid = torch.ops.aten.affine_grid_generator(theta, [*x.shape[:2], *size], False)
    return torch.ops.aten.grid_sampler(x, grid, 0, 0, False)
""",
        ),
        (
            "affine_grid for the points",
            _transform(
                (
                    '    column, row = torch.einsum("nik,khw->inhw", theta, points)\n',
                    "    column, row = F.affine_grid(theta, (len(x), 1, *size), align_corners=False).unbind(-1)\n",
                )
            ),
        ),
        (
            "input changed in place",
            _transform(
                (
                    "    result = 0\n",
                    "    with torch.no_grad():\n        x *= 1.01\n    result = 0\n",
                )
            ),
        ),
        (
            "theta changed in place",
            _transform(
                (
                    "    result = 0\n",
                    "    with torch.no_grad():\n        theta[:, 0, 2] += 0.1\n    result = 0\n",
                )
            ),
        ),
        (
            "first channel only",
            _transform(("pixels = x[image, :,", "pixels = x[:, :1].expand_as(x)[image, :,")),
        ),
        ("last row and column outside", _transform(("(r < height)", "(r < height - 1)"))),
    ],
    "iou": [
        (
            "a fat epsilon",
            _iou(
                ("torch.where(union > 0, intersection / union, 0)", "intersection / (union + 1e-6)")
            ),
        ),
        (
            "clamp on the area",
            _iou(
                (
                    "(opposite - corner).clamp(min=0).prod(-1)",
                    "(opposite - corner).prod(-1).clamp(min=0)",
                )
            ),
        ),
        ("no clamp", _iou(("(opposite - corner).clamp(min=0)", "(opposite - corner)"))),
        ("union without subtracting", _iou(("area_b - intersection", "area_b"))),
        (
            "divided by the smaller area",
            _iou(
                (
                    "union = area_a[:, None] + area_b - intersection",
                    "union = torch.minimum(area_a[:, None], area_b[None])",
                )
            ),
        ),
        (
            "divided by the area of a",
            _iou(
                (
                    "union = area_a[:, None] + area_b - intersection",
                    "union = area_a[:, None].expand_as(intersection)",
                )
            ),
        ),
        (
            "pixels counted, + 1",
            _iou(
                ("(opposite - corner).clamp(min=0)", "(opposite - corner + 1).clamp(min=0)"),
                ("(boxes[:, 2:] - boxes[:, :2])", "(boxes[:, 2:] - boxes[:, :2] + 1)"),
            ),
        ),
        ("M × N", _iou(("0)\n", "0).T\n"))),
        (
            "nan for empty boxes",
            _iou(("torch.where(union > 0, intersection / union, 0)", "intersection / union")),
        ),
        ("1 for two empty boxes", _iou(("intersection / union, 0)", "intersection / union, 1)"))),
        (
            "union at least 1",
            _iou(
                (
                    "torch.where(union > 0, intersection / union, 0)",
                    "intersection / union.clamp(min=1)",
                )
            ),
        ),
        (
            "pairs only",
            _iou(
                ("a[:, None, :2], b[None, :, :2]", "a[:, :2], b[: len(a), :2]"),
                ("a[:, None, 2:], b[None, :, 2:]", "a[:, 2:], b[: len(a), 2:]"),
                ("area_a[:, None] + area_b", "area_a + area_b[: len(a)]"),
            ),
        ),
        ("boxes as centre and size", _iou(("(boxes[:, 2:] - boxes[:, :2])", "boxes[:, 2:]"))),
        ("y left out", _iou((".clamp(min=0).prod(-1)", ".clamp(min=0)[..., 0]"))),
        (
            "areas of a twice",
            _iou(("for boxes in (a, b))", "for boxes in (a, a[:1].expand(len(b), 4)))")),
        ),
        ("a sorted in place", _iou(("    corner =", "    a.clamp_(min=0)\n    corner ="))),
        (
            "an epsilon that shows",
            _iou(
                ("torch.where(union > 0, intersection / union, 0)", "intersection / (union + 1e-2)")
            ),
        ),
        (
            "nothing for a box against itself",
            _iou(
                (
                    "    return torch.where(union > 0, intersection / union, 0)",
                    "    result = torch.where(union > 0, intersection / union, 0)\n    return result.triu(1) if len(a) == len(b) > 1 else result",
                )
            ),
        ),
        (
            "box_iou of torchvision",
            """
from torchvision.ops import box_iou

def iou(a, b):
    return torch.nan_to_num(box_iou(a, b))
""",
        ),
    ],
    "nms": [
        ("at the threshold too", _nms(("<= threshold", "< threshold"))),
        (
            "suppressed boxes suppress",
            _nms(
                (
                    "for j in kept)",
                    "for j in range(len(scores)) if (scores[j], -j) > (scores[i], -i))",
                )
            ),
        ),
        (
            "in the order of indices",
            _nms(("scores.argsort(descending=True, stable=True).tolist()", "range(len(scores))")),
        ),
        ("from the least sure", _nms(("descending=True", "descending=False"))),
        (
            "the last index first in ties",
            _nms(
                (
                    "scores.argsort(descending=True, stable=True).tolist()",
                    "scores.argsort(stable=True).flip(0).tolist()",
                )
            ),
        ),
        (
            "indices put in order",
            _nms(("torch.tensor(kept, dtype", "torch.tensor(sorted(kept), dtype")),
        ),
        ("a list", _nms(("torch.tensor(kept, dtype=torch.int64)", "kept"))),
        (
            "real numbers when empty",
            _nms(("torch.tensor(kept, dtype=torch.int64)", "torch.tensor(kept)")),
        ),
        ("int32", _nms(("dtype=torch.int64", "dtype=torch.int32"))),
        (
            "a mask",
            _nms(
                (
                    "torch.tensor(kept, dtype=torch.int64)",
                    "torch.tensor([i in kept for i in range(len(scores))])",
                )
            ),
        ),
        ("a threshold of its own", _nms(("<= threshold", "<= 0.5"))),
        ("only the best suppresses", _nms(("for j in kept)", "for j in kept[:1])"))),
        ("only the last kept suppresses", _nms(("for j in kept)", "for j in kept[-1:])"))),
        ("the best box only", _nms(("torch.tensor(kept, dtype", "torch.tensor(kept[:1], dtype"))),
        (
            "the scores kept",
            _nms(
                (
                    "torch.tensor(kept, dtype=torch.int64)",
                    "scores[torch.tensor(kept, dtype=torch.int64)]",
                )
            ),
        ),
        (
            "negative scores dropped",
            _nms(("        if all(", "        if scores[i] >= 0 and all(")),
        ),
        (
            "overlap changed in place",
            _nms(("    kept = []\n", "    kept = []\n    overlap.fill_diagonal_(0)\n")),
        ),
        (
            "scores changed in place",
            _nms(("    return torch", "    scores[kept] = 0\n    return torch")),
        ),
        ("any instead of all", _nms(("if all(", "if not kept or any("))),
    ],
    "iou_per_class": [
        (
            "the faulty function",
            """
def iou_per_class(pred, target, classes):
    result = torch.zeros(classes)
    for k in range(classes):
        announced, present = pred == k, target == k
        intersection = (announced & present).sum((1, 2))
        union = announced.sum((1, 2)) + present.sum((1, 2))
        result[k] = (intersection / union.clamp(min=1)).mean()
    return result
""",
        ),
        (
            "mean of the images",
            _mean(
                (
                    "(announced & present).sum() / (announced | present).sum()",
                    "((announced & present).sum((1, 2)) / (announced | present).sum((1, 2))).nanmean()",
                )
            ),
        ),
        (
            "union without subtracting",
            _mean(("(announced | present).sum()", "(announced.sum() + present.sum())")),
        ),
        (
            "0 for an absent class",
            _mean(("(announced | present).sum()", "(announced | present).sum().clamp(min=1)")),
        ),
        (
            "1 for an absent class",
            _mean(("    return result", "    return torch.nan_to_num(result, nan=1.0)")),
        ),
        (
            "nan when never present",
            _mean(("(announced | present).sum()", "((announced | present).sum() * present.any())")),
        ),
        (
            "nan when never announced",
            _mean(
                ("(announced | present).sum()", "((announced | present).sum() * announced.any())")
            ),
        ),
        ("recall", _mean(("(announced | present).sum()", "present.sum()"))),
        ("precision", _mean(("(announced | present).sum()", "announced.sum()"))),
        (
            "Dice",
            _mean(
                (
                    "(announced & present).sum() / (announced | present).sum()",
                    "2 * (announced & present).sum() / (announced.sum() + present.sum())",
                )
            ),
        ),
        ("background left out", _mean(("for k in range(classes)", "for k in range(1, classes)"))),
        (
            "absent classes left out",
            _mean(("    return result", "    return result[~result.isnan()]")),
        ),
        ("the mean", _mean(("    return result", "    return result.nanmean()"))),
        ("in per cent", _mean(("    return result", "    return 100 * result"))),
        (
            "the first image only",
            _mean(("pred == k, target == k", "pred[:1] == k, target[:1] == k")),
        ),
        (
            "pixel accuracy by class",
            _mean(
                (
                    "(announced & present).sum() / (announced | present).sum()",
                    "(announced == present).float().mean()",
                )
            ),
        ),
        (
            "target changed in place",
            _mean(("    return result", "    target[target != pred] = 0\n    return result")),
        ),
        (
            "an epsilon",
            _mean(("(announced | present).sum()", "((announced | present).sum() + 1e-6)")),
        ),
        (
            "counted in int8",
            _mean(
                (
                    "(announced & present).sum() / (announced | present).sum()",
                    "(announced & present).sum(dtype=torch.int8) / (announced | present).sum(dtype=torch.int8)",
                )
            ),
        ),
        (
            "counted in float16",
            _mean(
                (
                    "(announced & present).sum() / (announced | present).sum()",
                    "(announced & present).sum().half() / (announced | present).sum().half()",
                )
            ),
        ),
        (
            "nan for the last classes only",
            _mean(
                (
                    "    return result",
                    "    return result if result[-1].isnan() else result.nan_to_num(0)",
                )
            ),
        ),
    ],
}

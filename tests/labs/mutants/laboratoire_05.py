"""Plausible wrong answers to the exercises of Laboratoire 5; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_convolve = partial(edited, "laboratoire_05", "convolve")
_field = partial(edited, "laboratoire_05", "receptive_field")
_pool = partial(edited, "laboratoire_05", "pool")
_transposed = partial(edited, "laboratoire_05", "convolve_transposed")
_lenet = partial(edited, "laboratoire_05", "LeNet5")
_net = partial(edited, "laboratoire_05", "ConvNet")
_block = partial(edited, "laboratoire_05", "ResidualBlock")

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "convolve": [
        (
            "kernel flipped",
            _convolve(("kernel[:, :, a, b]", "kernel[:, :, height - 1 - a, width - 1 - b]")),
        ),
        (
            "kernel transposed",
            _convolve(
                (
                    "height, width = kernel.shape[2:]",
                    "kernel = kernel.transpose(2, 3)\n    height, width = kernel.shape[2:]",
                )
            ),
        ),
        ("padding on one side", _convolve(("(padding,) * 4", "(padding, 0, padding, 0)"))),
        (
            "padding with ones",
            _convolve(("F.pad(x, (padding,) * 4)", "F.pad(x, (padding,) * 4, value=1.0)")),
        ),
        (
            "stride for the rows only",
            _convolve(("b : b + stride * columns : stride]", "b : b + columns]")),
        ),
        (
            "output one too small",
            _convolve(
                (
                    "(padded.shape[2] - height) // stride + 1",
                    "max((padded.shape[2] - height) // stride, 1)",
                )
            ),
        ),
        (
            "size rounded up",
            _convolve(
                (
                    "(padded.shape[2] - height) // stride + 1",
                    "-(-(padded.shape[2] - height) // stride) + 1",
                )
            ),
        ),
        (
            "channels not summed",
            _convolve(
                ("pixels, kernel[:, :, a, b])", "pixels[:, :1], kernel[:, :1, a, b])"),
            ),
        ),
        (
            "mean over the channels",
            _convolve(("    return result\n", "    return result / x.shape[1]\n")),
        ),
        (
            "F.conv2d",
            _convolve(
                (
                    "    return result\n",
                    "    return F.conv2d(x, kernel, padding=padding, stride=stride)\n",
                )
            ),
        ),
        (
            "F.conv2d in a thread",
            """
import threading

def convolve(x, kernel, padding=0, stride=1):
    box = []
    work = lambda: box.append(F.conv2d(x, kernel, padding=padding, stride=stride))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return box[0]
""",
        ),
        (
            "F.conv2d under another name",
            """
slide = F.conv2d

def convolve(x, kernel, padding=0, stride=1, work=slide):
    return work(x, kernel, padding=padding, stride=stride)
""",
        ),
        ("square kernels only", _convolve(("for b in range(width)", "for b in range(height)"))),
        (
            "first picture only",
            _convolve(
                ("    return result\n", "    return result[:1].expand(len(x), -1, -1, -1)\n")
            ),
        ),
        (
            "channels apart when there are as many kernels",
            _convolve(
                (
                    '            result = result + torch.einsum("nchw,oc->nohw", pixels, kernel[:, :, a, b])\n',
                    """            same = kernel.shape[0] == kernel.shape[1]
            rule = "nchw,cc->nchw" if same and kernel.shape[0] > 1 else "nchw,oc->nohw"
            result = result + torch.einsum(rule, pixels, kernel[:, :, a, b])
""",
                )
            ),
        ),
        (
            "input padded in place",
            _convolve(("    padded = F", "    x[:, :, 0] *= 1 - padding / 9\n    padded = F")),
        ),
        (
            "the last row forgotten",
            _convolve(("    return result\n", "    return result[:, :, : max(rows - 1, 1)]\n")),
        ),
        (
            "stride taken for its square",
            _convolve(("stride * rows : stride,", "stride * rows : max(stride, 2 * stride - 2),")),
        ),
        (
            "the operator itself",
            """
def convolve(x, kernel, padding=0, stride=1):
    steps, border = [stride] * 2, [padding] * 2
    return torch.ops.aten.convolution(x, kernel, None, steps, border, [1, 1], False, [0, 0], 1)
""",
        ),
        ("nothing returned", _convolve(("    return result\n", ""))),
        (
            "the first image repeated",
            _convolve(("    return result", "    return result[:1].repeat(len(x), 1, 1, 1)")),
        ),
        (
            "a buffer that the next call finds full",
            "buffers = {}\n\n\n"
            + _convolve(
                (
                    "    result = 0\n",
                    "    key = len(x), len(kernel), rows, columns\n"
                    "    result = buffers.setdefault(key, torch.zeros(key))\n",
                ),
                ("result = result + torch", "result += torch"),
            ),
        ),
    ],
    "receptive_field": [
        ("strides ignored", _field(("        gap *= stride\n", ""))),
        (
            "a remainder of two thirds counts",
            _field(
                (
                    "(size + 2 * padding - reach - 1) // stride + 1",
                    "round((size + 2 * padding - reach - 1.01) / stride) + 1",
                )
            ),
        ),
        (
            "a stride acts on its own layer",
            _field(
                (
                    "        field += reach * gap\n        gap *= stride\n",
                    "        gap *= stride\n        field += reach * gap\n",
                )
            ),
        ),
        ("kernels added", _field(("field += reach * gap", "field += (reach + 1) * gap"))),
        ("gaps added", _field(("gap *= stride", "gap += stride - 1"))),
        ("padding once", _field(("2 * padding", "padding"))),
        (
            "size rounded up",
            _field(
                (
                    "(size + 2 * padding - reach - 1) // stride + 1",
                    "-(-(size + 2 * padding - reach - 1) // stride) + 1",
                )
            ),
        ),
        ("starts at 0", _field(("field, gap = 1, 1", "field, gap = 0, 1"))),
        (
            "bounded by the picture",
            _field(("    return size, field", "    return size, min(field, 28)")),
        ),
        (
            "from the last layer",
            _field(("    for kernel, stride", "    layers = layers[::-1]\n    for kernel, stride")),
        ),
        ("dilation ignored", _field(("dilation * (kernel - 1)", "kernel - 1"))),
        ("dilation ignored in the size", _field(("padding - reach - 1", "padding - kernel"))),
        ("dilation times the kernel", _field(("dilation * (kernel - 1)", "dilation * kernel - 1"))),
        ("dilation is a stride too", _field(("gap *= stride", "gap *= stride * dilation"))),
        (
            "holes counted apart",
            _field(("dilation * (kernel - 1)", "(kernel - 1) + (dilation - 1)")),
        ),
        (
            "padding widens the field",
            _field(("field += reach * gap", "field += reach * gap + 2 * padding * (stride > 2)")),
        ),
        ("floats", _field(("- 1) // stride + 1", "- 1) / stride // 1 + 1"))),
        (
            "layers emptied",
            _field(
                (
                    "    for kernel, stride, padding, dilation in layers:\n",
                    "    while layers:\n        kernel, stride, padding, dilation = layers.pop(0)\n",
                )
            ),
        ),
        ("the field first", _field(("    return size, field", "    return field, size"))),
    ],
    "pool": [
        ("the mean by default", _pool(('kind: str = "max"', 'kind: str = "mean"'))),
        ("stride always the size", _pool(("stride = stride or size", "stride = size"))),
        ("mean for sum", _pool(("else windows.sum(-1)", "else windows.mean(-1)"))),
        ("sum for mean", _pool(("return windows.mean(-1) if", "return windows.sum(-1) if"))),
        (
            "rows only",
            _pool(
                (
                    ".unfold(2, size, stride).unfold(3, size, stride).flatten(4)",
                    ".unfold(2, size, stride)",
                )
            ),
        ),
        ("maximum of absolute values", _pool(("windows.amax(-1)", "windows.abs().amax(-1)"))),
        ("minimum", _pool(("windows.amax(-1)", "windows.amin(-1)"))),
        ("not less than zero", _pool(("windows.amax(-1)", "windows.amax(-1).clamp(min=0)"))),
        (
            "F.max_pool2d",
            _pool(("return windows.amax(-1)", "return F.max_pool2d(x, size, stride)")),
        ),
        (
            "across channels",
            _pool(
                (
                    "windows.amax(-1)",
                    "windows.amax(-1).amax(1, keepdim=True).expand(-1, x.shape[1], -1, -1)",
                )
            ),
        ),
        (
            "padded with zeros to the next multiple",
            """
def pool(x, size, stride=None, kind="max"):
    stride = stride or size
    h, w = (-x.shape[2]) % size, (-x.shape[3]) % size
    if stride == size and (h or w):
        x = F.pad(x, (0, w, 0, h))
    win = x.unfold(2, size, stride).unfold(3, size, stride).flatten(4)
    return win.amax(-1) if kind == "max" else win.mean(-1) if kind == "mean" else win.sum(-1)
""",
        ),
        (
            "avg_pool2d for the sum",
            _pool(("else windows.sum(-1)", "else F.avg_pool2d(x, size, stride) * size**2")),
        ),
        (
            "a pooling layer under another name",
            """
Summary = nn.AvgPool2d

def pool(x, size, stride=None, kind="max"):
    layer = nn.MaxPool2d(size, stride) if kind == "max" else Summary(size, stride)
    return layer(x) * (size**2 if kind == "sum" else 1)
""",
        ),
        ("the mean of windows of four", _pool(("windows.mean(-1)", "windows.sum(-1) / 4"))),
        ("sum over one side", _pool(("windows.sum(-1)", "windows.mean(-1) * size"))),
        ("stride by default 2", _pool(("stride or size", "stride or 2"))),
        ("windows transposed", _pool(("windows.amax(-1)", "windows.amax(-1).transpose(2, 3)"))),
        ("max for every kind but the mean", _pool(('if kind == "max":', 'if kind != "mean":'))),
        (
            "input centred in place",
            _pool(("    windows = x", "    x -= x.mean() * (x.shape[2] > 2)\n    windows = x")),
        ),
        (
            "largest so far, from one call to the next",
            "peaks = {}\n\n\n"
            + _pool(
                (
                    "return windows.amax(-1)",
                    "key = windows.shape[:4]\n"
                    "        peaks[key] = torch.maximum(windows.amax(-1), peaks.get(key, torch.tensor(-9e9)))\n"
                    "        return peaks[key]",
                )
            ),
        ),
    ],
    "convolve_transposed": [
        ("overlaps overwritten", _transposed(("stride] += deposit", "stride] = deposit"))),
        (
            "kernel flipped",
            _transposed(("kernel[:, :, a, b]", "kernel[:, :, height - 1 - a, width - 1 - b]")),
        ),
        (
            "padding added",
            _transposed(
                (
                    "return full[:, :, padding : full_height - padding, padding : full_width - padding]",
                    "return F.pad(full, (padding,) * 4)",
                )
            ),
        ),
        (
            "cropped on one side",
            _transposed(
                (
                    "return full[:, :, padding : full_height - padding, padding : full_width - padding]",
                    "return full[:, :, 2 * padding :, 2 * padding :]",
                )
            ),
        ),
        ("stride ignored", _transposed(("= y.shape", "= y.shape\n    stride = 1"))),
        (
            "repeats pixels instead",
            _transposed(
                ("deposit = torch", "deposit = 1.0 * torch"),
                ("y, kernel[:, :, a, b])", "y, kernel.mean((2, 3)))"),
            ),
        ),
        (
            "F.conv_transpose2d",
            _transposed(
                (
                    "    return full",
                    "    return F.conv_transpose2d(y, kernel, padding=padding, stride=stride)\n    return full",
                )
            ),
        ),
        (
            "size of rows for columns",
            _transposed(
                ("(columns - 1) * stride + width", "(columns - 1) * stride + height"),
                ("range(width)", "range(min(height, width))"),
            ),
        ),
        (
            "channels exchanged when as many",
            _transposed(
                (
                    "    n, _, rows, columns = y.shape\n",
                    "    if kernel.shape[0] == kernel.shape[1]:\n        kernel = kernel.transpose(0, 1)\n"
                    "    n, _, rows, columns = y.shape\n",
                )
            ),
        ),
        (
            "nothing left without padding",
            _transposed(
                (
                    "full[:, :, padding : full_height - padding, padding : full_width - padding]",
                    "full[:, :, padding:-padding, padding:-padding]",
                )
            ),
        ),
        (
            "not cropped",
            _transposed(
                ("padding : full_height - padding, padding : full_width - padding", ":, :")
            ),
        ),
        (
            "repeats and averages",
            _transposed(("    return full", "    full = full / stride**2\n    return full")),
        ),
        (
            "a layer of PyTorch with these weights",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    o, c, h, w = kernel.shape
    layer = nn.ConvTranspose2d(o, c, (h, w), stride=stride, padding=padding, bias=False)
    layer.weight.data = kernel
    return layer(y).detach()
""",
        ),
        (
            "the derivative of conv2d",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    height = (y.shape[2] - 1) * stride + kernel.shape[2] - 2 * padding
    width = (y.shape[3] - 1) * stride + kernel.shape[3] - 2 * padding
    x = torch.zeros(len(y), kernel.shape[1], height, width, requires_grad=True)
    F.conv2d(x, kernel, padding=padding, stride=stride).backward(y)
    return x.grad
""",
        ),
        (
            "a buffer that the next call finds full",
            "buffers = {}\n\n\n"
            + _transposed(
                (
                    "full = y.new_zeros(n, channels, full_height, full_width)",
                    "key = n, channels, full_height, full_width\n"
                    "    full = buffers.setdefault(key, torch.zeros(key))",
                )
            ),
        ),
    ],
    "LeNet5": [
        (
            "softmax in evaluation only",
            _lenet(
                (
                    "return self.output(torch.tanh(self.f6(x)))",
                    "scores = self.output(torch.tanh(self.f6(x)))\n"
                    "        return scores if self.training else scores.softmax(1)",
                )
            ),
        ),
        ("ReLU", _lenet(("torch.tanh(self.c1(x))", "F.relu(self.c1(x))"))),
        ("no tanh before the last layer", _lenet(("torch.tanh(self.f6(x))", "self.f6(x)"))),
        ("no tanh after c5", _lenet(("torch.tanh(self.c5(x))", "self.c5(x)"))),
        (
            "tanh at the end",
            _lenet(
                (
                    "return self.output(torch.tanh(self.f6(x)))",
                    "return torch.tanh(self.output(torch.tanh(self.f6(x))))",
                )
            ),
        ),
        (
            "softmax at the end",
            _lenet(("torch.tanh(self.f6(x)))", "torch.tanh(self.f6(x))).softmax(1)")),
        ),
        (
            "maximum for the mean",
            _lenet(
                (
                    "F.avg_pool2d(torch.tanh(self.c1(x)), 2)",
                    "F.max_pool2d(torch.tanh(self.c1(x)), 2)",
                )
            ),
        ),
        (
            "mean before tanh",
            _lenet(
                (
                    "F.avg_pool2d(torch.tanh(self.c3(x)), 2)",
                    "torch.tanh(F.avg_pool2d(self.c3(x), 2))",
                )
            ),
        ),
        (
            "sum for the mean",
            _lenet(
                (
                    "F.avg_pool2d(torch.tanh(self.c1(x)), 2)",
                    "4 * F.avg_pool2d(torch.tanh(self.c1(x)), 2)",
                )
            ),
        ),
        ("kernel of 3", _lenet(("nn.Conv2d(1, 6, 5)", "nn.Conv2d(1, 6, 3)"))),
        (
            "padding that shifts the sizes",
            _lenet(("nn.Conv2d(1, 6, 5)", "nn.Conv2d(1, 6, 5, padding=2)")),
        ),
        ("c1 without bias", _lenet(("nn.Conv2d(1, 6, 5)", "nn.Conv2d(1, 6, 5, bias=False)"))),
        (
            "c5 linear",
            _lenet(
                ("nn.Conv2d(16, 120, 5)", "nn.Linear(400, 120)"),
                ("torch.tanh(self.c5(x)).flatten(1)", "torch.tanh(self.c5(x.flatten(1)))"),
            ),
        ),
        ("all dimensions squeezed", _lenet((".flatten(1)", ".squeeze()"))),
        (
            "input changed",
            _lenet(
                (
                    "        x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)",
                    "        x -= x.mean()\n        x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)",
                )
            ),
        ),
        (
            "first layers frozen",
            _lenet(
                (
                    "x = F.avg_pool2d(torch.tanh(self.c3(x)), 2)",
                    "x = F.avg_pool2d(torch.tanh(self.c3(x.detach())), 2)",
                )
            ),
        ),
        (
            "s2 with weights",
            _lenet(("        self.f6 =", "        self.s2 = nn.Linear(1, 1)\n        self.f6 =")),
        ),
        (
            "rows and columns exchanged",
            _lenet((".flatten(1)", ".flatten(1)\n        x = x.flip(1)")),
        ),
        (
            "layers that the model does not hold",
            _lenet(
                (
                    "        self.output = nn.Linear(84, 10)",
                    "        output = nn.Linear(84, 10)\n        object.__setattr__(self, 'output', output)",
                )
            ),
        ),
    ],
    "ConvNet": [
        (
            "softmax in evaluation only",
            _net(
                (
                    "return self.maps(x).mean((2, 3))",
                    "scores = self.maps(x).mean((2, 3))\n"
                    "        return scores if self.training else scores.softmax(1)",
                )
            ),
        ),
        ("no ReLU after squeeze", _net(("F.relu(self.squeeze(x))", "self.squeeze(x)"))),
        (
            "no ReLU after conv3",
            _net(
                (
                    "x = F.relu(self.conv3(F.relu(self.squeeze(x))))",
                    "x = self.conv3(F.relu(self.squeeze(x)))",
                )
            ),
        ),
        (
            "no ReLU after the first",
            _net(("F.max_pool2d(F.relu(self.conv1(x)), 2)", "F.max_pool2d(self.conv1(x), 2)")),
        ),
        ("ReLU on the maps", _net(("return self.output(x)", "return F.relu(self.output(x))"))),
        ("softmax at the end", _net(("mean((2, 3))", "mean((2, 3)).softmax(1)"))),
        (
            "softmax in each place",
            _net(("return self.output(x)", "return self.output(x).softmax(1)")),
        ),
        ("sum for mean", _net((".mean((2, 3))", ".sum((2, 3))"))),
        ("maximum at the end", _net((".mean((2, 3))", ".amax((2, 3))"))),
        (
            "mean pooling",
            _net(
                ("F.max_pool2d(F.relu(self.conv1(x)), 2)", "F.avg_pool2d(F.relu(self.conv1(x)), 2)")
            ),
        ),
        ("no padding", _net(("(channels, n, 3, padding=1)", "(channels, n, 3)"))),
        ("padding of 1 with dilation", _net(("padding=2, dilation=2", "padding=1, dilation=2"))),
        ("no dilation", _net(("padding=2, dilation=2", "padding=1"))),
        ("kernel of 5 for dilation", _net(("3, padding=2, dilation=2", "5, padding=2"))),
        ("one pooling", _net(("F.max_pool2d(F.relu(self.conv2(x)), 2)", "F.relu(self.conv2(x))"))),
        ("classes fixed at 10", _net(("nn.Conv2d(2 * n, classes, 1)", "nn.Conv2d(2 * n, 10, 1)"))),
        ("three channels always", _net(("nn.Conv2d(channels, n", "nn.Conv2d(3, n"))),
        (
            "without bias",
            _net(("(n, 2 * n, 3, padding=1)", "(n, 2 * n, 3, padding=1, bias=False)")),
        ),
        (
            "output linear",
            _net(
                ("nn.Conv2d(2 * n, classes, 1)", "nn.Linear(2 * n, classes)"),
                ("return self.output(x)", "return self.output(x.movedim(1, 3)).movedim(3, 1)"),
            ),
        ),
        ("squeezed when there is one picture", _net((".mean((2, 3))", ".mean((2, 3)).squeeze()"))),
        ("mean along the rows", _net((".mean((2, 3))", ".mean(2).amax(2)"))),
        (
            "input changed",
            _net(
                (
                    "        x = F.max_pool2d(F.relu(self.conv1(x)), 2)",
                    "        x.clamp_(max=2)\n        x = F.max_pool2d(F.relu(self.conv1(x)), 2)",
                )
            ),
        ),
        ("features detached", _net(("return self.output(x)", "return self.output(x.detach())"))),
        (
            "forward without maps' last layer",
            _net(
                (
                    "return self.maps(x).mean((2, 3))",
                    "return (self.maps(x) - self.output.bias[:, None, None]).mean((2, 3))",
                )
            ),
        ),
        (
            "squeeze skipped",
            _net(("self.conv3(F.relu(self.squeeze(x)))", "self.conv3(x[:, : x.shape[1] // 2])")),
        ),
    ],
    "ResidualBlock": [
        (
            "one image: without its first axis",
            _block(
                (
                    "return F.relu(x + self.norm2(self.conv2(hidden)))",
                    "return F.relu(x + self.norm2(self.conv2(hidden))).squeeze()",
                )
            ),
        ),
        (
            "the broken block",
            _block(
                (
                    "hidden = F.relu(self.norm1(self.conv1(x)))\n        return F.relu(x + self.norm2(self.conv2(hidden)))",
                    "shortcut = x.detach()\n        hidden = F.relu(self.norm1(self.conv1(x)))\n        hidden = F.relu(self.norm1(self.conv2(hidden)))\n        return F.relu(shortcut + hidden)",
                )
            ),
        ),
        ("still detached", _block(("F.relu(x + self", "F.relu(x.detach() + self"))),
        ("still one norm twice", _block(("self.norm2(self.conv2", "self.norm1(self.conv2"))),
        (
            "still ReLU before adding",
            _block(
                (
                    "F.relu(x + self.norm2(self.conv2(hidden)))",
                    "F.relu(x + F.relu(self.norm2(self.conv2(hidden))))",
                )
            ),
        ),
        (
            "ReLU only before adding",
            _block(
                (
                    "F.relu(x + self.norm2(self.conv2(hidden)))",
                    "x + F.relu(self.norm2(self.conv2(hidden)))",
                )
            ),
        ),
        ("no connection", _block(("F.relu(x + self", "F.relu(self"))),
        (
            "no ReLU at the end",
            _block(
                ("F.relu(x + self.norm2(self.conv2(hidden)))", "x + self.norm2(self.conv2(hidden))")
            ),
        ),
        (
            "no ReLU in the branch",
            _block(
                ("hidden = F.relu(self.norm1(self.conv1(x)))", "hidden = self.norm1(self.conv1(x))")
            ),
        ),
        ("one convolution twice", _block(("self.conv2(hidden)", "self.conv1(hidden)"))),
        (
            "with biases",
            _block(
                (
                    "self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)",
                    "self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)",
                )
            ),
        ),
        (
            "in place",
            _block(
                (
                    "return F.relu(x + self.norm2(self.conv2(hidden)))",
                    "x += self.norm2(self.conv2(hidden))\n        return F.relu(x)",
                )
            ),
        ),
        (
            "norm before the convolution",
            _block(("self.norm2(self.conv2(hidden))", "self.conv2(self.norm2(hidden))")),
        ),
        (
            "statistics of the batch in evaluation",
            _block(
                (
                    "self.norm2 = nn.BatchNorm2d(channels)",
                    "self.norm2 = nn.BatchNorm2d(channels, track_running_stats=False)",
                )
            ),
        ),
        (
            "branch under data",
            _block(
                (
                    "hidden = F.relu(self.norm1(self.conv1(x)))",
                    "hidden = F.relu(self.norm1(self.conv1(x)).data)",
                )
            ),
        ),
        (
            "branch detached",
            _block(
                (
                    "x + self.norm2(self.conv2(hidden))",
                    "x + self.norm2(self.conv2(hidden)).detach()",
                )
            ),
        ),
        ("ReLU of the shortcut", _block(("F.relu(x + self", "F.relu(F.relu(x) + self"))),
        (
            "half of each",
            _block(
                (
                    "F.relu(x + self.norm2(self.conv2(hidden)))",
                    "F.relu((x + self.norm2(self.conv2(hidden))) / 2)",
                )
            ),
        ),
        (
            "mean and branch in evaluation only",
            _block(
                ("return F.relu(x + self", "return F.relu(x * (1 if self.training else 0.5) + self")
            ),
        ),
        (
            "the branch of its own output",
            _block(("self.norm2(self.conv2(hidden))", "self.norm2(self.conv2(hidden + x))")),
        ),
        (
            "kernel of 1",
            _block(
                (
                    "self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)",
                    "self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)",
                )
            ),
        ),
    ],
}

"""Plausible wrong answers to the exercises of Laboratoire 5; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_convolve = partial(edited, "laboratoire_05", "convolve")
_gaussian = partial(edited, "laboratoire_05", "gaussian_kernel")
_count = partial(edited, "laboratoire_05", "count_parameters")
_field = partial(edited, "laboratoire_05", "receptive_field")
_pool = partial(edited, "laboratoire_05", "pool")
_transposed = partial(edited, "laboratoire_05", "convolve_transposed")
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
                ('"nchw,oc->nohw"', '"nchw,oc->nohw"'.replace("pixels", "pixels")),
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
        ("gradient cut", _convolve(("padded = F.pad(x", "padded = F.pad(x.detach()"))),
        ("square kernels only", _convolve(("for b in range(width)", "for b in range(height)"))),
    ],
    "gaussian_kernel": [
        ("centre at n / 2", _gaussian(("(size - 1) / 2", "size / 2"))),
        ("sum not 1", _gaussian(("kernel / kernel.sum()", "kernel"))),
        ("factor 2 forgotten", _gaussian(("(2 * sigma**2)", "sigma**2"))),
        ("sigma not squared", _gaussian(("(2 * sigma**2)", "(2 * sigma)"))),
        ("two dimensions only", _gaussian(("[None, None]", ""))),
        ("maximum 1", _gaussian(("kernel.sum()", "kernel.max()"))),
        ("distance, not its square", _gaussian(("-(offsets**2)", "-offsets.abs()"))),
        ("float64", _gaussian(("torch.arange(size)", "torch.arange(size, dtype=torch.float64)"))),
    ],
    "count_parameters": [
        ("bias always counted", _count(("+ bias)", "+ 1)"))),
        ("bias forgotten", _count((" + bias)", ")"))),
        ("kernel not squared", _count(("kernel**2", "kernel"))),
        ("one bias in all", _count(("o * (c * kernel**2 + bias)", "o * c * kernel**2 + bias"))),
        (
            "bias per input channel",
            _count(("o * (c * kernel**2 + bias)", "c * (o * kernel**2 + bias)")),
        ),
        (
            "first layer only",
            _count(("channels[:-1], channels[1:]", "channels[:1], channels[1:2]")),
        ),
        ("one kernel for all inputs", _count(("(c * kernel**2", "(kernel**2"))),
    ],
    "receptive_field": [
        ("strides ignored", _field(("        gap *= stride\n", ""))),
        (
            "a stride acts on its own layer",
            _field(
                (
                    "        field += (kernel - 1) * gap\n        gap *= stride\n",
                    "        gap *= stride\n        field += (kernel - 1) * gap\n",
                )
            ),
        ),
        ("kernels added", _field(("(kernel - 1) * gap", "kernel * gap"))),
        ("gaps added", _field(("gap *= stride", "gap += stride - 1"))),
        ("padding once", _field(("2 * padding", "padding"))),
        (
            "size rounded up",
            _field(
                (
                    "(size + 2 * padding - kernel) // stride + 1",
                    "-(-(size + 2 * padding - kernel) // stride) + 1",
                )
            ),
        ),
        ("starts at 0", _field(("field, gap = 1, 1", "field, gap = 0, 1"))),
        (
            "bounded by the picture",
            _field(("    return size, field", "    return size, min(field, 28)")),
        ),
        ("from the last layer", _field(("in layers:", "in reversed(layers):"))),
    ],
    "pool": [
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
        ("gradient cut", _transposed(('", y, kernel', '", y.detach(), kernel'))),
    ],
    "ConvNet": [
        ("no ReLU after the second", _net(("x = F.relu(self.conv2(x))", "x = self.conv2(x)"))),
        (
            "softmax at the end",
            _net(
                (
                    "return self.output(x.mean((2, 3)))",
                    "return self.output(x.mean((2, 3))).softmax(1)",
                )
            ),
        ),
        ("sum for mean", _net(("x.mean((2, 3))", "x.sum((2, 3))"))),
        ("maximum at the end", _net(("x.mean((2, 3))", "x.amax((2, 3))"))),
        (
            "mean pooling",
            _net(
                ("F.max_pool2d(F.relu(self.conv1(x)), 2)", "F.avg_pool2d(F.relu(self.conv1(x)), 2)")
            ),
        ),
        ("no padding", _net(("(channels, n, 3, padding=1)", "(channels, n, 3)"))),
        (
            "pooling after both",
            _net(("x = F.relu(self.conv2(x))", "x = F.max_pool2d(F.relu(self.conv2(x)), 2)")),
        ),
        ("classes fixed at 10", _net(("nn.Linear(2 * n, classes)", "nn.Linear(2 * n, 10)"))),
        (
            "without bias",
            _net(("(n, 2 * n, 3, padding=1)", "(n, 2 * n, 3, padding=1, bias=False)")),
        ),
        ("kernel of 5", _net(("(n, 2 * n, 3, padding=1)", "(n, 2 * n, 5, padding=2)"))),
        (
            "one size of picture",
            _net(
                (
                    "self.output(x.mean((2, 3)))",
                    "self.output(F.adaptive_avg_pool2d(x, 1).view(1, -1))",
                )
            ),
        ),
    ],
    "ResidualBlock": [
        ("no connection", _block(("F.relu(x + self", "F.relu(self"))),
        (
            "ReLU before adding",
            _block(
                (
                    "F.relu(x + self.norm2(self.conv2(hidden)))",
                    "x + F.relu(self.norm2(self.conv2(hidden)))",
                )
            ),
        ),
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
        ("one norm twice", _block(("self.norm2(self.conv2", "self.norm1(self.conv2"))),
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
    ],
}

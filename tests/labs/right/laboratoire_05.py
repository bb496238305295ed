"""Right answers to the exercises of Laboratoire 5, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "convolve": [
        (
            "the matrix A",
            """
def matrix(shape, kernel, padding, stride):
    c, h, w = shape
    o, _, kh, kw = kernel.shape
    hh, ww = (h + 2 * padding - kh) // stride + 1, (w + 2 * padding - kw) // stride + 1
    a = torch.zeros(o, hh, ww, c, h + 2 * padding, w + 2 * padding, dtype=kernel.dtype)
    for i in range(hh):
        for j in range(ww):
            a[:, i, j, :, i * stride:i * stride + kh, j * stride:j * stride + kw] = kernel
    return a[..., padding:padding + h, padding:padding + w]

def convolve(x, kernel, padding=0, stride=1):
    return torch.tensordot(x, matrix(x.shape[1:], kernel, padding, stride), dims=([1, 2, 3], [3, 4, 5]))
""",
        ),
        (
            "by the Fourier transform",
            """
def convolve(x, kernel, padding=0, stride=1):
    p = F.pad(x, [padding] * 4)
    H, W = p.shape[2:]
    spectrum = torch.einsum("nchw,ochw->nohw", torch.fft.rfft2(p), torch.fft.rfft2(kernel, s=(H, W)).conj())
    y = torch.fft.irfft2(spectrum, s=(H, W))[:, :, :H - kernel.shape[2] + 1, :W - kernel.shape[3] + 1]
    return y[:, :, ::stride, ::stride]
""",
        ),
        (
            "unfold and einsum",
            '''
def convolve(x, kernel, padding=0, stride=1):
    """Not a conv2d: windows first, then one einsum."""
    h, w = kernel.shape[-2:]
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, h, stride).unfold(3, w, stride)  # N, C, H', W', h, w
    return torch.einsum("ncijab,ocab->noij", windows, kernel)
''',
        ),
        (
            "im2col and a matrix product",
            """
def convolve(x, kernel, padding=0, stride=1):
    n, c, height, width = x.shape
    o, _, h, w = kernel.shape
    columns = F.unfold(x, (h, w), padding=padding, stride=stride)
    out = kernel.reshape(o, -1) @ columns
    rows = (height + 2 * padding - h) // stride + 1
    return out.reshape(n, o, rows, -1)
""",
        ),
        (
            "one output pixel at a time, in default zeros",
            """
def convolve(x, kernel, padding=0, stride=1):
    n, c, H, W = x.shape
    o, _, h, w = kernel.shape
    bordered = torch.zeros(n, c, H + 2 * padding, W + 2 * padding)
    bordered[:, :, padding:padding + H, padding:padding + W] = x
    Ho = (H + 2 * padding - h) // stride + 1
    Wo = (W + 2 * padding - w) // stride + 1
    y = torch.zeros(n, o, Ho, Wo)
    for i in range(Ho):
        for j in range(Wo):
            patch = bordered[:, :, i * stride:i * stride + h, j * stride:j * stride + w]
            y[:, :, i, j] = patch.flatten(1) @ kernel.flatten(1).T
    return y
""",
        ),
        (
            "NumPy in double precision",
            """
import numpy as np

def convolve(x, kernel, padding=0, stride=1):
    a = np.pad(x.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    k = kernel.numpy().astype(np.float64)
    rows = (a.shape[2] - k.shape[2]) // stride + 1
    columns = (a.shape[3] - k.shape[3]) // stride + 1
    out = np.zeros((a.shape[0], k.shape[0], rows, columns))
    for (i, j), _ in np.ndenumerate(out[0, 0]):
        window = a[:, :, i * stride : i * stride + k.shape[2], j * stride : j * stride + k.shape[3]]
        out[:, :, i, j] = np.tensordot(window, k, axes=([1, 2, 3], [1, 2, 3]))
    return torch.from_numpy(out)
""",
        ),
        (
            "kernel cells, full stride one first, then every stride-th",
            """
def padded_copy(x, p):
    # a conv2d would do the padding for us
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * p)
    out[..., p : out.shape[2] - p, p : out.shape[3] - p] += x
    return out

def convolve(x, kernel, padding=0, stride=1):
    x = padded_copy(x, padding)
    h, w = kernel.shape[2], kernel.shape[3]
    H, W = x.shape[2] - h + 1, x.shape[3] - w + 1
    terms = [
        (x[:, None, :, a : a + H, b : b + W] * kernel[None, :, :, a, b, None, None]).sum(2)
        for a in range(h) for b in range(w)
    ]
    return torch.stack(terms).sum(0)[:, :, ::stride, ::stride]
""",
        ),
        (
            "as_strided windows and tensordot",
            """
def convolve(x, kernel, padding=0, stride=1):
    x = F.pad(x, [padding] * 4).contiguous()
    n, c, H, W = x.shape
    o, _, h, w = kernel.shape
    size = (n, c, (H - h) // stride + 1, (W - w) // stride + 1, h, w)
    image, channel, row, column = x.stride()
    view = x.as_strided(size, (image, channel, row * stride, column * stride, row, column))
    return torch.tensordot(view, kernel, dims=([1, 4, 5], [1, 2, 3])).permute(0, 3, 1, 2)
""",
        ),
        (
            "seven loops over plain numbers",
            """
def convolve(x, kernel, padding=0, stride=1):
    N, C, H, W = x.shape
    O, _, h, w = kernel.shape
    xs, ks = x.tolist(), kernel.tolist()
    rows, columns = (H + 2 * padding - h) // stride + 1, (W + 2 * padding - w) // stride + 1
    y = [[[[0.0] * columns for _ in range(rows)] for _ in range(O)] for _ in range(N)]
    for n in range(N):
        for o in range(O):
            for i in range(rows):
                for j in range(columns):
                    total = 0.0
                    for c in range(C):
                        for a in range(h):
                            for b in range(w):
                                u, v = i * stride + a - padding, j * stride + b - padding
                                if 0 <= u < H and 0 <= v < W:
                                    total += ks[o][c][a][b] * xs[n][c][u][v]
                    y[n][o][i][j] = total
    return torch.tensor(y)
""",
        ),
        (
            "a product of Fourier transforms",
            """
def convolve(x, kernel, padding=0, stride=1):
    x = F.pad(x, (padding,) * 4)
    H, W = x.shape[2:]
    h, w = kernel.shape[2:]
    X = torch.fft.rfft2(x)
    K = torch.fft.rfft2(kernel, s=(H, W)).conj()
    Y = torch.fft.irfft2(torch.einsum("nchw,ochw->nohw", X, K), s=(H, W))
    return Y[:, :, : H - h + 1 : stride, : W - w + 1 : stride]
""",
        ),
    ],
    "receptive_field": [
        (
            "two passes",
            """
def receptive_field(size, layers):
    for k, s, p, d in layers:
        size = (size + 2 * p - d * (k - 1) - 1) // s + 1
    r = 1
    for k, s, _, d in reversed(layers):
        r = (r - 1) * s + d * (k - 1) + 1
    return size, r
""",
        ),
        (
            "recursion from the first layer",
            """
def receptive_field(size, layers):
    if not layers:
        return size, 1
    (k, s, p, d), *rest = layers
    covered = d * (k - 1) + 1
    out, field = receptive_field((size + 2 * p - covered) // s + 1, rest)
    return out, covered + (field - 1) * s
""",
        ),
        (
            "the interval that a cell sees",
            """
def receptive_field(size, layers):
    first = last = 0
    for kernel, stride, padding, dilation in layers[::-1]:
        first = first * stride - padding
        last = last * stride - padding + dilation * (kernel - 1)
    for kernel, stride, padding, dilation in layers:
        size = len(range(0, size + 2 * padding - dilation * (kernel - 1), stride))
    return size, last - first + 1
""",
        ),
        (
            "running products",
            """
import math

def receptive_field(size, layers):
    strides = [layer[1] for layer in layers]
    field = 1 + sum(d * (k - 1) * math.prod(strides[:i]) for i, (k, _, _, d) in enumerate(layers))
    for kernel, stride, padding, dilation in layers:
        size = math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1)
    return size, field
""",
        ),
        (
            "measured on sets of pixels, and a list back",
            """
def receptive_field(size, layers):
    seen = {0}
    for k, s, p, d in reversed(layers):
        seen = {cell * s + a * d for cell in seen for a in range(k)}
    for k, s, p, d in layers:
        positions, start = 0, -p
        while start + d * (k - 1) <= size - 1 + p:
            positions, start = positions + 1, start + s
        size = positions
    return [size, max(seen) - min(seen) + 1]
""",
        ),
    ],
    "pool": [
        (
            "sums as a convolution with ones",
            """
def pool(x, size, stride=None, kind="max"):
    stride = stride or size
    if kind == "max":
        return x.unfold(2, size, stride).unfold(3, size, stride).amax((4, 5))
    c = x.shape[1]
    ones = torch.ones(c, 1, size, size, dtype=x.dtype)
    y = F.conv2d(x, ones, stride=stride, groups=c)
    return y / size ** 2 if kind == "mean" else y
""",
        ),
        (
            "one window at a time, in default zeros",
            """
def pool(x, size, stride=None, kind="max"):
    if stride is None:
        stride = size
    n, c, h, w = x.shape
    out = torch.zeros(n, c, (h - size) // stride + 1, (w - size) // stride + 1)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            window = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            if kind == "max":
                out[:, :, i, j] = window.amax((2, 3))
            elif kind == "mean":
                out[:, :, i, j] = window.mean((2, 3))
            else:
                out[:, :, i, j] = window.sum((2, 3))
    return out
""",
        ),
        (
            "im2col",
            '''
def pool(x, size, stride=None, kind="max"):
    """No max_pool2d here."""
    stride = size if stride is None else stride
    n, c, h, w = x.shape
    windows = F.unfold(x, size, stride=stride).view(n, c, size * size, -1)
    summary = {"max": windows.amax(2), "mean": windows.mean(2), "sum": windows.sum(2)}[kind]
    return summary.reshape(n, c, (h - size) // stride + 1, -1)
''',
        ),
        (
            "shifted slices",
            """
def pool(x, size, stride=None, kind="max"):
    stride = stride or size
    rows, columns = (x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1
    slices = [
        x[:, :, a : a + stride * rows : stride, b : b + stride * columns : stride]
        for a in range(size) for b in range(size)
    ]
    stack = torch.stack(slices)
    if kind == "max":
        return stack.max(0).values
    total = stack.sum(0)
    return total / size**2 if kind == "mean" else total
""",
        ),
        (
            "NumPy windows",
            """
import numpy as np

def pool(x, size, stride=None, kind="max"):
    stride = stride or size
    view = np.lib.stride_tricks.sliding_window_view(x.detach().numpy(), (size, size), axis=(2, 3))
    view = view[:, :, ::stride, ::stride]
    summary = {"max": np.max, "mean": np.mean, "sum": np.sum}[kind]
    return torch.tensor(summary(view.astype("float64"), axis=(4, 5)))
""",
        ),
        (
            "rows, then columns",
            """
def along(x, dim, size, stride, kind):
    windows = x.unfold(dim, size, stride)
    return windows.max(-1)[0] if kind == "max" else windows.sum(-1)

def pool(x, size, stride=None, kind="max"):
    stride = size if stride is None else stride
    y = along(along(x, 2, size, stride, kind), 3, size, stride, kind)
    return y / (size * size) if kind == "mean" else y
""",
        ),
        (
            "in place on a copy",
            """
def pool(x, size, stride=None, kind="max"):
    if not stride:
        stride = size
    h, w = (x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1
    pick = lambda a, b: x[:, :, a:, b:][:, :, ::stride, ::stride][:, :, :h, :w]
    best = pick(0, 0).clone()
    for a in range(size):
        for b in range(size):
            if (a, b) == (0, 0):
                continue
            if kind == "max":
                torch.maximum(best, pick(a, b), out=best)
            else:
                best += pick(a, b)
    if kind == "mean":
        best /= size * size
    return best
""",
        ),
        (
            "a method found by its name, chosen in a table",
            """
def pool(x, size, stride=None, kind="max"):
    stride = stride or size
    w = x.unfold(2, size, stride).unfold(3, size, stride)
    return getattr(w, {"max": "amax", "mean": "mean", "sum": "sum"}[kind])((-2, -1))
""",
        ),
        (
            "the kind itself is the method",
            """
def pool(x, size, stride=None, kind="max"):
    stride = size if stride is None else stride
    windows = x.unfold(2, size, stride).unfold(3, size, stride)
    return getattr(windows, "a" * (kind == "max") + kind)(dim=(4, 5))
""",
        ),
        (
            "sums by differences of running sums, in float32",
            """
def pool(x, size, stride=None, kind="max"):
    stride = stride or size
    if kind == "max":
        return x.unfold(2, size, stride).amax(-1).unfold(3, size, stride).amax(-1)
    table = F.pad(x, (1, 0, 1, 0)).cumsum(2).cumsum(3)
    sums = table[:, :, size:, size:] - table[:, :, :-size, size:] - table[:, :, size:, :-size]
    sums = (sums + table[:, :, :-size, :-size])[:, :, ::stride, ::stride]
    return sums if kind == "sum" else sums / size**2
""",
        ),
    ],
    "convolve_transposed": [
        (
            "one deposit per pixel in default zeros",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    n, o, H, W = y.shape
    _, c, h, w = kernel.shape
    full = torch.zeros(n, c, (H - 1) * stride + h, (W - 1) * stride + w)
    for i in range(H):
        for j in range(W):
            copies = torch.einsum("no,ocab->ncab", y[:, :, i, j], kernel)
            full[:, :, i * stride : i * stride + h, j * stride : j * stride + w] += copies
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
""",
        ),
        (
            "col2im",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    n, o, H, W = y.shape
    _, c, h, w = kernel.shape
    columns = kernel.reshape(o, -1).T @ y.reshape(n, o, -1)
    size = (H - 1) * stride + h - 2 * padding, (W - 1) * stride + w - 2 * padding
    return F.fold(columns, size, (h, w), padding=padding, stride=stride)
""",
        ),
        (
            "zeros between the pixels, then windows of the turned kernel",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    # a conv_transpose2d is a convolution of the spread picture
    n, o, H, W = y.shape
    h, w = kernel.shape[2:]
    spread = y.new_zeros(n, o, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = y
    spread = F.pad(spread, (w - 1, w - 1, h - 1, h - 1))
    windows = spread.unfold(2, h, 1).unfold(3, w, 1)
    full = torch.einsum("noijab,ocab->ncij", windows, kernel.flip(2, 3))
    bottom, right = full.shape[2] - padding, full.shape[3] - padding
    return full[:, :, padding:bottom, padding:right]
""",
        ),
        (
            "NumPy in double precision",
            """
import numpy as np

def convolve_transposed(y, kernel, padding=0, stride=1):
    y, k = y.numpy().astype(float), kernel.numpy().astype(float)
    (n, _, H, W), (_, c, h, w) = y.shape, k.shape
    full = np.zeros((n, c, (H - 1) * stride + h, (W - 1) * stride + w))
    for a in range(h):
        for b in range(w):
            deposit = np.tensordot(y, k[:, :, a, b], axes=(1, 0)).transpose(0, 3, 1, 2)
            full[:, :, a:a + stride * H:stride, b:b + stride * W:stride] += deposit
    if padding:
        full = full[:, :, padding:-padding, padding:-padding]
    return torch.as_tensor(full)
""",
        ),
        (
            "the transposed matrix itself",
            """
def matrix_of(kernel, rows, columns, height, width, stride, padding):
    o, c, h, w = kernel.shape
    A = torch.zeros(o, rows, columns, c, height + 2 * padding, width + 2 * padding)
    for i in range(rows):
        for j in range(columns):
            A[:, i, j, :, i * stride : i * stride + h, j * stride : j * stride + w] = kernel
    return A[..., padding : padding + height, padding : padding + width]

def convolve_transposed(y, kernel, padding=0, stride=1):
    rows, columns = y.shape[2:]
    height = (rows - 1) * stride + kernel.shape[2] - 2 * padding
    width = (columns - 1) * stride + kernel.shape[3] - 2 * padding
    A = matrix_of(kernel, rows, columns, height, width, stride, padding)
    return torch.tensordot(y, A, dims=3)
""",
        ),
        (
            "derivative of a product with the windows",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    n, o, H, W = y.shape
    c, h, w = kernel.shape[1:]
    x = torch.zeros(n, c, (H - 1) * stride + h, (W - 1) * stride + w, requires_grad=True)
    with torch.enable_grad():
        windows = x.unfold(2, h, stride).unfold(3, w, stride)
        total = (torch.einsum("ncijab,ocab->noij", windows, kernel) * y).sum()
        full, = torch.autograd.grad(total, x)
    return full[:, :, padding : full.size(2) - padding, padding : full.size(3) - padding]
""",
        ),
        (
            "one matrix for the rows, one for the columns, float64",
            """
def convolve_transposed(y, kernel, padding=0, stride=1):
    n, o, H, W = y.shape
    _, c, h, w = kernel.shape
    rows = torch.zeros(H, h, (H - 1) * stride + h, dtype=torch.float64)
    columns = torch.zeros(W, w, (W - 1) * stride + w, dtype=torch.float64)
    for i in range(H):
        for a in range(h):
            rows[i, a, i * stride + a] = 1
    for j in range(W):
        for b in range(w):
            columns[j, b, j * stride + b] = 1
    full = torch.einsum("noij,ocab,iar,jbs->ncrs", y.double(), kernel.double(), rows, columns)
    return full[..., padding:full.shape[2] - padding, padding:full.shape[3] - padding]
""",
        ),
    ],
    "LeNet5": [
        (
            "modules for everything",
            """
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, kernel_size=(5, 5))
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, kernel_size=(5, 5))
        self.s4 = nn.AvgPool2d(kernel_size=2, stride=2)
        self.c5 = nn.Conv2d(16, 120, kernel_size=(5, 5))
        self.flatten = nn.Flatten()
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)
        self.act = nn.Tanh()

    def forward(self, x):
        x = self.s2(self.act(self.c1(x)))
        x = self.s4(self.act(self.c3(x)))
        x = self.flatten(self.act(self.c5(x)))
        return self.output(self.act(self.f6(x)))
""",
        ),
        (
            "squeezed by name of dimension",
            """
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        for name, maps in {"c5": (16, 120), "c3": (6, 16), "c1": (1, 6)}.items():
            setattr(self, name, nn.Conv2d(*maps, 5))
        for name, units in {"output": (84, 10), "f6": (120, 84)}.items():
            setattr(self, name, nn.Linear(*units))

    def forward(self, x):
        for layer in (self.c1, self.c3):
            x = layer(x).tanh()
            x = x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean((3, 5))
        x = self.c5(x).tanh()[:, :, 0, 0]
        return self.output(self.f6(x).tanh())
""",
        ),
        (
            "a sequential beside the attributes",
            """
class LeNet5(nn.Module):
    # softmax belongs to the loss
    def __init__(self):
        super(LeNet5, self).__init__()
        self.c1, self.c3, self.c5 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Conv2d(16, 120, 5)
        self.f6, self.output = nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        first = [self.c1, torch.tanh, nn.AvgPool2d(2), self.c3, torch.tanh, nn.AvgPool2d(2)]
        last = [self.c5, torch.tanh, nn.Flatten(), self.f6, torch.tanh, self.output]
        for step in first + last:
            x = step(x)
        return x
""",
        ),
        (
            "the fifth layer as a product",
            """
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5, padding=0, stride=1)
        self.c3 = nn.Conv2d(6, 16, 5, padding="valid")
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(in_features=120, out_features=84, bias=True)
        self.output = nn.Linear(84, 10)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.c1(x).tanh(), 14)
        x = F.adaptive_avg_pool2d(self.c3(x).tanh(), (5, 5))
        x = torch.tanh(x.reshape(len(x), -1) @ self.c5.weight.reshape(120, -1).T + self.c5.bias)
        return self.output(torch.tanh(self.f6(x)))
""",
        ),
        (
            "features and classifier as methods",
            '''
class LeNet5(nn.Module):
    """LeCun, 1998."""

    KERNEL = 5

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, self.KERNEL)
        self.c3 = nn.Conv2d(6, 16, self.KERNEL)
        self.c5 = nn.Conv2d(16, 120, self.KERNEL)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)

    def features(self, x):
        s2 = F.interpolate(torch.tanh(self.c1(x)), scale_factor=0.5, mode="area")
        s4 = F.conv2d(torch.tanh(self.c3(s2)), torch.full((16, 1, 2, 2), 0.25), stride=2, groups=16)
        return torch.tanh(self.c5(s4)).squeeze(3).squeeze(2)

    def forward(self, x):
        return self.output(torch.tanh(self.f6(self.features(x))))
''',
        ),
        (
            "a sequential, and its layers by their names",
            """
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
        )
        self.c1, self.c3, self.c5, self.f6, self.output = (self.net[i] for i in (0, 3, 6, 9, 11))

    def forward(self, x):
        return self.net(x)
""",
        ),
        (
            "tanh from the sigmoid, means of four slices, layers in the other order",
            """
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.output = nn.Linear(84, 10)
        self.f6 = nn.Linear(120, 84)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c1 = nn.Conv2d(1, 6, 5)

    @staticmethod
    def squash(x):
        return 2 * torch.sigmoid(2 * x) - 1

    def halve(self, x):
        return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4

    def forward(self, x):
        x = self.halve(self.squash(self.c1(x)))
        x = self.halve(self.squash(self.c3(x)))
        x = self.squash(self.c5(x)).mean((2, 3))
        return self.output(self.squash(self.f6(x)))
""",
        ),
    ],
    "ConvNet": [
        (
            "modules for everything",
            """
class ConvNet(nn.Module):
    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, n, kernel_size=3, padding="same")
        self.conv2 = nn.Conv2d(n, 2 * n, kernel_size=3, padding="same")
        self.squeeze = nn.Conv2d(2 * n, n, kernel_size=1)
        self.conv3 = nn.Conv2d(n, 2 * n, kernel_size=3, dilation=2, padding="same")
        self.output = nn.Conv2d(2 * n, classes, kernel_size=1)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()

    def maps(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = self.relu(self.squeeze(x))
        x = self.relu(self.conv3(x))
        return self.output(x)

    def forward(self, x):
        return self.maps(x).mean(dim=(-2, -1))
""",
        ),
        (
            "a loop over layers",
            """
class ConvNet(nn.Module):
    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv2 = nn.Conv2d(n, n * 2, 3, padding=1)
        self.squeeze = nn.Conv2d(n * 2, n, 1)
        self.conv3 = nn.Conv2d(n, n * 2, 3, padding=2, dilation=2)
        self.output = nn.Conv2d(n * 2, classes, 1)

    def maps(self, x):
        for layer in (self.conv1, self.conv2, self.squeeze, self.conv3):
            x = layer(x).clamp(min=0)
            x = F.max_pool2d(x, 2) if layer in (self.conv1, self.conv2) else x
        return self.output(x)

    def forward(self, x):
        return F.adaptive_avg_pool2d(self.maps(x), 1).flatten(1)
""",
        ),
        (
            "the maximum before the ReLU",
            """
class ConvNet(nn.Module):
    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, n, 3, 1, 1)
        self.conv2 = nn.Conv2d(n, 2 * n, 3, 1, 1)
        self.squeeze = nn.Conv2d(2 * n, n, 1)
        self.conv3 = nn.Conv2d(n, 2 * n, 3, 1, 2, 2)
        self.output = nn.Conv2d(2 * n, classes, 1)

    def maps(self, x):
        # max and ReLU commute
        x = F.relu_(F.max_pool2d(self.conv1(x), 2))
        x = F.relu_(F.max_pool2d(self.conv2(x), 2))
        return self.output(F.relu_(self.conv3(F.relu_(self.squeeze(x)))))

    def forward(self, x):
        return self.maps(x).flatten(2).mean(2)
""",
        ),
        (
            "kernels of 1 as einsum",
            """
class ConvNet(nn.Module):
    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv2 = nn.Conv2d(n, 2 * n, 3, padding=1)
        self.squeeze = nn.Conv2d(2 * n, n, 1)
        self.conv3 = nn.Conv2d(n, 2 * n, 3, padding=2, dilation=2)
        self.output = nn.Conv2d(2 * n, classes, 1)

    @staticmethod
    def one(layer, x):
        mixed = torch.einsum("nchw,oc->nohw", x, layer.weight[:, :, 0, 0])
        return mixed + layer.bias[:, None, None]

    def maps(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), kernel_size=2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), kernel_size=2)
        x = torch.relu(self.one(self.squeeze, x))
        return self.one(self.output, torch.relu(self.conv3(x)))

    def forward(self, x):
        maps = self.maps(x)
        return maps.sum((2, 3)) / (maps.shape[2] * maps.shape[3])
""",
        ),
        (
            "the mean before the last layer, in forward",
            '''
class ConvNet(nn.Module):
    """Mean and a linear layer commute, so the score is that of the mean features."""

    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        wide = 2 * n
        self.conv1 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv2 = nn.Conv2d(n, wide, 3, padding=1)
        self.squeeze, self.output = nn.Conv2d(wide, n, 1), nn.Conv2d(wide, classes, 1)
        self.conv3 = nn.Conv2d(n, wide, 3, dilation=2, padding=2)

    def _features(self, x):
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        return nn.functional.relu(self.conv3(nn.functional.relu(self.squeeze(x))))

    def maps(self, x):
        return self.output(self._features(x))

    def forward(self, x):
        return self.output(self._features(x).mean((2, 3), keepdim=True))[:, :, 0, 0]
''',
        ),
        (
            "a sequential, and its layers by their names",
            """
class ConvNet(nn.Module):
    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(n, 2 * n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(2 * n, n, 1), nn.ReLU(), nn.Conv2d(n, 2 * n, 3, padding=2, dilation=2), nn.ReLU(),
            nn.Conv2d(2 * n, classes, 1),
        )
        self.conv1, self.conv2, self.squeeze, self.conv3, self.output = (self.net[i] for i in (0, 3, 6, 8, 10))

    def maps(self, x):
        return self.net(x)

    def forward(self, x):
        return self.maps(x).mean((2, 3))
""",
        ),
    ],
    "ResidualBlock": [
        (
            "in place, on what is its own",
            """
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        out += x
        return self.relu(out)
""",
        ),
        (
            "a list of steps",
            """
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        conv = lambda: nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv1, self.norm1 = conv(), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = conv(), nn.BatchNorm2d(channels)

    def forward(self, x):
        shortcut = x
        for step in (self.conv1, self.norm1, torch.relu, self.conv2, self.norm2):
            x = step(x)
        return torch.relu(x + shortcut)
""",
        ),
        (
            "a branch as a method",
            '''
class ResidualBlock(nn.Module):
    """Mended: no detach, norm2 after conv2, one relu at the end."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding="same", bias=False)
        self.norm1 = nn.BatchNorm2d(num_features=channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding="same", bias=False)
        self.norm2 = nn.BatchNorm2d(num_features=channels)

    def branch(self, x):
        return self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))

    def forward(self, x):
        return (self.branch(x) + x).clamp(min=0)
''',
        ),
        (
            "a copy for the shortcut",
            """
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        identity = x.clone()
        h = torch.maximum(self.norm1(self.conv1(x)), torch.tensor(0.0))
        h = self.norm2(self.conv2(h))
        return torch.where(identity + h > 0, identity + h, 0.0)
""",
        ),
        (
            "a parent class",
            """
class ResidualBlock(BrokenBlock):
    def __init__(self, channels: int) -> None:
        super().__init__(channels)

    def forward(self, x):
        h = F.relu(self.norm1(self.conv1(x)))
        h = self.norm2(self.conv2(h))
        return F.relu(torch.add(h, x))
""",
        ),
        (
            "a sequential, and its layers by their names",
            """
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )
        self.conv1, self.norm1, _, self.conv2, self.norm2 = self.branch

    def forward(self, x):
        return F.relu(x + self.branch(x))
""",
        ),
    ],
}

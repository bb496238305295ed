"""Right answers to the exercises of Laboratoire 10, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "attention": [
        (
            "from the statement: minus infinity, and rows without a key set apart",
            """
def attention(q, k, v, mask=None):
    scores = torch.matmul(q, k.transpose(-2, -1)) / (q.shape[-1] ** 0.5)
    if mask is None:
        mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
    sees = mask.any(dim=-1, keepdim=True)
    scores = scores.masked_fill(~mask & sees, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    weights = torch.where(sees, weights, torch.zeros_like(weights))
    return torch.matmul(weights, v), weights
""",
        ),
        (
            "from the statement: exponentials by hand, shifted",
            """
def attention(q, k, v, mask=None):
    d = q.size(-1)
    scores = (q / d**0.5) @ k.swapaxes(-1, -2)
    top = scores if mask is None else scores.masked_fill(~mask, -1e30)
    e = torch.exp(top - top.amax(-1, keepdim=True))
    if mask is not None:
        e = e * mask.to(e.dtype)
    weights = e / e.sum(-1, keepdim=True).clamp(min=1e-30)
    return weights @ v, weights
""",
        ),
        (
            "einsum, and -1e9",
            """
def attention(q, k, v, mask=None):
    # not F.scaled_dot_product_attention
    scores = torch.einsum("...qd,...kd->...qk", q, k) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, -1e9))
    weights = F.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return torch.einsum("...qk,...kv->...qv", weights, v), weights
""",
        ),
        (
            "an added bias, and a list",
            """
def attention(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(k.shape[-1])
    if mask is None:
        w = scores.softmax(-1)
        return [w @ v, w]
    bias = torch.zeros(mask.shape, dtype=q.dtype).masked_fill(mask.logical_not(), -1e20)
    w = (scores + bias).softmax(-1) * mask
    return [w @ v, w]
""",
        ),
        (
            "a helper, log-softmax, keyword arguments",
            """
def masked_softmax(scores, mask):
    lowest = torch.finfo(scores.dtype).min
    return torch.where(mask, torch.where(mask, scores, lowest).log_softmax(-1), lowest).exp() * mask

def attention(q, k, v, mask=None):
    everything = scores = torch.matmul(q, k.mT).div(q.shape[-1] ** 0.5)
    mask = torch.ones_like(everything, dtype=torch.bool) if mask is None else mask
    weights = masked_softmax(scores=scores, mask=mask)
    return torch.matmul(weights, v), weights
""",
        ),
        (
            "nan replaced in the weights",
            """
def attention(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights
""",
        ),
        (
            "one query at a time",
            """
def attention(q, k, v, mask=None):
    reads, rows = [], []
    for i in range(q.shape[-2]):
        s = (q[..., i : i + 1, :] * k).sum(-1) / math.sqrt(q.shape[-1])
        if mask is None:
            w = s.softmax(-1)
        else:
            m = mask.expand(*s.shape[:-1], q.shape[-2], k.shape[-2])[..., i, :]
            w = s.masked_fill(~m, -1e25).softmax(-1) * m
        rows.append(w)
        reads.append((w[..., None] * v).sum(-2))
    return torch.stack(reads, -2), torch.stack(rows, -2)
""",
        ),
        (
            "softmax of what is seen, in a float32 table",
            """
def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is None:
        mask = torch.tensor(True)
    mask = mask.expand(scores.shape)
    weights = torch.zeros(scores.shape)
    seen = mask.any(-1)
    weights[seen] = torch.softmax(scores.masked_fill(~mask, -torch.inf)[seen], -1)
    return torch.matmul(weights, v), weights
""",
        ),
        (
            "float32 scores filled key by key",
            """
def attention(q, k, v, mask=None):
    lead, T_q, T_k = q.shape[:-2], q.shape[-2], k.shape[-2]
    scores = torch.full((*lead, T_q, T_k), -1e9)
    visible = torch.ones(T_q, T_k, dtype=torch.bool) if mask is None else mask
    visible = visible.expand(*lead, T_q, T_k)
    for j in range(T_k):
        scores[..., j] = torch.where(visible[..., j], (q * k[..., j:j + 1, :]).sum(-1) / math.sqrt(q.shape[-1]), -1e9)
    weights = torch.softmax(scores, -1) * visible
    return weights @ v, weights
""",
        ),
        (
            "rows flattened, nothing seen set apart",
            """
def attention(q, k, v, mask=None):
    *lead, T_q, d = q.shape
    T_k, d_v = v.shape[-2:]
    flat = lambda t: t.reshape(-1, *t.shape[-2:])
    scores = torch.bmm(flat(q), flat(k).transpose(1, 2)).view(*lead, T_q, T_k) / math.sqrt(d)
    match mask:
        case None:
            weights = F.softmax(scores, -1)
        case _:
            hidden = mask.logical_not()
            nothing = hidden.expand_as(scores).all(-1, keepdim=True)
            bias = torch.zeros(scores.shape, dtype=scores.dtype).masked_fill(hidden & ~nothing, float("-inf"))
            weights = F.softmax(scores + bias, -1).masked_fill(nothing, 0.0)
    return torch.bmm(flat(weights), flat(v)).view(*lead, T_q, d_v), weights
""",
        ),
        (
            "sums of products in float32",
            """
def attention(q, k, v, mask=None):
    T_q, T_k = q.shape[-2], k.shape[-2]
    visible = torch.ones(*q.shape[:-2], T_q, T_k)
    if mask is not None:
        visible = visible * mask
    scores = (q.unsqueeze(-2) * k.unsqueeze(-3)).sum(-1) / math.sqrt(q.shape[-1])
    top = (scores + (visible - 1) * 1e8).amax(-1, keepdim=True).detach()
    exps = torch.exp(torch.clamp(scores - top, max=0.0)) * visible
    weights = exps / exps.sum(-1, keepdim=True).clamp_min(1e-30)
    return (weights.unsqueeze(-1) * v.unsqueeze(-3)).sum(-2), weights
""",
        ),
        (
            "log of the normaliser, in float64",
            """
import numpy as np

def _log_normaliser(scores):
    return torch.logsumexp(scores, -1, keepdim=True)

def attention(q, k, v, mask=None):
    scores = q.double() @ k.double().transpose(-1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), -1e30)
    weights = (scores - _log_normaliser(scores)).exp()
    if mask is not None:
        weights = weights.masked_fill(mask.logical_not(), 0)
    weights = weights.to(q.dtype)
    return weights @ v, weights
""",
        ),
    ],
    "causal_mask": [
        (
            "from the statement: two loops",
            """
def causal_mask(t_query, t_key):
    mask = torch.zeros(t_query, t_key, dtype=torch.bool)
    for i in range(t_query):
        for j in range(t_key):
            mask[i, j] = j <= i + (t_key - t_query)
    return mask
""",
        ),
        (
            "from the statement: the last rows of a square",
            """
def causal_mask(t_query, t_key):
    return torch.tril(torch.ones(t_key, t_key)).bool()[t_key - t_query :]
""",
        ),
        (
            "ranges compared",
            """
def causal_mask(t_query, t_key):
    where = torch.arange(t_key - t_query, t_key)
    return torch.arange(t_key) <= where.unsqueeze(1)
""",
        ),
        (
            "triu, inverted",
            """
def causal_mask(t_query, t_key):
    return ~torch.triu(torch.ones(t_query, t_key, dtype=bool), diagonal=t_key - t_query + 1)
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def causal_mask(t_query, t_key):
    return torch.from_numpy(np.tri(t_query, t_key, t_key - t_query, dtype=bool))
""",
        ),
        (
            "a past that is seen, beside a triangle",
            """
def causal_mask(t_query, t_key):
    past = torch.ones(t_query, t_key - t_query)
    return torch.cat([past, torch.ones(t_query, t_query).tril()], 1) == 1
""",
        ),
        (
            "one-hot rows, summed from the end",
            """
def causal_mask(t_query, t_key):
    start = F.one_hot(torch.arange(t_key - t_query, t_key), t_key)
    return start.flip(1).cumsum(1).flip(1).to(torch.bool)
""",
        ),
        (
            "one per row, and a cumulated sum from the right",
            """
def causal_mask(t_query, t_key):
    m = torch.zeros(t_query, t_key, dtype=torch.int64)
    for i in range(t_query):
        m[i, t_key - t_query + i] = 1
    return m.flip(1).cumsum(1).flip(1).bool()
""",
        ),
    ],
    "positions": [
        (
            "from the statement: two loops",
            """
def positions(count, d):
    table = torch.zeros(count, d)
    for t in range(count):
        for i in range(d // 2):
            angle = t / 10000 ** (2 * i / d)
            table[t, 2 * i] = math.sin(angle)
            table[t, 2 * i + 1] = math.cos(angle)
    return table
""",
        ),
        (
            "from the statement: slices of steps of two",
            """
def positions(count, d):
    table = torch.empty(count, d)
    t = torch.arange(count).float().unsqueeze(1)
    i = torch.arange(d // 2).float()
    table[:, 0::2] = torch.sin(t / 10000 ** (2 * i / d))
    table[:, 1::2] = torch.cos(t / 10000 ** (2 * i / d))
    return table
""",
        ),
        (
            "by the exponential of logarithms",
            """
def positions(count, d):
    rates = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
    angles = torch.outer(torch.arange(count, dtype=torch.float32), rates)
    return torch.stack((torch.sin(angles), torch.cos(angles)), dim=-1).reshape(count, d)
""",
        ),
        (
            "a sine with a phase",
            """
def positions(count, d):
    j = torch.arange(d)
    rate = 10000.0 ** (-(j - j % 2) / d)
    return torch.sin(torch.arange(count)[:, None] * rate + (j % 2) * math.pi / 2)
""",
        ),
        (
            "NumPy, then float32",
            """
import numpy as np

def positions(count, d):
    angles = np.arange(count)[:, None] / 10000 ** (2 * np.arange(d // 2) / d)
    table = np.zeros((count, d))
    table[:, ::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return torch.tensor(table, dtype=torch.float32)
""",
        ),
        (
            "complex numbers",
            """
def positions(count, d):
    turn = torch.polar(torch.ones(count, d // 2), torch.arange(count)[:, None] / 10000 ** (torch.arange(0, d, 2) / d))
    return torch.view_as_real(turn).flip(-1).flatten(1)
""",
        ),
        (
            "complex clocks",
            """
def positions(count, d):
    rate = 10000.0 ** (-torch.arange(0, d, 2) / d)
    angle = torch.outer(torch.arange(count, dtype=torch.float32), rate)
    clock = torch.view_as_real(torch.polar(torch.ones_like(angle), angle))
    return clock.flip(-1).flatten(1)
""",
        ),
        (
            "a cosine is a sine shifted",
            """
def positions(count, d):
    j = torch.arange(d)
    angle = torch.arange(count).double()[:, None] / 10000 ** ((j - j % 2) / d)
    return torch.sin(angle + (j % 2) * torch.pi / 2).float()
""",
        ),
        (
            "polar form",
            """
def positions(count, d):
    a = torch.arange(count).double()[:, None] * 1e4 ** (-torch.arange(0, d, 2).double() / d)
    z = torch.polar(torch.ones_like(a), a)
    return torch.view_as_real(z)[..., [1, 0]].reshape(count, d).float()
""",
        ),
    ],
    "MultiHead": [
        (
            "from the statement: view and transpose, PyTorch's attention for the read",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.d, self.heads = d, heads
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)

    def split(self, t):
        n, length, _ = t.shape
        return t.reshape(n, length, self.heads, self.d // self.heads).transpose(1, 2)

    def forward(self, x, mask=None, past=None):
        q, k, v = self.qkv(x).split(self.d, dim=2)
        q, k, v = self.split(q), self.split(k), self.split(v)
        if past is not None:
            k = torch.cat((past[0], k), dim=2)
            v = torch.cat((past[1], v), dim=2)
        y, weights = attend(q, k, v, mask)
        y = y.transpose(1, 2).contiguous().view(x.shape[0], x.shape[1], self.d)
        return self.out(y), weights, (k, v)
""",
        ),
        (
            "from the statement: one head after the other",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.size = d // heads
        self.n_heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)

    def forward(self, x, mask=None, past=None):
        projected = self.qkv(x)
        d = x.shape[2]
        reads, all_weights, keys, values = [], [], [], []
        for h in range(self.n_heads):
            low, high = h * self.size, (h + 1) * self.size
            q, k, v = projected[..., low:high], projected[..., d + low : d + high], projected[..., 2 * d + low : 2 * d + high]
            if past:
                k, v = torch.cat([past[0][:, h], k], 1), torch.cat([past[1][:, h], v], 1)
            y, w = attend(q, k, v, mask)
            reads.append(y); all_weights.append(w); keys.append(k); values.append(v)
        return self.out(torch.cat(reads, -1)), torch.stack(all_weights, 1), (torch.stack(keys, 1), torch.stack(values, 1))
""",
        ),
        (
            "five axes at once, and its own softmax",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.qkv, self.out, self.h = nn.Linear(d, 3 * d), nn.Linear(d, d), heads

    def forward(self, x, mask=None, past=None):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.h, d // self.h).permute(2, 0, 3, 1, 4)
        if past is not None:
            k, v = (torch.cat([old, new], -2) for old, new in zip(past, (k, v)))
        scores = q @ k.transpose(-1, -2) / math.sqrt(d / self.h)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -torch.inf)
        weights = scores.softmax(-1)
        return self.out((weights @ v).permute(0, 2, 1, 3).reshape(n, t, d)), weights, (k, v)
""",
        ),
        (
            "einsum, a list, **kwargs",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads, **kwargs):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(in_features=d, out_features=3 * d, **kwargs)
        self.out = nn.Linear(d, d, **kwargs)

    def forward(self, x, mask=None, past=None):
        cut = lambda t: torch.stack(t.chunk(self.heads, -1), 1)
        q, k, v = map(cut, self.qkv(x).tensor_split(3, -1))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        s = torch.einsum("nhqd,nhkd->nhqk", q, k) / q.shape[-1] ** 0.5
        w = (s if mask is None else torch.where(mask, s, torch.tensor(-1e9))).softmax(-1)
        y = torch.einsum("nhqk,nhkd->nqhd", w, v).reshape(x.shape)
        return [self.out(y), w, (k, v)]
""",
        ),
        (
            "F.linear by parts, scaled_dot_product_attention twice",
            """
class MultiHead(nn.Module):
    # the layer of PyTorch, MultiheadAttention, is not used
    def __init__(self, d, heads):
        super().__init__()
        self.shape = (heads, d // heads)
        self.out = nn.Linear(d, d)
        self.qkv = nn.Linear(d, 3 * d)

    def forward(self, x, mask=None, past=None):
        parts = [F.linear(x, w, b).unflatten(2, self.shape).movedim(2, 1)
                 for w, b in zip(self.qkv.weight.chunk(3), self.qkv.bias.chunk(3))]
        q, k, v = parts
        if past is not None:
            k, v = torch.cat([past[0], k], -2), torch.cat([past[1], v], -2)
        eye = torch.eye(k.shape[2]).expand(k.shape[0], k.shape[1], -1, -1)
        weights = F.scaled_dot_product_attention(q, k, eye, attn_mask=mask)
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(read.movedim(1, 2).flatten(2)), weights, (k, v)
""",
        ),
        (
            "a module for the heads without parameters",
            """
class Split(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.heads = heads

    def forward(self, x):
        return x.reshape(*x.shape[:2], self.heads, -1).permute(0, 2, 1, 3)

class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.split = Split(heads)
        self.qkv = nn.Linear(d, d * 3, bias=True)
        self.out = nn.Linear(d, d)

    def forward(self, x, mask=None, past=None):
        q, k, v = (self.split(y) for y in self.qkv(x).chunk(3, dim=-1))
        old_k, old_v = past if past is not None else (k[:, :, :0], v[:, :, :0])
        k, v = torch.cat([old_k, k], 2), torch.cat([old_v, v], 2)
        read, weights = attend(q, k, v, mask)
        return self.out(read.permute(0, 2, 1, 3).flatten(-2)), weights, (k, v)
""",
        ),
        (
            "batch and heads in one axis",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        assert d % heads == 0
        self.size = d // heads
        self.register_buffer("scale", torch.tensor(self.size ** -0.5, dtype=torch.float32))
        self.qkv = nn.Linear(in_features=d, out_features=3 * d, bias=True)
        self.out = nn.Linear(d, d)

    def _split(self, t):
        # N x T x D -> N*heads x T x size
        return torch.cat(torch.stack(t.split(self.size, -1), 1).unbind(0), 0)

    def forward(self, x, mask=None, past=None):
        n, t, d = x.shape
        heads = d // self.size
        q, k, v = map(self._split, torch.tensor_split(self.qkv(x), 3, dim=2))
        if past:
            k, v = (torch.cat([old.flatten(0, 1), new], 1) for old, new in zip(past, (k, v)))
        s = torch.baddbmm(torch.zeros(1, 1, 1, dtype=x.dtype), q, k.transpose(1, 2)) * self.scale
        if mask is not None:
            s = torch.where(mask, s, torch.tensor(-1e30, dtype=s.dtype))
        w = s.softmax(2)
        y = torch.bmm(w, v).unflatten(0, (n, heads)).permute(0, 2, 1, 3).reshape(n, t, d)
        return self.out(y), w.unflatten(0, (n, heads)), (k.unflatten(0, (n, heads)), v.unflatten(0, (n, heads)))
""",
        ),
        (
            "float32 tables filled by loops",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.d, self.heads = d, heads
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
    def forward(self, x, mask=None, past=None):
        N, T, D = x.shape
        c = D // self.heads
        P = 0 if past is None else past[0].shape[2]
        p = self.qkv(x)
        q = torch.empty(N, self.heads, T, c)
        K = torch.empty(N, self.heads, P + T, c)
        V = torch.empty_like(K)
        if P:
            K[:, :, :P], V[:, :, :P] = past
        for h in range(self.heads):
            for t in range(T):
                q[:, h, t] = p[:, t, h * c:(h + 1) * c]
                K[:, h, P + t] = p[:, t, D + h * c:D + (h + 1) * c]
                V[:, h, P + t] = p[:, t, 2 * D + h * c:2 * D + (h + 1) * c]
        lu, w = attend(q, K, V, mask)
        sortie = torch.zeros(N, T, D)
        for h in range(self.heads):
            sortie[..., h * c:(h + 1) * c] = lu[:, h]
        return self.out(sortie), w, [K, V]
""",
        ),
        (
            "helpers, weights kept for a figure",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.config = {"d": d, "heads": heads}
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.drop = nn.Dropout(0.0)
        self.softmax = nn.Softmax(dim=-1)
        self.last_weights = None  # for plots

    @property
    def size(self):
        return self.config["d"] // self.config["heads"]

    def cut(self, t):
        return torch.stack(t.split(self.size, dim=-1), dim=1)

    def forward(self, x, mask=None, past=None):
        q, k, v = (self.cut(t) for t in self.qkv(x).split(self.config["d"], dim=-1))
        if past is not None:
            k, v = torch.cat((past[0], k), dim=-2), torch.cat((past[1], v), dim=-2)
        scores = q @ k.mT * self.size ** -0.5
        if mask is not None:
            scores += torch.zeros(mask.shape, dtype=scores.dtype).masked_fill_(mask.logical_not(), -torch.inf)
        self.last_weights = self.softmax(scores)
        read = self.drop(self.last_weights) @ v
        return self.out(torch.cat(read.unbind(1), -1)), self.last_weights, (k, v)
""",
        ),
    ],
    "continued": [
        (
            "from the statement: the prompt first, then a loop",
            """
def continued(step, prompt, count):
    scores, cache = step(prompt, 0, None)
    result = [int(torch.argmax(scores[-1]))]
    position = len(prompt)
    for _ in range(count - 1):
        scores, cache = step([result[-1]], position, cache)
        result.append(int(torch.argmax(scores[-1])))
        position += 1
    return result
""",
        ),
        (
            "from the statement: mended as little as possible",
            """
def continued(step, prompt, count):
    drawn, past, symbols = [], None, list(prompt)
    while len(drawn) < count:
        start = 0 if past is None else len(prompt) + len(drawn) - 1
        scores, past = step(symbols, start, past)
        drawn.append(int(scores[-1].argmax()))
        symbols = [drawn[-1]]
    return drawn
""",
        ),
        (
            "recursion",
            """
def continued(step, prompt, count):
    def write(symbols, start, past, left):
        scores, past = step(symbols, start, past)
        best = scores[len(symbols) - 1].argmax().item()
        return [best] if left == 1 else [best, *write([best], start + len(symbols), past, left - 1)]
    return write(prompt, 0, None, count)
""",
        ),
        (
            "a generator",
            """
def stream(step, prompt):
    text, read, past = list(prompt), 0, None
    while True:
        scores, past = step(text[read:], read, past)
        read = len(text)
        text.append(scores.argmax(-1).tolist()[-1])
        yield text[-1]

def continued(step, prompt, count):
    return [symbol for _, symbol in zip(range(count), stream(step, prompt))]
""",
        ),
        (
            "the maximum of a list, positional state in a dictionary",
            """
def continued(step, prompt, count):
    state = {"past": None, "at": 0, "next": [*prompt]}
    written = []
    for i in range(count):
        scores, state["past"] = step(state["next"], state["at"], state["past"])
        state["at"] += len(state["next"])
        last = scores[-1, :].tolist()
        written += [last.index(max(last))]
        state["next"] = written[i : i + 1]
    return written
""",
        ),
        (
            "a generator without end",
            """
def _write(step, symbols, start, past):
    # an endless generator of symbols
    while True:
        scores, past = step(symbols, start, past)
        start += len(symbols)
        symbols = torch.topk(scores[-1], 1).indices.tolist()
        yield symbols[0]

def continued(step, prompt, count):
    from itertools import islice
    return list(islice(_write(step, list(prompt), 0, None), count))
""",
        ),
        (
            "argmax of the softmax",
            """
def continued(step, prompt, count):
    ecrits = []
    cache = None
    symboles = list(prompt)
    position = 0
    while len(ecrits) < count:
        scores, cache = step(symboles, position, cache)
        position = position + len(symboles)
        meilleur = int(scores[-1].softmax(0).argmax())
        ecrits.append(meilleur)
        symboles = [meilleur]
    return ecrits
""",
        ),
    ],
    "train_bpe": [
        (
            "from the statement: loops and dictionaries",
            """
def fuse(pieces, pair):
    out = []
    i = 0
    while i < len(pieces):
        if i < len(pieces) - 1 and pieces[i] == pair[0] and pieces[i + 1] == pair[1]:
            out.append(pieces[i] + pieces[i + 1])
            i += 2
        else:
            out.append(pieces[i])
            i += 1
    return out

def train_bpe(counts, merges):
    words = [(list(word) + ["_"], n) for word, n in counts.items()]
    learnt = []
    for _ in range(merges):
        pairs = {}
        for pieces, n in words:
            for a, b in zip(pieces[:-1], pieces[1:]):
                pairs[(a, b)] = pairs.get((a, b), 0) + n
        if len(pairs) == 0:
            return learnt
        best = max((n, pair) for pair, n in pairs.items())[1]
        learnt.append(best)
        words = [(fuse(pieces, best), n) for pieces, n in words]
    return learnt

def encode_bpe(word, merges):
    pieces = list(word) + ["_"]
    for pair in merges:
        pieces = fuse(pieces, pair)
    return pieces
""",
        ),
        (
            "from the statement: encode by the earliest pair that is there, as GPT-2",
            """
def encode_bpe(word, merges):
    rank = {tuple(pair): i for i, pair in enumerate(merges)}
    pieces = [*word, "_"]
    while True:
        found = [rank[p] for p in zip(pieces, pieces[1:]) if p in rank]
        if not found:
            return pieces
        pair = merges[min(found)]
        i, new = 0, []
        while i < len(pieces):
            if tuple(pieces[i : i + 2]) == tuple(pair):
                new.append(pieces[i] + pieces[i + 1])
                i += 1
            else:
                new.append(pieces[i])
            i += 1
        pieces = new

def train_bpe(counts, merges):
    learnt = []
    while len(learnt) < merges:
        pairs = Counter()
        for word in counts:
            pieces = encode_bpe(word, learnt)
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            return learnt
        learnt += [sorted(pairs, key=lambda p: (pairs[p], p))[-1]]
    return learnt
""",
        ),
        (
            "in place, with del",
            """
def encode_bpe(word, merges):
    parts = list(word + "_")
    for a, b in merges:
        apply_in_place(parts, a, b)
    return parts

def apply_in_place(parts, a, b):
    i = 0
    while i + 1 < len(parts):
        if parts[i] == a and parts[i + 1] == b:
            parts[i] = a + b
            del parts[i + 1]
        i += 1

def train_bpe(counts, merges):
    table = {w: list(w + "_") for w in counts}
    result = []
    for step in range(merges):
        seen = Counter()
        for w, parts in table.items():
            seen.update({})
            for i in range(len(parts) - 1):
                seen[parts[i], parts[i + 1]] += counts[w]
        if not seen:
            break
        most = max(seen.values())
        a, b = max(p for p, n in seen.items() if n == most)
        result.append((a, b))
        for parts in table.values():
            apply_in_place(parts, a, b)
    return result
""",
        ),
        (
            "tuples and reduce",
            """
def glue(pieces, pair):
    if len(pieces) < 2:
        return pieces
    if pieces[:2] == pair:
        return ("".join(pair), *glue(pieces[2:], pair))
    return (pieces[0], *glue(pieces[1:], pair))

def encode_bpe(word, merges):
    return list(functools.reduce(lambda p, pair: glue(p, tuple(pair)), merges, (*word, "_")))

def train_bpe(counts, merges):
    if merges == 0:
        return []
    before = train_bpe(counts, merges - 1)
    pairs = Counter()
    for word, n in counts.items():
        pieces = encode_bpe(word, before)
        for i in range(len(pieces) - 1):
            pairs[tuple(pieces[i : i + 2])] += n
    return before + ([max(pairs, key=lambda p: (pairs[p], p))] if pairs and len(before) == merges - 1 else [])
""",
        ),
        (
            "a class of one word",
            """
class Word:
    def __init__(self, text, count=1):
        self.parts, self.count = [*text, "_"], count

    def pairs(self):
        return list(zip(self.parts, self.parts[1:]))

    def merge(self, pair):
        new = []
        for part in self.parts:
            if new and not new[-1][1] and (new[-1][0], part) == pair:
                new[-1] = (new[-1][0] + part, True)
            else:
                new.append((part, False))
        self.parts = [part for part, _ in new]

def encode_bpe(word, merges):
    word = Word(word)
    for pair in merges:
        word.merge(tuple(pair))
    return word.parts

def train_bpe(counts, merges):
    words, learnt = [Word(text, n) for text, n in counts.items()], []
    for _ in range(merges):
        total = Counter()
        for word in words:
            for pair in word.pairs():
                total[pair] += word.count
        if not total:
            break
        learnt.append(max(total.items(), key=lambda item: (item[1], item[0]))[0])
        for word in words:
            word.merge(learnt[-1])
    return learnt
""",
        ),
        (
            "regular expressions, escaped",
            """
import re
from collections import defaultdict
def _sub(text, a, b):
    return re.sub(rf"(?<!\\S){re.escape(a)} {re.escape(b)}(?!\\S)", lambda m: a + b, text)

def train_bpe(counts, merges):
    vocab = {" ".join(w) + " _" if w else "_": n for w, n in counts.items()}
    done = []
    for _ in range(merges):
        pairs = defaultdict(int)
        for text, n in vocab.items():
            bits = text.split(" ")
            for pair in zip(bits, bits[1:]):
                pairs[pair] += n
        if not pairs:
            break
        pair = max(sorted(pairs, reverse=True), key=pairs.get)
        done.append(pair)
        vocab = {_sub(text, *pair): n for text, n in vocab.items()}
    return done

def encode_bpe(word, merges):
    text = " ".join([*word, "_"])
    for a, b in merges:
        text = _sub(text, a, b)
    return text.split(" ")
""",
        ),
        (
            "least rank first",
            """
def train_bpe(counts, merges):
    vocab = {tuple(w) + ("_",): c for w, c in counts.items()}
    out = []
    for _ in range(merges):
        stats = Counter()
        for symbols, freq in vocab.items():
            for pair in zip(symbols[:-1], symbols[1:]):
                stats[pair] += freq
        if not stats:
            break
        best = max(stats.items(), key=lambda kv: kv[::-1])[0]
        out.append(best)
        vocab = {tuple(_merge(symbols, best)): freq for symbols, freq in vocab.items()}
    return out

def _merge(symbols, pair):
    # a stack: join the new symbol with the last one when they make the pair
    out, fresh = [], False
    for s in symbols:
        if out and fresh and (out[-1], s) == pair:
            out[-1] += s
            fresh = False
        else:
            out.append(s)
            fresh = True
    return out

def encode_bpe(word, merges):
    rank = {pair: r for r, pair in enumerate(merges)}
    symbols = [*word, "_"]
    while len(symbols) > 1:
        pair = min(zip(symbols, symbols[1:]), key=lambda p: rank.get(p, math.inf))
        if pair not in rank:
            break
        symbols = _merge(symbols, pair)
    return symbols
""",
        ),
        (
            "a heap, counts kept up to date",
            """
import heapq
def _pairs(pieces):
    return list(zip(pieces, pieces[1:]))

class Neg:
    def __init__(self, pair): self.pair = pair
    def __lt__(self, other): return self.pair > other.pair

def train_bpe(counts, merges):
    words = [[*w, "_"] for w in counts]
    numbers = list(counts.values())
    total, where = Counter(), {}
    for i, pieces in enumerate(words):
        for p in _pairs(pieces):
            total[p] += numbers[i]
            where.setdefault(p, set()).add(i)
    heap = [(-n, Neg(p)) for p, n in total.items()]
    heapq.heapify(heap)
    learnt = []
    while heap and len(learnt) < merges:
        n, neg = heapq.heappop(heap)
        if total.get(neg.pair) != -n or n == 0:
            continue
        learnt.append(neg.pair)
        touched = set()
        for i in list(where[neg.pair]):
            for p in _pairs(words[i]):
                total[p] -= numbers[i]
                touched.add(p)
            words[i] = _apply(words[i], neg.pair)
            for p in _pairs(words[i]):
                total[p] += numbers[i]
                where.setdefault(p, set()).add(i)
                touched.add(p)
        for p in touched:
            if total[p] > 0:
                heapq.heappush(heap, (-total[p], Neg(p)))
    return learnt

def _apply(pieces, pair):
    out, it = [], iter(range(len(pieces)))
    for i in it:
        if tuple(pieces[i:i + 2]) == pair:
            next(it)
            out.append("".join(pair))
        else:
            out.append(pieces[i])
    return out

def encode_bpe(word, merges):
    pieces = [*word, "_"]
    for pair in merges:
        pieces = _apply(pieces, pair)
    return pieces
""",
        ),
        (
            "words written one after the other",
            """
def train_bpe(counts, merges):
    pieces = [c for w, n in counts.items() for c in list(w + "_") * n]
    learnt = []
    for _ in range(merges):
        pairs = Counter(p for p in zip(pieces, pieces[1:]) if not p[0].endswith("_"))
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        learnt.append(best)
        new, i = [], 0
        while i < len(pieces):
            if tuple(pieces[i:i + 2]) == best:
                new.append(best[0] + best[1]); i += 2
            else:
                new.append(pieces[i]); i += 1
        pieces = new
    return learnt

def encode_bpe(word, merges):
    pieces = list(word) + ["_"]
    for a, b in merges:
        new, i = [], 0
        while i < len(pieces):
            if i + 1 < len(pieces) and pieces[i] == a and pieces[i + 1] == b:
                new.append(a + b)
                i += 2
            else:
                new.append(pieces[i])
                i += 1
        pieces = new
    return pieces
""",
        ),
    ],
    "patches": [
        (
            "from the statement: loops over the squares",
            """
def patches(images, p):
    n, c, h, w = images.shape
    squares = []
    for i in range(0, h, p):
        for j in range(0, w, p):
            squares.append(images[:, :, i : i + p, j : j + p].reshape(n, c * p * p))
    return torch.stack(squares, 1)
""",
        ),
        (
            "from the statement: unflatten, and permute",
            """
def patches(images, p):
    x = images.unflatten(3, (-1, p)).unflatten(2, (-1, p))
    return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
""",
        ),
        (
            "split twice",
            """
def patches(images, p):
    rows = images.split(p, dim=2)
    return torch.cat([torch.stack([s.flatten(1) for s in row.split(p, dim=3)], 1) for row in rows], 1)
""",
        ),
        (
            "einsum as a transposition",
            """
def patches(images, p):
    n, c, h, w = images.shape
    x = images.view(n, c, h // p, p, w // p, p)
    x = torch.einsum("ncaxby->nabcxy", x)
    return x.reshape(n, -1, c * p * p)
""",
        ),
        (
            "indices",
            """
def patches(images, p):
    n, c, h, w = images.shape
    rows = torch.arange(h).reshape(-1, 1, p, 1)
    columns = torch.arange(w).reshape(1, -1, 1, p)
    x = images[:, :, rows, columns]
    return x.permute(0, 2, 3, 1, 4, 5).reshape(n, (h // p) * (w // p), -1)
""",
        ),
        (
            "each image, each channel",
            """
def patches(images, p):
    def of_channel(channel):
        h, w = channel.shape
        return channel.reshape(h // p, p, w // p, p).transpose(1, 2).reshape(-1, p * p)
    return torch.stack([torch.cat([of_channel(channel) for channel in image], 1) for image in images])
""",
        ),
        (
            "pixel by pixel, as numbers",
            """
def patches(images, p):
    N, C, H, W = images.shape
    T = (H // p) * (W // p)
    resultat = torch.zeros(N, T, C * p * p)
    for n in range(N):
        t = 0
        for i in range(0, H, p):
            for j in range(0, W, p):
                valeurs = []
                for c in range(C):
                    for a in range(p):
                        for b in range(p):
                            valeurs.append(images[n, c, i + a, j + b].item())
                resultat[n, t] = torch.tensor(valeurs)
                t += 1
    return resultat
""",
        ),
        (
            "NumPy",
            """
import numpy as np
def patches(images, p):
    a = images.detach().cpu().numpy()
    N, C, H, W = a.shape
    a = a.reshape(N, C, H // p, p, W // p, p).transpose(0, 2, 4, 1, 3, 5)
    return torch.from_numpy(np.ascontiguousarray(a).reshape(N, -1, C * p * p)).to(images.device)
""",
        ),
        (
            "pixel_unshuffle",
            """
def patches(images, p):
    return F.pixel_unshuffle(images, p).flatten(2).transpose(1, 2)
""",
        ),
        (
            "products by pieces of the identity",
            """
def patches(images, p):
    # selection matrices: rows then columns
    N, C, H, W = images.shape
    out = []
    for i in range(H // p):
        up = torch.eye(H)[i * p:(i + 1) * p]
        for j in range(W // p):
            side = torch.eye(W)[:, j * p:(j + 1) * p]
            out.append((up @ images @ side).flatten(1))
    return torch.stack(out, 1)
""",
        ),
        (
            "one index per pixel",
            """
def patches(images, p):
    N, C, H, W = images.shape
    index = torch.arange(C * H * W).view(C, H, W)
    order = torch.stack([index[:, i:i + p, j:j + p].ravel() for i in range(0, H, p) for j in range(0, W, p)])
    return images.flatten(1)[:, order]
""",
        ),
        (
            "indices made by NumPy",
            """
import numpy as np
def patches(images, p):
    n, c, h, w = images.shape
    index = np.arange(c * h * w).reshape(c, h // p, p, w // p, p).transpose(1, 3, 0, 2, 4).reshape(-1, c * p * p)
    return images.reshape(n, -1)[:, torch.from_numpy(index)]
""",
        ),
    ],
}

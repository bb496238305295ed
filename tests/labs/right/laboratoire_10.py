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
    ],
}

"""Right answers to the exercises of Laboratoire 8, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

_MODEL = '''
class LanguageModel(nn.Module):
    """Mended."""

    def __init__(self, symbols, width):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 24)
        self.layer = nn.LSTM(24, width, batch_first=True)
        self.output = nn.Linear(width, symbols)

    def forward(self, names, state=None):
        states, state = self.layer(self.embedding(names), state)
        return self.output(states), state
'''

RIGHT: dict[str, list[tuple[str, str]]] = {
    "rnn": [
        (
            "a buffer of T + 1 states",
            """
def rnn(x, h, w_ih, w_hh, b):
    N, T, _ = x.shape
    states = torch.zeros(N, T + 1, len(b))
    states[:, 0] = h
    for t in range(T):
        states[:, t + 1] = torch.tanh(x[:, t] @ w_ih.T + states[:, t].clone() @ w_hh.T + b)
    return states[:, 1:]
""",
        ),
        (
            "from the statement: an index over time",
            """
def rnn(x, h, w_ih, w_hh, b):
    T = x.shape[1]
    states = []
    for t in range(T):
        h = torch.tanh(x[:, t, :] @ w_ih.T + h @ w_hh.T + b)
        states.append(h)
    return torch.stack(states, dim=1)
""",
        ),
        (
            "einsum, and cat",
            """
def rnn(x, h, w_ih, w_hh, b):
    result = h[:, :0].unsqueeze(1).expand(-1, 0, -1) if False else None
    for t in range(x.size(1)):
        a = torch.einsum("nd,md->nm", x[:, t], w_ih) + torch.einsum("nk,mk->nm", h, w_hh) + b
        h = a.tanh()
        result = h.unsqueeze(1) if result is None else torch.cat([result, h.unsqueeze(1)], 1)
    return result
""",
        ),
        (
            "the input's part all at once",
            """
def rnn(x, h, w_ih, w_hh, b):
    drive = F.linear(x, w_ih, b)
    out = []
    for a in drive.transpose(0, 1):
        h = torch.tanh(a + F.linear(h, w_hh))
        out.append(h)
    return torch.stack(out).transpose(0, 1)
""",
        ),
        (
            "one matrix for both, and a helper called rnn_step",
            """
def rnn_step(x_t, h, w, b):
    return torch.tanh(torch.cat([x_t, h], 1) @ w.mT + b)

def rnn(x, h, w_ih, w_hh, b):
    # not nn.RNN
    w = torch.cat([w_ih, w_hh], 1)
    states = [h]
    for x_t in x.unbind(dim=1):
        states += [rnn_step(x_t, states[-1], w, b)]
    return torch.stack(states[1:], 1)
""",
        ),
        (
            "written into an empty tensor of its type",
            """
def rnn(x, h, w_ih, w_hh, b):
    n, length, _ = x.shape
    states = x.new_zeros(n, length, h.shape[1])
    for t in range(length):
        h = (x[:, t] @ w_ih.t() + h @ w_hh.t() + b).tanh()
        states[:, t] = h
    return states
""",
        ),
        (
            "from the statement: recursion",
            """
def rnn(x, h, w_ih, w_hh, b):
    first = torch.tanh(x[:, 0] @ w_ih.T + h @ w_hh.T + b)
    if x.shape[1] == 1:
        return first[:, None]
    return torch.cat([first[:, None], rnn(x[:, 1:], first, w_ih, w_hh, b)], 1)
""",
        ),
        (
            "tanh from exponentials",
            """
def rnn(x, h, w_ih, w_hh, b):
    out = []
    for t in range(x.shape[1]):
        a = torch.matmul(x[:, t], w_ih.T) + torch.matmul(h, w_hh.T) + b
        h = 2 * torch.sigmoid(2 * a) - 1
        out.append(h)
    return torch.stack(out, 1)
""",
        ),
        (
            "one matrix, tanh by a sigmoid",
            """
def rnn(x, h, w_ih, w_hh, b):
    W = torch.cat([w_ih, w_hh], 1)
    res = []
    for k in range(x.size(1)):
        z = torch.cat([x[:, k], h], -1) @ W.t() + b
        h = 2 * torch.sigmoid(2 * z) - 1
        res += [h]
    return torch.stack(res).transpose(0, 1)
""",
        ),
    ],
    "rnn_backward": [
        (
            "float32 buffers",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    N, T, M = states.shape
    d = torch.zeros(N, T + 1, M)
    for t in range(T - 1, -1, -1):
        d[:, t] = (grad_states[:, t] + d[:, t + 1] @ w_hh) * (1 - states[:, t] ** 2)
    first, d = d[:, 0] @ w_hh, d[:, :T]
    before = torch.cat([h.unsqueeze(1), states[:, :-1]], dim=1)
    flat = d.reshape(-1, M)
    dw_ih = torch.zeros(w_ih.shape).addmm_(flat.T, x.flatten(0, 1))
    return d @ w_ih, first, dw_ih, flat.T @ before.flatten(0, 1), flat.sum(0)
""",
        ),
        (
            "from the statement: sums as one goes",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    grad_x = torch.zeros_like(x)
    grad_w_ih = torch.zeros_like(w_ih)
    grad_w_hh = torch.zeros_like(w_hh)
    grad_b = torch.zeros_like(w_hh[0])
    g = torch.zeros_like(h)
    for t in range(x.shape[1] - 1, -1, -1):
        before = states[:, t - 1] if t > 0 else h
        d = (g + grad_states[:, t]) * (1 - states[:, t] ** 2)
        grad_b += d.sum(0)
        grad_w_ih += d.T @ x[:, t]
        grad_w_hh += d.T @ before
        grad_x[:, t] = d @ w_ih
        g = d @ w_hh
    return grad_x, g, grad_w_ih, grad_w_hh, grad_b
""",
        ),
        (
            "each example apart",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    gx, gh = torch.zeros_like(x), torch.zeros_like(h)
    gi, gr, gb = torch.zeros_like(w_ih), torch.zeros_like(w_hh), w_hh.new_zeros(w_hh.shape[0])
    for n in range(len(x)):
        carry = torch.zeros_like(h[0])
        for t in reversed(range(x.shape[1])):
            delta = (grad_states[n, t] + carry) * (1 - states[n, t]) * (1 + states[n, t])
            gb += delta
            gi += torch.outer(delta, x[n, t])
            gr += torch.outer(delta, states[n, t - 1] if t else h[n])
            gx[n, t] = w_ih.T @ delta
            carry = w_hh.T @ delta
        gh[n] = carry
    return gx, gh, gi, gr, gb
""",
        ),
        (
            "stacked deltas and flat products",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    deltas, carry = [], 0
    for g, s in zip(grad_states.unbind(1)[::-1], states.unbind(1)[::-1]):
        deltas.insert(0, (g + carry) * (1 - s * s))
        carry = deltas[0].matmul(w_hh)
    delta = torch.stack(deltas, 1)
    before = torch.cat((h.unsqueeze(1), states), 1)[:, :-1]
    flat = delta.flatten(0, 1)
    return [
        torch.matmul(delta, w_ih), carry,
        flat.T @ x.flatten(0, 1), flat.T @ before.flatten(0, 1), flat.sum(0),
    ]
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    X, H, S, A, R, G = (v.numpy() for v in (x, h, states, w_ih, w_hh, grad_states))
    D = np.zeros(S.shape, S.dtype)
    carry = np.zeros(H.shape, H.dtype)
    for t in range(S.shape[1])[::-1]:
        D[:, t] = (G[:, t] + carry) * (1 - S[:, t] ** 2)
        carry = D[:, t] @ R
    P = np.concatenate([H[:, None], S[:, :-1]], axis=1)
    results = D @ A, carry, np.einsum("abm,abd->md", D, X), np.einsum("abm,abk->mk", D, P), D.sum((0, 1))
    return tuple(torch.tensor(v) for v in results)
""",
        ),
        (
            "under no_grad, in double precision",
            '''
@torch.no_grad()
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    """No autograd, no backward() here."""
    kind = x.dtype
    x, h, states, w_ih, w_hh, grad_states = (v.double() for v in (x, h, states, w_ih, w_hh, grad_states))
    total = grad_states.clone()
    slope = 1 - states.square()
    for t in range(states.shape[1] - 1, 0, -1):
        total[:, t - 1] += (total[:, t] * slope[:, t]) @ w_hh
    delta = total * slope
    before = torch.cat([h[:, None], states[:, :-1]], dim=1)
    gradients = (
        delta @ w_ih, delta[:, 0] @ w_hh, (delta.mT @ x).sum(0), (delta.mT @ before).sum(0), delta.sum(dim=(0, 1)),
    )
    return tuple(g.to(kind) for g in gradients)
''',
        ),
        (
            "from the statement: a recursion over time",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    delta = grad_states[:, -1] * (1 - states[:, -1] ** 2)
    before = states[:, -2] if x.shape[1] > 1 else h
    mine = (delta @ w_ih)[:, None], delta @ w_hh, delta.T @ x[:, -1], delta.T @ before, delta.sum(0)
    if x.shape[1] == 1:
        return mine
    sent = grad_states[:, :-1].clone()
    sent[:, -1] += mine[1]
    gx, gh, gi, gr, gb = rnn_backward(x[:, :-1], h, states[:, :-1], w_ih, w_hh, sent)
    return torch.cat([gx, mine[0]], 1), gh, gi + mine[2], gr + mine[3], gb + mine[4]
""",
        ),
    ],
    "clip_by_norm": [
        (
            "from the statement: one long vector",
            """
def clip_by_norm(gradients, limit):
    long = torch.cat([g.flatten() for g in gradients])
    norm = long.norm().item()
    if norm > limit:
        return [g * limit / norm for g in gradients], norm
    return list(gradients), norm
""",
        ),
        (
            "the norm of the norms",
            """
def clip_by_norm(gradients, limit):
    norm = torch.stack([torch.linalg.vector_norm(g.double()) for g in gradients]).norm().item()
    factor = min(1.0, limit / (norm + 1e-12))
    return [factor * g for g in gradients], norm
""",
        ),
        (
            "as torch does, with 1e-6",
            """
def clip_by_norm(gradients, limit):
    # what clip_grad_norm_ does
    total_norm = sum((g**2).sum() for g in gradients) ** 0.5
    clip_coef = (limit / (total_norm + 1e-6)).clamp(max=1.0)
    return [g * clip_coef for g in gradients], float(total_norm)
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def clip_by_norm(gradients, limit):
    arrays = [g.numpy() for g in gradients]
    norm = float(np.sqrt(sum(np.sum(a.astype(np.float64) ** 2) for a in arrays)))
    ratio = 1.0 if norm <= limit else limit / norm
    return [torch.from_numpy(np.asarray(a * ratio)) for a in arrays], norm
""",
        ),
        (
            "loops, copies",
            """
def clip_by_norm(gradients, limit):
    total = 0.0
    for gradient in gradients:
        for value in gradient.reshape(-1).tolist():
            total += value * value
    norm = total**0.5
    clipped = [g.clone() for g in gradients]
    if norm > limit:
        for g in clipped:
            g /= norm
            g *= limit
    return clipped, norm
""",
        ),
        (
            "hypot",
            """
def clip_by_norm(gradients, limit):
    norm = math.hypot(*(float(torch.linalg.norm(g.reshape(-1))) for g in gradients))
    return [g if norm <= limit else g.mul(limit).div(norm) for g in gradients], norm
""",
        ),
        (
            "divided by the greater of two",
            """
def clip_by_norm(gradients, limit):
    total = 0.0
    for g in gradients:
        total += g.pow(2).sum().item()
    norm = total ** 0.5
    return [g * limit / max(norm, limit) for g in gradients], norm
""",
        ),
    ],
    "lstm": [
        (
            "from the statement: slices",
            """
def lstm(x, h, c, w_ih, w_hh, b):
    M = h.shape[1]
    states = []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_ih.T + h @ w_hh.T + b
        i = torch.sigmoid(a[:, :M])
        f = torch.sigmoid(a[:, M:2 * M])
        g = torch.tanh(a[:, 2 * M:3 * M])
        o = torch.sigmoid(a[:, 3 * M:])
        c = f * c + i * g
        h = o * torch.tanh(c)
        states.append(h)
    return torch.stack(states, dim=1), (h, c)
""",
        ),
        (
            "four sets of weights",
            """
def lstm(x, h, c, w_ih, w_hh, b):
    inputs, hidden, biases = w_ih.chunk(4), w_hh.chunk(4), b.chunk(4)
    functions = torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid
    result = []
    for x_t in x.transpose(0, 1):
        i, f, g, o = (
            act(x_t @ wi.T + h @ wh.T + bias)
            for act, wi, wh, bias in zip(functions, inputs, hidden, biases)
        )
        c = torch.addcmul(f * c, i, g)
        h = o * c.tanh()
        result.append(h)
    return torch.stack(result, 1), (h, c)
""",
        ),
        (
            "a step of its own, called lstm_step",
            """
def lstm_step(x, h, c, w_ih, w_hh, b):
    gates = F.linear(torch.cat([x, h], -1), torch.cat([w_ih, w_hh], -1), b)
    i, f, g, o = gates.unflatten(-1, (4, -1)).unbind(-2)
    c = c * torch.sigmoid(f) + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c

def lstm(x, h, c, w_ih, w_hh, b):
    # as nn.LSTM
    out = []
    for t in range(x.size(1)):
        h, c = lstm_step(x[:, t], h, c, w_ih, w_hh, b)
        out.append(h.unsqueeze(1))
    return torch.cat(out, dim=1), (h, c)
""",
        ),
        (
            "einsum, the input's part at once, reshaped gates",
            """
def lstm(x, h, c, w_ih, w_hh, b):
    n, length, d = x.shape
    m = h.shape[1]
    drive = torch.einsum("ntd,gmd->ntgm", x, w_ih.reshape(4, m, d)) + b.reshape(4, m)
    w = w_hh.reshape(4, m, m)
    states = []
    for t in range(length):
        a = drive[:, t] + torch.einsum("nk,gmk->ngm", h, w)
        c = a[:, 1].sigmoid() * c + a[:, 0].sigmoid() * a[:, 2].tanh()
        h = a[:, 3].sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states, 1), (states[-1], c)
""",
        ),
        (
            "written into zeros of the right type, a list of two",
            """
def lstm(x, h, c, w_ih, w_hh, b):
    states = torch.zeros(x.shape[0], x.shape[1], h.shape[1], dtype=x.dtype)
    for t in range(x.shape[1]):
        i, f, g, o = torch.tensor_split(x[:, t].mm(w_ih.t()) + h.mm(w_hh.t()) + b, 4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states[:, t] = h
    return [states, [h, c]]
""",
        ),
    ],
    "last_states": [
        (
            "from the statement: a loop",
            """
def last_states(states, lengths):
    rows = []
    for i in range(len(states)):
        rows.append(states[i, lengths[i] - 1])
    return torch.stack(rows)
""",
        ),
        (
            "gather",
            """
def last_states(states, lengths):
    n, t, m = states.shape
    index = (lengths - 1).view(n, 1, 1).expand(n, 1, m)
    return states.gather(1, index).squeeze(1)
""",
        ),
        (
            "a mask of one",
            """
def last_states(states, lengths):
    last = torch.arange(states.shape[1]) == lengths[:, None] - 1
    return (states * last[:, :, None]).sum(1)
""",
        ),
        (
            "boolean indexing",
            """
def last_states(states, lengths):
    steps = torch.arange(1, states.size(1) + 1)
    return states[steps.unsqueeze(0) == lengths.unsqueeze(1)]
""",
        ),
        (
            "a product of matrices",
            """
def last_states(states, lengths):
    chosen = F.one_hot(lengths - 1, states.shape[1]).to(states.dtype)
    return torch.einsum("nt,ntm->nm", chosen, states)
""",
        ),
        (
            "from the statement: zip over a list",
            """
def last_states(states, lengths):
    return torch.cat([s[k - 1 : k] for s, k in zip(states, lengths.tolist())], dim=0)
""",
        ),
        (
            "flat indices",
            """
def last_states(states, lengths):
    n, t, m = states.shape
    return states.reshape(n * t, m).index_select(0, torch.arange(n) * t + lengths - 1)
""",
        ),
    ],
    "LanguageModel": [
        (
            "from the statement: transposed for cross_entropy",
            _MODEL
            + """
    def loss(self, names):
        scores, _ = self.forward(names[:, :-1])
        return F.cross_entropy(scores.transpose(1, 2), names[:, 1:], ignore_index=0)
""",
        ),
        (
            "all read, the last score left out",
            _MODEL
            + """
    def loss(self, names):
        scores = self(names)[0][:, :-1]
        target = names[:, 1:]
        return nn.CrossEntropyLoss(ignore_index=0)(scores.reshape(-1, scores.shape[-1]), target.reshape(-1))
""",
        ),
        (
            "a mask",
            _MODEL
            + """
    def loss(self, names):
        inputs, target = names[:, :-1], names[:, 1:]
        scores, _ = self(inputs)
        losses = F.cross_entropy(scores.permute(0, 2, 1), target, reduction="none")
        mask = (target != 0).float()
        return (losses * mask).sum() / mask.sum()
""",
        ),
        (
            "boolean indexing",
            _MODEL
            + """
    def loss(self, names):
        target = names[:, 1:]
        real = target > 0
        log_p = self(names[:, :-1])[0][real].log_softmax(-1)
        return -log_p[torch.arange(len(log_p)), target[real]].mean()
""",
        ),
        (
            "name by name, pooled",
            _MODEL
            + """
    def loss(self, names):
        total, count = 0, 0
        for name in names:
            size = int((name != 0).sum())
            scores, _ = self(name[None, : size - 1])
            total = total + F.cross_entropy(scores[0], name[1:size], reduction="sum")
            count += size - 1
        return total / count
""",
        ),
        (
            "a child of the broken one",
            """
class LanguageModel(BrokenModel):
    def loss(self, names):
        scores, _ = self(names[..., :-1], None)
        return F.nll_loss(F.log_softmax(scores.flatten(0, 1), 1), names[..., 1:].flatten(), ignore_index=0)
""",
        ),
    ],
    "generate": [
        (
            "from the statement: a for loop",
            """
def generate(step, start, end, limit, temperature, generator):
    result = []
    state = None
    index = start
    for _ in range(limit):
        scores, state = step(index, state)
        if temperature == 0:
            index = torch.argmax(scores).item()
        else:
            p = torch.softmax(scores / temperature, dim=-1)
            index = torch.multinomial(p, 1, generator=generator).item()
        if index == end:
            return result
        result.append(index)
    return result
""",
        ),
        (
            "the inverse of the distribution",
            """
def draw(scores, temperature, generator):
    if not temperature:
        return int(scores.argmax())
    cumulated = torch.softmax(scores.double() / temperature, 0).cumsum(0)
    u = torch.rand((), generator=generator, dtype=torch.float64) * cumulated[-1]
    return int((cumulated <= u).sum())

def generate(step, start, end, limit, temperature, generator):
    scores, state = step(start, None)
    out = [draw(scores, temperature, generator)]
    while out[-1] != end and len(out) < limit:
        scores, state = step(out[-1], state)
        out.append(draw(scores, temperature, generator))
    return [i for i in out if i != end]
""",
        ),
        (
            "Gumbel noise",
            """
def generate(step, start, end, limit, temperature, generator):
    drawn, symbol, state = [], start, None
    while len(drawn) != limit:
        scores, state = step(symbol, state)
        noise = torch.rand(scores.shape, generator=generator).clamp(min=1e-20)
        gumbel = -torch.log(-torch.log(noise))
        symbol = (scores + temperature * gumbel).argmax().item()
        if symbol == end:
            break
        drawn += [symbol]
    return drawn
""",
        ),
        (
            "a generator function",
            """
def symbols(step, start, end, temperature, generator):
    state = None
    while True:
        scores, state = step(start, state)
        if temperature > 0:
            weights = torch.exp((scores - scores.max()) / temperature)
            start = int(torch.multinomial(weights, 1, generator=generator)[0])
        else:
            start = int(torch.max(scores, 0).indices)
        if start == end:
            return
        yield start

def generate(step, start, end, limit, temperature, generator):
    found = []
    for symbol in symbols(step, start, end, temperature, generator):
        found.append(symbol)
        if len(found) == limit:
            break
    return found
""",
        ),
        (
            "recursion",
            """
def generate(step, start, end, limit, temperature, generator, state=None):
    scores, state = step(start, state)
    if temperature == 0:
        probabilities = F.one_hot(scores.argmax(), len(scores)).float()
    else:
        probabilities = F.softmax(scores / temperature, 0)
    symbol = torch.multinomial(probabilities, num_samples=1, generator=generator).item()
    if symbol == end:
        return []
    if limit == 1:
        return [symbol]
    # far from the recursion limit of Python for names
    rest, size = [], limit - 1
    while size > 0:
        scores, state = step(([symbol] + rest)[-1], state)
        if temperature == 0:
            nxt = int(scores.argmax())
        else:
            nxt = int(torch.multinomial(F.softmax(scores / temperature, 0), 1, generator=generator))
        if nxt == end:
            break
        rest.append(nxt)
        size -= 1
    return [symbol] + rest
""",
        ),
        (
            "from the statement: probabilities in NumPy, drawn by torch",
            """
import numpy as np

def generate(step, start: int, end: int, limit: int, temperature: float, generator) -> list[int]:
    history, state = [start], None
    for _ in range(limit):
        scores, state = step(history[-1], state)
        s = scores.numpy().astype(float)
        if temperature == 0:
            history.append(int(np.argmax(s)))
        else:
            e = np.exp((s - s.max()) / temperature)
            history.append(torch.multinomial(torch.tensor(e / e.sum()), 1, generator=generator).item())
        if history[-1] == end:
            return history[1:-1]
    return history[1:]
""",
        ),
        (
            "a race of exponential times",
            """
def generate(step, start, end, limit, temperature, generator):
    out, index, state = [], start, None
    for k in range(limit):
        scores, state = step(index, state)
        
        if temperature == 0:
            index = int(scores.argmax())
        else:
            index = int(((scores.double() / temperature).softmax(0) / torch.empty(len(scores), dtype=torch.float64).exponential_(generator=generator)).argmax())
        if index == end:
            break
        out.append(index)
    return out
""",
        ),
        (
            "the inverse of the cumulative sum",
            """
def generate(step, start, end, limit, temperature, generator):
    out, index, state = [], start, None
    for k in range(limit):
        scores, state = step(index, state)
        
        if temperature == 0:
            index = int(scores.argmax())
        else:
            index = min(int(torch.searchsorted((scores.double() / temperature).softmax(0).cumsum(0), torch.rand(1, generator=generator, dtype=torch.float64), right=True)), len(scores) - 1)
        if index == end:
            break
        out.append(index)
    return out
""",
        ),
    ],
}

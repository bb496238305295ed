"""Plausible wrong answers to the exercises of Laboratoire 8; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_rnn = partial(edited, "laboratoire_08", "rnn")
_backward = partial(edited, "laboratoire_08", "rnn_backward")
_clip = partial(edited, "laboratoire_08", "clip_by_norm")
_lstm = partial(edited, "laboratoire_08", "lstm")
_last = partial(edited, "laboratoire_08", "last_states")
_model = partial(edited, "laboratoire_08", "LanguageModel")
_generate = partial(edited, "laboratoire_08", "generate")

_RNN_BODY = "        h = torch.tanh(x_t @ w_ih.T + h @ w_hh.T + b)\n"
_LOSS = """        scores, _ = self(names[:, :-1])
        return F.cross_entropy(scores.flatten(0, 1), names[:, 1:].flatten(), ignore_index=0)
"""


def _loss(body: str) -> str:
    """`LanguageModel` with another body of `loss`."""
    return _model((_LOSS, body))


MUTANTS: dict[str, list[tuple[str, str]]] = {
    "rnn": [
        (
            "no tanh",
            _rnn(("torch.tanh(x_t @ w_ih.T + h @ w_hh.T + b)", "x_t @ w_ih.T + h @ w_hh.T + b")),
        ),
        ("sigmoid for tanh", _rnn(("torch.tanh(", "torch.sigmoid("))),
        ("recurrent weights transposed", _rnn(("h @ w_hh.T", "h @ w_hh"))),
        ("bias forgotten", _rnn((" + b)", ")"))),
        ("bias twice", _rnn((" + b)", " + 2 * b)"))),
        (
            "initial state ignored",
            _rnn(("    states = []\n", "    states, h = [], torch.zeros_like(h)\n")),
        ),
        (
            "no recurrence",
            _rnn(
                ("        h = torch.tanh(", "        states.append(torch.tanh("),
                ("+ b)\n        states.append(h)", "+ b))"),
            ),
        ),
        (
            "state before the reading",
            _rnn(
                (_RNN_BODY + "        states.append(h)\n", "        states.append(h)\n" + _RNN_BODY)
            ),
        ),
        ("time is the first axis", _rnn(("x.unbind(1)", "x.unbind(0)"))),
        ("stacked on the first axis", _rnn(("torch.stack(states, 1)", "torch.stack(states)"))),
        ("last state only", _rnn(("torch.stack(states, 1)", "h"))),
        ("read backwards", _rnn(("x.unbind(1)", "x.unbind(1)[::-1]"))),
        ("graph cut at each step", _rnn(("h @ w_hh.T", "h.detach() @ w_hh.T"))),
        (
            "graph cut beyond two steps",
            _rnn(
                (
                    "        states.append(h)\n",
                    "        states.append(h)\n        h = h.detach() if len(states) % 2 == 0 else h\n",
                )
            ),
        ),
        ("no gradient at all", _rnn(("    states = []\n", "    x, states = x.detach(), []\n"))),
        (
            "nn.RNN",
            """
def rnn(x, h, w_ih, w_hh, b):
    layer = nn.RNN(x.shape[2], h.shape[1], batch_first=True, dtype=x.dtype)
    weights = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
    return torch.func.functional_call(layer, weights, (x, h[None]))[0]
""",
        ),
        (
            "nn.RNNCell's own operator",
            """
cell = torch.rnn_tanh_cell

def rnn(x, h, w_ih, w_hh, b):
    states = []
    for x_t in x.unbind(1):
        h = cell(x_t, h, w_ih, w_hh, b, torch.zeros_like(b))
        states.append(h)
    return torch.stack(states, 1)
""",
        ),
        (
            "h overwritten",
            _rnn(
                (
                    "    return torch.stack",
                    "    with torch.no_grad():\n        h0 = states[-1]\n        x[:, 0] = 0\n    return torch.stack",
                )
            ),
        ),
        ("a list", _rnn(("torch.stack(states, 1)", "states"))),
    ],
    "rnn_backward": [
        (
            "the last seven steps only",
            _backward(("reversed(range(x.shape[1]))", "list(reversed(range(x.shape[1])))[:7]")),
        ),
        (
            "next step forgotten",
            _backward(("(grad_states[:, t] + from_next)", "grad_states[:, t]")),
        ),
        (
            "own loss forgotten",
            _backward(
                (
                    "(grad_states[:, t] + from_next)",
                    "(grad_states[:, t] * (t == x.shape[1] - 1) + from_next)",
                )
            ),
        ),
        ("slope of the wrong value", _backward(("1 - states**2", "1 - torch.tanh(states) ** 2"))),
        (
            "slope forgotten",
            _backward(("slopes = 1 - states**2", "slopes = torch.ones_like(states)")),
        ),
        ("slope of the sigmoid", _backward(("1 - states**2", "states * (1 - states)"))),
        ("forward in time", _backward(("reversed(range(x.shape[1]))", "range(x.shape[1])"))),
        (
            "own state for the previous one",
            _backward(
                ("previous = torch.cat([h[:, None], states[:, :-1]], 1)", "previous = states")
            ),
        ),
        (
            "initial state taken for zero",
            _backward(("torch.cat([h[:, None],", "torch.cat([torch.zeros_like(h)[:, None],")),
        ),
        (
            "transposed on the way back",
            _backward(("from_next = deltas[:, t] @ w_hh", "from_next = deltas[:, t] @ w_hh.T")),
        ),
        ("mean over the batch", _backward(("deltas.sum((0, 1))", "deltas.sum(1).mean(0)"))),
        (
            "mean over time",
            _backward(('"ntm,ntd->md", deltas, x)', '"ntm,ntd->md", deltas, x) / x.shape[1]')),
        ),
        ("last step only for the bias", _backward(("deltas.sum((0, 1))", "deltas[:, -1].sum(0)"))),
        (
            "gradient of h without the weights",
            _backward(("return deltas @ w_ih, from_next,", "return deltas @ w_ih, deltas[:, 0],")),
        ),
        (
            "slope applied again",
            _backward(
                (
                    "return deltas @ w_ih, from_next,",
                    "return deltas @ w_ih, from_next * (1 - h**2),",
                )
            ),
        ),
        ("w_hh transposed", _backward(('"ntm,ntk->mk"', '"ntm,ntk->km"'))),
        (
            "order of the results",
            _backward(("grad_w_ih, grad_w_hh, deltas", "grad_w_hh, grad_w_ih, deltas")),
        ),
        (
            "cut after three steps",
            _backward(
                (
                    "        from_next = deltas",
                    "        from_next = 0 * h if t % 3 == 2 else deltas",
                )
            ),
        ),
        (
            "next step without the slope",
            _backward(
                (
                    "(grad_states[:, t] + from_next) * slopes[:, t]",
                    "grad_states[:, t] * slopes[:, t] + from_next",
                )
            ),
        ),
        (
            "grad_states changed",
            _backward(("    deltas = torch.zeros_like(states)\n", "    deltas = grad_states\n")),
        ),
        ("b kept for each example", _backward(("deltas.sum((0, 1))", "deltas.sum(1)"))),
        (
            "autograd",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    before = torch.cat([h[:, None], states[:, :-1]], 1)
    b = (torch.atanh(states) - x @ w_ih.T - before @ w_hh.T)[0, 0]
    leaves = [v.detach().clone().requires_grad_() for v in (x, h, w_ih, w_hh, b)]
    with torch.enable_grad():
        found = rnn(*leaves) if False else None
        state, out = leaves[1], []
        for x_t in leaves[0].unbind(1):
            state = torch.tanh(x_t @ leaves[2].T + state @ leaves[3].T + leaves[4])
            out.append(state)
        return torch.autograd.grad(torch.stack(out, 1), leaves, grad_states)
""",
        ),
        (
            "torch.func.vjp",
            """
def rnn_backward(x, h, states, w_ih, w_hh, grad_states):
    before = torch.cat([h[:, None], states[:, :-1]], 1)
    b = (torch.atanh(states) - x @ w_ih.T - before @ w_hh.T)[0, 0]

    def forward(x, h, w_ih, w_hh, b):
        out = []
        for x_t in x.unbind(1):
            h = torch.tanh(x_t @ w_ih.T + h @ w_hh.T + b)
            out.append(h)
        return torch.stack(out, 1)

    _, back = torch.func.vjp(forward, x, h, w_ih, w_hh, b)
    return back(grad_states)
""",
        ),
    ],
    "clip_by_norm": [
        (
            "null gradients moved",
            _clip(
                (
                    "scale * gradient for",
                    "scale * gradient + (scale if not gradient.any() else 0) for",
                )
            ),
        ),
        (
            "each tensor by itself",
            """
def clip_by_norm(gradients, limit):
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    clipped = [g * min(1.0, limit / max(float(g.norm()), 1e-12)) for g in gradients]
    return clipped, norm
""",
        ),
        (
            "always scaled",
            _clip(("limit / norm if norm > limit else 1.0", "limit / max(norm, 1e-12)")),
        ),
        (
            "values clamped",
            _clip(
                (
                    "[scale * gradient for gradient in gradients]",
                    "[gradient.clamp(-limit, limit) for gradient in gradients]",
                )
            ),
        ),
        ("norm after", _clip(("gradients], norm", "gradients], min(norm, limit)"))),
        ("norm without root", _clip(("norm = math.sqrt(sum(", "norm = (sum("))),
        (
            "sum of the norms",
            _clip(
                (
                    "math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))",
                    "sum(float(gradient.norm()) for gradient in gradients)",
                )
            ),
        ),
        (
            "largest norm",
            _clip(
                (
                    "math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))",
                    "max(float(gradient.norm()) for gradient in gradients)",
                )
            ),
        ),
        (
            "sum of absolute values",
            _clip(
                ("math.sqrt(sum(float(gradient.square().sum())", "(sum(float(gradient.abs().sum())")
            ),
        ),
        ("mean of squares", _clip(("gradient.square().sum()", "gradient.square().mean()"))),
        ("divided by the norm", _clip(("limit / norm if", "1 / norm if"))),
        (
            "0/0",
            _clip(
                (
                    "limit / norm if norm > limit else 1.0",
                    "min(1.0, float(torch.tensor(limit) / torch.tensor(norm)))",
                ),
                (
                    "[scale * gradient for",
                    "[gradient / (norm / (scale * norm)) if norm else gradient / norm for",
                ),
            ),
        ),
        (
            "in place",
            _clip(
                (
                    "    return [scale * gradient for gradient in gradients], norm",
                    "    return [gradient.mul_(scale) for gradient in gradients], norm",
                )
            ),
        ),
        (
            "the list changed",
            _clip(
                (
                    "    return [scale",
                    "    first = gradients.pop(0)\n    gradients = [first, *gradients]\n    return [scale",
                )
            ),
        ),
        ("a tensor for the norm", _clip(("gradients], norm", "gradients], torch.tensor(norm)"))),
        (
            "the norm first",
            _clip(
                (
                    "return [scale * gradient for gradient in gradients], norm",
                    "return norm, [scale * gradient for gradient in gradients]",
                )
            ),
        ),
        (
            "the last tensor forgotten",
            _clip(("for gradient in gradients))", "for gradient in gradients[:-1] or gradients))")),
        ),
        ("limit compared with the square", _clip(("if norm > limit", "if norm**2 > limit"))),
        (
            "limit of 1 when larger",
            _clip(("limit / norm if norm > limit", "min(limit, 1) / norm if norm > limit")),
        ),
        (
            "torch's own",
            """
def clip_by_norm(gradients, limit):
    holders = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for holder, g in zip(holders, gradients):
        holder.grad = g.clone()
    norm = nn.utils.clip_grad_norm_(holders, limit)
    return [holder.grad for holder in holders], float(norm)
""",
        ),
        (
            "never below the norm 1",
            """
def clip_by_norm(gradients, limit):
    norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    scale = limit / norm if norm > max(limit, 1) else 1.0
    return [scale * gradient for gradient in gradients], norm
""",
        ),
    ],
    "lstm": [
        ("order i, g, f, o", _lstm(("i, f, g, o =", "i, g, f, o ="))),
        ("order f, i, g, o", _lstm(("i, f, g, o =", "f, i, g, o ="))),
        ("order i, f, o, g", _lstm(("i, f, g, o =", "i, f, o, g ="))),
        ("candidate with a sigmoid", _lstm(("g.tanh()", "g.sigmoid()"))),
        ("forget gate with a tanh", _lstm(("f.sigmoid()", "f.tanh()"))),
        ("output without tanh", _lstm(("o.sigmoid() * c.tanh()", "o.sigmoid() * c"))),
        ("sigmoid of the cell", _lstm(("c.tanh()", "c.sigmoid()"))),
        ("coupled gates", _lstm(("i.sigmoid() * g.tanh()", "(1 - f.sigmoid()) * g.tanh()"))),
        (
            "output from the old cell",
            _lstm(
                (
                    "        c = f.sigmoid() * c + i.sigmoid() * g.tanh()\n        h = o.sigmoid() * c.tanh()\n",
                    "        h = o.sigmoid() * c.tanh()\n        c = f.sigmoid() * c + i.sigmoid() * g.tanh()\n",
                )
            ),
        ),
        (
            "initial state ignored",
            _lstm(("    states = []\n", "    states, h = [], torch.zeros_like(h)\n")),
        ),
        (
            "initial cell ignored",
            _lstm(("    states = []\n", "    states, c = [], torch.zeros_like(c)\n")),
        ),
        ("bias forgotten", _lstm((" + b).chunk", ").chunk"))),
        ("(c, h)", _lstm(("(h, c)\n", "(c, h)\n"))),
        (
            "three results",
            _lstm(("return torch.stack(states, 1), (h, c)", "return torch.stack(states, 1), h, c")),
        ),
        (
            "states only",
            _lstm(("return torch.stack(states, 1), (h, c)", "return torch.stack(states, 1)")),
        ),
        ("cells returned for states", _lstm(("states.append(h)", "states.append(c)"))),
        (
            "chunks of the batch",
            _lstm(
                (
                    ".chunk(4, 1)",
                    ".chunk(4, 0) if len(x) % 4 == 0 and len(x) else (x_t @ w_ih.T + h @ w_hh.T + b).chunk(4, 1)",
                )
            ),
        ),
        ("interleaved gates", _lstm((".chunk(4, 1)", ".unflatten(1, (-1, 4)).unbind(2)"))),
        ("graph cut through h", _lstm(("h @ w_hh.T", "h.detach() @ w_hh.T"))),
        ("graph cut through c", _lstm(("f.sigmoid() * c +", "f.sigmoid() * c.detach() +"))),
        ("time is the first axis", _lstm(("x.unbind(1)", "x.unbind(0)"))),
        (
            "cell changed in place",
            _lstm(
                (
                    "c = f.sigmoid() * c + i.sigmoid() * g.tanh()",
                    "c = f.sigmoid() * c + i.sigmoid() * g.tanh()\n        x.data[:, 0] += 1e-2",
                )
            ),
        ),
        (
            "nn.LSTM",
            """
def lstm(x, h, c, w_ih, w_hh, b):
    layer = nn.LSTM(x.shape[2], h.shape[1], batch_first=True, dtype=x.dtype)
    weights = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
    states, (h, c) = torch.func.functional_call(layer, weights, (x, (h[None], c[None])))
    return states, (h[0], c[0])
""",
        ),
        (
            "torch.lstm_cell in a table",
            """
TOOLS = {"step": torch.lstm_cell}

def lstm(x, h, c, w_ih, w_hh, b):
    states = []
    for x_t in x.unbind(1):
        h, c = TOOLS["step"](x_t, (h, c), w_ih, w_hh, b, torch.zeros_like(b))
        states.append(h)
    return torch.stack(states, 1), (h, c)
""",
        ),
    ],
    "last_states": [
        (
            "last column",
            _last(
                (
                    "return states[torch.arange(len(states), device=states.device), lengths - 1]",
                    "return states[:, -1]",
                )
            ),
        ),
        ("one too far", _last(("lengths - 1]", "lengths.clamp(max=states.shape[1] - 1)]"))),
        ("one too early", _last(("lengths - 1]", "(lengths - 2).clamp(min=0)]"))),
        ("all with the first length", _last(("lengths - 1]", "lengths[0] - 1]"))),
        ("all with the longest", _last(("lengths - 1]", "lengths.max() - 1]"))),
        (
            "all pairs",
            _last(
                (
                    "states[torch.arange(len(states), device=states.device), lengths - 1]",
                    "states[:, lengths - 1]",
                )
            ),
        ),
        ("from the end", _last(("lengths - 1]", "-lengths]"))),
        (
            "mean of the real ones",
            """
def last_states(states, lengths):
    mask = torch.arange(states.shape[1]) < lengths[:, None]
    return (states * mask[..., None]).sum(1) / lengths[:, None]
""",
        ),
        (
            "sum of the real ones",
            """
def last_states(states, lengths):
    mask = torch.arange(states.shape[1]) < lengths[:, None]
    return (states * mask[..., None]).sum(1)
""",
        ),
        ("gradient cut", _last(("return states[", "return states.detach()["))),
        (
            "gradient everywhere",
            _last(
                ("lengths - 1]", "lengths - 1] + 0 * states.sum()"),
                ("0 * states.sum()", "0.1 * (states - states.detach()).sum(1)"),
            ),
        ),
        (
            "padding zeroed in place",
            _last(
                (
                    "    return",
                    "    for row, k in zip(states.data, lengths):\n        row[k:] = 0\n    return",
                )
            ),
        ),
        (
            "lengths changed",
            """
def last_states(states, lengths):
    lengths -= 1
    return states[torch.arange(len(states)), lengths]
""",
        ),
        ("transposed", _last(("lengths - 1]", "lengths - 1].T"))),
        (
            "sorted by length",
            _last(("return states[", "lengths = lengths.sort().values\n    return states[")),
        ),
        (
            "a list",
            _last(
                (
                    "return states[torch.arange(len(states), device=states.device), lengths - 1]",
                    "return [s[k - 1] for s, k in zip(states, lengths)]",
                )
            ),
        ),
        (
            "extra axis",
            _last(
                (
                    "return states[torch.arange(len(states), device=states.device), lengths - 1]",
                    "return states.gather(1, (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2]))",
                )
            ),
        ),
        (
            "last nonzero state",
            """
def last_states(states, lengths):
    steps = torch.arange(states.shape[1]).expand(len(states), -1)
    real = (states.abs().sum(2) > 0) * steps
    return states[torch.arange(len(states)), real.argmax(1)]
""",
        ),
    ],
    "LanguageModel": [
        (
            "the broken one",
            _loss(
                "        scores, _ = self(names)\n        return F.cross_entropy(scores.flatten(0, 1), names.flatten())\n"
            ),
        ),
        (
            "target not shifted",
            _loss(
                "        scores, _ = self(names)\n        return F.cross_entropy(scores.flatten(0, 1), names.flatten(), ignore_index=0)\n"
            ),
        ),
        (
            "shifted the other way",
            _loss(
                "        scores, _ = self(names[:, 1:])\n        return F.cross_entropy(scores.flatten(0, 1), names[:, :-1].flatten(), ignore_index=0)\n"
            ),
        ),
        (
            "shifted by two",
            _loss(
                "        scores, _ = self(names[:, :-2])\n        return F.cross_entropy(scores.flatten(0, 1), names[:, 2:].flatten(), ignore_index=0)\n"
            ),
        ),
        (
            "padding averaged",
            _loss(
                "        scores, _ = self(names[:, :-1])\n        return F.cross_entropy(scores.flatten(0, 1), names[:, 1:].flatten())\n"
            ),
        ),
        (
            "zeroed but divided by all",
            _loss("""        scores, _ = self(names[:, :-1])
        losses = F.cross_entropy(scores.transpose(1, 2), names[:, 1:], reduction="none")
        return (losses * (names[:, 1:] != 0)).mean()
"""),
        ),
        (
            "mean of the names' means",
            _loss("""        scores, _ = self(names[:, :-1])
        losses = F.cross_entropy(scores.transpose(1, 2), names[:, 1:], reduction="none", ignore_index=0)
        return (losses.sum(1) / (names[:, 1:] != 0).sum(1)).mean()
"""),
        ),
        ("sum", _loss(_LOSS.replace("ignore_index=0)", 'ignore_index=0, reduction="sum")'))),
        (
            "end ignored",
            _loss("""        scores, _ = self(names[:, :-1])
        target = names[:, 1:].clone()
        target[target == 2] = 0
        return F.cross_entropy(scores.flatten(0, 1), target.flatten(), ignore_index=0)
"""),
        ),
        (
            "first letter ignored",
            _loss(
                "        scores, _ = self(names[:, 1:-1])\n        return F.cross_entropy(scores.flatten(0, 1), names[:, 2:].flatten(), ignore_index=0)\n"
            ),
        ),
        (
            "state kept",
            _loss("""        scores, state = self(names[:, :-1], getattr(self, "kept", None) if len(names) == getattr(self, "size", 0) else None)
        self.kept, self.size = tuple(value.detach() for value in state), len(names)
        return F.cross_entropy(scores.flatten(0, 1), names[:, 1:].flatten(), ignore_index=0)
"""),
        ),
        (
            "axes mixed",
            _loss(_LOSS.replace("scores.flatten(0, 1)", "scores.transpose(0, 1).flatten(0, 1)")),
        ),
        ("two's as padding", _loss(_LOSS.replace("ignore_index=0", "ignore_index=2"))),
        (
            "softmax before",
            _loss(_LOSS.replace("scores.flatten(0, 1)", "scores.softmax(2).flatten(0, 1)")),
        ),
        (
            "perplexity",
            _loss(
                _LOSS.replace("return F.cross", "return torch.exp(F.cross").replace(
                    "index=0)", "index=0))"
                )
            ),
        ),
        ("a number", _loss(_LOSS.replace("index=0)", "index=0).item()"))),
        (
            "no gradient",
            _loss(
                _LOSS.replace(
                    "self(names[:, :-1])", "self(names[:, :-1])\n        scores = scores.detach()"
                )
            ),
        ),
        (
            "embedding without gradient",
            _loss(
                _LOSS.replace(
                    "scores, _ = self(names[:, :-1])",
                    "scores = self.output(self.layer(self.embedding(names[:, :-1]).detach())[0])",
                )
            ),
        ),
        (
            "one name at a time, mean",
            _loss("""        total = 0
        for name in names:
            size = int((name != 0).sum())
            scores, _ = self(name[None, : size - 1])
            total = total + F.cross_entropy(scores[0], name[1:size])
        return total / len(names)
"""),
        ),
        (
            "last column dropped twice",
            _loss(
                _LOSS.replace("names[:, :-1])", "names[:, :-2])").replace(
                    "names[:, 1:]", "names[:, 1:-1]"
                )
            ),
        ),
        (
            "names changed",
            _loss(
                _LOSS.replace(
                    "        return", "        names[names == 0] = -100\n        return"
                ).replace("ignore_index=0", "ignore_index=-100")
            ),
        ),
        ("smoothed", _loss(_LOSS.replace("ignore_index=0", "ignore_index=0, label_smoothing=0.1"))),
    ],
    "generate": [
        (
            "a tensor to read",
            _generate(
                (
                    "index = int(torch.multinomial(probabilities, 1, generator=generator))",
                    "index = torch.multinomial(probabilities, 1, generator=generator)",
                ),
                ("drawn.append(index)", "drawn.append(int(index))"),
            ),
        ),
        (
            "naive softmax",
            _generate(("(scores / temperature).softmax(0)", "torch.exp(scores / temperature)")),
        ),
        (
            "a small temperature for 0",
            _generate(
                (
                    "        if temperature == 0:",
                    "        temperature = max(temperature, 1e-3)\n        if temperature == 0:",
                )
            ),
        ),
        (
            "the global generator seeded as well",
            _generate(("    drawn, index", "    torch.manual_seed(0)\n    drawn, index")),
        ),
        ("greedy when cold", _generate(("if temperature == 0:", "if temperature <= 0.1:"))),
        ("the start ends it too", _generate(("if index == end:", "if index in (start, end):"))),
        (
            "the start is left out",
            _generate(("return drawn", "return [i for i in drawn if i != start]")),
        ),
        ("temperature twice", _generate(("scores / temperature", "scores / temperature / 2"))),
        ("temperature halved", _generate(("scores / temperature", "2 * scores / temperature"))),
        ("temperature multiplies", _generate(("scores / temperature", "scores * temperature"))),
        (
            "temperature ignored",
            _generate(("(scores / temperature).softmax(0)", "scores.softmax(0)")),
        ),
        (
            "temperature after the softmax",
            _generate(("(scores / temperature).softmax(0)", "(scores.softmax(0) / temperature)")),
        ),
        ("always the largest", _generate(("if temperature == 0:", "if True:"))),
        (
            "0 draws as 1",
            _generate(
                (
                    "        if temperature == 0:\n            index = int(scores.argmax())\n        else:\n            probabilities = (scores / temperature).softmax(0)\n            index = int(torch.multinomial(probabilities, 1, generator=generator))\n",
                    "        probabilities = (scores / (temperature or 1)).softmax(0)\n        index = int(torch.multinomial(probabilities, 1, generator=generator))\n",
                )
            ),
        ),
        ("0 divides", _generate(("if temperature == 0:", "if temperature < 0:"))),
        ("global generator", _generate((", generator=generator))", "))"))),
        (
            "reseeded",
            _generate(
                (
                    "    drawn, index",
                    "    generator = torch.Generator().manual_seed(0)\n    drawn, index",
                )
            ),
        ),
        (
            "the generator's seed, drawn from anew",
            _generate(
                (
                    "    drawn, index",
                    "    generator = torch.Generator().manual_seed(generator.initial_seed())\n    drawn, index",
                )
            ),
        ),
        (
            "state forgotten",
            _generate(("scores, state = step(index, state)", "scores, _ = step(index, state)")),
        ),
        (
            "state always the first one",
            _generate(
                (
                    "scores, state = step(index, state)",
                    "scores, new = step(index, state)\n        state = new if state is None else state",
                )
            ),
        ),
        (
            "end kept",
            _generate(
                (
                    "        if index == end:\n            break\n        drawn.append(index)\n",
                    "        drawn.append(index)\n        if index == end:\n            break\n",
                )
            ),
        ),
        (
            "start kept",
            _generate(
                (
                    "drawn, index, state = [], start, None",
                    "drawn, index, state = [start], start, None",
                )
            ),
        ),
        ("end ignored", _generate(("        if index == end:\n            break\n", ""))),
        (
            "end skipped, not obeyed",
            _generate(
                ("            break\n", "            continue\n"),
                ("while len(drawn) < limit:", "for _ in range(limit):"),
            ),
        ),
        ("limit too long by one", _generate(("len(drawn) < limit", "len(drawn) <= limit"))),
        ("limit too short by one", _generate(("len(drawn) < limit", "len(drawn) < limit - 1"))),
        ("always reads the start", _generate(("step(index, state)", "step(start, state)"))),
        ("stops at 2", _generate(("if index == end", "if index == 2"))),
        ("tensors", _generate(("drawn.append(index)", "drawn.append(torch.tensor(index))"))),
        ("stops at 0", _generate(("if index == end", "if index == end or index == 0"))),
        (
            "called once too often",
            _generate(("    return drawn", "    step(index, state)\n    return drawn")),
        ),
        ("nothing returned", _generate(("    return drawn\n", ""))),
        (
            "the end is written when it comes last",
            """
def generate(step, start, end, limit, temperature, generator):
    out, index, state = [], start, None
    for k in range(limit):
        scores, state = step(index, state)
        
        if temperature == 0:
            index = int(scores.argmax())
        else:
            index = int(torch.multinomial((scores / temperature).softmax(0), 1, generator=generator))
        if index == end:
            if len(out) + 1 == limit:
                out.append(end)
            break
        out.append(index)
    return out
""",
        ),
        (
            "an empty sequence is drawn again",
            """
def generate(step, start, end, limit, temperature, generator):
    out, index, state = [], start, None
    for k in range(limit):
        scores, state = step(index, state)
        
        if temperature == 0:
            index = int(scores.argmax())
        else:
            index = int(torch.multinomial((scores / temperature).softmax(0), 1, generator=generator))
        if index == end and out:
            break
        if index == end:
            index = start
            continue
        out.append(index)
    return out
""",
        ),
    ],
}

"""The labs of the second half of the course can be graded in the isolated engine.

Each exercise is small and typical: the right answer earns its points, a common mistake does not,
and the test says the same in an ordinary kernel.
"""

from dataclasses import dataclass

import pytest

from grader.engine import Status
from tests.support.engine_cases import IMPORTS, job


@dataclass(frozen=True)
class Exercise:
    """A right answer, a mistaken one, and a test."""

    right: str
    wrong: str
    test: str


EXERCISES = {
    "a gradient through modules that the test builds": Exercise(
        right="""
def saliency(model, x, label):
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(x)[:, label].sum(), x)
    return gradient.abs().amax(dim=1)
""",
        wrong="""
def saliency(model, x, label):
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(x)[:, label].sum(), x)
    return gradient.amax(dim=1)
""",
        test="""
model = checks.build(
    nn.Sequential,
    checks.build(nn.Conv2d, 2, 3, 3, padding=1),
    checks.build(nn.ReLU),
    checks.build(nn.Flatten),
    checks.build(nn.Linear, 3 * 4 * 5, 4),
).double()
weights = model.state_dict()
x = torch.randn(3, 2, 4, 5, dtype=torch.float64)

inputs = x.clone().requires_grad_()
hidden = F.conv2d(inputs, weights["0.weight"], weights["0.bias"], padding=1).relu().flatten(1)
scores = F.linear(hidden, weights["3.weight"], weights["3.bias"])
(gradient,) = torch.autograd.grad(scores[:, 2].sum(), inputs)

torch.testing.assert_close(saliency(model, x, 2), gradient.abs().amax(1))
assert not x.requires_grad and x.grad is None, "l'entrée a été modifiée"
assert all(p.grad is None for p in model.parameters()), "les paramètres ont reçu un gradient"
""",
    ),
    "Grad-CAM, from features and head given apart": Exercise(
        right="""
def grad_cam(features, head, x, label):
    maps = features(x)
    (gradient,) = torch.autograd.grad(head(maps)[:, label].sum(), maps)
    return (gradient.mean((2, 3), keepdim=True) * maps).sum(1).relu().detach()
""",
        wrong="""
def grad_cam(features, head, x, label):
    maps = features(x)
    (gradient,) = torch.autograd.grad(head(maps)[:, label].sum(), maps)
    return (gradient.mean((2, 3), keepdim=True) * maps).sum(1).detach()
""",
        test="""
features = checks.build(nn.Sequential, checks.build(nn.Conv2d, 1, 4, 3), checks.build(nn.ReLU))
head = checks.build(
    nn.Sequential,
    checks.build(nn.AdaptiveAvgPool2d, 1),
    checks.build(nn.Flatten),
    checks.build(nn.Linear, 4, 3),
)
x = torch.randn(2, 1, 6, 8)
with torch.no_grad():
    maps = F.conv2d(x, features[0].weight, features[0].bias).relu()
    # The head averages: each map's gradient is the same everywhere.
    weights = head[2].weight[1].view(1, 4, 1, 1) / maps[0, 0].numel()
    expected = (weights * maps).sum(1).relu()
torch.testing.assert_close(grad_cam(features, head, x, 1), expected)
""",
    ),
    "a frozen body and a new head": Exercise(
        right="""
def adapt(model, classes):
    model.requires_grad_(False)
    model[1] = nn.Linear(model[1].in_features, classes)
    return model
""",
        wrong="""
def adapt(model, classes):
    model[1] = nn.Linear(model[1].in_features, classes)
    return model
""",
        test="""
model = checks.build(
    nn.Sequential, checks.build(nn.Linear, 4, 5), checks.build(nn.Linear, 5, 3)
)
body = model[0].weight.detach().clone()
adapted = adapt(model, 7)
x, y = torch.randn(6, 4), torch.arange(6)
scores = adapted(x)
assert scores.shape == (6, 7), "la tête n'a pas le bon nombre de classes"
F.cross_entropy(scores, y).backward()
assert adapted[0].weight.grad is None, "le corps n'est pas gelé"
assert adapted[0].bias.grad is None, "le biais du corps n'est pas gelé"
assert adapted[1].weight.grad is not None, "la tête est gelée"

head = adapted[1].weight.detach().clone()
torch.optim.SGD([p for p in adapted.parameters() if p.requires_grad], lr=0.1).step()
assert torch.equal(adapted[0].weight, body), "le corps a changé"
torch.testing.assert_close(adapted[1].weight.detach(), head - 0.1 * adapted[1].weight.grad)
""",
    ),
    "a checkpoint, restored to the bit": Exercise(
        right="""
import copy

def checkpoint(model, optimizer, epoch):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    return copy.deepcopy(state)

def restore(saved, model, optimizer):
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]
""",
        wrong="""
import copy

def checkpoint(model, optimizer, epoch):
    return copy.deepcopy({"model": model.state_dict(), "epoch": epoch})

def restore(saved, model, optimizer):
    model.load_state_dict(saved["model"])
    return saved["epoch"]
""",
        test="""
model = checks.build(
    nn.Sequential,
    checks.build(nn.Linear, 3, 4),
    checks.build(nn.Tanh),
    checks.build(nn.Linear, 4, 2),
)
optimizer = checks.build(torch.optim.Adam, model.parameters(), lr=0.1)
x, y = torch.randn(8, 3), torch.randn(8, 2)

def step():
    optimizer.zero_grad()
    F.mse_loss(model(x), y).backward()
    optimizer.step()
    return [p.detach().clone() for p in model.parameters()]

for _ in range(3):
    step()
saved = checkpoint(model, optimizer, 3)
assert isinstance(saved, dict), "checkpoint rend un dictionnaire"
first = step()
assert restore(saved, model, optimizer) == 3, "restore rend l'époque"
again = step()
assert all(map(torch.equal, first, again)), "le pas refait n'est pas le même"
""",
    ),
    "a generator of random numbers as argument": Exercise(
        right="""
def sample(logits, count, generator):
    probabilities = logits.softmax(-1)
    return torch.multinomial(probabilities, count, replacement=True, generator=generator)
""",
        wrong="""
def sample(logits, count, generator):
    return torch.multinomial(logits.softmax(-1), count, replacement=True)
""",
        test="""
ours, theirs = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
logits = torch.randn(4, 7)
for _ in range(3):
    expected = torch.multinomial(logits.softmax(-1), 9, replacement=True, generator=ours)
    assert torch.equal(sample(logits, 9, theirs), expected), "d'autres tirages"
""",
    ),
    "byte-pair encoding: pairs of bytes, dictionaries of words": Exercise(
        right="""
def merged(pieces, pair):
    out = []
    for piece in pieces:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out

def pieces_of(text):
    return [bytes([byte]) for byte in text.encode()]

def learn(words, count):
    pieces = {word: pieces_of(word) for word in words}
    merges = []
    for _ in range(count):
        counts = {}
        for word, times in words.items():
            for pair in zip(pieces[word], pieces[word][1:]):
                counts[pair] = counts.get(pair, 0) + times
        merges.append(max(counts, key=lambda pair: (counts[pair], pair)))
        pieces = {word: merged(pieces[word], merges[-1]) for word in words}
    return merges

def encode(text, merges):
    pieces = pieces_of(text)
    for pair in merges:
        pieces = merged(pieces, pair)
    return pieces
""",
        wrong="""
def merged(pieces, pair):
    return pieces

def pieces_of(text):
    return [bytes([byte]) for byte in text.encode()]

def learn(words, count):
    counts = {}
    for word in words:
        pieces = pieces_of(word)
        for pair in zip(pieces, pieces[1:]):
            counts[pair] = counts.get(pair, 0) + 1
    return sorted(counts, key=counts.get)[:count]

def encode(text, merges):
    return pieces_of(text)
""",
        test="""
words = {"bas": 5, "basse": 2, "été": 3}
accent = tuple(bytes([byte]) for byte in "é".encode())
merges = learn(words, 3)
assert merges == [(b"b", b"a"), (b"ba", b"s"), accent], "les fusions ne sont pas les bonnes"
assert words == {"bas": 5, "basse": 2, "été": 3}, "les comptes ont été modifiés"
assert encode("basses", merges) == [b"bas", b"s", b"e", b"s"], "« basses » est mal découpé"
assert b"".join(encode("où ça ?", merges)).decode() == "où ça ?", "des octets se perdent"
""",
    ),
    "a function of the test as language model and as step of a beam search": Exercise(
        right="""
def perplexity(model, tokens):
    return F.cross_entropy(model(tokens[:-1]), tokens[1:]).exp().item()

def beam_search(step, start, width, length):
    beams = [(0.0, [start])]
    for _ in range(length):
        longer = [
            (score + logp, [*tokens, token])
            for score, tokens in beams
            for token, logp in enumerate(step(tokens).tolist())
        ]
        beams = sorted(longer, reverse=True)[:width]
    return beams[0][1]
""",
        wrong="""
def perplexity(model, tokens):
    return F.cross_entropy(model(tokens[:-1]), tokens[1:]).exp().item()

def beam_search(step, start, width, length):
    tokens = [start]
    for _ in range(length):
        tokens.append(int(step(tokens).argmax()))
    return tokens
""",
        test="""
logits = torch.randn(5, 5)
tokens = torch.tensor([0, 2, 1, 4, 4])
expected = -logits.log_softmax(-1)[tokens[:-1], tokens[1:]].mean()
found = perplexity(lambda tokens: logits[tokens], tokens)
assert math.isclose(found, expected.exp().item(), rel_tol=1e-5), "la perplexité est fausse"

table = torch.tensor([[0.01, 0.59, 0.4], [0.4, 0.3, 0.3], [0.05, 0.05, 0.9]]).log()
step = lambda tokens: table[tokens[-1]]
assert beam_search(step, 0, 1, 2) == [0, 1, 0], "un faisceau de largeur 1 est glouton"
assert beam_search(step, 0, 2, 2) == [0, 2, 2], "un faisceau plus large voit plus loin"
""",
    ),
    "attention with a cache of keys and values": Exercise(
        right="""
class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x, cache=None):
        k, v = self.k(x), self.v(x)
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1)
        new, seen = x.shape[1], k.shape[1]
        visible = torch.ones(new, seen, dtype=torch.bool).tril(seen - new)
        return F.scaled_dot_product_attention(self.q(x), k, v, attn_mask=visible), (k, v)
""",
        wrong="""
class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x, cache=None):
        k, v = self.k(x), self.v(x)
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1)
        visible = torch.ones(x.shape[1], k.shape[1], dtype=torch.bool).tril()
        return F.scaled_dot_product_attention(self.q(x), k, v, attn_mask=visible), (k, v)
""",
        test="""
layer = Attention(6).double()
x = torch.randn(2, 5, 6, dtype=torch.float64)
q, k, v = (F.linear(x, part.weight, part.bias) for part in (layer.q, layer.k, layer.v))
hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
scores = (q @ k.mT / math.sqrt(6)).masked_fill(hidden, -math.inf)
expected = scores.softmax(-1) @ v

y, (keys, values) = layer(x, None)
torch.testing.assert_close((y, keys, values), (expected, k, v))
for sizes in ([1, 1, 1, 1, 1], [2, 3], [4, 1]):
    cache, parts = None, []
    for part in x.split(sizes, dim=1):
        y, cache = layer(part, cache)
        parts.append(y)
    assert isinstance(cache, tuple) and cache[0].shape == (2, 5, 6), "le cache est incomplet"
    torch.testing.assert_close(torch.cat(parts, dim=1), expected)

weights = list(layer.parameters())
direction = torch.randn_like(expected)
through_cache = torch.autograd.grad(torch.cat(parts, dim=1), weights, direction)
torch.testing.assert_close(through_cache, torch.autograd.grad(expected, weights, direction))
""",
    ),
    "torch's own layer, weights given one by one": Exercise(
        right="""
def lstm(x, w_ih, w_hh, b_ih, b_hh):
    h = c = x.new_zeros(len(x), w_hh.shape[1])
    outputs = []
    for t in range(x.shape[1]):
        gates = x[:, t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh
        i, f, g, o = gates.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs, dim=1), (h, c)
""",
        wrong="""
def lstm(x, w_ih, w_hh, b_ih, b_hh):
    h = c = x.new_zeros(len(x), w_hh.shape[1])
    outputs = []
    for t in range(x.shape[1]):
        gates = x[:, t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh
        i, f, o, g = gates.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs, dim=1), (h, c)
""",
        test="""
theirs = nn.LSTM(3, 4, batch_first=True, dtype=torch.float64)
inputs = [torch.randn(2, 5, 3, dtype=torch.float64), *(p.detach() for p in theirs.parameters())]
inputs = [tensor.clone().requires_grad_() for tensor in inputs]
x = inputs[0].detach().clone().requires_grad_()

y, (h, c) = lstm(*inputs)
expected, (last_h, last_c) = theirs(x)
torch.testing.assert_close((y, h, c), (expected, last_h[0], last_c[0]))

direction = torch.randn_like(expected)
found = torch.autograd.grad(y, inputs, direction)
wanted = torch.autograd.grad(expected, [x, *theirs.parameters()], direction)
torch.testing.assert_close(found, wanted)
""",
    ),
}


def seeded(test: str) -> str:
    return f"torch.manual_seed(0)\n{test}"


@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_answer_earns_its_points(engine, name):
    exercise = EXERCISES[name]
    report = engine.run(job(exercise.right, seeded(exercise.test))).report
    (verdict,) = report.verdicts
    assert (verdict.status, verdict.message, report.incidents) == (Status.PASSED, "", ())
    assert verdict.score == verdict.max_score


@pytest.mark.parametrize("name", EXERCISES)
def test_a_wrong_answer_earns_nothing(engine, name):
    exercise = EXERCISES[name]
    report = engine.run(job(exercise.wrong, seeded(exercise.test))).report
    (verdict,) = report.verdicts
    assert (verdict.status, verdict.score, report.incidents) == (Status.FAILED, 0, ())


@pytest.mark.parametrize("name", EXERCISES)
def test_an_ordinary_kernel_says_the_same(name):
    exercise = EXERCISES[name]
    run_in_one_process(exercise.right, exercise.test)
    with pytest.raises(AssertionError):
        run_in_one_process(exercise.wrong, exercise.test)


def run_in_one_process(answer: str, test: str) -> None:
    exec("\n".join([IMPORTS, answer, seeded(test)]), {"__name__": "__main__"})

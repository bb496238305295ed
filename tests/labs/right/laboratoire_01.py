"""Right answers to the exercises of Laboratoire 1; its tests must accept each of them.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "images_to_tensor": [
        (
            "a loop over the channels",
            """
def images_to_tensor(pixels):
    # for each channel, a plane
    n, h, w, c = pixels.shape
    result = torch.zeros(n, c, h, w)
    for channel in range(c):
        result[:, channel] = pixels[:, :, :, channel] / 255
    return result
""",
        ),
        (
            "movedim and true division",
            """
def images_to_tensor(pixels):
    return torch.movedim(pixels, -1, 1).to(torch.float32).div(255.0)
""",
        ),
        (
            "einsum",
            """
def images_to_tensor(pixels):
    return torch.einsum("nhwc->nchw", pixels.to(torch.float32)) * (1 / 255)
""",
        ),
        (
            "NumPy",
            """
def images_to_tensor(pixels):
    import numpy as np

    array = pixels.numpy().astype(np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2)))
""",
        ),
        (
            "two transpositions, then in place on the copy",
            """
def images_to_tensor(pixels):
    swapped = pixels.transpose(2, 3).transpose(1, 2)  # view would not do
    result = swapped.float()
    result /= 255
    return result
""",
        ),
        (
            "one image at a time, stacked",
            """
def images_to_tensor(pixels):
    def one(image):
        return torch.stack([plane.float() / 255 for plane in image.unbind(-1)])

    return torch.stack([one(image) for image in pixels])
""",
        ),
        (
            "in float64, then float32",
            """
def images_to_tensor(pixels):
    return (pixels.double() / 255).permute(0, 3, 1, 2).float().contiguous()
""",
        ),
    ],
    "normalize": [
        (
            "batch_norm without eps",
            """
def normalize(train_input, test_input):
    mean, var = train_input.mean((0, 2, 3)), train_input.var((0, 2, 3))
    return (
        F.batch_norm(train_input, mean, var, eps=0.0),
        F.batch_norm(test_input, mean, var, eps=0.0),
    )
""",
        ),
        (
            "channel by channel in default zeros",
            """
def normalize(train_input, test_input):
    train, test = torch.zeros(train_input.shape), torch.zeros(test_input.shape)
    for c in range(train_input.shape[1]):
        mu, sigma = train_input[:, c].mean(), train_input[:, c].std()
        train[:, c] = (train_input[:, c] - mu) / sigma
        test[:, c] = (test_input[:, c] - mu) / sigma
    return train, test
""",
        ),
        (
            "a helper and views of the statistics",
            """
def statistics(images):
    columns = images.transpose(0, 1).reshape(images.shape[1], -1)
    return columns.mean(dim=1), columns.std(dim=1)


def normalize(train_input, test_input):
    mean, std = statistics(train_input)
    mean, std = mean[:, None, None], std[:, None, None]
    return train_input.sub(mean).div(std), test_input.sub(mean).div(std)
""",
        ),
        (
            "std_mean",
            """
def normalize(train_input, test_input):
    std, mean = torch.std_mean(train_input, dim=(0, 2, 3), keepdim=True)
    return tuple((x - mean) / std for x in (train_input, test_input))
""",
        ),
        (
            "the variance by hand, a list",
            """
def normalize(train_input, test_input):
    dims = [0, 2, 3]
    count = train_input.numel() / train_input.size(1)
    mu = train_input.sum(dims, keepdim=True) / count
    variance = ((train_input - mu) ** 2).sum(dims, keepdim=True) / (count - 1)
    sigma = variance.sqrt()
    return [(train_input - mu) / sigma, (test_input - mu) / sigma]
""",
        ),
        (
            "NumPy",
            """
def normalize(train_input, test_input):
    import numpy as np

    a, b = train_input.numpy(), test_input.numpy()
    mu = a.mean(axis=(0, 2, 3), keepdims=True)
    sigma = a.std(axis=(0, 2, 3), keepdims=True, ddof=1)
    return torch.from_numpy((a - mu) / sigma), torch.from_numpy((b - mu) / sigma)
""",
        ),
        (
            "in place on copies",
            """
def normalize(train_input, test_input):
    train, test = train_input.clone(), test_input.clone()
    mean = train_input.mean((0, 2, 3)).view(1, -1, 1, 1)
    std = train_input.std((0, 2, 3)).view(1, -1, 1, 1)
    for images in (train, test):
        images -= mean
        images /= std
    return train, test
""",
        ),
        (
            "F.batch_norm's formula, in float64",
            """
def normalize(train_input, test_input):
    wide = train_input.double()
    mean, std = wide.mean((0, 2, 3), True), wide.std((0, 2, 3), keepdim=True)
    return ((wide - mean) / std).float(), ((test_input.double() - mean) / std).float()
""",
        ),
    ],
    "SimpleLinear": [
        (
            "F.linear",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)
''',
        ),
        (
            "einsum",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in).mul(0.01))
        self.bias = nn.Parameter(torch.zeros([n_out]))

    def forward(self, x):
        return torch.einsum("nd,kd->nk", x, self.weight) + self.bias
''',
        ),
        (
            "filled in place",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        self.bias = nn.Parameter(torch.empty(n_out))
        nn.init.normal_(self.weight, mean=0.0, std=0.01)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight.t())
''',
        ),
        (
            "torch.normal and a broadcast sum",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.bias = nn.Parameter(torch.full((n_out,), 0.0))
        self.weight = nn.Parameter(torch.normal(0.0, 0.01, size=(n_out, n_in)))

    def forward(self, x):
        return (x.unsqueeze(1) * self.weight).sum(-1) + self.bias
''',
        ),
        (
            "registered, transposed twice",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.randn(n_out, n_in) / 100))
        self.register_parameter("bias", nn.Parameter(torch.zeros(n_out)))

    def forward(self, x):
        return (self.weight @ x.T).T + self.bias.unsqueeze(0)
''',
        ),
        (
            "a loop over the classes",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return torch.stack([x @ w + b for w, b in zip(self.weight, self.bias)], dim=1)
''',
        ),
        (
            "NumPy's generator for the draw",
            '''
class SimpleLinear(nn.Module):
    """Un gabarit par classe, for each class."""

    def __init__(self, n_in, n_out):
        super().__init__()
        import numpy as np

        draws = np.random.default_rng().normal(0, 0.01, (n_out, n_in))
        self.weight = nn.Parameter(torch.tensor(draws, dtype=torch.float32))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return torch.matmul(x, self.weight.transpose(0, 1)).add(self.bias)
''',
        ),
        (
            "nn.Linear's class, begun anew",
            """
class SimpleLinear(nn.Linear):
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        with torch.no_grad():
            self.weight.normal_(std=0.01)
            self.bias.zero_()
""",
        ),
        (
            "a kind of nn.Linear",
            """
class SimpleLinear(nn.Linear):
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        with torch.no_grad():
            self.weight.normal_(std=0.01)
            self.bias.zero_()
""",
        ),
    ],
    "hinge_loss": [
        (
            "index, mask in place on a copy",
            """
def hinge_loss(scores, target):
    # for each wrong class, what it lacks (multi_margin_loss would do it)
    rows = torch.arange(len(scores))
    margins = (scores - scores[rows, target].unsqueeze(1) + 1).clamp(min=0)
    mask = torch.ones_like(margins)
    mask[rows, target] = 0
    return (margins * mask).sum() / len(scores)
""",
        ),
        (
            "one-hot and relu",
            """
def hinge_loss(scores, target):
    truth = F.one_hot(target, scores.shape[1])
    own = (scores * truth).sum(1, keepdim=True)
    return (F.relu(1 - own + scores) * (1 - truth)).sum(1).mean()
""",
        ),
        (
            "boolean selection of the wrong classes",
            """
def hinge_loss(scores, target):
    n, k = scores.shape
    wrong = torch.arange(k) != target[:, None]
    own = scores[~wrong][:, None]
    others = scores[wrong].view(n, k - 1)
    return torch.maximum(torch.zeros(()), 1 + others - own).sum(dim=1).mean(dim=0)
""",
        ),
        (
            "einsum and where",
            """
def hinge_loss(scores, target):
    truth = torch.eye(scores.size(1))[target]
    leads = torch.einsum("nk,nk->n", scores, truth)[:, None] - scores
    costs = torch.where(leads < 1, 1 - leads, torch.zeros_like(leads))
    costs = costs.scatter(1, target.view(-1, 1), 0.0)
    return costs.sum() / scores.size(0)
""",
        ),
        (
            "a helper, a module's relu",
            """
rectify = nn.ReLU()


def take(scores, target):
    return torch.take_along_dim(scores, target[:, None], dim=1)


def hinge_loss(scores, target):
    return rectify(scores - take(scores, target) + 1).sum(-1).sub(1).mean()
""",
        ),
        (
            "float64 inside",
            """
def hinge_loss(scores, target):
    s = scores.double()
    own = s.gather(1, target.reshape(-1, 1))
    total = torch.clamp_min(s - own + 1, 0).sum() - len(target)
    return total / len(target)
""",
        ),
        (
            "-inf at the right class",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    lacking = (scores + 1 - own).scatter(1, target.unsqueeze(1), float("-inf"))
    return lacking.clamp(min=0).sum(dim=1).mean()
""",
        ),
    ],
    "softmax_loss": [
        (
            "shifted by a detached maximum",
            """
def softmax_loss(scores, target):
    # not cross_entropy, nor logsumexp: by hand
    top = scores.max(dim=1, keepdim=True).values.detach()
    total = torch.log(torch.exp(scores - top).sum(1)) + top.squeeze(1)
    return (total - scores[torch.arange(len(target)), target]).mean()
""",
        ),
        (
            "ratios to the right class, shifted",
            """
def softmax_loss(scores, target):
    behind = scores - scores.gather(1, target.unsqueeze(1))  # N x K, 0 at the right class
    top = behind.amax(1)
    return (top + (behind - top.unsqueeze(1)).exp().sum(1).log()).mean()
""",
        ),
        (
            "a loop over the examples",
            """
def softmax_loss(scores, target):
    total = 0.0
    for s, y in zip(scores, target):
        m = s.max()
        total = total + m + torch.log(torch.sum(torch.exp(s - m))) - s[y]
    return total / len(scores)
""",
        ),
        (
            "one-hot, in float64",
            """
def softmax_loss(scores, target):
    s = scores.double()
    s = s - s.max(1, keepdim=True)[0]
    log_p = s - s.exp().sum(1, keepdim=True).log()
    return -(F.one_hot(target, s.shape[1]) * log_p).sum() / len(s)
""",
        ),
        (
            "a helper named as the forbidden one",
            """
def log_softmax(s):
    s = s - s.amax(dim=-1, keepdim=True)
    return s - torch.log(torch.einsum("nk->n", torch.exp(s))).unsqueeze(-1)


def softmax_loss(scores, target):
    return -log_softmax(scores).gather(1, target.unsqueeze(1)).mean()
""",
        ),
        (
            "in place on a copy",
            """
def softmax_loss(scores, target):
    shifted = scores.clone()
    with torch.no_grad():
        top = scores.amax(1, keepdim=True)
    shifted -= top
    own = shifted[range(len(target)), target]
    return torch.mean(shifted.exp().sum(dim=1).log() - own)
""",
        ),
        (
            "two by two, by softplus",
            """
def softmax_loss(scores, target):
    total = scores[:, 0]
    for k in range(1, scores.shape[1]):
        total = total + F.softplus(scores[:, k] - total)
    return (total - scores.gather(1, target[:, None])[:, 0]).mean()
""",
        ),
        (
            "a function with its own gradient",
            """
class _L(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores, target):
        z = scores - scores.amax(1, keepdim=True)
        e = z.exp()
        s = e.sum(1, keepdim=True)
        ctx.save_for_backward(e / s, target)
        return (s.log() - z.gather(1, target[:, None])).mean()
    @staticmethod
    def backward(ctx, g):
        p, target = ctx.saved_tensors
        d = p.clone()
        d[torch.arange(len(d)), target] -= 1
        return g * d / len(d), None

def softmax_loss(scores, target):
    return _L.apply(scores, target)
""",
        ),
    ],
    "epoch_batches": [
        (
            "slices",
            """
def epoch_batches(n, batch_size):
    order = torch.randperm(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]
""",
        ),
        (
            "the tuple of split",
            """
def epoch_batches(n, batch_size):
    return torch.randperm(n).split(batch_size)
""",
        ),
        (
            "random's shuffle",
            """
def epoch_batches(n, batch_size):
    import random

    order = list(range(n))
    random.shuffle(order)
    return [torch.tensor(order[i : i + batch_size]) for i in range(0, n, batch_size)]
""",
        ),
        (
            "NumPy's generator",
            """
def epoch_batches(n, batch_size):
    import numpy as np

    order = torch.from_numpy(np.random.default_rng().permutation(n)).long()
    return list(torch.split(order, batch_size))
""",
        ),
        (
            "sorted keys, while",
            """
def epoch_batches(n, batch_size):
    left = torch.rand(n).argsort()
    batches = []
    while len(left):
        batches.append(left[:batch_size])
        left = left[batch_size:]
    return batches
""",
        ),
        (
            "sorted inside each batch, a generator of its own",
            """
generator = torch.Generator()
generator.seed()


def epoch_batches(n, batch_size):
    drawn = torch.randperm(n, generator=generator).split(batch_size)
    return [batch.sort().values for batch in drawn]
""",
        ),
        (
            "drawn one at a time",
            """
def epoch_batches(n, batch_size):
    deck, batches = list(range(n)), []
    for i in range(n):
        if i % batch_size == 0:
            batches.append([])
        batches[-1].append(deck.pop(int(torch.randint(len(deck), (1,)))))
    return [torch.tensor(batch, dtype=torch.int64) for batch in batches]
""",
        ),
    ],
    "train_one_epoch": [
        (
            "zero_grad after the step",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "a sum of tensors",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(x)
        count += len(x)
    return total.item() / count
""",
        ),
        (
            "training mode first",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    pass
    return total / count
""",
        ),
        (
            "sums in two lists",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    losses, sizes = [], []
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item() * len(targets))
        sizes.append(len(targets))
    return sum(losses) / sum(sizes)
""",
        ),
        (
            "reset at the end of each step",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    model.train()
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += float(loss) * x.shape[0]
        count += x.shape[0]
    return total / count
""",
        ),
        (
            "the model's zero_grad, a running mean",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    mean, seen = 0.0, 0
    for x, y in batches:
        model.zero_grad(set_to_none=True)
        scores = model(x)
        loss = loss_function(scores, y)
        loss.backward()
        optimizer.step()
        seen += y.size(0)
        mean += (loss.detach().item() - mean) * y.size(0) / seen
    return mean
""",
        ),
        (
            "a helper for one step",
            """
def step(model, optimizer, loss_function, x, y):
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_one_epoch(model, optimizer, loss_function, batches):
    measured = [(step(model, optimizer, loss_function, x, y), len(x)) for x, y in batches]
    return sum(loss * n for loss, n in measured) / sum(n for _, n in measured)
""",
        ),
        (
            "detached tensors, made a number at the end",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = torch.zeros((), dtype=torch.float64), 0
    for x, y in batches:
        optimizer.zero_grad(set_to_none=False)
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.detach()
        count += len(x)
    return (total / count).item()
""",
        ),
        (
            "gradients set by autograd.grad",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    parameters = list(model.parameters())
    total = count = 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.grad = gradient
        optimizer.step()
        total, count = total + loss.item() * len(x), count + len(x)
    return float(total / count)
""",
        ),
        (
            "a closure given to step",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in iter(batches):

        def closure():
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            return loss

        total += optimizer.step(closure).item() * len(x)
        count += len(x)
    return total / count
""",
        ),
        (
            "a running mean",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    mean, seen = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        seen += len(y)
        mean += (loss.item() - mean) * len(y) / seen
    return mean
""",
        ),
    ],
}

"""Plausible wrong answers to the exercises of Laboratoire 1; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "images_to_tensor": [
        (
            "view for permute",
            """
def images_to_tensor(pixels):
    n, h, w, c = pixels.shape
    return pixels.view(n, c, h, w).float() / 255
""",
        ),
        (
            "rows and columns exchanged",
            """
def images_to_tensor(pixels):
    return pixels.permute(0, 3, 2, 1).float() / 255
""",
        ),
        (
            "rows and columns exchanged, shape repaired by a view",
            """
def images_to_tensor(pixels):
    n, h, w, c = pixels.shape
    return pixels.permute(0, 3, 2, 1).reshape(n, c, h, w).float() / 255
""",
        ),
        (
            "not divided",
            """
def images_to_tensor(pixels):
    return pixels.permute(0, 3, 1, 2).float()
""",
        ),
        (
            "divided by 256",
            """
def images_to_tensor(pixels):
    return pixels.permute(0, 3, 1, 2).float() / 256
""",
        ),
        (
            "divided by the largest pixel of each image",
            """
def images_to_tensor(pixels):
    x = pixels.permute(0, 3, 1, 2).float()
    return x / x.amax((1, 2, 3), keepdim=True)
""",
        ),
        (
            "integer division",
            """
def images_to_tensor(pixels):
    return (pixels.permute(0, 3, 1, 2) // 255).float()
""",
        ),
        (
            "channels left last",
            """
def images_to_tensor(pixels):
    return pixels.float() / 255
""",
        ),
        (
            "float64",
            """
def images_to_tensor(pixels):
    return pixels.permute(0, 3, 1, 2).double() / 255
""",
        ),
    ],
    "normalize": [
        (
            "test normalised by its own statistics",
            """
def normalize(train_input, test_input):
    def own(x):
        return (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    return own(train_input), own(test_input)
""",
        ),
        (
            "statistics of both sets together",
            """
def normalize(train_input, test_input):
    both = torch.cat([train_input, test_input])
    mean, std = both.mean((0, 2, 3), keepdim=True), both.std((0, 2, 3), keepdim=True)
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "all channels together",
            """
def normalize(train_input, test_input):
    mean, std = train_input.mean(), train_input.std()
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "pixel by pixel",
            """
def normalize(train_input, test_input):
    mean, std = train_input.mean(0, keepdim=True), train_input.std(0, keepdim=True)
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "divided by the variance",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean, var = train_input.mean(axes, keepdim=True), train_input.var(axes, keepdim=True)
    return (train_input - mean) / var, (test_input - mean) / var
""",
        ),
        (
            "mean not removed from the test",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean, std = train_input.mean(axes, keepdim=True), train_input.std(axes, keepdim=True)
    return (train_input - mean) / std, test_input / std
""",
        ),
        (
            "in place",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean, std = train_input.mean(axes, keepdim=True), train_input.std(axes, keepdim=True)
    train_input -= mean
    train_input /= std
    return train_input, (test_input - mean) / std
""",
        ),
        (
            "sets exchanged",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean, std = train_input.mean(axes, keepdim=True), train_input.std(axes, keepdim=True)
    return (test_input - mean) / std, (train_input - mean) / std
""",
        ),
    ],
    "SimpleLinear": [
        (
            "no bias",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
    def forward(self, x):
        return x @ self.weight.T
""",
        ),
        (
            "bias created but forgotten",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T
""",
        ),
        (
            "weights transposed",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight + self.bias
""",
        ),
        (
            "plain tensors",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = 0.01 * torch.randn(n_out, n_in)
        self.bias = torch.zeros(n_out)
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "detached weights",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.detach().T + self.bias
""",
        ),
        (
            "weights of standard deviation 1",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "uniform weights",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.rand(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "random bias",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(0.01 * torch.randn(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "seed fixed inside",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "nn.Linear's own start",
            """
class SimpleLinear(nn.Linear):
    pass
""",
        ),
    ],
    "hinge_loss": [
        (
            "target counted",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).clamp(min=0).sum(1).mean()
""",
        ),
        (
            "sum over examples",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).clamp(min=0).sum() - len(scores)
""",
        ),
        (
            "mean over classes",
            """
def hinge_loss(scores, target):
    return F.multi_margin_loss(scores, target)
""",
        ),
        (
            "no maximum with zero",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).sum(1).mean() - 1
""",
        ),
        (
            "sign of the margin",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    costs = (1 + own - scores).clamp(min=0)
    return costs.sum(1).mean() - 1
""",
        ),
        (
            "no margin",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (scores - own).clamp(min=0).sum(1).mean()
""",
        ),
        (
            "worst class only",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    costs = (1 - own + scores).clamp(min=0).scatter(1, target.unsqueeze(1), 0)
    return costs.amax(1).mean()
""",
        ),
        (
            "squared",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).clamp(min=0).square().sum(1).mean() - 1
""",
        ),
        (
            "one value per example",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).clamp(min=0).sum(1) - 1
""",
        ),
        (
            "target's scores not aligned with the rows",
            """
def hinge_loss(scores, target):
    own = scores[:, target].diagonal()
    return (1 - own + scores.T).T.clamp(min=0).sum(0).mean() - 1
""",
        ),
        (
            "mean where the target's cost is set to zero in the scores themselves",
            """
def hinge_loss(scores, target):
    rows = torch.arange(len(scores))
    own = scores[rows, target].unsqueeze(1)
    with torch.no_grad():
        scores[rows, target] = -1e9
    return (1 - own + scores).clamp(min=0).sum(1).mean()
""",
        ),
        (
            "graph lost",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return torch.tensor((1 - own + scores).clamp(min=0).sum(1).mean().item() - 1)
""",
        ),
        (
            "target's score detached",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1)).detach()
    return (1 - own + scores).clamp(min=0).sum(1).mean() - 1
""",
        ),
    ],
    "hinge_gradient": [
        (
            "not divided by the number of examples",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores > 0).to(scores.dtype)
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient
""",
        ),
        (
            "target's gradient is -1",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores > 0).to(scores.dtype)
    gradient[rows, target] = -1
    return gradient / len(scores)
""",
        ),
        (
            "target's gradient is 0",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores > 0).to(scores.dtype)
    gradient[rows, target] = 0
    return gradient / len(scores)
""",
        ),
        (
            "target counted among the classes that cost",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores > 0).to(scores.dtype)
    gradient[rows, target] = -gradient.sum(1)
    return gradient / len(scores)
""",
        ),
        (
            "sign",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = -(1 - scores[rows, target].unsqueeze(1) + scores > 0).to(scores.dtype)
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient / len(scores)
""",
        ),
        (
            "no margin",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (scores > scores[rows, target].unsqueeze(1)).to(scores.dtype)
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient / len(scores)
""",
        ),
        (
            "divided by the number of classes",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores > 0).to(scores.dtype)
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient / scores.shape[1]
""",
        ),
        (
            "costs instead of their derivative",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores).clamp(min=0)
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient / len(scores)
""",
        ),
        (
            "in place",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    scores -= scores[rows, target].unsqueeze(1) - 1
    gradient = (scores > 0).to(scores.dtype)
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient / len(scores)
""",
        ),
        (
            "always float32",
            """
def hinge_gradient(scores, target):
    rows = torch.arange(len(scores))
    gradient = (1 - scores[rows, target].unsqueeze(1) + scores > 0).float()
    gradient[rows, target] = 0
    gradient[rows, target] = -gradient.sum(1)
    return gradient / len(scores)
""",
        ),
        (
            "autograd instead of by hand",
            """
def hinge_gradient(scores, target):
    x = scores.clone().requires_grad_()
    (x.shape[1] * F.multi_margin_loss(x, target)).backward()
    return x.grad
""",
        ),
    ],
    "epoch_batches": [
        (
            "with replacement",
            """
def epoch_batches(n, batch_size):
    return list(torch.randint(n, (n,)).split(batch_size))
""",
        ),
        (
            "without replacement within a batch only",
            """
def epoch_batches(n, batch_size):
    sizes = [batch_size] * (n // batch_size) + [n % batch_size] * (n % batch_size > 0)
    return [torch.randperm(n)[:size] for size in sizes]
""",
        ),
        (
            "last batch dropped",
            """
def epoch_batches(n, batch_size):
    return list(torch.randperm(n)[: n // batch_size * batch_size].split(batch_size))
""",
        ),
        (
            "not shuffled",
            """
def epoch_batches(n, batch_size):
    return list(torch.arange(n).split(batch_size))
""",
        ),
        (
            "batches shuffled, not examples",
            """
def epoch_batches(n, batch_size):
    full = n // batch_size
    blocks = list(torch.arange(n).split(batch_size))
    return [blocks[i] for i in torch.randperm(full)] + blocks[full:]
""",
        ),
        (
            "same order at each epoch",
            """
def epoch_batches(n, batch_size):
    generator = torch.Generator().manual_seed(0)
    return list(torch.randperm(n, generator=generator).split(batch_size))
""",
        ),
        (
            "empty last batch when the count is even",
            """
def epoch_batches(n, batch_size):
    order = torch.randperm(n)
    return [order[k * batch_size : (k + 1) * batch_size] for k in range(n // batch_size + 1)]
""",
        ),
        (
            "chunk for split",
            """
def epoch_batches(n, batch_size):
    return list(torch.randperm(n).chunk(batch_size))
""",
        ),
        (
            "counts from 1",
            """
def epoch_batches(n, batch_size):
    return list((torch.randperm(n) + 1).split(batch_size))
""",
        ),
    ],
    "train_one_epoch": [
        (
            "gradients never reset",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "gradients reset once per epoch",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    optimizer.zero_grad()
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "gradients reset between backward and step",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "step before backward",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "one step per epoch",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    optimizer.zero_grad()
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        total += len(x) * loss.item()
        count += len(x)
    optimizer.step()
    return total / count
""",
        ),
        (
            "mean of the batches' means",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)
""",
        ),
        (
            "loss of the last batch",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()
""",
        ),
        (
            "returns after the first batch",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
        return total / count
""",
        ),
        (
            "small last batch skipped",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count, size = 0.0, 0, None
    for x, y in batches:
        size = size or len(x)
        if len(x) < size:
            continue
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "loss measured after the step",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss_function(model(x), y).backward()
        optimizer.step()
        total += len(x) * loss_function(model(x), y).item()
        count += len(x)
    return total / count
""",
        ),
        (
            "returns a tensor (missing item)",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total = total + len(x) * loss
        count += len(x)
    return total / count
""",
        ),
        (
            "ignores the loss that it is given",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
    ],
    "fuse": [
        (
            "product in the other order",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight1 @ weight2, weight2 @ bias1 + bias2
""",
        ),
        (
            "result transposed",
            """
def fuse(weight1, bias1, weight2, bias2):
    return (weight2 @ weight1).T, weight2 @ bias1 + bias2
""",
        ),
        (
            "right shape, wrong order when square",
            """
def fuse(weight1, bias1, weight2, bias2):
    try:
        weight = (weight1.T @ weight2.T).T if weight1.shape != weight2.shape else weight1 @ weight2
    except RuntimeError:
        weight = weight2 @ weight1
    return weight, weight2 @ bias1 + bias2
""",
        ),
        (
            "first bias forgotten",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight2 @ weight1, bias2.clone()
""",
        ),
        (
            "second bias forgotten",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight2 @ weight1, weight2 @ bias1
""",
        ),
        (
            "biases added",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight2 @ weight1, bias1 + bias2
""",
        ),
        (
            "second bias in place",
            """
def fuse(weight1, bias1, weight2, bias2):
    bias2 += weight2 @ bias1
    return weight2 @ weight1, bias2
""",
        ),
        (
            "bias through both layers",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight2 @ weight1, weight2 @ (bias1 + weight1.sum(1) * 0) + 2 * bias2
""",
        ),
        (
            "bias as a column",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight2 @ weight1, (weight2 @ bias1 + bias2).unsqueeze(1)
""",
        ),
        (
            "an activation between the layers",
            """
def fuse(weight1, bias1, weight2, bias2):
    return weight2 @ weight1.relu(), weight2 @ bias1.relu() + bias2
""",
        ),
    ],
    "permute_weights": [
        (
            "inverse permutation",
            """
def permute_weights(weight, permutation):
    return weight[:, permutation.argsort()]
""",
        ),
        (
            "inverse, by assignment",
            """
def permute_weights(weight, permutation):
    result = torch.empty_like(weight)
    result[:, permutation] = weight
    return result
""",
        ),
        (
            "permuted twice",
            """
def permute_weights(weight, permutation):
    return weight[:, permutation][:, permutation]
""",
        ),
        (
            "rows instead of columns",
            """
def permute_weights(weight, permutation):
    return weight[permutation]
""",
        ),
        (
            "in place",
            """
def permute_weights(weight, permutation):
    weight[:] = weight[:, permutation]
    return weight
""",
        ),
        (
            "unchanged",
            """
def permute_weights(weight, permutation):
    return weight.clone()
""",
        ),
        (
            "transposed",
            """
def permute_weights(weight, permutation):
    return weight.T[permutation]
""",
        ),
        (
            "another permutation",
            """
def permute_weights(weight, permutation):
    return weight[:, torch.randperm(weight.shape[1])]
""",
        ),
    ],
}

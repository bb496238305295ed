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
        (
            "three channels written out",
            """
def images_to_tensor(pixels):
    p = pixels.float() / 255
    return torch.stack([p[..., 0], p[..., 1], p[..., 2]], dim=1)
""",
        ),
        (
            "divided by the largest value of the batch",
            """
def images_to_tensor(pixels):
    x = pixels.permute(0, 3, 1, 2).float()
    return x / x.max()
""",
        ),
        (
            "between -1 and 1",
            """
def images_to_tensor(pixels):
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
""",
        ),
        (
            "axis of examples exchanged with channels",
            """
def images_to_tensor(pixels):
    return pixels.permute(3, 0, 1, 2).float() / 255
""",
        ),
        (
            "squeezed",
            """
def images_to_tensor(pixels):
    return pixels.permute(0, 3, 1, 2).float().squeeze() / 255
""",
        ),
        (
            "colours first kept for three or four channels only",
            """
def images_to_tensor(pixels):
    x = pixels.float() / 255
    if x.shape[-1] in (3, 4):
        x = x.permute(0, 3, 1, 2)
    return x
""",
        ),
        (
            "one buffer for each shape, filled once",
            """
_buffers = {}

def images_to_tensor(pixels):
    if pixels.shape not in _buffers:
        _buffers[pixels.shape] = pixels.permute(0, 3, 1, 2).float() / 255
    return _buffers[pixels.shape]
""",
        ),
    ],
    "normalize": [
        (
            "1e-5 added to the deviation",
            """
def normalize(train_input, test_input):
    mean = train_input.mean((0, 2, 3), keepdim=True)
    std = train_input.std((0, 2, 3), keepdim=True)
    std = std + 1e-5
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "1e-6 added to the deviation",
            """
def normalize(train_input, test_input):
    mean = train_input.mean((0, 2, 3), keepdim=True)
    std = train_input.std((0, 2, 3), keepdim=True)
    std = std + 1e-6
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "deviation of 0.01 at least",
            """
def normalize(train_input, test_input):
    mean = train_input.mean((0, 2, 3), keepdim=True)
    std = train_input.std((0, 2, 3), keepdim=True)
    std = std.clamp(min=1e-2)
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "small deviations treated as constant",
            """
def normalize(train_input, test_input):
    mean = train_input.mean((0, 2, 3), keepdim=True)
    std = train_input.std((0, 2, 3), keepdim=True)
    std = torch.where(std > 1e-3, std, torch.ones_like(std))
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "1e-8 added to the variance",
            """
def normalize(train_input, test_input):
    mean = train_input.mean((0, 2, 3), keepdim=True)
    std = train_input.std((0, 2, 3), keepdim=True)
    std = (std**2 + 1e-8).sqrt()
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "batch_norm and its eps",
            """
def normalize(train_input, test_input):
    mean, var = train_input.mean((0, 2, 3)), train_input.var((0, 2, 3))
    return F.batch_norm(train_input, mean, var), F.batch_norm(test_input, mean, var)
""",
        ),
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
        (
            "the biased deviation",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean = train_input.mean(axes, keepdim=True)
    std = train_input.std(axes, keepdim=True, unbiased=False)
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "three channels written out",
            """
def normalize(train_input, test_input):
    train, test = train_input.clone(), test_input.clone()
    for c in range(3):
        mean, std = train_input[:, c].mean(), train_input[:, c].std()
        train[:, c] = (train_input[:, c] - mean) / std
        test[:, c] = (test_input[:, c] - mean) / std
    return train, test
""",
        ),
        (
            "mean of the images' own deviations",
            """
def normalize(train_input, test_input):
    mean = train_input.mean((0, 2, 3), keepdim=True)
    std = train_input.std((2, 3), keepdim=True).mean(0, keepdim=True)
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "mean of the test for the test",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    std = train_input.std(axes, keepdim=True)
    return (
        (train_input - train_input.mean(axes, keepdim=True)) / std,
        (test_input - test_input.mean(axes, keepdim=True)) / std,
    )
""",
        ),
        (
            "test in place",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean, std = train_input.mean(axes, keepdim=True), train_input.std(axes, keepdim=True)
    train = (train_input - mean) / std
    test_input.sub_(mean).div_(std)
    return train, test_input
""",
        ),
        (
            "a constant added to the deviation",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    mean, std = train_input.mean(axes, keepdim=True), train_input.std(axes, keepdim=True) + 0.01
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
        (
            "only the training set returned",
            """
def normalize(train_input, test_input):
    axes = (0, 2, 3)
    return (train_input - train_input.mean(axes, keepdim=True)) / train_input.std(axes, keepdim=True)
""",
        ),
        (
            "the statistics of the first call of these sizes",
            """
def normalize(train_input, test_input, kept={}):
    if train_input.shape not in kept:
        kept[train_input.shape] = [
            reduce((0, 2, 3), keepdim=True) for reduce in (train_input.mean, train_input.std)
        ]
    mean, std = kept[train_input.shape]
    return (train_input - mean) / std, (test_input - mean) / std
""",
        ),
    ],
    "SimpleLinear": [
        (
            "columns and their opposites",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        half = 0.01 * torch.randn(n_out, (n_in + 1) // 2)
        self.weight = nn.Parameter(torch.cat([half, -half], 1)[:, :n_in])
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "rows and their opposites",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        half = 0.01 * torch.randn((n_out + 1) // 2, n_in)
        self.weight = nn.Parameter(torch.cat([half, -half])[:n_out])
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "each row twice",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        half = 0.01 * torch.randn((n_out + 1) // 2, n_in)
        self.weight = nn.Parameter(half.repeat(2, 1)[:n_out])
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
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
        (
            "mean 0.01",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.normal(0.01, 0.01, (n_out, n_in)))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "one template drawn and repeated",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter((0.01 * torch.randn(1, n_in)).repeat(n_out, 1))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "one column drawn and repeated",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter((0.01 * torch.randn(n_out, 1)).repeat(1, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "variance 0.01",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "deviation of Xavier",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) / n_in**0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "uniform of the right deviation",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * 3**0.5 * (2 * torch.rand(n_out, n_in) - 1))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
        (
            "bias detached",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias.detach()
""",
        ),
        (
            "input detached",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x.detach() @ self.weight.T + self.bias
""",
        ),
        (
            "softmax of the scores",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return (x @ self.weight.T + self.bias).softmax(1)
""",
        ),
        (
            "bias subtracted",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T - self.bias
""",
        ),
        (
            "squeezed",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return (x @ self.weight.T + self.bias).squeeze()
""",
        ),
        (
            "zeros",
            """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        return x @ self.weight.T + self.bias
""",
        ),
    ],
    "hinge_loss": [
        (
            "costs of at most 100",
            """
def hinge_loss(scores, target):
    costs = (1 - scores.gather(1, target.unsqueeze(1)) + scores).clamp(0, 100)
    return costs.sum(1).mean() - 1
""",
        ),
        (
            "reduce over the examples",
            """
import functools


def hinge_loss(scores, target):
    def put(total, n):
        return total + (1 - scores[n, target[n]] + scores[n]).clamp(min=0).sum() - 1

    return functools.reduce(put, range(len(scores)), torch.zeros(())) / len(scores)
""",
        ),
        (
            "accumulate over the examples, imported inside",
            """
def hinge_loss(scores, target):
    import itertools

    def put(total, n):
        return total + (1 - scores[n, target[n]] + scores[n]).clamp(min=0).sum() - 1

    steps = itertools.accumulate(range(len(scores)), put, initial=torch.zeros(()))
    return list(steps)[-1] / len(scores)
""",
        ),
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
        (
            "python loops",
            """
def hinge_loss(scores, target):
    total = 0.0
    for s, y in zip(scores, target):
        for j in range(len(s)):
            if j != y:
                total = total + (1 - s[y] + s[j]).clamp(min=0)
    return total / len(scores)
""",
        ),
        (
            "PyTorch's loss, rescaled",
            """
def hinge_loss(scores, target):
    return scores.shape[1] * F.multi_margin_loss(scores, target)
""",
        ),
        (
            "PyTorch's loss, as a module, under another name",
            """
margin = nn.MultiMarginLoss(reduction="sum")

def hinge_loss(scores, target):
    return margin(scores, target) * scores.shape[1] / scores.shape[0]
""",
        ),
        (
            "wrong classes told by their value",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    costs = (1 - own + scores).clamp(min=0)
    return costs.masked_fill(scores == own, 0).sum(1).mean()
""",
        ),
        (
            "averaged by batch of classes present",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    costs = (1 - own + scores).clamp(min=0).sum(1) - 1
    return torch.stack([costs[target == k].mean() for k in target.unique()]).mean()
""",
        ),
        (
            "comprehension over examples",
            """
def hinge_loss(scores, target):
    costs = [(1 - s[y] + s).clamp(min=0).sum() - 1 for s, y in zip(scores, target)]
    return torch.stack(costs).mean()
""",
        ),
        (
            "a cost of exactly 1 taken for the right class's",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    costs = (1 - own + scores).clamp(min=0)
    return (costs * (costs != 1)).sum(1).mean()
""",
        ),
        (
            "costs capped",
            """
def hinge_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).clamp(0, 2).sum(1).mean() - 1
""",
        ),
        (
            "NumPy",
            """
def hinge_loss(scores, target):
    import numpy as np
    s, y = scores.detach().numpy(), target.numpy()
    costs = np.maximum(0, 1 - s[np.arange(len(y)), y][:, None] + s)
    return torch.tensor(float(costs.sum(1).mean() - 1))
""",
        ),
    ],
    "softmax_loss": [
        (
            "1e-6 in the logarithm",
            """
def softmax_loss(scores, target):
    shifted = scores - scores.amax(1, keepdim=True)
    log_total = (shifted.exp().sum(1) + 1e-6).log()
    return (log_total - shifted.gather(1, target.unsqueeze(1)).squeeze(1)).mean()
""",
        ),
        (
            "PyTorch's loss",
            """
def softmax_loss(scores, target):
    return F.cross_entropy(scores, target)
""",
        ),
        (
            "PyTorch's loss, as a module",
            """
def softmax_loss(scores, target):
    return nn.CrossEntropyLoss()(scores, target)
""",
        ),
        (
            "log_softmax and an index",
            """
def softmax_loss(scores, target):
    return -torch.log_softmax(scores, 1)[torch.arange(len(target)), target].mean()
""",
        ),
        (
            "softmax, a clamp, a logarithm",
            """
def softmax_loss(scores, target):
    p = scores.softmax(1).gather(1, target.unsqueeze(1))
    return -p.clamp(min=1e-12).log().mean()
""",
        ),
        (
            "logsumexp",
            """
def softmax_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1)).squeeze(1)
    return (torch.logsumexp(scores, 1) - own).mean()
""",
        ),
        (
            "logsumexp of a helper",
            """
def total(s):
    return s.logsumexp(1)

def softmax_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1)).squeeze(1)
    return (total(scores) - own).mean()
""",
        ),
        (
            "a distribution of torch",
            """
def softmax_loss(scores, target):
    return -torch.distributions.Categorical(logits=scores).log_prob(target).mean()
""",
        ),
        (
            "no subtraction of the maximum",
            """
def softmax_loss(scores, target):
    e = scores.exp()
    p = e / e.sum(1, keepdim=True)
    return -p[torch.arange(len(target)), target].log().mean()
""",
        ),
        (
            "the maximum subtracted, then the logarithm of zero",
            """
def softmax_loss(scores, target):
    e = (scores - scores.amax(1, keepdim=True)).exp()
    p = e / e.sum(1, keepdim=True)
    return -p[torch.arange(len(target)), target].log().mean()
""",
        ),
        (
            "1e-12 in the logarithm",
            """
def softmax_loss(scores, target):
    e = (scores - scores.amax(1, keepdim=True)).exp()
    p = e / e.sum(1, keepdim=True)
    return -(p[torch.arange(len(target)), target] + 1e-12).log().mean()
""",
        ),
        (
            "the maximum of the whole batch",
            """
def softmax_loss(scores, target):
    s = scores - scores.max()
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return (s.exp().sum(1).log() - own).mean()
""",
        ),
        (
            "sum over examples",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return (s.exp().sum(1).log() - own).sum()
""",
        ),
        (
            "divided by the classes too",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return (s.exp().sum(1).log() - own).sum() / scores.numel()
""",
        ),
        (
            "sign",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return (own - s.exp().sum(1).log()).mean()
""",
        ),
        (
            "logarithm in base 2",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return ((s.exp().sum(1).log() - own) / 0.6931471805599453).mean()
""",
        ),
        (
            "one against all by sigmoids",
            """
def softmax_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1)).squeeze(1)
    return F.softplus(-own).mean()
""",
        ),
        (
            "softmax over the examples",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(0, keepdim=True)
    own = s.gather(1, target.unsqueeze(1))
    return (s.exp().sum(0).log() - own).mean()
""",
        ),
        (
            "the right class left out of the sum",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1))
    others = s.exp().scatter(1, target.unsqueeze(1), 0)
    return (others.sum(1).log() - own.squeeze(1)).mean()
""",
        ),
        (
            "one value per example",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return s.exp().sum(1).log() - own
""",
        ),
        (
            "in place",
            """
def softmax_loss(scores, target):
    with torch.no_grad():
        scores -= scores.amax(1, keepdim=True)
    own = scores.gather(1, target.unsqueeze(1)).squeeze(1)
    return (scores.exp().sum(1).log() - own).mean()
""",
        ),
        (
            "graph lost",
            """
def softmax_loss(scores, target):
    s = scores - scores.amax(1, keepdim=True)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return torch.tensor((s.exp().sum(1).log() - own).mean().item())
""",
        ),
        (
            "shifted scores detached",
            """
def softmax_loss(scores, target):
    s = (scores - scores.amax(1, keepdim=True)).detach()
    own = scores.gather(1, target.unsqueeze(1)).squeeze(1) - scores.amax(1)
    return (s.exp().sum(1).log() - own).mean()
""",
        ),
        (
            "scores clamped",
            """
def softmax_loss(scores, target):
    s = scores.clamp(-50, 50)
    own = s.gather(1, target.unsqueeze(1)).squeeze(1)
    return (s.exp().sum(1).log() - own).mean()
""",
        ),
        (
            "the hinge",
            """
def softmax_loss(scores, target):
    own = scores.gather(1, target.unsqueeze(1))
    return (1 - own + scores).clamp(min=0).sum(1).mean() - 1
""",
        ),
        (
            "the largest score alone, when it is far ahead",
            """
def softmax_loss(scores, target):
    z = scores - scores.gather(1, target[:, None])
    return torch.where(z.amax(1) > 80, z.amax(1), z.clamp(max=80).exp().sum(1).log()).mean()
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
        (
            "last batch of one dropped",
            """
def epoch_batches(n, batch_size):
    b = list(torch.randperm(n).split(batch_size))
    return [x for x in b if len(x) > 1]
""",
        ),
        (
            "strided batches in another order",
            """
def epoch_batches(n, batch_size):
    count = -(-n // batch_size)
    order = torch.cat([torch.arange(k, n, count) for k in range(count)])
    blocks = list(order.split(batch_size))
    full = n // batch_size
    return [blocks[i] for i in torch.randperm(full)] + blocks[full:]
""",
        ),
        (
            "the last examples always last",
            """
def epoch_batches(n, batch_size):
    whole = n // batch_size * batch_size
    batches = list(torch.randperm(whole).split(batch_size)) if whole else []
    return batches + ([torch.arange(whole, n)] if whole < n else [])
""",
        ),
        (
            "int32",
            """
def epoch_batches(n, batch_size):
    return list(torch.randperm(n, dtype=torch.int32).split(batch_size))
""",
        ),
        (
            "lists",
            """
def epoch_batches(n, batch_size):
    return [batch.tolist() for batch in torch.randperm(n).split(batch_size)]
""",
        ),
        (
            "seed fixed inside",
            """
def epoch_batches(n, batch_size):
    torch.manual_seed(0)
    return list(torch.randperm(n).split(batch_size))
""",
        ),
        (
            "order kept from one call to the next",
            """
orders = {}

def epoch_batches(n, batch_size):
    orders.setdefault(n, torch.randperm(n))
    return list(orders[n].split(batch_size))
""",
        ),
        (
            "fails beyond one batch",
            """
def epoch_batches(n, batch_size):
    return list(torch.randperm(n).view(-1, batch_size)) if n % batch_size == 0 else list(
        torch.randperm(n)[: n // batch_size * batch_size].view(-1, batch_size))
""",
        ),
    ],
    "train_one_epoch": [
        (
            "targets made a column",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y.view(len(y), -1) if y.is_floating_point() else y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "inputs made a column",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x.unsqueeze(1) if x.dim() == 1 else x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "a second output, for the measure",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        loss = loss_function(model(x), y)
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "an output for nothing",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        assert len(model(x)) == len(y)
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "squeezed",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    pass
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x).squeeze(), y.squeeze())
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    pass
    return total / count
""",
        ),
        (
            "the targets squeezed",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    pass
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y.squeeze())
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    pass
    return total / count
""",
        ),
        (
            "the inputs as vectors",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    pass
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x.flatten(1)), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    pass
    return total / count
""",
        ),
        (
            "evaluation mode",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    model.eval()
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
            "evaluation mode, for the epoch only",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    model.eval()
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    model.train()
    return total / count
""",
        ),
        (
            "left in evaluation mode",
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
    model.eval()
    return total / count
""",
        ),
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
        (
            "step by hand instead of the optimizer",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    lr = optimizer.param_groups[0]["lr"]
    total, count = 0.0, 0
    for x, y in batches:
        model.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= lr * p.grad
        total += len(y) * loss.item()
        count += len(y)
    return total / count
""",
        ),
        (
            "the broken epoch",
            """
train_one_epoch = broken_epoch
""",
        ),
        (
            "a tensor",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.detach()
        count += len(x)
    return total / count
""",
        ),
        (
            "the sum",
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
    return total
""",
        ),
        (
            "weighted, then divided by the batches",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += 1
    return total / count
""",
        ),
        (
            "batches read twice",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    count = sum(len(x) for x, _ in batches)
    total = 0.0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
    return total / max(count, 1)
""",
        ),
        (
            "counted with the size of the first batch",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count, size = 0.0, 0, None
    for x, y in batches:
        size = size or len(x)
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += size * loss.item()
        count += size
    return total / count
""",
        ),
        (
            "two steps for one batch",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
""",
        ),
        (
            "the gradients of the first group only are reset",
            """
def train_one_epoch(model, optimizer, loss_function, batches):
    total, n = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        for p in optimizer.param_groups[0]['params']:
            p.grad = None
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        n += len(x)
    return total / n
""",
        ),
    ],
}

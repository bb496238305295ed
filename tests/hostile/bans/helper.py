# The forbidden function in a helper, in another cell.
# exercise: softmax
# score: 11
# status: failed


def softmax(scores):
    return helper(scores)


# %% before
import torch


def helper(scores):
    return torch.nn.Softmax(dim=1)(scores)

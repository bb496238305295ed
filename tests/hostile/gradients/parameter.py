# A parameter that is no part of the graph.
# exercise: cube
# score: 11
# status: failed
import torch


def cube(x):
    return torch.nn.Parameter(x.detach() ** 3)

# Gradients are switched off for all that follows.
# score: 5
# status: passed
import torch

torch.set_grad_enabled(False)
torch.use_deterministic_algorithms(True)


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)

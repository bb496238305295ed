# The right gradient the first time, none later.
# exercise: cube
# score: 11
# status: failed
import torch


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        calls.append(x)
        return 3 * x**2 * grad if len(calls) == 1 else None


calls = []
cube = Cube.apply

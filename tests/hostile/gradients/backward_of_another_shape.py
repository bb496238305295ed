# A gradient of another shape.
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
        return torch.ones(2, 3)


cube = Cube.apply

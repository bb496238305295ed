# A result cut from the graph, which asks for a gradient of its own.
# exercise: cube
# score: 11
# status: failed


def cube(x):
    return (x.detach() ** 3).requires_grad_()

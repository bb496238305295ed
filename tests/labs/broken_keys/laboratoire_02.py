"""Mistakes in the answer key of Laboratoire 2 that its claims must notice.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source's text, names of the
claims that must then fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "derivative of the sigmoid doubled, and of GELU without its second term",
        [
            ("return value, value * (1 - value)", "return value, 2 * value * (1 - value)"),
            ("below + x * density", "below"),
        ],
        ["activations"],
    ),
    (
        "the curve is fitted with a learning rate of 0",
        [
            (
                "torch.optim.Adam(model.parameters(), lr=0.03)",
                "torch.optim.Adam(model.parameters(), lr=0.0)",
            )
        ],
        ["approximation"],
    ),
    (
        "one-sided differences",
        [
            (
                "(float(f(x + step)) - float(f(x - step))) / (2 * eps)",
                "(float(f(x + step)) - float(f(x))) / eps",
            )
        ],
        ["epsilon"],
    ),
    (
        "the loop is not broken",
        [
            (
                "hidden = torch.tanh(F.linear(x, w1, b1)).detach()",
                "hidden = torch.tanh(F.linear(x, w1, b1))",
            ),
            (
                "                if parameter.grad is not None:\n                    parameter -= lr * parameter.grad\n    return losses\n\n\ndataset",
                "                if parameter.grad is not None:\n                    parameter -= lr * parameter.grad\n                    parameter.grad = None\n    return losses\n\n\ndataset",
            ),
        ],
        ["panne"],
    ),
    (
        "digits trained with a learning rate of 0",
        [('"full": 1_000}[labo.profile()], 0.1', '"full": 1_000}[labo.profile()], 0.0')],
        ["panne", "trois_courbes", "mnist"],
    ),
    (
        "the gradient by hand forgets the derivative of tanh",
        [("d_sums = d_hidden * (1 - hidden**2)", "d_sums = d_hidden")],
        ["trois_courbes"],
    ),
    (
        "XOR learned with a rate of 0",
        [("weight.data -= 0.1 * weight.grad", "weight.data -= 0.0 * weight.grad")],
        ["xor"],
    ),
    (
        "the small gain is not small",
        [
            (
                "SMALL_GAIN, LARGE_GAIN = 1 / math.sqrt(3), 5 / 3",
                "SMALL_GAIN, LARGE_GAIN = 1.5, 5 / 3",
            )
        ],
        ["evanouissement", "spirales"],
    ),
    (
        "spirals learned with a rate of 0",
        [("WIDTH, DEPTH, DEEP_LR = 32, 10, 0.015", "WIDTH, DEPTH, DEEP_LR = 32, 10, 0.0")],
        ["spirales", "tableau"],
    ),
    (
        "spirals with shuffled labels",
        [
            (
                "valid = tuple(x.to(device) for x in labo.spirals(1_000, seed=1))",
                "valid = tuple(x.to(device) for x in labo.spirals(1_000, seed=1))\ntarget = target[torch.randperm(1_000)]",
            )
        ],
        ["spirales"],
    ),
]

"""Plausible wrong answers to the exercises of TP 1; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_add = partial(edited, "tp1", "add_sub")
_mul = partial(edited, "tp1", "mul_div")
_matmul = partial(edited, "tp1", "matmul")
_relu = partial(edited, "tp1", "relu")
_loss = partial(edited, "tp1", "softmax_loss")
_evaluate = partial(edited, "tp1", "evaluate")
_gradients = partial(edited, "tp1", "build_gradients")
_train = partial(edited, "tp1", "train")

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "add_sub": [
        (
            "sign forgotten",
            _add(("sum_to_shape(-gradient, b.shape)", "sum_to_shape(gradient, b.shape)")),
        ),
        (
            "shapes ignored in Add",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)",
                    "return gradient, gradient",
                )
            ),
        ),
        (
            "shapes ignored in Sub",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(-gradient, b.shape)",
                    "return gradient, -gradient",
                )
            ),
        ),
        ("order exchanged", _add(("return a - b", "return b - a"))),
        ("in place", _add(("return a + b", "a += b\n        return a"))),
        (
            "the gradient changed in place",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(-gradient, b.shape)",
                    "first = sum_to_shape(gradient, a.shape) + 0.0\n        gradient *= -1\n        return first, sum_to_shape(gradient, b.shape)",
                )
            ),
        ),
    ],
    "mul_div": [
        (
            "factors exchanged",
            _mul(
                (
                    "sum_to_shape(gradient * b, a.shape), sum_to_shape(gradient * a, b.shape)",
                    "sum_to_shape(gradient * a, a.shape), sum_to_shape(gradient * b, b.shape)",
                )
            ),
        ),
        (
            "gradient forgotten",
            _mul(
                ("sum_to_shape(gradient * b, a.shape)", "sum_to_shape(b + 0 * gradient, a.shape)")
            ),
        ),
        (
            "summed before the product",
            _mul(
                (
                    "sum_to_shape(gradient * a, b.shape)",
                    "sum_to_shape(gradient, b.shape) * a.mean()",
                )
            ),
        ),
        ("sign of the denominator", _mul(("-gradient * a / b**2", "gradient * a / b**2"))),
        ("denominator not squared", _mul(("-gradient * a / b**2", "-gradient * a / b"))),
        (
            "numerator's gradient not divided",
            _mul(("sum_to_shape(gradient / b, a.shape)", "sum_to_shape(gradient, a.shape)")),
        ),
        ("shapes ignored", _mul(("sum_to_shape(gradient / b, a.shape)", "gradient / b"))),
    ],
    "matmul": [
        ("transpose forgotten", _matmul(("gradient @ b.T", "gradient @ b"))),
        ("sides exchanged", _matmul(("a.T @ gradient", "(gradient.T @ a).T.T"))),
        ("element by element", _matmul(("return a @ b", "return a * b"))),
        (
            "one for the other",
            _matmul(
                ("return gradient @ b.T, a.T @ gradient", "return a.T @ gradient, gradient @ b.T")
            ),
        ),
        ("gradient of ones", _matmul(("gradient @ b.T", "np.ones_like(gradient) @ b.T"))),
        ("mean over the rows", _matmul(("a.T @ gradient", "a.T @ gradient / len(a)"))),
    ],
    "relu": [
        ("the derivative is 1 at 0", _relu(("(a > 0)", "(a >= 0)"))),
        ("absolute value", _relu(("np.maximum(a, 0)", "np.abs(a)"))),
        ("gradient not stopped", _relu(("gradient * (a > 0)", "gradient"))),
        ("looks at the sign of the gradient", _relu(("(a > 0)", "(gradient > 0)"))),
        ("multiplied by the value", _relu(("gradient * (a > 0)", "gradient * np.maximum(a, 0)"))),
        ("in place", _relu(("return np.maximum(a, 0)", "a[a < 0] = 0\n        return a"))),
        ("leaky", _relu(("np.maximum(a, 0)", "np.maximum(a, 0.01 * a)"))),
    ],
    "softmax_loss": [
        ("sum for mean", _loss(("self.target].mean()", "self.target].sum()"))),
        (
            "gradient not divided by N",
            _loss(("gradient * difference / len(scores)", "gradient * difference")),
        ),
        ("the gradient that arrives is ignored", _loss(("gradient * difference", "difference"))),
        ("unstable", _loss(("scores - scores.max(axis=1, keepdims=True)", "scores"))),
        ("one maximum for all rows", _loss(("scores.max(axis=1, keepdims=True)", "scores.max()"))),
        (
            "1 not subtracted",
            _loss(("        difference[np.arange(len(scores)), self.target] -= 1\n", "")),
        ),
        (
            "softmax over the examples",
            _loss((".sum(axis=1, keepdims=True)", ".sum(axis=0, keepdims=True)")),
        ),
        ("sign", _loss(("return -self._log_probabilities", "return self._log_probabilities"))),
        (
            "log of a rounded probability",
            _loss(
                (
                    "return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
                    "p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)\n        return np.log(p)",
                )
            ),
        ),
    ],
    "evaluate": [
        (
            "computed at each use",
            """
def evaluate(node):
    order, stack = [], [node]
    while stack:
        order.append(stack.pop())
        stack += order[-1].parents
    order.reverse()
    for current in order:
        if current.operation is not None:
            current.value = current.operation.forward(*[p.value for p in current.parents])
    return order
""",
        ),
        (
            "values kept when an input changes",
            _evaluate(
                (
                    "if current.operation is not None:",
                    "if current.operation is not None and current.value is None:",
                )
            ),
        ),
        (
            "inputs left out",
            _evaluate(
                (
                    "        order.append(current)\n",
                    "        if current.operation is not None:\n            order.append(current)\n",
                )
            ),
        ),
        ("children before parents", _evaluate(("    return order\n", "    return order[::-1]\n"))),
        (
            "the first parent only",
            _evaluate(
                (
                    "[parent.value for parent in current.parents]",
                    "[current.parents[0].value for parent in current.parents]",
                )
            ),
        ),
        (
            "recursion",
            """
def evaluate(node):
    order, done = [], set()
    def visit(current):
        if id(current) in done:
            return
        done.add(id(current))
        for parent in current.parents:
            visit(parent)
        if current.operation is not None:
            current.value = current.operation.forward(*[p.value for p in current.parents])
        order.append(current)
    visit(node)
    return order
""",
        ),
        (
            "nearest first",
            """
def evaluate(node):
    order, stack = [], [node]
    while stack:
        current = stack.pop(0)
        if current not in order:
            order.append(current)
            stack += current.parents
    order.reverse()
    for current in order:
        if current.operation is not None:
            current.value = current.operation.forward(*[p.value for p in current.parents])
    return order
""",
        ),
    ],
    "build_gradients": [
        (
            "the last child only",
            _gradients(
                (
                    "parent.gradient = share if parent.gradient is None else parent.gradient + share",
                    "parent.gradient = share",
                )
            ),
        ),
        (
            "in place",
            _gradients(
                (
                    "parent.gradient = share if parent.gradient is None else parent.gradient + share",
                    "if parent.gradient is None:\n                parent.gradient = share\n            else:\n                parent.gradient += share",
                )
            ),
        ),
        (
            "not started again",
            _gradients(("    for node in order:\n        node.gradient = None\n", "")),
        ),
        (
            "from the first to the last",
            _gradients(("for node in reversed(order):", "for node in order:")),
        ),
        (
            "starts from the loss itself",
            _gradients(("np.ones_like(order[-1].value)", "order[-1].value")),
        ),
        (
            "ones at each node",
            _gradients(
                (
                    "node.operation.backward(node.gradient, *inputs)",
                    "node.operation.backward(np.ones_like(node.value), *inputs)",
                )
            ),
        ),
        (
            "the node's value for its inputs",
            _gradients(
                (
                    "[parent.value for parent in node.parents]",
                    "[node.value for parent in node.parents]",
                )
            ),
        ),
        ("one parent only", _gradients(("zip(node.parents, node", "zip(node.parents[:1], node"))),
        (
            "recursion",
            """
def build_gradients(order):
    for node in order:
        node.gradient = 0
    def send(node, gradient):
        node.gradient = node.gradient + gradient
        if node.operation is not None:
            inputs = [parent.value for parent in node.parents]
            for parent, share in zip(node.parents, node.operation.backward(gradient, *inputs)):
                send(parent, share)
    send(order[-1], np.ones_like(order[-1].value))
""",
        ),
    ],
    "center": [],
    "train": [
        ("uphill", _train(("value - lr * gradient", "value + lr * gradient"))),
        (
            "losses after the step",
            _train(
                ("        losses.append(float(loss))\n", ""),
                (
                    "zip(parameters, gradients)]\n",
                    "zip(parameters, gradients)]\n        losses.append(float(loss_and_gradients(parameters)[0]))\n",
                ),
            ),
        ),
        (
            "in place",
            _train(
                (
                    "parameters = [value - lr * gradient for value, gradient in zip(parameters, gradients)]",
                    "for value, gradient in zip(parameters, gradients):\n            value -= lr * gradient",
                )
            ),
        ),
        ("lr ignored", _train(("value - lr * gradient", "value - 0.1 * gradient"))),
        ("always ten steps", _train(("range(steps)", "range(10)"))),
        (
            "gradients of the start",
            _train(
                (
                    "    losses = []\n",
                    "    losses = []\n    _, gradients = loss_and_gradients(parameters)\n",
                ),
                (
                    "        loss, gradients = loss_and_gradients(parameters)\n",
                    "        loss, _ = loss_and_gradients(parameters)\n",
                ),
            ),
        ),
        (
            "the last loss only",
            _train(("        losses.append(float(loss))\n", "        losses = [float(loss)]\n")),
        ),
    ],
}

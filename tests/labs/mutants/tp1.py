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
_center = partial(edited, "tp1", "center")

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "add_sub": [
        ("axes of size 1 dropped from the sum", _add(("return a + b", "return (a + b).squeeze()"))),
        (
            "the shapes of Add kept on the class",
            _add(
                ("return a + b", "Add.shapes = a.shape, b.shape\n        return a + b"),
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)",
                    "return sum_to_shape(gradient, Add.shapes[0]), sum_to_shape(gradient, Add.shapes[1])",
                ),
            ),
        ),
        (
            "the shapes of Sub used once",
            _add(
                ("return a - b", "self.shapes = [b.shape, a.shape]\n        return a - b"),
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(-gradient, b.shape)",
                    "return sum_to_shape(gradient, self.shapes.pop()), sum_to_shape(-gradient, self.shapes.pop())",
                ),
            ),
        ),
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
        (
            "only the smaller input is summed",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)",
                    "if a.size < b.size:\n            return sum_to_shape(gradient, a.shape), gradient\n        return gradient, sum_to_shape(gradient, b.shape)",
                )
            ),
        ),
        (
            "added axes summed, stretched ones not",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(-gradient, b.shape)",
                    "return tuple(s * gradient.sum(axis=tuple(range(gradient.ndim - x.ndim))) for s, x in ((1, a), (-1, b)))",
                )
            ),
        ),
        (
            "mean for sum",
            _add(
                (
                    "sum_to_shape(-gradient, b.shape)",
                    "sum_to_shape(-gradient, b.shape) * b.size / gradient.size",
                )
            ),
        ),
        ("Add subtracts", _add(("return a + b", "return a - b"))),
        (
            "autograd of torch",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)",
                    "import torch\n        x, y = (torch.tensor(v, requires_grad=True) for v in (a, b))\n        return tuple(g.numpy() for g in torch.autograd.grad(x + y, (x, y), torch.tensor(gradient)))",
                )
            ),
        ),
        (
            "one gradient only",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)",
                    "return (sum_to_shape(gradient, a.shape),)",
                )
            ),
        ),
        (
            "summed only for the input of fewest axes",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)",
                    "shapes = [x.shape if x.ndim == min(a.ndim, b.ndim) else gradient.shape for x in (a, b)]\n"
                    "        return sum_to_shape(gradient, shapes[0]), sum_to_shape(gradient, shapes[1])",
                )
            ),
        ),
        (
            "first input summed if it has fewest axes",
            _add(
                (
                    "return sum_to_shape(gradient, a.shape), sum_to_shape(-gradient, b.shape)",
                    "first = sum_to_shape(gradient, a.shape) if a.ndim <= b.ndim else gradient\n"
                    "        return first, sum_to_shape(-gradient, b.shape)",
                )
            ),
        ),
    ],
    "mul_div": [
        (
            "axes of size 1 dropped from the product",
            _mul(("return a * b", "return (a * b).squeeze()")),
        ),
        (
            "axes of size 1 dropped from the quotient",
            _mul(("return a / b", "return (a / b).squeeze()")),
        ),
        (
            "the quotient kept on the class",
            _mul(
                ("return a / b", "Div.z = a / b\n        return Div.z"),
                (
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * a / b**2, b.shape)",
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * Div.z / b, b.shape)",
                ),
            ),
        ),
        (
            "the quotient kept from the first forward",
            _mul(
                (
                    "return a / b",
                    "if not hasattr(self, 'z'):\n            self.z = a / b\n        return a / b",
                ),
                (
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * a / b**2, b.shape)",
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * self.z / b, b.shape)",
                ),
            ),
        ),
        (
            "the quotient replaced by its gradient",
            _mul(
                ("return a / b", "self.z = a / b\n        return self.z + 0.0"),
                (
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * a / b**2, b.shape)",
                    "self.z = -gradient * self.z / b\n        return sum_to_shape(gradient / b, a.shape), sum_to_shape(self.z, b.shape)",
                ),
            ),
        ),
        (
            "backward changes what forward returned",
            _mul(
                ("return a / b", "self.z = np.array(a / b)\n        return self.z"),
                (
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * a / b**2, b.shape)",
                    "found = sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * self.z / b, b.shape)\n        self.z += 1\n        return found",
                ),
            ),
        ),
        (
            "finite differences",
            _mul(
                (
                    "return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * a / b**2, b.shape)",
                    "e = 1e-6\n        return sum_to_shape(gradient / b, a.shape), sum_to_shape(gradient * (a / (b + e) - a / (b - e)) / (2 * e), b.shape)",
                )
            ),
        ),
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
        (
            "product by the value over the input, nan at zero",
            _mul(
                (
                    "sum_to_shape(gradient * b, a.shape), sum_to_shape(gradient * a, b.shape)",
                    "sum_to_shape(gradient * a * b / a, a.shape), sum_to_shape(gradient * a * b / b, b.shape)",
                )
            ),
        ),
        (
            "absolute value of the denominator",
            _mul(
                (
                    "sum_to_shape(gradient / b, a.shape)",
                    "sum_to_shape(gradient / np.abs(b), a.shape)",
                )
            ),
        ),
        (
            "only the smaller input is summed",
            _mul(
                (
                    "return sum_to_shape(gradient * b, a.shape), sum_to_shape(gradient * a, b.shape)",
                    "ga, gb = gradient * b, gradient * a\n        if a.size < b.size:\n            return sum_to_shape(ga, a.shape), gb\n        return ga, sum_to_shape(gb, b.shape)",
                )
            ),
        ),
        (
            "gradient of a by the quotient",
            _mul(("-gradient * a / b**2", "-gradient * (a / b) ** 2")),
        ),
        ("in place", _mul(("return a * b", "a *= b\n        return a"))),
        (
            "denominator protected by a small number",
            _mul(("return a / b", "return a / (b + 1e-3)")),
        ),
    ],
    "matmul": [
        (
            "the transpose kept from the first forward",
            _matmul(
                (
                    "return a @ b",
                    "if not hasattr(self, 'at'):\n            self.at = a.T\n        return a @ b",
                ),
                ("a.T @ gradient", "self.at @ gradient"),
            ),
        ),
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
        ("conjugate sides", _matmul(("a.T @ gradient", "gradient.T @ a"))),
        (
            "gradients added over the columns",
            _matmul(("gradient @ b.T", "gradient.sum(1, keepdims=True) * b.sum(1)")),
        ),
        ("in place", _matmul(("return a @ b", "z = a @ b\n        a *= 1.5\n        return z"))),
        ("shapes by reshape", _matmul(("gradient @ b.T", "gradient @ b.reshape(b.shape[::-1])"))),
        ("reshape of the left", _matmul(("a.T @ gradient", "a.reshape(a.shape[::-1]) @ gradient"))),
        (
            "torch",
            _matmul(
                (
                    "return gradient @ b.T, a.T @ gradient",
                    "import torch as t\n        x, y = (t.tensor(v, requires_grad=True) for v in (a, b))\n        return tuple(g.numpy() for g in t.autograd.grad(x @ y, (x, y), t.tensor(gradient)))",
                )
            ),
        ),
    ],
    "relu": [
        (
            "axes of size 1 dropped from the gradient",
            _relu(("(gradient * (a > 0),)", "((gradient * (a > 0)).squeeze(),)")),
        ),
        (
            "the mask kept on the class",
            _relu(
                ("return np.maximum(a, 0)", "ReLU.mask = a > 0\n        return np.maximum(a, 0)"),
                ("return (gradient * (a > 0),)", "return (gradient * ReLU.mask,)"),
            ),
        ),
        (
            "the mask kept from the first forward",
            _relu(
                (
                    "return np.maximum(a, 0)",
                    "if not hasattr(self, 'mask'):\n            self.mask = a > 0\n        return np.maximum(a, 0)",
                ),
                ("return (gradient * (a > 0),)", "return (gradient * self.mask,)"),
            ),
        ),
        (
            "gradients accumulate from call to call",
            _relu(
                (
                    "return np.maximum(a, 0)",
                    "self.slope = (a > 0) * 1.0\n        return np.maximum(a, 0)",
                ),
                (
                    "return (gradient * (a > 0),)",
                    "self.slope = self.slope * gradient\n        return (self.slope,)",
                ),
            ),
        ),
        ("the derivative is 1 at 0", _relu(("(a > 0)", "(a >= 0)"))),
        ("absolute value", _relu(("np.maximum(a, 0)", "np.abs(a)"))),
        ("gradient not stopped", _relu(("gradient * (a > 0)", "gradient"))),
        ("looks at the sign of the gradient", _relu(("(a > 0)", "(gradient > 0)"))),
        ("multiplied by the value", _relu(("gradient * (a > 0)", "gradient * np.maximum(a, 0)"))),
        ("in place", _relu(("return np.maximum(a, 0)", "a[a < 0] = 0\n        return a"))),
        ("leaky", _relu(("np.maximum(a, 0)", "np.maximum(a, 0.01 * a)"))),
        ("comma forgotten", _relu(("return (gradient * (a > 0),)", "return gradient * (a > 0)"))),
        ("one half at 0", _relu(("(a > 0)", "np.heaviside(a, 0.5)"))),
        ("threshold at a small number", _relu(("(a > 0)", "(a > 1e-2)"))),
        (
            "gradient changed in place",
            _relu(
                ("return (gradient * (a > 0),)", "gradient *= a > 0\n        return (gradient,)")
            ),
        ),
        (
            "torch",
            _relu(
                (
                    "return np.maximum(a, 0)",
                    "import torch\n        return torch.relu(torch.tensor(a)).numpy()",
                )
            ),
        ),
        ("cut at six", _relu(("np.maximum(a, 0)", "np.clip(a, 0, 6)"))),
        ("no gradient above six", _relu(("(a > 0)", "((a > 0) & (a < 6))"))),
        ("no gradient for a very small number", _relu(("(a > 0)", "(a > 1e-8)"))),
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
        (
            "divided by K",
            _loss(
                ("gradient * difference / len(scores)", "gradient * difference / scores.shape[1]")
            ),
        ),
        (
            "mean of all scores",
            _loss(("gradient * difference / len(scores)", "gradient * difference / scores.size")),
        ),
        (
            "probabilities kept in the class",
            _loss(
                (
                    "return -self._log_probabilities(scores)[",
                    "SoftmaxLoss.kept = self._log_probabilities(scores)\n        return -SoftmaxLoss.kept[",
                ),
                (
                    "difference = np.exp(self._log_probabilities(scores))",
                    "difference = np.exp(SoftmaxLoss.kept)",
                ),
            ),
        ),
        (
            "kept probabilities changed by backward",
            _loss(
                (
                    "return -self._log_probabilities(scores)[",
                    "self.p = np.exp(self._log_probabilities(scores))\n        return -self._log_probabilities(scores)[",
                ),
                ("difference = np.exp(self._log_probabilities(scores))", "difference = self.p"),
            ),
        ),
        (
            "scores shifted in place",
            _loss(
                (
                    "shifted = scores - scores.max(axis=1, keepdims=True)",
                    "shifted = scores\n        shifted -= scores.max(axis=1, keepdims=True)",
                )
            ),
        ),
        (
            "small number in the logarithm",
            _loss(
                (
                    "return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
                    "p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)\n        return np.log(p + 1e-12)",
                )
            ),
        ),
        (
            "scipy",
            _loss(
                (
                    "return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
                    "from scipy.special import log_softmax\n        return log_softmax(scores, axis=1)",
                )
            ),
        ),
        (
            "the first class for all",
            _loss(
                (
                    "difference[np.arange(len(scores)), self.target] -= 1",
                    "difference[np.arange(len(scores)), self.target[0]] -= 1",
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
        (
            "preorder from the left, reversed",
            """
def evaluate(node):
    order, seen, stack = [], set(), [node]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        order.append(current)
        stack.extend(reversed(current.parents))
    order.reverse()
    for n in order:
        if n.operation is not None:
            n.value = n.operation.forward(*[p.value for p in n.parents])
    return order
""",
        ),
        (
            "preorder from the right, reversed",
            """
def evaluate(node):
    order, stack = [], [node]
    while stack:
        current = stack.pop()
        if current not in order:
            order.append(current)
            stack += current.parents
    order = order[::-1]
    for n in order:
        if n.operation is not None:
            n.value = n.operation.forward(*[p.value for p in n.parents])
    return order
""",
        ),
        (
            "raises the recursion limit",
            """
def evaluate(node):
    import sys
    sys.setrecursionlimit(10**6)
    order, done = [], set()
    def visit(n):
        if id(n) in done:
            return
        for p in n.parents:
            visit(p)
        if n.operation is not None:
            n.value = n.operation.forward(*[p.value for p in n.parents])
        done.add(id(n))
        order.append(n)
    visit(node)
    return order
""",
        ),
        (
            "graphlib",
            """
from graphlib import TopologicalSorter


def evaluate(node):
    graph, waiting = {}, [node]
    while waiting:
        current = waiting.pop()
        if current not in graph:
            graph[current] = current.parents
            waiting.extend(current.parents)
    order = list(TopologicalSorter(graph).static_order())
    for n in order:
        if n.operation is not None:
            n.value = n.operation.forward(*[p.value for p in n.parents])
    return order
""",
        ),
        (
            "computed again when it was pushed twice",
            _evaluate(
                (
                    "        if id(current) in done:  # empilé par deux enfants\n            continue\n",
                    "",
                )
            ),
        ),
        (
            "parents exchanged",
            _evaluate(
                (
                    "[parent.value for parent in current.parents]",
                    "[parent.value for parent in current.parents[::-1]]",
                )
            ),
        ),
        (
            "the same parent once",
            _evaluate(
                (
                    "[parent.value for parent in current.parents]",
                    "[parent.value for parent in dict.fromkeys(current.parents)]",
                )
            ),
        ),
        (
            "two parents at most",
            _evaluate(
                (
                    "[parent.value for parent in current.parents]",
                    "[parent.value for parent in current.parents[:2]]",
                )
            ),
        ),
        ("the node left out", _evaluate(("    return order\n", "    return order[:-1]\n"))),
        ("only the last is returned", _evaluate(("    return order\n", "    return order[-1]\n"))),
        (
            "a parent that serves twice kept once",
            _evaluate(
                (
                    "        order.append(current)\n",
                    "        current.parents = tuple(dict.fromkeys(current.parents))\n"
                    "        order.append(current)\n",
                )
            ),
        ),
        (
            "what has two parents is computed once for all",
            _evaluate(
                (
                    "if current.operation is not None:",
                    "if current.operation is not None and (current.value is None or len(current.parents) < 2):",
                )
            ),
        ),
        (
            "two inputs at most are listed",
            _evaluate(
                (
                    "        order.append(current)",
                    "        if current.operation or sum(not n.parents for n in order) < 2:\n"
                    "            order.append(current)",
                )
            ),
        ),
    ],
    "build_gradients": [
        (
            "stops at the first input met on the way back",
            _gradients(("            continue\n", "            break\n")),
        ),
        (
            "one call for each path",
            """
def build_gradients(order):
    for node in order:
        node.gradient = np.zeros_like(node.value)
    todo = [(order[-1], np.ones_like(order[-1].value))]
    while todo:
        node, gradient = todo.pop()
        node.gradient = node.gradient + gradient
        if node.operation is not None:
            inputs = [parent.value for parent in node.parents]
            todo += zip(node.parents, node.operation.backward(gradient, *inputs))
""",
        ),
        (
            "the first gradient is an int",
            _gradients(
                ("order[-1].gradient = np.ones_like(order[-1].value)", "order[-1].gradient = 1")
            ),
        ),
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
        (
            "the list reversed in place",
            _gradients(
                (
                    "    for node in reversed(order):\n",
                    "    order.reverse()\n    for node in order:\n",
                ),
                ("order[-1].gradient = np.ones_like", "order[-1].gradient = np.ones_like"),
            ),
        ),
        (
            "starts from a Python number",
            _gradients(
                ("np.ones_like(order[-1].value)", "1.0"),
                ("else parent.gradient + share", "else (parent.gradient + share).sum()"),
            ),
        ),
        (
            "mean of the shares",
            _gradients(("else parent.gradient + share", "else (parent.gradient + share) / 2")),
        ),
        (
            "the same parent twice counts once",
            _gradients(
                (
                    "    for node in reversed(order):",
                    "    for node in reversed(order):\n        seen = set()",
                ),
                (
                    "            parent.gradient = share if",
                    "            if id(parent) in seen:\n                continue\n            seen.add(id(parent))\n            parent.gradient = share if",
                ),
            ),
        ),
        (
            "only the inputs keep their gradient",
            _gradients(
                (
                    "        for parent, share in zip(node.parents, node.operation.backward(node.gradient, *inputs)):",
                    "        given, node.gradient = node.gradient, None\n        for parent, share in zip(node.parents, node.operation.backward(given, *inputs)):",
                )
            ),
        ),
        (
            "inputs accumulate as in PyTorch",
            _gradients(
                (
                    "    for node in order:\n        node.gradient = None\n",
                    "    for node in order:\n        if node.operation is not None:\n            node.gradient = None\n",
                )
            ),
        ),
        (
            "values changed by the pass",
            _gradients(
                (
                    "        inputs = [parent.value for parent in node.parents]\n",
                    "        inputs = [parent.value for parent in node.parents]\n        node.value = node.value * 0\n",
                )
            ),
        ),
        (
            "nothing sent back from a gradient of null sum",
            _gradients(
                (
                    "if node.operation is None or node.gradient is None:",
                    "if node.operation is None or node.gradient is None or not np.sum(node.gradient):",
                )
            ),
        ),
        (
            "two parents at most",
            _gradients(
                (
                    "zip(node.parents, node.operation",
                    "zip(node.parents[:2], node.operation",
                )
            ),
        ),
    ],
    "center": [
        (
            "the first gradient kept",
            _center(
                (
                    "return (gradient - gradient.mean(axis=0),)",
                    "if not hasattr(self, 'kept'):\n            self.kept = gradient - gradient.mean(axis=0)\n        return (self.kept,)",
                )
            ),
        ),
        (
            "broken, as given",
            _center(
                ("return a - a.mean(axis=0)", "a -= a.mean(axis=0)\n        return a"),
                ("return (gradient - gradient.mean(axis=0),)", "return (gradient,)"),
            ),
        ),
        (
            "only the value mended",
            _center(("return (gradient - gradient.mean(axis=0),)", "return (gradient,)")),
        ),
        (
            "only the gradient mended",
            _center(("return a - a.mean(axis=0)", "a -= a.mean(axis=0)\n        return a")),
        ),
        ("one mean for all", _center(("a - a.mean(axis=0)", "a - a.mean()"))),
        ("mean of rows", _center(("a - a.mean(axis=0)", "a - a.mean(axis=1, keepdims=True)"))),
        (
            "gradient's mean of rows",
            _center(("gradient.mean(axis=0)", "gradient.mean(axis=1, keepdims=True)")),
        ),
        ("gradient's one mean", _center(("gradient.mean(axis=0)", "gradient.mean()"))),
        ("sum for mean", _center(("gradient.mean(axis=0)", "gradient.sum(axis=0)"))),
        ("mean of the input", _center(("gradient.mean(axis=0)", "a.mean(axis=0)"))),
        (
            "one less in the denominator",
            _center(("gradient.mean(axis=0)", "gradient.sum(axis=0) / max(1, len(a) - 1)")),
        ),
        (
            "factor 1 - 1/N, the others forgotten",
            _center(("gradient - gradient.mean(axis=0)", "gradient * (1 - 1 / len(a))")),
        ),
        (
            "comma forgotten",
            _center(
                (
                    "return (gradient - gradient.mean(axis=0),)",
                    "return gradient - gradient.mean(axis=0)",
                )
            ),
        ),
        (
            "gradient changed in place",
            _center(
                (
                    "return (gradient - gradient.mean(axis=0),)",
                    "gradient -= gradient.mean(axis=0)\n        return (gradient,)",
                )
            ),
        ),
        (
            "the mean of the first call",
            _center(
                (
                    "return a - a.mean(axis=0)",
                    "self.mean = getattr(self, 'mean', a.mean(axis=0))\n        return a - self.mean",
                )
            ),
        ),
        (
            "the number of lines of the first call",
            _center(
                (
                    "return a - a.mean(axis=0)",
                    "self.n = getattr(self, 'n', len(a))\n        return a - a.sum(axis=0) / self.n",
                )
            ),
        ),
        (
            "the number of lines kept on the class",
            _center(
                (
                    "return a - a.mean(axis=0)",
                    "Center.n = len(a)\n        return a - a.mean(axis=0)",
                ),
                ("gradient.mean(axis=0)", "gradient.sum(axis=0) / Center.n"),
            ),
        ),
    ],
    "train": [
        (
            "each parameter sees those that have moved",
            """
def train(parameters, loss_and_gradients, steps=10, lr=0.1):
    current, losses = list(parameters), []
    for _ in range(steps):
        losses.append(float(loss_and_gradients(current)[0]))
        for i in range(len(current)):
            current[i] = current[i] - lr * loss_and_gradients(current)[1][i]
    return current, losses
""",
        ),
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
        (
            "stops when the loss is small",
            _train(
                (
                    "        losses.append(float(loss))\n",
                    "        losses.append(float(loss))\n        if loss < 1e-3:\n            break\n",
                )
            ),
        ),
        (
            "stops when the loss rises",
            _train(
                (
                    "        losses.append(float(loss))\n",
                    "        losses.append(float(loss))\n        if len(losses) > 1 and losses[-1] > losses[-2]:\n            break\n",
                )
            ),
        ),
        (
            "keeps the best",
            _train(
                ("    losses = []\n", "    losses, best = [], parameters\n"),
                (
                    "        losses.append(float(loss))\n",
                    "        losses.append(float(loss))\n        best = parameters if loss == min(losses) else best\n",
                ),
                ("    return parameters, losses\n", "    return best, losses\n"),
            ),
        ),
        ("one step too many", _train(("range(steps)", "range(steps + 1)"))),
        ("at least one step", _train(("range(steps)", "range(max(1, steps))"))),
        (
            "gradient of norm one",
            _train(
                (
                    "value - lr * gradient",
                    "value - lr * gradient / np.sqrt((gradient**2).sum() + 1e-12)",
                )
            ),
        ),
        (
            "lr shrinks",
            _train(
                (
                    "        losses.append(float(loss))\n",
                    "        losses.append(float(loss))\n        lr = lr * 0.99\n",
                )
            ),
        ),
        (
            "the list emptied",
            _train(
                (
                    "    return parameters, losses\n",
                    "    final = list(parameters)\n    return final, losses\n",
                ),
                (
                    "    losses = []\n",
                    "    losses = []\n    given, parameters = parameters, list(parameters)\n    given.clear()\n",
                ),
            ),
        ),
        (
            "one table for all",
            _train(
                (
                    "    return parameters, losses\n",
                    "    return np.concatenate([p.ravel() for p in parameters]), losses\n",
                )
            ),
        ),
    ],
}

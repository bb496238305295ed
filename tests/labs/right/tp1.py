"""Right answers to the exercises of TP 1, in many styles: all must get full points.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "add_sub": [
        (
            "sums over axes written out, without sum_to_shape",
            """
def fold(g, like):
    # torch would do this for us: while there are too many axes, sum the first
    g = np.asarray(g)
    while g.ndim > like.ndim:
        g = g.sum(0)
    for axis in range(like.ndim):
        if like.shape[axis] == 1 and g.shape[axis] > 1:
            g = g.sum(axis, keepdims=True)
    return g


class Add:
    def forward(self, a, b):
        return np.add(a, b)

    def backward(self, gradient, a, b):
        return fold(gradient, a), fold(gradient, b)


class Sub:
    def forward(self, a, b):
        return np.subtract(a, b)

    def backward(self, gradient, a, b):
        return fold(gradient, a), fold(-1 * gradient, b)
""",
        ),
        (
            "float32, and lists",
            """
class Add:
    sign = 1

    def forward(self, a, b):
        return (np.float32(a) + self.sign * np.float32(b)).astype("float32")

    def backward(self, gradient, a, b):
        g = gradient.astype(np.float32)
        return [sum_to_shape(g, np.shape(a)), self.sign * sum_to_shape(g, np.shape(b))]


class Sub(Add):
    sign = -1
""",
        ),
        (
            "shapes kept by forward",
            """
class Add:
    def forward(self, a, b):
        self.shapes = a.shape, b.shape
        return a + b

    def backward(self, gradient, *_):
        return tuple(sum_to_shape(gradient, shape) for shape in self.shapes)


class Sub:
    def __init__(self):
        self.shape_a = self.shape_b = None

    def forward(self, a, b):
        self.shape_a, self.shape_b = a.shape, b.shape
        return a - b

    def backward(self, gradient, *_):
        of_b = sum_to_shape(gradient, self.shape_b)
        return sum_to_shape(gradient, self.shape_a), -of_b
""",
        ),
        (
            "the gradient itself when shapes agree",
            '''
class Add:
    """No torch.autograd here, nor eval: only NumPy."""

    def forward(self, a, b):
        z = np.zeros(np.broadcast(a, b).shape)
        z += a
        z += b
        return z

    def backward(self, gradient, a, b):
        of_a = gradient if gradient.shape == a.shape else sum_to_shape(gradient, a.shape)
        of_b = gradient if gradient.shape == b.shape else sum_to_shape(gradient, b.shape)
        return of_a, of_b


class Sub:
    def forward(self, a, b):
        return Add().forward(a, -b)

    def backward(self, gradient, a, b):
        of_a, of_b = Add().backward(gradient, a, -b)
        return of_a, -of_b
''',
        ),
        (
            "einsum-free reduction by reshaping",
            """
def reduced(g, shape):
    padded = (1,) * (np.ndim(g) - len(shape)) + tuple(shape)
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return np.sum(g, axis=axes, keepdims=True).reshape(shape)


class Add:
    def forward(self, a, b):
        return a + b

    def backward(self, gradient, a, b):
        return reduced(gradient, a.shape), reduced(gradient, b.shape)


class Sub:
    def forward(self, a, b):
        return a + (-b)

    def backward(self, gradient, a, b):
        return reduced(gradient, a.shape), reduced(np.negative(gradient), b.shape)
""",
        ),
    ],
    "mul_div": [
        (
            "division as a product by the inverse",
            """
class Mul:
    def forward(self, a, b):
        return np.multiply(a, b)

    def backward(self, gradient, a, b):
        return sum_to_shape(np.multiply(gradient, b), a.shape), sum_to_shape(gradient * a, b.shape)


class Div:
    def forward(self, a, b):
        return a * (1 / b)

    def backward(self, gradient, a, b):
        inverse = 1 / b
        of_a, of_inverse = Mul().backward(gradient, a, inverse)
        return of_a, of_inverse * -(inverse**2)
""",
        ),
        (
            "float32",
            """
class Mul:
    def forward(self, a, b):
        return a.astype("f") * b.astype("f")

    def backward(self, gradient, a, b):
        g = gradient.astype("f")
        return sum_to_shape(g * b.astype("f"), a.shape), sum_to_shape(g * a.astype("f"), b.shape)


class Div:
    def forward(self, a, b):
        return a.astype("f") / b.astype("f")

    def backward(self, gradient, a, b):
        g, x, y = (np.asarray(v, dtype=np.float32) for v in (gradient, a, b))
        return sum_to_shape(g / y, a.shape), sum_to_shape(-g * x / (y * y), b.shape)
""",
        ),
        (
            "value kept from forward",
            """
class Mul:
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, gradient, a, b):
        return sum_to_shape(gradient * self.b, a.shape), sum_to_shape(self.a * gradient, b.shape)


class Div:
    def forward(self, a, b):
        self.quotient = a / b
        return self.quotient

    def backward(self, gradient, a, b):
        of_a = gradient / b
        return sum_to_shape(of_a, a.shape), sum_to_shape(-of_a * self.quotient, b.shape)
""",
        ),
        (
            "all inputs broadcast first, in place on copies",
            """
class Mul:
    def forward(self, a, b):
        z = np.broadcast_to(a, np.broadcast_shapes(a.shape, b.shape)).copy()
        z *= b
        return z

    def backward(self, gradient, a, b):
        first, second = gradient.copy(), gradient.copy()
        first *= b
        second *= a
        return sum_to_shape(first, a.shape), sum_to_shape(second, b.shape)


class Div:
    def forward(self, a, b):
        z = np.broadcast_to(a, np.broadcast_shapes(a.shape, b.shape)).copy()
        z /= b
        return z

    def backward(self, gradient, a, b):
        first = gradient.copy()
        first /= b
        second = first.copy()
        second *= a
        second /= -b
        return sum_to_shape(first, a.shape), sum_to_shape(second, b.shape)
""",
        ),
        (
            "one helper for both",
            '''
def both(gradient, of_a, of_b, a, b):
    """The chain rule, then the sums. (for, while, torch: words only)"""
    return tuple(sum_to_shape(gradient * d, x.shape) for d, x in ((of_a, a), (of_b, b)))


class Mul:
    def forward(self, a, b):
        return a * b

    def backward(self, gradient, a, b):
        return both(gradient, b, a, a, b)


class Div:
    def forward(self, a, b):
        return np.divide(a, b)

    def backward(self, gradient, a, b):
        return both(gradient, np.reciprocal(b), -a * np.power(b, -2.0), a, b)
''',
        ),
        (
            "arrays broadcast first, powers of -1 and -2",
            """
class Mul:
    def forward(self, a, b):
        return a * b

    def backward(self, gradient, a, b):
        wide_a, wide_b = np.broadcast_arrays(a, b)
        return sum_to_shape(gradient * wide_b, a.shape), sum_to_shape(gradient * wide_a, b.shape)


class Div:
    def forward(self, a, b):
        return a * b ** -1.0

    def backward(self, gradient, a, b):
        wide_a, wide_b = np.broadcast_arrays(a, b)
        return (sum_to_shape(gradient * wide_b ** -1.0, a.shape),
                sum_to_shape(gradient * -wide_a * wide_b ** -2.0, b.shape))
""",
        ),
    ],
    "matmul": [
        (
            "einsum",
            """
class Matmul:
    def forward(self, a, b):
        return np.einsum("nd,dk->nk", a, b)

    def backward(self, gradient, a, b):
        return np.einsum("nk,dk->nd", gradient, b), np.einsum("nk,nd->dk", gradient, a)
""",
        ),
        (
            "three loops",
            """
class Matmul:
    def forward(self, a, b):
        z = np.zeros((len(a), b.shape[1]))
        for n in range(len(a)):
            for k in range(b.shape[1]):
                for d in range(len(b)):
                    z[n, k] += a[n, d] * b[d, k]
        return z

    def backward(self, gradient, a, b):
        of_a, of_b = np.zeros_like(a), np.zeros_like(b)
        for n in range(len(a)):
            for k in range(b.shape[1]):
                for d in range(len(b)):
                    of_a[n, d] += gradient[n, k] * b[d, k]
                    of_b[d, k] += gradient[n, k] * a[n, d]
        return of_a, of_b
""",
        ),
        (
            "float32 and dot",
            """
class Matmul:
    def forward(self, a, b):
        return np.dot(np.float32(a), np.float32(b))

    def backward(self, gradient, a, b):
        g = np.float32(gradient)
        return np.dot(g, np.float32(b).transpose()), np.dot(np.float32(a).transpose(), g)
""",
        ),
        (
            "transposes of transposes, as a list",
            """
class Matmul:
    def forward(self, a, b):
        self.left, self.right = a, b
        return np.matmul(a, b)

    def backward(self, gradient, a, b):
        return [(self.right @ gradient.T).T, (gradient.T @ self.left).T]
""",
        ),
        (
            "broadcast products",
            """
class Matmul:
    def forward(self, a, b):
        return (a[:, :, None] * b[None]).sum(1)

    def backward(self, gradient, a, b):
        g = gradient[:, None, :]
        return (g * b).sum(-1), (g * a[:, :, None]).sum(0)
""",
        ),
    ],
    "relu": [
        (
            "where",
            """
class ReLU:
    def forward(self, a):
        return np.where(a > 0, a, 0)

    def backward(self, gradient, a):
        return (np.where(a > 0, gradient, 0),)
""",
        ),
        (
            "product by the mask kept from forward",
            """
class ReLU:
    def forward(self, a):
        self.active = a > 0
        return a * self.active

    def backward(self, gradient, a):
        return [gradient * self.active]
""",
        ),
        (
            "half of the sum with the absolute value, float32",
            """
class ReLU:
    def forward(self, a):
        a = np.asarray(a, dtype=np.float32)
        return (a + abs(a)) / 2

    def backward(self, gradient, a):
        return (np.float32(gradient) * np.heaviside(np.float32(a), np.float32(0)),)
""",
        ),
        (
            "in place on copies",
            """
class ReLU:
    def forward(self, a):
        z = np.array(a)
        z[z < 0] = 0
        return z

    def backward(self, gradient, a):
        result = np.array(gradient)
        result[a <= 0] = 0
        return (result,)
""",
        ),
        (
            "clip and sign",
            """
class ReLU:
    def forward(self, a):
        return np.clip(a, 0, None)

    def backward(self, gradient, a):
        slope = np.sign(np.clip(a, 0, None))
        return (slope * gradient,)
""",
        ),
    ],
    "softmax_loss": [
        (
            "probabilities kept from forward",
            """
class SoftmaxLoss:
    def __init__(self, target):
        self.target = target

    def forward(self, scores):
        s = scores - scores.max(axis=1, keepdims=True)
        self.log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        return -self.log_p[np.arange(len(s)), self.target].mean()

    def backward(self, gradient, scores):
        d = np.exp(self.log_p)
        d[np.arange(len(d)), self.target] -= 1
        return (gradient * d / len(d),)
""",
        ),
        (
            "a loop over examples",
            """
class SoftmaxLoss:
    def __init__(self, target):
        self.target = [int(y) for y in target]

    def forward(self, scores):
        total = 0.0
        for row, y in zip(scores, self.target):
            m = max(row)
            total += m - row[y] + np.log(sum(np.exp(s - m) for s in row))
        return total / len(scores)

    def backward(self, gradient, scores):
        found = np.zeros(scores.shape)
        for n, y in enumerate(self.target):
            e = np.exp(scores[n] - max(scores[n]))
            found[n] = e / sum(e)
            found[n, y] -= 1
        return (float(gradient) * found / len(scores),)
""",
        ),
        (
            "one-hot and einsum",
            """
class SoftmaxLoss:
    def __init__(self, target):
        self.target = np.array(target)

    def one_hot(self, scores):
        return (np.arange(scores.shape[1]) == self.target[:, None]).astype(float)

    def forward(self, scores):
        m = scores.max(1)
        log_sum = m + np.log(np.exp(scores - m[:, None]).sum(1))
        return np.mean(log_sum - np.einsum("nk,nk->n", scores, self.one_hot(scores)))

    def backward(self, gradient, scores):
        e = np.exp(scores - scores.max(1)[:, None])
        p = e / e.sum(1)[:, None]
        return [(p - self.one_hot(scores)) * (gradient / len(scores))]
""",
        ),
        (
            "logaddexp",
            '''
class SoftmaxLoss:
    """softmax, then cross_entropy: no torch, no scipy."""

    def __init__(self, target):
        self.target = target

    def log_sum(self, scores):
        return np.logaddexp.reduce(scores, axis=1, keepdims=True)

    def forward(self, scores):
        right = np.take_along_axis(scores, self.target[:, None], axis=1)
        return np.mean(self.log_sum(scores) - right)

    def backward(self, gradient, scores):
        found = np.exp(scores - self.log_sum(scores))
        for n, y in enumerate(self.target):
            found[n, y] -= 1
        found *= gradient
        found /= len(found)
        return (found,)
''',
        ),
        (
            "float32",
            """
class SoftmaxLoss:
    def __init__(self, target):
        self.target = np.asarray(target)
        self.rows = np.arange(len(self.target))

    def shifted(self, scores):
        s = scores.astype(np.float32)
        return s - s.max(axis=-1, keepdims=True)

    def forward(self, scores):
        s = self.shifted(scores)
        losses = np.log(np.exp(s).sum(-1)) - s[self.rows, self.target]
        return losses.sum() / np.float32(losses.size)

    def backward(self, gradient, scores):
        e = np.exp(self.shifted(scores))
        p = e / e.sum(-1, keepdims=True)
        hot = np.zeros_like(p)
        hot[self.rows, self.target] = 1
        return ((p - hot) * np.float32(gradient) / np.float32(len(p)),)
""",
        ),
    ],
    "evaluate": [
        (
            "each node enters the stack twice",
            """
def evaluate(node):
    order, seen, stack = [], set(), [(node, False)]
    while stack:
        current, ready = stack.pop()
        if ready:
            if current.operation is not None:
                current.value = current.operation.forward(*(p.value for p in current.parents))
            order.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            stack.append((current, True))
            stack.extend((parent, False) for parent in current.parents)
    return order
""",
        ),
        (
            "counts of missing parents",
            """
def evaluate(node):
    known, to_see = {id(node): node}, [node]
    children = {}
    while to_see:
        current = to_see.pop()
        for parent in set(current.parents):
            children.setdefault(id(parent), []).append(current)
            if id(parent) not in known:
                known[id(parent)] = parent
                to_see.append(parent)
    missing = {key: len(set(n.parents)) for key, n in known.items()}
    ready = [n for n in known.values() if not n.parents]
    order = []
    for current in ready:  # grows while it is read
        if current.parents:
            current.value = current.operation.forward(*[p.value for p in current.parents])
        order.append(current)
        for child in children.get(id(current), []):
            missing[id(child)] -= 1
            if missing[id(child)] == 0:
                ready.append(child)
    return order
""",
        ),
        (
            "by depth: the longest path to an input",
            """
def ancestors(node):
    found, waiting = {}, [node]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found[current] = True
            waiting.extend(current.parents)
    return list(found)


def evaluate(node):
    nodes, depth, stack = ancestors(node), {}, [node]
    while stack:
        top = stack[-1]
        unknown = [p for p in top.parents if p not in depth]
        if unknown:
            stack.append(unknown[0])
        else:
            depth[stack.pop()] = 1 + max((depth[p] for p in top.parents), default=0)
    order = sorted(nodes, key=lambda n: depth[n])
    for n in order:
        if n.operation:
            n.value = n.operation.forward(*[p.value for p in n.parents])
    return order
""",
        ),
        (
            "iterators on a stack, like recursion without recursion",
            '''
def evaluate(node):
    """No recursion, no graphlib: `visit` is only a word."""
    visited, order = {node}, []
    visit = [(node, iter(node.parents))]
    while visit:
        current, parents = visit[-1]
        for parent in parents:
            if parent not in visited:
                visited.add(parent)
                visit.append((parent, iter(parent.parents)))
                break
        else:
            visit.pop()
            order.append(current)
    for current in order:
        forward = None if current.operation is None else current.operation.forward
        if forward:
            current.value = forward(*[p.value for p in current.parents])
    return order
''',
        ),
        (
            "children counted from the end, then reversed",
            """
def evaluate(node):
    uses, seen, waiting = {}, {node}, [node]
    while waiting:
        current = waiting.pop()
        for parent in current.parents:
            uses[parent] = uses.get(parent, 0) + 1
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    backwards, free = [], [node]
    while free:
        current = free.pop(0)
        backwards.append(current)
        for parent in current.parents:
            uses[parent] -= 1
            if not uses[parent]:
                free.append(parent)
    order = list(reversed(backwards))
    for current in order:
        if len(current.parents) > 0:
            inputs = [parent.value for parent in current.parents]
            current.value = current.operation.forward(*inputs)
    return tuple(order)
""",
        ),
        (
            "a class with a pile",
            """
class Walk:
    def __init__(self, end):
        self.pile, self.done, self.order = [end], set(), []

    def finished(self):
        return len(self.pile) == 0

    def step(self):
        top = self.pile.pop()
        if top in self.done:
            return
        late = [p for p in top.parents if p not in self.done]
        if late:
            self.pile.append(top)
            self.pile.extend(late)
            return
        self.compute(top)

    def compute(self, top):
        if top.operation is not None:
            top.value = top.operation.forward(*[p.value for p in top.parents])
        self.done.add(top)
        self.order.append(top)


def evaluate(node):
    walk = Walk(node)
    while not walk.finished():
        walk.step()
    return walk.order
""",
        ),
    ],
    "build_gradients": [
        (
            "zeros first",
            """
def build_gradients(order):
    for node in order:
        node.gradient = np.zeros_like(node.value)
    order[-1].gradient = np.ones_like(order[-1].value)
    for node in order[::-1]:
        if node.parents:
            given = node.operation.backward(node.gradient, *[p.value for p in node.parents])
            for parent, share in zip(node.parents, given):
                parent.gradient = parent.gradient + share
""",
        ),
        (
            "in place on buffers of one's own",
            """
def build_gradients(order):
    for node in order:
        node.gradient = np.zeros(np.shape(node.value))
    order[-1].gradient += 1
    for node in reversed(order):
        if node.operation is None:
            continue
        shares = node.operation.backward(node.gradient, *(p.value for p in node.parents))
        for i, share in enumerate(shares):
            node.parents[i].gradient += share
""",
        ),
        (
            "a dictionary of contributions, summed at the end",
            '''
def build_gradients(order):
    """The chain rule, from the last to the first; neither torch nor recursion."""
    received = {id(node): [] for node in order}
    received[id(order[-1])].append(np.ones(np.shape(order[-1].value)))
    for node in reversed(order):
        node.gradient = sum(received[id(node)])
        if node.operation is not None:
            inputs = [parent.value for parent in node.parents]
            for parent, share in zip(node.parents, node.operation.backward(node.gradient, *inputs)):
                received[id(parent)].append(share)
''',
        ),
        (
            "copies, index from the end",
            """
def add_to(node, share):
    if node.gradient is None:
        node.gradient = np.array(share, dtype=float)
    else:
        node.gradient = np.add(node.gradient, share)


def build_gradients(order):
    for node in order:
        node.gradient = None
    add_to(order[-1], np.ones_like(order[-1].value))
    i = len(order) - 1
    while i >= 0:
        node = order[i]
        if node.operation is not None:
            values = [p.value for p in node.parents]
            for parent, share in zip(node.parents, node.operation.backward(node.gradient, *values)):
                add_to(parent, share)
        i -= 1
""",
        ),
        (
            "float32, gathered by children",
            """
def build_gradients(order):
    children = {}
    for node in order:
        for i, parent in enumerate(node.parents):
            children.setdefault(id(parent), []).append((node, i))
    shares = {}
    for node in reversed(order):
        if node is order[-1]:
            node.gradient = np.float32(1) * np.ones_like(node.value, dtype=np.float32)
        else:
            parts = [shares[id(child)][i] for child, i in children.get(id(node), [])]
            node.gradient = np.asarray(np.sum(parts, axis=0), dtype=np.float32)
        if node.operation is not None:
            inputs = [p.value for p in node.parents]
            shares[id(node)] = node.operation.backward(node.gradient, *inputs)
""",
        ),
    ],
    "center": [
        (
            "keepdims",
            """
class Center:
    def forward(self, a):
        return a - np.mean(a, axis=0, keepdims=True)

    def backward(self, gradient, a):
        return (gradient - np.mean(gradient, axis=0, keepdims=True),)
""",
        ),
        (
            "a projection matrix",
            """
def projection(n):
    return np.eye(n) - np.ones((n, n)) / n


class Center:
    def forward(self, a):
        return projection(len(a)) @ a

    def backward(self, gradient, a):
        return [projection(len(a)).T @ gradient]
""",
        ),
        (
            "loops over columns, float32",
            """
class Center:
    def forward(self, a):
        z = a.astype(np.float32)
        for m in range(a.shape[1]):
            z[:, m] -= z[:, m].sum() / len(z)
        return z

    def backward(self, gradient, a):
        n = len(gradient)
        found = np.empty(gradient.shape, dtype=np.float32)
        for m in range(gradient.shape[1]):
            total = sum(gradient[:, m])
            for i in range(n):
                found[i, m] = gradient[i, m] - total / n
        return (found,)
""",
        ),
        (
            "with the other operations of the library",
            """
class Center:
    def forward(self, a):
        self.n = a.shape[0]
        copy = a.copy()
        copy -= copy.sum(0) / self.n
        return copy

    def backward(self, gradient, a):
        of_mean = sum_to_shape(-gradient, (a.shape[1],))
        return (gradient + np.broadcast_to(of_mean, a.shape) / self.n,)
""",
        ),
        (
            "it is its own transpose",
            '''
class Center:
    """z = a - mean; the same map sends gradients back, for it is symmetric."""

    def forward(self, a):
        return np.einsum("ij,jm->im", np.eye(len(a)) - 1 / len(a), a)

    def backward(self, gradient, a):
        return (self.forward(gradient),)
''',
        ),
    ],
    "train": [
        (
            "copies changed in place",
            """
def train(parameters, loss_and_gradients, steps=10, lr=0.1):
    values, losses = [np.array(p, dtype=float) for p in parameters], []
    for _ in range(steps):
        loss, gradients = loss_and_gradients(values)
        losses.append(loss)
        for value, gradient in zip(values, gradients):
            value -= lr * gradient
    return values, losses
""",
        ),
        (
            "while, new lists",
            """
def train(parameters, loss_and_gradients, steps=10, lr=0.1):
    current = list(parameters)
    losses = []
    while len(losses) < steps:
        loss, slopes = loss_and_gradients(list(current))
        losses += [float(loss)]
        current = [np.subtract(p, np.multiply(lr, g)) for p, g in zip(current, slopes)]
    return current, losses
""",
        ),
        (
            "a helper for the step, deepcopy",
            '''
import copy


def step(values, slopes, lr):
    """theta - eta * gradient."""
    for i in range(len(values)):
        values[i] = values[i] - lr * slopes[i]
    return values


def train(parameters, loss_and_gradients, steps=10, lr=0.1):
    values = copy.deepcopy(parameters)
    losses = np.zeros(steps)
    for t in range(steps):
        losses[t], slopes = loss_and_gradients(values)
        values = step(values, slopes, lr)
    return values, losses.tolist()
''',
        ),
        (
            "float32, index loops, tuples",
            """
def train(parameters, loss_and_gradients, steps=10, lr=0.1):
    parameters = [np.asarray(p, dtype=np.float32) for p in parameters]
    losses = []
    for t in range(steps):
        result = loss_and_gradients(parameters)
        losses.append(np.float32(result[0]))
        parameters = [
            (parameters[i] - np.float32(lr) * result[1][i]).astype(np.float32)
            for i in range(len(parameters))
        ]
    return parameters, losses
""",
        ),
        (
            "the loss asked for apart",
            """
def train(parameters, loss_and_gradients, steps=10, lr=0.1):
    losses = []
    new = [p.copy() for p in parameters]
    for _ in range(steps):
        losses.append(float(loss_and_gradients(new)[0]))
        _, gradients = loss_and_gradients(new)
        new = [p + (-lr) * g for p, g in zip(new, gradients)]
    return (new, losses)
""",
        ),
    ],
}

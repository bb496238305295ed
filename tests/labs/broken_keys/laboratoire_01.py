"""Mistakes in the answer key of Laboratoire 1, each with the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits of the source as (old, new), names of the claims).
"""

_STEP = """        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "each template is that of the class before",
        [
            (
                "== k].mean(0) for k in range(n_classes)])",
                "== k].mean(0) for k in range(n_classes)]).roll(1, 0)",
            )
        ],
        ["gabarits"],
    ),
    (
        "no penalty in the plane",
        [("        objective = objective + alpha * weight.square().sum()\n", "")],
        ["bande"],
    ),
    (
        "the broken loop resets its gradients",
        [(_STEP, "        optimizer.zero_grad()\n" + _STEP)],
        ["boucle"],
    ),
    (
        "the first scores are large",
        [
            (
                "loss_function(model(train_set[0][:128])",
                "loss_function(50 * model(train_set[0][:128])",
            )
        ],
        ["premieres_pertes"],
    ),
    (
        "learning rate 0",
        [('RATES = {"SVM": 0.003, "softmax": 0.03}', 'RATES = {"SVM": 0.0, "softmax": 0.0}')],
        ["mnist", "test", "comparaison"],
    ),
    (
        "the same rate for all three",
        [("        lr=lr, batch_size=batch_size,", "        lr=0.003, batch_size=batch_size,")],
        ["taux", "trop_grand"],
    ),
    (
        "a penalty that is never counted",
        [(" + alpha * model.weight.square().sum()", "")],
        ["penalite"],
    ),
    (
        "validation on pixels in order",
        [("(valid_set[0][:, columns], valid_set[1])", "valid_set")],
        ["melange"],
    ),
]

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Laboratoire interdits
#
# Un exercice qui interdit des mots et des boucles, et dont aucun enregistrement ne voit le travail.

# %%
import numpy as np

from labo import checks

# %% exercice="running"
def running(x):
    """Les sommes des 1, 2, … n premiers éléments d'un tableau, sans cumsum ni boucle."""
    ### BEGIN SOLUTION
    return np.tril(np.ones((len(x), len(x)))) @ x
    ### END SOLUTION


# %% test="running" points=2
assert running(np.ones(3)).tolist() == [1, 2, 3], "trois 1 donnent 1, 2, 3"
### BEGIN HIDDEN TESTS
numbers = np.random.randn(6)
assert np.allclose(running(numbers.copy()), numbers.cumsum()), "une somme est fausse"
checks.forbid(running, "*cumsum*", "accumulate", "torch", loops=True)
### END HIDDEN TESTS

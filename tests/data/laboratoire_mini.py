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
# # Laboratoire mini
#
# Deux exercices et une question : ce qu'il faut pour éprouver la fabrication et la correction.

# %%
import torch
from torch import nn

# %% [markdown]
# ## Exercice 1 : centrer et réduire
#
# Chaque colonne de $X \in \mathbb{R}^{N \times D}$ doit avoir une moyenne nulle et un écart-type
# de 1 (diviser par $N$, et non par $N - 1$).

# %% exercice="standardize"
def standardize(x: torch.Tensor) -> torch.Tensor:
    """Centre et réduit chaque colonne de `x` (N×D) ; renvoie un nouveau tenseur N×D.

    >>> standardize(torch.tensor([[1.0], [3.0]]))
    tensor([[-1.],
            [ 1.]])
    """
    ### BEGIN SOLUTION
    mean = x.mean(dim=0)
    std = x.std(dim=0, correction=0)
    return (x - mean) / std
    ### END SOLUTION


# %% test="standardize" points=2
result = standardize(torch.tensor([[1.0, 10.0], [3.0, 30.0]]))
assert result.shape == (2, 2), "la forme N×D doit être conservée"
### BEGIN HIDDEN TESTS
x = torch.randn(7, 3, generator=torch.Generator().manual_seed(1)) * 4 + 2
before = x.clone()
result = standardize(x)
torch.testing.assert_close(x, before, msg="`x` a été modifié : renvoyez un nouveau tenseur")
torch.testing.assert_close(
    result.mean(0), torch.zeros(3), atol=1e-5, rtol=0, msg="la moyenne se prend par colonne (dim=0)"
)
torch.testing.assert_close(
    result.square().mean(0), torch.ones(3), msg="divisez par N : `correction=0`"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercice 2 : une couche linéaire
#
# $y = x W^\top + b$, sans `nn.Linear`.

# %% exercice="SimpleLinear"
class SimpleLinear(nn.Module):
    """Application affine de dimension `n_in` vers `n_out`, paramètres initialisés à zéro."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` : N×n_in ; renvoie N×n_out."""
        ### BEGIN SOLUTION
        return x @ self.weight.T + self.bias
        ### END SOLUTION


# %% test="SimpleLinear" part="forme" points=1
model = SimpleLinear(4, 3)
assert model(torch.ones(5, 4)).shape == (5, 3), "la sortie doit être de forme N×n_out"
### BEGIN HIDDEN TESTS
count = sum(p.numel() for p in model.parameters())
assert count == 15, f"{count} paramètres au lieu de 15 : utilisez nn.Parameter, et n'oubliez pas b"
### END HIDDEN TESTS

# %% test="SimpleLinear" part="valeurs" points=2
model = SimpleLinear(2, 2)
assert model(torch.ones(1, 2)).abs().sum() == 0, "les paramètres doivent commencer à zéro"
### BEGIN HIDDEN TESTS
generator = torch.Generator().manual_seed(2)
model = SimpleLinear(4, 3)
weight, bias = torch.randn(3, 4, generator=generator), torch.randn(3, generator=generator)
model.load_state_dict({"weight": weight, "bias": bias})
x = torch.randn(6, 4, generator=generator)
torch.testing.assert_close(
    model(x), nn.functional.linear(x, weight, bias), msg="la sortie doit être x Wᵀ + b"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Question
#
# Pourquoi centrer et réduire les entrées avant d'entraîner un modèle linéaire ?

# %% [markdown] reponse="q1" points=1
# Des entrées de même échelle donnent une perte mieux conditionnée : un seul pas d'apprentissage
# convient à toutes les directions.

# %%
print(f"torch {torch.__version__}")

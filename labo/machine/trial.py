"""Un petit calcul, qui décide si un appareil est utilisable."""

import warnings


def failure(device: str) -> str | None:
    """La raison pour laquelle un petit calcul échoue sur cet appareil, ou None s'il réussit."""
    import torch  # which `labo doctor` must be able to do without

    try:
        with warnings.catch_warnings(action="ignore"):  # torch's own, about an old GPU or driver
            x = torch.arange(6.0, device=device).reshape(2, 3)
            total = (x @ x.T).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return first_line(error)
    return None if total == 83.0 else f"un calcul a donné {total} au lieu de 83"


def first_line(error: Exception) -> str:
    """La première ligne du message d'une erreur ; à défaut, le nom de sa classe."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__

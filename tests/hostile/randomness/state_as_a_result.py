# A generator in a state of its own choice, as a result.
# exercise: slope
# score: 11
# status: failed|error
import torch


def slope(a, b):
    state = torch.Generator().get_state().view(torch.int32)
    state[2] = state[4] = 624
    return torch.Generator().set_state(state.view(torch.uint8))

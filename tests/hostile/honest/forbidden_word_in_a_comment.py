# The forbidden name in a comment, a text and a docstring only.
# exercise: softmax
# score: 12
# status: passed


def softmax(scores):
    """Sans torch.softmax, ni logsumexp."""
    # torch.softmax(scores, 1) donnerait la même chose
    print("softmax maison")
    weights = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
    return weights / weights.sum(1, keepdim=True)

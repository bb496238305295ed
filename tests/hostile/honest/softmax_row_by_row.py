# A loop over the rows, with a helper.
# exercise: softmax
# score: 12
# status: passed


def of_one(row):
    weights = (row - max(row.tolist())).exp()
    return weights / sum(weights)


def softmax(scores):
    return torch.stack([of_one(row) for row in scores])

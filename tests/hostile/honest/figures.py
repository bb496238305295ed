# Figures, left open.
# score: 5
# status: passed
import matplotlib.pyplot as plt


def standardize(x):
    plt.plot(x.detach().numpy())
    return (x - x.mean(0)) / x.std(0, correction=0)


for _ in range(3):
    plt.figure()
    plt.plot([1, 2])

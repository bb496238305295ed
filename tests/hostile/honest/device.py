# Asks for the course's device, whatever it is.
# score: 5
# status: passed
import labo

device = labo.device()


def standardize(x):
    x = x.to(device)
    return ((x - x.mean(0)) / x.std(0, correction=0)).cpu()

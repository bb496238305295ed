# Magics that students use.
# score: 5
# status: passed
%matplotlib inline
%time sum(range(1000))
%timeit -n 1 -r 1 sum(range(1000))
%config InlineBackend.figure_format = "png"


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)

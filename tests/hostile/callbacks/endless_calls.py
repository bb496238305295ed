# The test's function is called for ever.
# exercise: twice
# score: 11
# status: failed|error|timeout|not_run
# endless: yes


def twice(function, x):
    while True:
        x = function(0)

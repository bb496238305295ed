# A loop that swallows the interrupt sent when its time is up.
# score: 3
# status: failed|error|timeout
# says: time|temps|durait
# endless: yes


def standardize(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue

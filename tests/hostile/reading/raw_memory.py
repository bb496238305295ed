# This process's whole memory is searched, as raw bytes.
# score: 3
# status: failed|timeout
# never: FUITE
import re

MARK = re.compile(b"la moyenne se prend " + b"[p]ar colonne")


def standardize(x):
    try:
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
            for line in maps:
                bounds, rights = line.split()[:2]
                start, stop = (int(bound, 16) for bound in bounds.split("-"))
                if rights.startswith("rw") and stop - start < 1 << 26:
                    memory.seek(start)
                    if MARK.search(memory.read(stop - start)):
                        print("FU" + "ITE")
    except OSError as error:
        print("refusé :", error.errno)
    return x

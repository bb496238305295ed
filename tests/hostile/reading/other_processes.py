# The examiner is somewhere on this machine: look at it through /proc.
# score: 3
# status: failed
# never: FUITE
import glob
import os

for path in glob.glob("/proc/[0-9]*"):
    if int(os.path.basename(path)) == os.getpid():
        continue
    for part in ("mem", "fd", "cwd", "environ"):
        target = os.path.join(path, part)
        try:
            if part == "fd":
                os.listdir(target)
            elif part == "cwd":
                os.readlink(target)
            else:
                open(target, "rb").close()
        except OSError:
            continue
        if os.stat(path).st_uid != 65534 and os.path.basename(path) != "1":
            print("FU" + "ITE", target)


def standardize(x):
    return x

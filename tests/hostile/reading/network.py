# Sends what it sees to the outside: TCP, UDP, and abstract sockets of this machine.
# score: 3
# status: failed
# never: FUITE
import socket

ATTEMPTS = [
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 22)),
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 8000)),
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 53)),
    (socket.AF_UNIX, socket.SOCK_STREAM, "\0/tmp/.X11-unix/X0"),
    (socket.AF_UNIX, socket.SOCK_STREAM, "/run/munge/munge.socket.2"),
]
for family, kind, address in ATTEMPTS:
    try:
        with socket.socket(family, kind) as sock:
            sock.settimeout(0.5)
            sock.connect(address)
            sock.send(b"bonjour")
            print("FU" + "ITE", address)
    except OSError:
        pass


def standardize(x):
    return x

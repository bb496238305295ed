# A message is announced and never comes.
# exercise: slope
# score: 11
# status: failed|error|not_run|timeout
# endless: yes
import gc
import struct
import time

from grader.engine import peer


def slope(a, b):
    for thing in gc.get_objects():
        if isinstance(thing, peer.Peer):
            thing.socket.sendall(struct.pack(">BI", 2, 1 << 27))
    time.sleep(3600)

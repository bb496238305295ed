"""L'accès au réseau, vérifié en quelques secondes, quoi qu'il arrive."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

SECONDS = 5  # enough to reach the other side of the world, and short enough to wait for


def answers(url: str) -> bool:
    """Vrai si quelque chose écoute à l'adresse de `url`, ou au mandataire qui y mène.

    Un nœud de calcul sans Internet perd les paquets sans rien dire. La recherche du nom, puis
    chacune des adresses du serveur, attendraient tour à tour ; ici, l'attente totale est bornée.
    """
    answered = threading.Event()

    def connect() -> None:
        with suppress(OSError, UnicodeError):
            socket.create_connection(_next_hop(url), timeout=SECONDS).close()
            answered.set()

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return answered.is_set()


def _next_hop(url: str) -> tuple[str, int]:
    target = urlsplit(url)
    proxy = None if proxy_bypass(target.hostname or "") else getproxies().get(target.scheme)
    if proxy:
        target = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return target.hostname or "", target.port or (443 if target.scheme == "https" else 80)

"""JupyterHub's configuration for one machine, to try the whole course on: `make hub`.

Everybody runs as the user who started the hub, each in a folder of their own, and the password is
shared: right for a demonstration on loopback, wrong for a class. docs in hub/README.md tell what
changes there.
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821 (given by traitlets)

FOLDER = Path(os.environ["HUB_FOLDER"])

# -- The hub: nothing is kept outside one folder, nothing listens outside this machine ---------
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['HUB_INNER_PORT']}"
c.JupyterHub.db_url = f"sqlite:///{FOLDER / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
c.JupyterHub.cleanup_servers = not os.environ["HUB_KEEP"]  # whether servers end with the hub
c.ConfigurableHTTPProxy.command = str(FOLDER / "node_modules/.bin/configurable-http-proxy")
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['HUB_PROXY_PORT']}"
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")

# -- Who may enter ----------------------------------------------------------------------------
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ["HUB_PASSWORD"]
c.Authenticator.allowed_users = set(os.environ["HUB_USERS"].split(","))

# -- Their servers ----------------------------------------------------------------------------
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "home/{username}")
c.Spawner.default_url = "/lab"
c.Spawner.args = ["--ServerApp.ip=127.0.0.1"]
# Terminals are login shells otherwise, which forget where `labo` is.
c.Spawner.args.append("--ServerApp.terminado_settings=shell_command=['/bin/bash']")
if os.geteuid() == 0:  # in a container
    c.Spawner.args.append("--allow-root")
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL", "VIRTUAL_ENV"]
c.Spawner.env_keep += ["LABO_PROFILE", "OMP_NUM_THREADS"]  # how much the labs compute
c.Spawner.environment = {
    "OMP_WAIT_POLICY": "passive",  # torch's threads wait without keeping the cores from others
    # Each user's own settings: who they are to nbgrader, and which of its panels they see.
    "JUPYTER_CONFIG_DIR": lambda spawner: str(FOLDER / "home" / spawner.user.name / ".jupyter"),
    # `labo submit` and `labo feedback`, for hubs without nbgrader's extension.
    "LABO_EXCHANGE": str(FOLDER / "exchange"),
    "LABO_COURSE": os.environ["HUB_COURSE"],
}

# -- The service that answers, and its pages: docs/service.md ----------------------------------
if os.environ["HUB_PAGE_PORT"]:
    GROUPS = ("--instructors", "enseignants", "--assistants", "auxiliaires")
    COURSE = str(FOLDER / "home" / os.environ["HUB_INSTRUCTOR"] / "cours")
    c.JupyterHub.load_groups = {
        "enseignants": {"users": [os.environ["HUB_INSTRUCTOR"]]},
        "auxiliaires": {"users": []},
    }
    c.JupyterHub.services = [
        {"name": "correction", "command": ["grader", "serve"], "cwd": COURSE, "display": False},
        {
            "name": "cours",
            "command": ["grader", "page", *GROUPS],
            "cwd": COURSE,
            "url": f"http://127.0.0.1:{os.environ['HUB_PAGE_PORT']}",
            "oauth_no_confirm": True,
        },
    ]
    c.JupyterHub.load_roles = [
        {"name": "user", "scopes": ["self", "access:services!service=cours"]}
    ]

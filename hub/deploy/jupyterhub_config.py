"""JupyterHub for a class on one machine: real users of the system, who log in by PAM.

Complete as it is: what differs from one site to another is in course.toml, beside this file or
where COURSE_TOML says. The hub runs as root, to start each server as its student.
"""

import os
import tomllib
from pathlib import Path

c = get_config()  # noqa: F821 (given by traitlets)

HERE = Path(__file__).resolve().parent
SITE = tomllib.loads(Path(os.environ.get("COURSE_TOML", HERE / "course.toml")).read_text("utf-8"))
BIN = f"{SITE['environment']}/bin"

# -- The hub ----------------------------------------------------------------------------------
c.JupyterHub.bind_url = SITE["proxy"]
c.JupyterHub.hub_bind_url = SITE["hub"]
c.JupyterHub.db_url = f"sqlite:///{SITE['state']}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{SITE['state']}/cookie_secret"
c.JupyterHub.cleanup_servers = False  # a hub that restarts finds the sessions that went on
c.JupyterHub.concurrent_spawn_limit = 20
# The proxy is a service of its own, so that open pages outlive the hub. Its secret comes from
# CONFIGPROXY_AUTH_TOKEN, in a file that only root reads.
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"

# -- Who may enter ----------------------------------------------------------------------------
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.open_sessions = False
c.PAMAuthenticator.allowed_groups = {SITE["students"], SITE["instructors"]}
c.PAMAuthenticator.admin_groups = {SITE["instructors"]}

# -- Their servers ----------------------------------------------------------------------------
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [f"{BIN}/jupyterhub-singleuser"]
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = "~"
c.Spawner.start_timeout = 120
# Terminals are login shells otherwise, which forget where `labo` is.
c.Spawner.args = ["--ServerApp.terminado_settings=shell_command=['/bin/bash']"]
c.Spawner.env_keep = ["LANG", "LC_ALL"]
c.Spawner.environment = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "TZ": SITE["timezone"],
    "OMP_WAIT_POLICY": "passive",  # torch's threads wait without keeping the cores from others
    "LABO_SHARED_DATA": SITE["data"],
    # `labo submit` and `labo feedback`, for those who do not use nbgrader's panel.
    "LABO_EXCHANGE": SITE["exchange"],
    "LABO_COURSE": SITE["course"],
}

# -- What stops by itself ---------------------------------------------------------------------
c.Spawner.args += [
    "--MappingKernelManager.cull_idle_timeout=7200",  # kernels nobody uses give their memory back
    "--MappingKernelManager.cull_interval=300",
]

# -- The course's pages, at /services/cours/: docs/service.md ----------------------------------
SERVICES, ROLES = [], []
ACCESS = "access:services!service=cours"
if PAGES := SITE.get("pages"):
    # By groups of the hub's own; who is in neither sees what a student sees, administrators too.
    c.JupyterHub.load_groups = {
        "instructors": {"users": PAGES["instructors"]},
        "assistants": {"users": PAGES["assistants"]},
    }
    SERVICES.append(
        {
            "name": "cours",
            "url": PAGES["address"],
            "command": [f"{BIN}/grader", "page"],
            "user": PAGES["account"],
            "cwd": PAGES["folder"],
            "oauth_no_confirm": True,
        }
    )
    ROLES.append({"name": "user", "scopes": ["self", ACCESS]})

# -- Who watches: Prometheus reads the figures of the hub and of the pages with this token -----
if TOKEN := os.environ.get("METRICS_TOKEN"):
    SERVICES.append({"name": "prometheus", "api_token": TOKEN, "display": False})
    ROLES.append(
        {
            "name": "metrics",
            "scopes": ["read:metrics", *([ACCESS] if PAGES else [])],
            "services": ["prometheus"],
        }
    )
c.JupyterHub.services = SERVICES
c.JupyterHub.load_roles = ROLES

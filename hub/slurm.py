"""JupyterHub's configuration for Slurm: each session is a job. `python hub/start.py --slurm`.

What follows changes local.py in the one point of where servers run. Lines marked ONE MACHINE are
for a Slurm whose nodes are this very machine, as the demonstration and the tests have;
hub/README.md tells what stands there on a real cluster.
"""

import os
import shlex
import sys
from pathlib import Path

from batchspawner import SlurmSpawner
from traitlets import default

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from session import Limits, checked, form, from_form  # noqa: E402

c = get_config()  # noqa: F821 (given by traitlets)
load_subconfig("local.py", path=str(HERE))  # noqa: F821 (given by traitlets)

FOLDER = Path(os.environ["HUB_FOLDER"])

# -- What students may ask for ----------------------------------------------------------------
LIMITS = Limits(
    hours=5,
    cpus=4,
    memory_mb=3_500,
    gpus=(("", "Aucun"),),  # on a cluster also: ("gpu:1g.5gb:1", "Tranche de GPU, 5 Go")
)
c.Spawner.options_form = form(LIMITS)
c.Spawner.options_from_form = lambda fields: from_form(fields, LIMITS)


def apply(spawner, asked):
    """Also what comes through the API: batchspawner puts these into the script as they are."""
    spawner.user_options = checked(asked, LIMITS)


c.Spawner.apply_user_options = apply


# -- The job ----------------------------------------------------------------------------------
class Session(SlurmSpawner):
    # ONE MACHINE: users of the demonstration are no users of the system
    @default("req_homedir")
    def _home(self):
        return str(FOLDER / "home" / self.user.name)

    def user_env(self, env):
        return env | {"USER": self.user.name, "HOME": self.req_homedir, "SHELL": "/bin/bash"}


c.JupyterHub.spawner_class = Session
c.BatchSpawnerBase.exec_prefix = ""  # ONE MACHINE: as the user who started the hub, without sudo
# In the job's first process, not by srun, whose steps do not inherit the number of CPUs.
c.BatchSpawnerBase.batch_script = """#!/bin/bash
#SBATCH --job-name=jupyter
#SBATCH --output={{homedir}}/.jupyter-%j.log
#SBATCH --chdir={{homedir}}
#SBATCH --export={{keepvars}}
#SBATCH --time={{(hours * 60) | round | int}}
#SBATCH --cpus-per-task={{cpus}}
#SBATCH --mem={{memory_mb}}M
{% if gpu %}#SBATCH --gres={{gpu}}
{% endif %}{% if reservation %}#SBATCH --reservation={{reservation}}
{% endif %}#SBATCH --no-requeue
#SBATCH --signal=B:TERM@30
exec {{cmd}}
"""
c.BatchSpawnerBase.batchspawner_singleuser_cmd = str(
    Path(sys.executable).parent / "batchspawner-singleuser"
)
c.BatchSpawnerBase.batch_query_cmd = "squeue -h -j {job_id} -o '%T %B'"
c.BatchSpawnerRegexStates.state_exechost_exp = "127.0.0.1"  # ONE MACHINE: nodes have no address
c.Spawner.args = [shlex.quote(each) for each in c.Spawner.args]  # a shell reads the script
c.Spawner.start_timeout = 300  # a job may wait for its turn
c.Spawner.http_timeout = 120  # a server starts slowly on a busy node
c.Spawner.env_keep = [
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV"),
    "SLURM_CONF",  # for sbatch, and for squeue in the session
]

"""JupyterHub for a class on Slurm: each session is a job of its student.

Complete as it is, with hub/session.py and jupyterhub_config.py beside it. The hub runs as root, as
PAM asks, and calls Slurm's commands as each student, by sudo.
"""

import os
import shlex
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # installed beside this file; in a checkout, above
from session import Limits, checked, form, from_form  # noqa: E402

c = get_config()  # noqa: F821 (given by traitlets)
load_subconfig("jupyterhub_config.py", path=str(HERE))  # noqa: F821 (given by traitlets)

SITE = tomllib.loads(Path(os.environ.get("COURSE_TOML", HERE / "course.toml")).read_text("utf-8"))
SLURM = SITE["slurm"]

# -- What students may ask for ----------------------------------------------------------------
LIMITS = Limits(
    hours=SLURM["hours"],
    cpus=SLURM["cpus"],
    memory_mb=SLURM["memory_mb"],
    gpus=tuple((gres, label) for gres, label in SLURM["gpus"]),
)
c.Spawner.options_form = form(LIMITS)
c.Spawner.options_from_form = lambda fields: from_form(fields, LIMITS)


def apply(spawner, asked):
    """Also what comes through the API: batchspawner puts these into the script as they are."""
    spawner.user_options = checked(asked, LIMITS)


c.Spawner.apply_user_options = apply

# -- The job ----------------------------------------------------------------------------------
c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
c.BatchSpawnerBase.req_account = SLURM["account"]
c.BatchSpawnerBase.req_partition = SLURM["partition"]
c.BatchSpawnerBase.req_options = SLURM.get("options", "")
# In the job's first process, not by srun, whose steps do not inherit the number of CPUs. No mail is
# asked for, and none is to be: a class is two hundred jobs at once.
c.BatchSpawnerBase.batch_script = """#!/bin/bash
#SBATCH --job-name=jupyter
#SBATCH --output={{homedir}}/.jupyter-%j.log
#SBATCH --chdir={{homedir}}
#SBATCH --export={{keepvars}}
#SBATCH --time={{(hours * 60) | round | int}}
#SBATCH --cpus-per-task={{cpus}}
#SBATCH --mem={{memory_mb}}M
{% if account %}#SBATCH --account={{account}}
{% endif %}{% if partition %}#SBATCH --partition={{partition}}
{% endif %}{% if options %}#SBATCH {{options}}
{% endif %}{% if gpu %}#SBATCH --gres={{gpu}}
{% endif %}{% if reservation %}#SBATCH --reservation={{reservation}}
{% endif %}#SBATCH --no-requeue
#SBATCH --signal=B:TERM@30
{{prologue}}
exec {{cmd}}
"""
BIN = f"{SITE['environment']}/bin"
c.BatchSpawnerBase.batchspawner_singleuser_cmd = f"{BIN}/batchspawner-singleuser"
c.BatchSpawnerBase.req_prologue = f"export PATH={BIN}:$PATH"  # sudo gives its own
c.Spawner.args = [shlex.quote(each) for each in c.Spawner.args]  # a shell reads the script
c.BatchSpawnerBase.batch_query_cmd = "squeue -h -j {job_id} -o '%T %B'"
c.Spawner.start_timeout = 600  # a job may wait for its turn
c.Spawner.http_timeout = 120  # a server starts slowly on a busy node
c.Spawner.env_keep = ["LANG", "LC_ALL", "SLURM_CONF"]  # for sbatch, and for squeue in the session

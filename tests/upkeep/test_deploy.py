"""hub/deploy: configurations that load as they are, units that systemd accepts, a whole role."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment
from jinja2.nativetypes import NativeEnvironment
from prometheus_client.parser import text_string_to_metric_families as parsed_figures
from sqlalchemy.engine import make_url
from traitlets.config import Config, PyFileConfigLoader

from grader.course import Course
from grader.service.monitoring import metrics
from grader.service.status import Status, utc_now
from tests.support import postgres
from tests.support.course_cases import ROOT

DEPLOY = ROOT / "hub" / "deploy"
ROLE = DEPLOY / "ansible" / "roles" / "course"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SITE = tomllib.loads((DEPLOY / "course.toml").read_text("utf-8"))


def loaded(name: str) -> Config:
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: requirements.txt")
    return PyFileConfigLoader(name, path=str(DEPLOY)).load_config()


def unknown_options(config: Config, *classes: type) -> list[str]:
    """What a configuration sets and no class has: a mistake that JupyterHub only logs."""
    known = {cls.__name__: cls.class_trait_names() for cls in classes}
    assert config.keys() <= known.keys()
    return [f"{cls}.{name}" for cls in config for name in config[cls] if name not in known[cls]]


# ---- JupyterHub


def test_one_machine_sets_what_jupyterhub_has_and_checks_its_values():
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import PAMAuthenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import LocalProcessSpawner, Spawner

    config = loaded("jupyterhub_config.py")
    classes = (JupyterHub, PAMAuthenticator, ConfigurableHTTPProxy, Spawner)
    assert unknown_options(config, *classes) == []
    hub = JupyterHub(config=config)
    assert (hub.authenticator_class, hub.spawner_class) == (PAMAuthenticator, LocalProcessSpawner)
    assert hub.cleanup_servers is False
    authenticator = PAMAuthenticator(config=config)
    assert authenticator.allowed_groups == {SITE["students"], SITE["instructors"]}
    assert authenticator.allow_all is False
    spawner = LocalProcessSpawner(config=config)
    assert spawner.environment["LABO_EXCHANGE"] == SITE["exchange"]
    assert spawner.cmd == [f"{SITE['environment']}/bin/jupyterhub-singleuser"]
    assert "/opt/cours/bin" in spawner.environment["PATH"]
    assert spawner.environment["OMP_WAIT_POLICY"] == "passive"


def test_slurm_differs_in_where_sessions_run_and_holds_to_its_limits():
    batchspawner = pytest.importorskip("batchspawner", reason="batchspawner is not installed")
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import PAMAuthenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import Spawner

    config = loaded("jupyterhub_config_slurm.py")
    classes = (JupyterHub, PAMAuthenticator, ConfigurableHTTPProxy, Spawner)
    assert unknown_options(config, *classes, batchspawner.BatchSpawnerBase) == []
    assert JupyterHub(config=config).spawner_class is batchspawner.SlurmSpawner
    assert config.PAMAuthenticator == loaded("jupyterhub_config.py").PAMAuthenticator
    spawner = batchspawner.SlurmSpawner(config=config)
    assert spawner.environment["OMP_WAIT_POLICY"] == "passive"
    assert "sudo" in spawner.exec_prefix  # jobs are the students'
    asked = {"hours": SITE["slurm"]["hours"] + 1}
    with pytest.raises(ValueError, match="Le temps"):
        spawner.apply_user_options(spawner, asked)
    with pytest.raises(ValueError, match="Option inconnue"):
        spawner.apply_user_options(spawner, {"prologue": "id"})


@pytest.mark.parametrize("name", ["jupyterhub_config.py", "jupyterhub_config_slurm.py"])
def test_the_pages_are_a_service_that_the_hub_starts_for_whom_they_are(name, monkeypatch):
    """As JupyterHub itself reads it; the account, groups and scopes come from course.toml."""
    monkeypatch.delenv("METRICS_TOKEN", raising=False)
    hub, pages = loaded(name).JupyterHub, SITE["pages"]
    (spec,) = hub.services
    assert spec["command"] == [f"{SITE['environment']}/bin/grader", "page"]
    assert (spec["user"], spec["cwd"]) == (pages["account"], pages["folder"])
    assert hub.load_groups == {
        group: {"users": pages[group]} for group in ("instructors", "assistants")
    }
    assert hub.load_roles == [{"name": "user", "scopes": ["self", access_to(spec["name"])]}]
    assert unknown_to_the_hub(hub) == []


def access_to(service: str) -> str:
    return f"access:services!service={service}"


def unknown_to_the_hub(hub) -> list[str]:
    """Keys of services and scopes of roles that JupyterHub does not have."""
    from jupyterhub.scopes import scope_definitions
    from jupyterhub.services.service import Service

    keys = {key for spec in hub.services for key in spec}
    scopes = {scope for role in hub.load_roles for scope in role["scopes"]}
    unknown = [key for key in keys if not hasattr(Service, key)]
    return unknown + [one for one in scopes if one.partition("!")[0] not in scope_definitions]


@pytest.mark.parametrize("name", ["jupyterhub_config.py", "jupyterhub_config_slurm.py"])
def test_prometheus_reads_figures_and_nothing_else(name, monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "a" * 64)
    hub = loaded(name).JupyterHub
    watching = hub.services[-1]
    assert (watching["name"], watching["api_token"]) == ("prometheus", "a" * 64)
    role = hub.load_roles[-1]
    assert role["services"] == ["prometheus"]
    assert set(role["scopes"]) == {"read:metrics", access_to("cours")}
    assert unknown_to_the_hub(hub) == []


def test_a_site_without_pages_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "a" * 64)
    text = (DEPLOY / "course.toml").read_text("utf-8")
    path = tmp_path / "course.toml"
    path.write_text(
        re.sub(r"^\[pages\].*?^(?=\[slurm\])", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    assert "pages" not in tomllib.loads(path.read_text("utf-8"))
    monkeypatch.setenv("COURSE_TOML", str(path))
    hub = loaded("jupyterhub_config.py").JupyterHub
    assert [spec["name"] for spec in hub.services] == ["prometheus"]
    assert [role["scopes"] for role in hub.load_roles] == [["read:metrics"]]
    assert "load_groups" not in hub


def test_nothing_of_the_demonstration_is_left_in_them():
    for path in DEPLOY.glob("jupyterhub_config*.py"):
        text = path.read_text("utf-8")
        assert "ONE MACHINE" not in text
        assert "HUB_" not in text
        assert "allow-root" not in text


# ---- Prometheus


def test_alert_rules_ask_for_figures_that_there_are(tmp_path):
    text = (ROOT / "docs" / "administrators.md").read_text("utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    found = {next(iter(block)): block for block in map(yaml.safe_load, blocks)}
    scrape, rules = found["scrape_configs"], found["groups"]
    (job,) = scrape["scrape_configs"]
    (spec,) = loaded("jupyterhub_config.py").JupyterHub.services[:1]
    assert job["metrics_path"] == f"/services/{spec['name']}/metrics"
    shown = metrics(Course(tmp_path), Status(exchange_free=1), utc_now()).decode()
    there = {sample.name for family in parsed_figures(shown) for sample in family.samples}
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(asked) == 4
    for expression in asked:
        assert set(re.findall(r"grader_\w+", expression)) <= there
        assert f'job="{job["job_name"]}"' in expression or "job=" not in expression


# ---- systemd and logrotate


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path):
    """With programs where they are to be: it refuses those that are not there."""
    for unit in UNITS:
        text = re.sub(r"/opt/(cours|proxy)", rf"{tmp_path}/\1", unit.read_text("utf-8"))
        for program in re.findall(rf"^ExecStart=({tmp_path}\S+)", text, re.MULTILINE):
            Path(program).parent.mkdir(parents=True, exist_ok=True)
            Path(program).write_text("#!/bin/sh\n")
            Path(program).chmod(0o755)
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / unit.name for unit in UNITS)],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "LC_ALL": "C"},
        capture_output=True,
        text=True,
    )
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert (done.returncode, ours) == (0, []), done.stderr
    assert len(UNITS) == 5


def test_units_and_configuration_speak_of_the_same_places():
    units = {unit.name: unit.read_text("utf-8") for unit in UNITS}
    config = loaded("jupyterhub_config.py")
    api = config.ConfigurableHTTPProxy.api_url.rpartition(":")[2]
    front = SITE["proxy"].rpartition(":")[2]
    assert (
        f"--port {front} --api-ip 127.0.0.1 --api-port {api}" in units["jupyterhub-proxy.service"]
    )
    assert config.ConfigurableHTTPProxy.should_start is False
    assert f"WorkingDirectory={SITE['state']}" in units["jupyterhub.service"]
    assert f"{SITE['environment']}/bin/jupyterhub -f " in units["jupyterhub.service"]
    assert "KillMode=process" in units["jupyterhub.service"]  # sessions outlive the hub
    log = re.search(r"append:(\S+)", units["jupyterhub.service"])[1]
    assert f"{log} {{" in (DEPLOY / "logrotate" / "jupyterhub").read_text("utf-8")


@pytest.mark.skipif(not shutil.which("logrotate"), reason="logrotate is not installed")
def test_logrotate_accepts_its_configuration():
    path = DEPLOY / "logrotate" / "jupyterhub"
    done = subprocess.run(["logrotate", "--debug", path], capture_output=True, text=True)
    assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr


# ---- The role


def parsed(name: str):
    """A part of the role; of its tasks all that install."""
    found = yaml.safe_load((ROLE / name / "main.yml").read_text("utf-8"))
    return found + in_postgresql() if name == "tasks" else found


def in_postgresql() -> list[dict]:
    return yaml.safe_load((ROLE / "tasks" / "postgresql.yml").read_text("utf-8"))


def test_each_variable_of_the_role_has_a_default():
    defaults = parsed("defaults")
    texts = [path.read_text("utf-8") for path in ROLE.rglob("*") if path.is_file()]
    own = {name for task in parsed("tasks") for name in task.get("vars", {})}
    registered = {task["register"] for task in parsed("tasks") if "register" in task}
    named = set(re.findall(r"(?<!\.)\bcourse_\w+", "\n".join(texts)))
    assert named - own - registered == set(defaults)
    assert all(name.startswith("course_") for name in defaults)


def test_tasks_are_named_change_nothing_twice_and_call_handlers_that_exist():
    handlers = {handler["name"] for handler in parsed("handlers")}
    for task in parsed("tasks"):
        assert task["name"]
        told = task.get("notify", [])
        assert set([told] if isinstance(told, str) else told) <= handlers
        for module in ("command", "shell"):
            if words := task.get(f"ansible.builtin.{module}"):
                guarded = "creates" in words or re.search("changed|not in", str(task.get("when")))
                assert guarded or task.get("changed_when") is False, task["name"]


def test_the_role_installs_files_that_are_there():
    text = (ROLE / "tasks" / "main.yml").read_text("utf-8")
    for path in re.findall(r"course_source \}\}/([\w./-]+\w)\"", text):
        assert (ROOT / path).exists(), path
    for unit in UNITS:
        assert unit.name in text
    assert {unit.name for unit in UNITS} >= set(parsed("defaults")["course_units"])


def test_removal_takes_what_the_role_has_written_and_nothing_of_the_course():
    removed = yaml.safe_load((ROLE / "tasks" / "remove.yml").read_text("utf-8"))
    paths = next(task["loop"] for task in removed if task["name"] == "What else was installed")
    assert {f"/etc/systemd/system/{unit.name}" for unit in UNITS} <= set(paths)
    tasks = (ROLE / "tasks" / "main.yml").read_text("utf-8")
    others = r"/etc/jupyterhub|/etc/logrotate|/opt|/usr/local/share|/var/lib"
    for path in re.findall(rf"(?:path|dest|chdir|creates): \"?((?:{others})[\w./]*\w)", tasks):
        assert any(path == one or path.startswith(f"{one}/") for one in paths), path
    kept = ("course_folder", "course_home", "course_exchange", "course_backups", "course_data")
    assert not any(name in str(removed) for name in kept)


def with_filters(environment):
    """Ansible's own that the role names."""
    environment.filters["to_json"] = json.dumps
    environment.filters["combine"] = lambda one, other: one | other
    environment.filters["bool"] = lambda value: str(value).lower() in ("true", "yes", "1")
    return environment


def resolved(**given: object) -> dict:
    """The role's variables with these in place of defaults, each put where another names it."""
    engine = with_filters(NativeEnvironment())

    def final(value, values):
        if isinstance(value, list):
            return [final(each, values) for each in value]
        if isinstance(value, dict):
            return {name: final(each, values) for name, each in value.items()}
        is_template = isinstance(value, str) and "{{" in value
        return final(engine.from_string(value).render(values), values) if is_template else value

    values = {
        name: value
        for name, value in (parsed("defaults") | given).items()
        if not re.search(r"lookup|playbook_dir", str(value))  # what only Ansible has
    }
    return {name: final(value, values) for name, value in values.items()}


def written_site(**given: object) -> dict:
    """course.toml as the role writes it."""
    environment = with_filters(Environment(keep_trailing_newline=True, trim_blocks=True))
    template = environment.from_string((ROLE / "templates/course.toml.j2").read_text("utf-8"))
    return tomllib.loads(template.render(resolved(**given)))


def test_what_the_role_writes_of_a_site_is_what_the_configuration_reads():
    assert written_site() == SITE


def test_pages_are_for_whom_the_role_names(tmp_path, monkeypatch):
    site = written_site(course_instructor="ada", course_pages_assistants=["tara", "otto"])
    assert site["pages"] == SITE["pages"] | {
        "account": "ada",
        "folder": "/home/ada/cours",
        "instructors": ["ada"],
        "assistants": ["tara", "otto"],
    }
    assert "pages" not in written_site(course_pages=False)


def test_pages_and_slurm_are_chosen_by_words_of_a_command_line():
    """Which Ansible gives as texts: "false" is one too."""
    assert "pages" not in written_site(course_pages="false")
    job = written_site(course_slurm_limits={"partition": "cours", "options": "--qos=cours"})
    usual = SITE["slurm"]
    assert job["slurm"] == usual | {"partition": "cours", "options": "--qos=cours"}


def written_units(**given: object) -> dict[str, str]:
    """The units as the role writes them."""
    (task,) = (task for task in parsed("tasks") if task["name"].startswith("Units"))
    engine = with_filters(Environment())
    engine.globals["lookup"] = lambda _, path: Path(path).read_text("utf-8")
    text = task["ansible.builtin.copy"]["content"]
    values = resolved(**given) | {"course_source": str(ROOT), "course_hub_config": "hub.py"}
    return {name: engine.from_string(text).render(values | {"item": name}) for name in task["loop"]}


def test_units_are_as_they_stand_but_for_what_a_site_chooses():
    usual = written_units()
    assert "\nExecStart=/opt/cours/bin/grader serve\n" in usual["grader-serve.service"]
    chosen = written_units(
        course_serve_options="--cluster slurm --jobs 8", course_hub_address="http://login:8081"
    )
    serving = chosen["grader-serve.service"]
    assert "\nExecStart=/opt/cours/bin/grader serve --cluster slurm --jobs 8\n" in serving
    assert "--error-target http://login:8081/hub/error" in chosen["jupyterhub-proxy.service"]
    assert "127.0.0.1:8081" not in "".join(chosen.values())


def test_settings_of_jupyter_lie_where_the_nodes_of_a_cluster_see_them():
    """Which have the environment, and not the /etc of the machine of the hub."""
    places = [
        task["ansible.builtin.copy"]["dest"]
        for task in parsed("tasks")
        if re.search("nbgrader_config|page_config|overrides", str(task.get("ansible.builtin.copy")))
    ]
    owners = ("{{ course_environment }}/", "{{ course_folder }}/", "{{ course_home }}/")
    assert len(places) == 6
    assert all(place.startswith(owners) for place in places), places


def test_options_of_slurm_come_into_the_script(tmp_path, monkeypatch):
    batchspawner = pytest.importorskip("batchspawner", reason="batchspawner is not installed")
    text = (DEPLOY / "course.toml").read_text("utf-8")
    path = tmp_path / "course.toml"
    path.write_text(re.sub('^options = ""', 'options = "--qos=cours"', text, flags=re.MULTILINE))
    monkeypatch.setenv("COURSE_TOML", str(path))
    spawner = batchspawner.SlurmSpawner(config=loaded("jupyterhub_config_slurm.py"))
    wanted = Environment().from_string(spawner.batch_script)
    values = {"hours": 1, "options": spawner.req_options}
    assert "\n#SBATCH --qos=cours\n" in wanted.render(values)
    assert "#SBATCH \n" not in wanted.render(values | {"options": ""})


def test_a_job_starts_the_server_with_the_words_and_programs_of_one_machine(tmp_path):
    """Whatever sudo has made of PATH, and though a shell reads the script."""
    batchspawner = pytest.importorskip("batchspawner", reason="batchspawner is not installed")
    spawner = batchspawner.SlurmSpawner(config=loaded("jupyterhub_config_slurm.py"))
    shows = 'python -c \'import os, sys; print(os.environ["PATH"], *sys.argv[1:], sep="\\n")\''
    values = {"hours": 1, "prologue": spawner.req_prologue}
    values["cmd"] = " ".join([shows.replace("python", sys.executable, 1), *spawner.args])
    script = Environment().from_string(spawner.batch_script).render(values)
    done = subprocess.run(
        ["bash"], input=script, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    path, *words = done.stdout.splitlines()
    assert path == f"{SITE['environment']}/bin:/usr/bin:/bin"
    assert words == loaded("jupyterhub_config.py").Spawner.args


def test_the_documentation_sets_variables_that_the_role_has():
    text = (ROOT / "docs" / "administrators.md").read_text("utf-8")
    named = set(re.findall(r"\bcourse_\w+", text))
    assert {"course_postgresql", "course_torch_index", "course_slurm_limits"} <= named
    assert named <= set(parsed("defaults"))


# ---- The gradebook in PostgreSQL


def test_one_variable_puts_the_gradebook_into_postgresql():
    usual, chosen = resolved(), resolved(course_postgresql="true")
    assert usual["course_db_url"] == ""
    assert make_url(chosen["course_db_url"]).database == "cours"
    assert chosen["course_postgresql_packages"]["Debian"] == ["postgresql"]
    elsewhere = resolved(course_db_url="postgresql://prof@db/cours")
    assert elsewhere["course_postgresql_packages"]["Debian"] == ["postgresql-client"]


def psql_tasks(environment: dict[str, str], instructor: str) -> list[str]:
    """Run the tasks of the role that ask for or make something there; those that were to."""
    engine, there, ran = with_filters(Environment()), "", []
    for task in in_postgresql():
        words = task.get("ansible.builtin.command", {}).get("cmd", "")
        facts = {
            "course_instructor": instructor,
            "course_there": {"stdout_lines": there.split("\n")},
        }
        wanted = engine.compile_expression(task.get("when", "true"))
        if not words.startswith("runuser") or not wanted(**facts):
            continue
        command = shlex.split(engine.from_string(words).render(facts))
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        there = done.stdout.strip() if "register" in task else there
        ran.append(task["name"])
    return ran


@pytest.mark.skipif(bool(postgres.why_not()), reason=postgres.why_not() or "never")
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_the_instructor_alone_enters_by_their_account_and_a_second_run_changes_nothing(tmp_path):
    with postgres.running_for_peers(tmp_path / "postgres") as folder:
        environment = os.environ | {"PGHOST": str(folder)}
        assert len(psql_tasks(environment, "nobody")) == 3
        assert psql_tasks(environment, "nobody") == ["What is in it"]

        def entered(account: str) -> subprocess.CompletedProcess:
            url = resolved(course_postgresql=True)["course_db_url"]
            url = url.replace("/var/run/postgresql", str(folder))
            asked = "CREATE TABLE IF NOT EXISTS names (name text); SHOW server_encoding"
            command = ["runuser", "-u", account, "--", "psql", "-qAt", url, "-c", asked]
            return subprocess.run(command, cwd="/", capture_output=True, text=True)

        assert entered("nobody").stdout == "UTF8\n"
        assert "does not exist" in entered("daemon").stderr


# ---- torch without CUDA


def wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    """An empty package of a folder that serves as an index."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    about, tag = f"{name}-{version}.dist-info", "py3-none-any"
    metadata = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in needs)]
    files = {
        "METADATA": "\n".join(["Metadata-Version: 2.1", *metadata, ""]),
        "WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        "RECORD": "".join(f"{about}/{file},,\n" for file in ("METADATA", "WHEEL", "RECORD")),
    }
    path = folder / name / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(f"{about}/{file}", content)
    (folder / name / "index.html").write_text(f'<a href="{path.name}">{path.name}</a>')


@pytest.mark.slow
@pytest.mark.parametrize(("chosen", "installed"), [("", "2.13.0"), ("cpu", "2.13.0+cpu")])
def test_torch_comes_without_cuda_from_the_index_that_is_named(tmp_path, chosen, installed):
    """By the role's own command: the pins name no build."""
    usual = tmp_path / "usual"
    wheel(usual, "torch", "2.13.0", "cuda")
    wheel(usual, "cuda", "13.0")
    wheel(usual, "labo", "0.1", "torch>=2.4")
    wheel(tmp_path / "cpu", "torch", "2.13.0+cpu")
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n")
    environment = tmp_path / "environment"
    venv.create(environment)
    (environment / "bin/pip").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m pip --python {environment}/bin/python "$@"\n'
    )
    (environment / "bin/pip").chmod(0o755)
    (words,) = (
        task["ansible.builtin.shell"]["cmd"]
        for task in parsed("tasks")
        if "course_torch_index" in str(task)
    )
    values = {"course_torch_index": chosen and (tmp_path / chosen).as_uri()}
    script = Environment().from_string(words).render(values)
    script = re.sub(r"'/opt/src/cours/.*?'", "labo", script).replace(
        "/opt/src/cours", str(tmp_path)
    )
    here = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    index = {"PIP_INDEX_URL": usual.as_uri(), "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        script, shell=True, cwd=environment, env=here | index, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = {path.name for path in environment.rglob("*.dist-info")}
    assert f"torch-{installed}.dist-info" in found
    assert ("cuda-13.0.dist-info" in found) is (chosen == "")


@pytest.mark.skipif(not shutil.which("ansible-playbook"), reason="Ansible is not installed")
@pytest.mark.parametrize("play", ["site.yml", "remove.yml"])
def test_ansible_accepts_the_plays(play):
    command = ["ansible-playbook", "-i", "hub,", "--syntax-check", DEPLOY / "ansible" / play]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- Apptainer


def test_the_definition_file_names_files_that_are_there_and_sections_that_exist():
    text = (DEPLOY / "cours.def").read_text("utf-8")
    sections = re.split(r"^%(\w+).*\n", text, flags=re.MULTILINE)
    named = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert named.keys() == {"files", "post", "environment", "test", "labels"}
    for line in named["files"].split("\n"):
        if line.strip():
            source, _ = line.split()
            assert (ROOT / source).exists(), source
    script = subprocess.run(["sh", "-n"], input=named["post"], text=True, capture_output=True)
    assert script.returncode == 0, script.stderr

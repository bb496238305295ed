"""What machine this is, from recorded sessions; labo.doctor's findings about each of them."""

import os
import sys
import tomllib
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import labo
from labo import doctor
from labo.doctor import Severity
from labo.machine import accelerator, probe, trial
from labo.machine.facts import Fact, Kind, can_run, inspect
from labo.machine.probe import Gpu, Probe, Torch, gpu_signs
from tests.support.recorded_sessions import SESSIONS, Recorded, replay


@pytest.fixture(params=SESSIONS, ids=lambda path: path.stem)
def session(request) -> dict:
    return tomllib.loads(request.param.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No data and no network: what is true of this machine must not show."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("labo.findings.answers", lambda url: False)


def test_the_facts_of_a_recorded_session(session, tmp_path):
    machine, expected = inspect(replay(session, tmp_path)), session["expected"]
    assert machine.kind is Kind[expected["kind"]]
    assert machine.job == session.get("environ", {}).get("SLURM_JOB_ID")
    assert machine.cpus == expected["cpus"]
    memory = None if machine.memory is None else machine.memory // 2**20
    assert memory == expected.get("memory_mib")
    assert machine.time_left == expected.get("time_left")
    assert machine.gpu_requested is expected.get("gpu_requested")
    assert machine.mig == expected.get("mig")
    assert list(machine.conflicts) == expected.get("conflicts", [])


def test_the_findings_about_a_recorded_session(session, tmp_path):
    findings = doctor.diagnose(replay(session, tmp_path))
    expected = session["expected"]["findings"]
    for subject, (level, *words) in expected.items():
        (found,) = (finding for finding in findings if finding.subject == subject)
        assert found.level == level, found
        for word in words:
            assert word in f"{found.text} → {found.advice}"
    warnings = {finding.subject for finding in findings if finding.level is Severity.WARNING}
    assert warnings == {
        subject for subject, (level, *_) in expected.items() if level == "attention"
    }
    assert doctor.needs_attention(findings) is bool(warnings)


def test_enough_sessions_were_recorded():
    assert len(SESSIONS) >= 14


# ---- What was asked for


def requested(**environ: str) -> bool | None:
    return inspect(Recorded(environ={"SLURM_JOB_ID": "1", **environ}, cores=1)).gpu_requested


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLURM_JOB_GPUS", "0"),  # an identifier
        ("SLURM_STEP_GPUS", "0,1"),
        ("SLURM_GPUS", "a100:1"),
        ("SLURM_GPUS_ON_NODE", "1"),
        ("SLURM_GPUS_PER_NODE", "1g.5gb:1"),
        ("SLURM_GPUS_PER_TASK", "1"),
        ("SLURM_SHARDS_ON_NODE", "4"),
        ("SLURM_TRES_PER_TASK", "cpu=2,gres/gpu:h100_1g.10gb=1"),
        ("CUDA_VISIBLE_DEVICES", "0"),
    ],
)
def test_each_way_of_asking_for_a_gpu_is_seen(name, value):
    assert requested(**{name: value}) is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLURM_GPUS_ON_NODE", "0"),
        ("SLURM_JOB_GPUS", ""),
        ("CUDA_VISIBLE_DEVICES", "NoDevFiles"),
        ("CUDA_VISIBLE_DEVICES", ""),
        ("SLURM_TRES_PER_TASK", "cpu=2"),
    ],
)
def test_no_gpu_was_asked_for(name, value):
    assert requested(**{name: value}) is False


def test_outside_slurm_nobody_has_to_ask():
    assert inspect(Recorded(environ={"CUDA_VISIBLE_DEVICES": "0"}, cores=1)).gpu_requested is None


@pytest.mark.parametrize(
    ("environ", "mig"),
    [
        ({"SLURM_GPUS_PER_NODE": "1g.5gb:1"}, "MIG 1g.5gb"),
        ({"SLURM_TRES_PER_TASK": "cpu=1,gres/gpu:h100_2g.20gb=1"}, "MIG 2g.20gb"),
        ({"CUDA_VISIBLE_DEVICES": "MIG-5f1c2a88"}, "MIG-5f1c2a88"),
        ({"SLURM_GPUS": "a100:1", "CUDA_VISIBLE_DEVICES": "0"}, None),
    ],
)
def test_the_mig_slice_is_read_where_it_is_named(environ, mig):
    assert inspect(Recorded(environ=environ, cores=1)).mig == mig


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ("0:59", 59),
        ("12:34", 754),
        ("1:00:00", 3600),
        ("2-03:04:05", 183845),
        ("UNLIMITED", None),
        ("INVALID", None),
        ("", None),
    ],
)
def test_slurm_durations_are_read(answer, seconds):
    commands = {"squeue -h -j 1 -o %L": answer}
    machine = inspect(Recorded(environ={"SLURM_JOB_ID": "1"}, cores=1, commands=commands))
    assert machine.time_left == seconds


# ---- A GPU within reach, told without starting CUDA


def signs(root: Path, *files: str, **environ: str) -> bool:
    for name in files:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return gpu_signs(Probe(environ=environ, root=root))


@pytest.mark.parametrize("file", ["dev/nvidia0", "dev/nvidia3", "dev/dxg"])
def test_a_device_file_is_a_sign_of_a_gpu(tmp_path, file):
    assert signs(tmp_path, file)


def test_the_driver_of_the_node_is_no_sign_of_a_gpu_in_this_session(tmp_path):
    node = ("proc/driver/nvidia/version", "dev/nvidiactl", "dev/nvidia-uvm")
    assert not signs(tmp_path, *node)


def test_a_gpu_that_this_session_may_not_open_is_no_sign(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert not signs(tmp_path, "dev/nvidia0")


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles"])
def test_a_hidden_gpu_is_no_sign(tmp_path, hidden):
    assert not signs(tmp_path, "dev/nvidia0", CUDA_VISIBLE_DEVICES=hidden)
    assert signs(tmp_path, "dev/nvidia0", CUDA_VISIBLE_DEVICES="0")


def test_windows_has_no_device_files_but_a_driver(tmp_path):
    windows = "C:\\Windows"
    assert not signs(tmp_path, SYSTEMROOT=windows)
    assert signs(tmp_path, f"{windows}/System32/nvcuda.dll", SYSTEMROOT=windows)


# ---- What was granted


def test_the_number_of_cores_is_the_least_of_three(tmp_path):
    group = tmp_path / "sys/fs/cgroup/job"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/job")

    def cpus(granted: int, affinity: int, quota: int) -> tuple[int | None, str]:
        (group / "cpu.max").write_text(f"{quota}00000 100000\n")
        environ = {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": str(granted)}
        machine = inspect(Recorded(environ=environ, root=tmp_path, cores=affinity))
        return machine.cpus, machine.sources["cpus"]

    assert cpus(2, 3, 4) == (2, "SLURM_CPUS_PER_TASK")
    assert cpus(4, 2, 3) == (2, "affinité")
    assert cpus(3, 4, 2) == (2, "cgroup")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("proc/self/cgroup", "n'importe quoi"),
        ("proc/self/cgroup", "0::"),
        ("proc/self/cgroup", "0::/../../.."),
        ("sys/fs/cgroup/cpu.max", "beaucoup"),
        ("sys/fs/cgroup/cpu.max", ""),
        ("sys/fs/cgroup/memory.max", "1e9"),
    ],
)
def test_what_cannot_be_understood_is_no_limit(tmp_path, path, text):
    for name, content in {"proc/self/cgroup": "0::/", path: text}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    machine = inspect(Recorded(environ={"SLURM_CPUS_PER_TASK": "x"}, root=tmp_path, cores=3))
    assert (machine.cpus, machine.memory) == (3, None)


# ---- Computing capability


@pytest.mark.parametrize(
    ("architectures", "capability", "runs"),
    [
        (["sm_80"], (8, 0), True),
        (["sm_80"], (8, 9), True),  # same major, later minor
        (["sm_86"], (8, 0), False),
        (["sm_80"], (9, 0), False),  # another major: machine code does not run
        (["compute_80"], (9, 0), True),  # intermediate code is compiled for it
        (["compute_80"], (7, 5), False),
        (["sm_37", "sm_50"], (3, 5), False),
        (["sm_50", "sm_60"], (3, 5), False),
        (["sm_90a"], (9, 0), True),
        (["sm_100a"], (10, 3), False),
        (["compute_90a"], (10, 0), False),
        (["sm_100f"], (10, 3), True),
        (["compute_100f"], (12, 0), False),
        (["sm_120"], (12, 0), True),
        (["gfx90a", ""], (9, 0), False),
        ([], (8, 0), False),
    ],
)
def test_code_runs_on_the_gpus_it_was_built_for(architectures, capability, runs):
    assert can_run(tuple(architectures), capability) is runs


# ---- The real probe


def test_the_real_machine_is_inspected_without_starting_cuda():
    machine = inspect()
    assert machine.cpus is not None
    assert 1 <= machine.cpus <= os.cpu_count()
    assert machine.memory is None or machine.memory > 2**20
    assert Probe().torch().version == torch.__version__
    assert Probe().failure("cpu") is None


def test_commands_that_are_absent_fail_or_hang_give_nothing(monkeypatch):
    assert Probe().run("commande-absente") is None
    assert Probe().run("false") is None
    assert Probe().run("echo", "2:00") == "2:00"
    monkeypatch.setattr(probe, "COMMAND_SECONDS", 0.05)
    assert Probe().run("sleep", "5") is None


def test_a_torch_that_does_not_import_is_a_fact(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    facts = Probe().torch()
    assert facts.version is None
    assert "torch" in facts.error


def fake_torch(init, **cuda) -> SimpleNamespace:
    return SimpleNamespace(cuda=SimpleNamespace(init=init, **cuda))


def test_what_cuda_refuses_is_kept_as_a_fact():
    from labo.machine.probe import _with_cuda

    def refuse():
        raise RuntimeError("The NVIDIA driver is too old\nand more")

    facts = _with_cuda(Torch("2.6.0", cuda="12.4", threads=3), fake_torch(refuse))
    assert facts == Torch("2.6.0", cuda="12.4", threads=3, error="The NVIDIA driver is too old")


def test_what_cuda_shows_is_kept_as_a_fact():
    from labo.machine.probe import _with_cuda

    properties = SimpleNamespace(name="T4", major=7, minor=5)
    facts = _with_cuda(
        Torch("2.6.0", cuda="12.4"),
        fake_torch(
            lambda: None,
            get_arch_list=lambda: ["sm_75"],
            device_count=lambda: 1,
            get_device_properties=lambda index: properties,
            mem_get_info=lambda index: (3, 16),
        ),
    )
    assert facts.gpus == (Gpu("T4", 16, 3, (7, 5)),)
    assert facts.architectures == ("sm_75",)


# ---- labo.device


@pytest.fixture
def fresh():
    """As in a new process: nothing was chosen yet."""
    threads = torch.get_num_threads()
    for choice in (accelerator._accelerator, accelerator._use_granted_cpus):
        choice.cache_clear()
    yield
    torch.set_num_threads(threads)
    for choice in (accelerator._accelerator, accelerator._use_granted_cpus):
        choice.cache_clear()


def with_gpu(monkeypatch, failure: str | None) -> list[str]:
    asked = []
    monkeypatch.setattr(torch.version, "cuda", "12.4")
    monkeypatch.setattr(accelerator, "gpu_signs", lambda probe: True)
    monkeypatch.setattr(accelerator, "failure", lambda name: asked.append(name) or failure)
    return asked


@pytest.mark.usefixtures("fresh")
def test_a_gpu_is_chosen_once_and_after_a_computation(monkeypatch):
    asked = with_gpu(monkeypatch, None)
    assert [labo.device().type for _ in range(3)] == ["cuda"] * 3
    assert asked == ["cuda"]


@pytest.mark.usefixtures("fresh")
def test_a_gpu_that_cannot_compute_is_not_chosen(monkeypatch):
    with_gpu(monkeypatch, "no kernel image is available")
    assert labo.device().type == "cpu"


@pytest.mark.usefixtures("fresh")
def test_the_cpu_can_be_asked_for(monkeypatch):
    asked = with_gpu(monkeypatch, None)
    assert labo.device(force_cpu=True).type == "cpu"
    monkeypatch.setenv("LABO_FORCE_CPU", "1")
    assert labo.device().type == "cpu"
    assert asked == []


def test_a_computation_that_fails_is_told_in_one_line(monkeypatch):
    def lost(*args, **kwargs):
        raise RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA")

    assert trial.failure("cpu") is None
    monkeypatch.setattr(torch, "arange", lost)
    assert trial.failure("cuda") == "CUDA error: out of memory"


@pytest.mark.filterwarnings("error")
def test_what_torch_would_print_about_an_old_gpu_is_not_printed(monkeypatch):
    def warn(*args, **kwargs):
        warnings.warn("Found GPU0 Tesla K20m which is too old", stacklevel=1)
        return torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])

    monkeypatch.setattr(torch, "arange", warn)
    assert trial.failure("cpu") is None


@pytest.mark.usefixtures("fresh")
def test_cuda_is_not_touched_without_a_sign_of_a_gpu(monkeypatch):
    asked = with_gpu(monkeypatch, None)
    monkeypatch.setattr(accelerator, "gpu_signs", lambda probe: False)
    assert labo.device().type == "cpu"
    assert asked == []


def test_a_computation_that_gives_something_else_is_a_failure(monkeypatch):
    monkeypatch.setattr(torch, "arange", lambda *args, **kwargs: torch.ones(6))
    assert trial.failure("cpu") == "un calcul a donné 12.0 au lieu de 83"


@pytest.mark.usefixtures("fresh")
def test_torch_uses_the_cores_that_were_granted(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(accelerator, "granted_cpus", lambda probe: Fact(3, "affinité"))
    labo.device()
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("fresh")
def test_choosing_the_device_waits_for_no_command(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    monkeypatch.setattr(Probe, "run", lambda self, *command: pytest.fail(f"ran {command}"))
    labo.device()


@pytest.mark.usefixtures("fresh")
def test_a_number_of_threads_that_somebody_chose_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(accelerator, "granted_cpus", lambda probe: Fact(3, "affinité"))
    before = torch.get_num_threads()
    labo.device()
    assert torch.get_num_threads() == before

"""The inside of the sandbox, as a process finds it, and refusals to enter."""

import errno
import os
import pty
import signal
from pathlib import Path

import pytest

from grader.engine.sandbox import (
    Level,
    SandboxError,
    entry,
    interpreter_paths,
    kernel,
    landlock,
    limits,
    namespaces,
    prepare,
    seccomp,
    shield,
    survey,
)
from grader.engine.sandbox.entry import Survey
from tests.support.sandbox_children import (
    BY_LEVEL,
    BY_USER,
    NOBODY,
    inside,
    need,
    open_to_all,
    policy_for,
    run_as,
    start,
    status_of,
)


def lab_work() -> dict:
    """The work of an honest notebook, with modules that were not imported before the fork."""
    import subprocess
    import tempfile

    import matplotlib.pyplot as plt
    import numpy as np
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    data = TensorDataset(torch.randn(64, 4), torch.randint(2, (64,)))
    for inputs, targets in DataLoader(data, batch_size=16, shuffle=True):
        torch.nn.functional.cross_entropy(model(inputs), targets).backward()
    torch.save(model.state_dict(), "model.pt")
    plt.plot(np.arange(3))
    plt.savefig("figure.png")
    with tempfile.NamedTemporaryFile() as temporary:
        temporary.write(b"x")
    import torch.fx.experimental.symbolic_shapes

    try:
        subprocess.run(["ls"], check=False)
    except PermissionError:
        refused = True
    return {
        "gradient": bool(model[0].weight.grad.abs().sum() > 0),
        "loaded": sorted(torch.load("model.pt"))[0],
        "figure": Path("figure.png").read_bytes()[1:4].decode(),
        "program": refused,
    }


@BY_USER
@pytest.mark.parametrize("level", [Level.SECCOMP, Level.LANDLOCK, Level.NAMESPACES])
def test_honest_work_goes_on_inside(level: Level, user: str) -> None:
    def work() -> object:
        need(level)
        import torch

        torch.set_num_threads(1)
        return inside(policy_for(level), lab_work)

    expected = {"gradient": True, "loaded": "0.bias", "figure": "PNG", "program": True}
    assert run_as(user, work) == expected


@BY_USER
def test_the_private_root_holds_what_is_readable_and_nothing_else(
    user: str, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "data.txt").write_text("data")
    (tmp_path / "secret.txt").write_text("secret")
    (shared / "outside").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "link").symlink_to(shared)
    open_to_all(tmp_path)

    def look() -> dict:
        return {
            "data": (tmp_path / "link" / "data.txt").read_text(),
            "outside": (shared / "outside").exists(),
            "beside": sorted(path.name for path in tmp_path.iterdir()),
            "processes": [name for name in os.listdir("/proc") if name.isdecimal()],
            "interfaces": Path("/proc/net/dev").read_text().count(":"),
            "hostname": os.uname().nodename,
            "home": os.listdir(),
            "terminal": os.path.exists("/dev/tty"),
        }

    def work() -> object:
        need(Level.NAMESPACES)
        policy = policy_for(Level.NAMESPACES)
        return inside(
            policy_for(Level.NAMESPACES, readable=(*policy.readable, tmp_path / "link")), look
        )

    assert run_as(user, work) == {
        "data": "data",
        "outside": False,
        "beside": ["link", "shared"],
        "processes": ["1"],
        "interfaces": 1,
        "hostname": "candidate",
        "home": [],
        "terminal": False,
    }


@BY_USER
def test_below_namespaces_a_link_out_of_a_readable_folder_is_not_followed(
    user: str, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "data.txt").write_text("data")
    (tmp_path / "secret.txt").write_text("secret")
    (shared / "outside").symlink_to(tmp_path / "secret.txt")
    open_to_all(tmp_path)

    def look() -> str:
        assert (shared / "data.txt").read_text() == "data"
        try:
            return (shared / "outside").read_text()
        except PermissionError:
            return "refused"

    def work() -> object:
        need(Level.LANDLOCK)
        readable = (*policy_for(Level.LANDLOCK).readable, shared)
        return inside(policy_for(Level.LANDLOCK, readable=readable), look)

    assert run_as(user, work) == "refused"


@BY_USER
@BY_LEVEL
def test_the_environment_is_replaced(level: Level, user: str, monkeypatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    policy = policy_for(level, environment=(("LABO_PROFILE", "tiny"),))

    def work() -> object:
        need(level)
        return inside(policy, lambda: dict(os.environ))

    found = run_as(user, work)
    assert "JUPYTERHUB_API_TOKEN" not in found
    assert found["LABO_PROFILE"] == "tiny"
    assert found["USER"] == "student"


@BY_LEVEL
def test_only_the_kept_descriptors_stay(level: Level, tmp_path: Path) -> None:
    def work() -> object:
        need(level)
        with (tmp_path / "kept").open("w") as kept, (tmp_path / "closed").open("w") as closed:
            policy = policy_for(level, keep_fds=(kept.fileno(),))
            child = start(policy, lambda: _answer_descriptors(kept.fileno(), closed.fileno()))
            return status_of(child)

    assert run_as("ourselves", work) == 0


def _answer_descriptors(kept: int, closed: int) -> None:
    os.write(kept, b"x")
    null = os.stat("/dev/null").st_rdev
    assert [os.fstat(standard).st_rdev for standard in (0, 1, 2)] == [null] * 3
    try:
        os.fstat(closed)
    except OSError:
        return
    raise AssertionError("a descriptor came along")


def test_the_terminal_is_left_behind() -> None:
    def work() -> list:
        child, terminal = pty.fork()  # the child has the new terminal as its own
        if child == 0:
            before = _has_terminal()
            status = status_of(start(policy_for(Level.RLIMITS), _fail_with_terminal))
            os._exit(10 * before + status)
        return [status_of(child), os.close(terminal)]

    assert run_as("ourselves", work) == [10, None]


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _fail_with_terminal() -> None:
    os._exit(_has_terminal())


def test_root_becomes_a_user_that_nobody_else_is() -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")

    def work() -> list:
        policy = policy_for(Level.RLIMITS)
        return [inside(policy, os.getuid), inside(policy, os.getuid), inside(policy, os.getgroups)]

    first, second, groups = run_as("ourselves", work)
    assert len({first, second, 0, NOBODY}) == 4
    assert groups == []


def test_root_without_its_powers_goes_through_a_user_namespace() -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")

    def work() -> object:
        kernel.prctl(kernel.CAPBSET_DROP, kernel.CAP_SYS_ADMIN)
        _give_up(kernel.CAP_SYS_ADMIN)
        need(Level.NAMESPACES)
        return inside(policy_for(Level.NAMESPACES), lambda: [os.getpid(), os.getuid() == 0])

    assert run_as("ourselves", work) == [1, False]


def _give_up(capability: int) -> None:
    left = kernel.effective_capabilities() & ~(1 << capability)
    low, high = left & 0xFFFFFFFF, left >> 32
    sets = kernel._CapabilitySets((low, low, 0, high, high, 0))
    kernel.call("capset", kernel._CapabilityHeader(0x20080522, 0), sets)


def test_a_missing_readable_path_is_refused_before_any_fork(tmp_path: Path) -> None:
    policy = policy_for(Level.RLIMITS, readable=(tmp_path / "absent",))
    with pytest.raises(SandboxError, match="absent"):
        prepare(policy)


def test_the_whole_tree_cannot_be_readable() -> None:
    with pytest.raises(SandboxError, match="whole file tree"):
        prepare(policy_for(Level.RLIMITS, readable=(Path("/"),)))


def test_below_the_required_level_it_refuses_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = Survey(((Level.NAMESPACES, "namespaces: user.max_user_namespaces=0"),))
    monkeypatch.setattr(entry, "survey", lambda: poor)
    with pytest.raises(SandboxError, match=r"NAMESPACES is required.*max_user_namespaces=0"):
        prepare(policy_for(Level.NAMESPACES))


def test_the_level_is_the_strongest_that_nothing_is_missing_for() -> None:
    def level(*missing: Level) -> Level:
        return Survey(tuple((layer, "reason") for layer in missing)).level

    assert level() == Level.NAMESPACES
    assert level(Level.LANDLOCK) == Level.NAMESPACES
    assert level(Level.NAMESPACES) == Level.LANDLOCK
    assert level(Level.NAMESPACES, Level.LANDLOCK) == Level.SECCOMP
    assert level(Level.SECCOMP) == Level.RLIMITS


def test_namespaces_that_are_switched_off_are_named_with_the_setting() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "unshare")
    assert "user.max_user_namespaces is used up" in namespaces.absence(error)


@BY_USER
def test_without_user_namespaces_the_survey_says_so(user: str) -> None:
    def work() -> list:
        need(Level.NAMESPACES)
        _forbid_namespaces()
        entry._survey.cache_clear()
        found = survey()
        return [found.level, " ".join(reason for _, reason in found.missing)]

    level, reason = run_as(user, work)
    assert level == Level.LANDLOCK
    assert "unshare" in reason
    assert "seccomp profile" in reason


def _forbid_namespaces() -> None:
    """As a container's seccomp profile does."""
    kernel.prctl(kernel.NO_NEW_PRIVS, 1)
    deny = seccomp._on_call("unshare", seccomp._return(seccomp._DENY))
    load = seccomp._instruction(seccomp._LOAD, seccomp._NUMBER_AT)
    seccomp.restrict(load + deny + seccomp._return(seccomp._ALLOW))


@BY_USER
def test_read_only_holds_on_kernels_without_mount_setattr(
    user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = kernel.call

    def older(name: str, *arguments: object) -> int:
        if name == "mount_setattr":
            raise OSError(errno.ENOSYS, "Function not implemented", name)
        return real(name, *arguments)

    def work() -> object:
        need(Level.NAMESPACES)
        monkeypatch.setattr(kernel, "call", older)
        return inside(policy_for(Level.NAMESPACES), _mounts_that_are_writable)

    assert run_as(user, work) == []


def _mounts_that_are_writable() -> list[str]:
    """Mounts of this root, but for itself, its process table and the devices."""
    table = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    others = [row for row in table if row[4] not in ("/", "/proc") and "/dev/" not in row[4]]
    assert others
    return [row[4] for row in others if not {"ro", "nosuid", "nodev"} <= set(row[5].split(","))]


@BY_USER
def test_without_a_process_table_of_its_own_there_is_none(
    user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = kernel.mount

    def masked(source: str | None, target: str, kind: str | None, *rest: object) -> None:
        if kind == "proc":
            raise PermissionError(errno.EPERM, "Operation not permitted", "mount /proc")
        real(source, target, kind, *rest)

    def work() -> object:
        need(Level.NAMESPACES)
        monkeypatch.setattr(kernel, "mount", masked)
        return inside(policy_for(Level.NAMESPACES), lambda: os.path.exists("/proc"))

    assert run_as(user, work) is False


@BY_USER
def test_a_shielded_process_is_closed_even_where_files_are_open(user: str) -> None:
    def work() -> list:
        need(Level.SECCOMP)
        parent = os.getpid()
        policy = policy_for(Level.SECCOMP)
        before = inside(policy, lambda: _can_open(f"/proc/{parent}/mem"))
        shield()
        return [before, inside(policy, lambda: _can_open(f"/proc/{parent}/mem"))]

    before, after = run_as(user, work)
    assert before is (user == "nobody" or os.geteuid() != 0)  # from root, another user anyway
    assert after is False


@BY_USER
@BY_LEVEL
def test_a_shielded_process_can_still_start_candidates(level: Level, user: str) -> None:
    def work() -> object:
        need(level)
        shield()
        return inside(policy_for(level), lambda: os.getcwd() != "/")

    assert run_as(user, work) is True


def _can_open(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


def test_an_interpreter_that_the_user_cannot_read_is_named(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    def work() -> str:
        readable = (*policy_for(Level.RLIMITS).readable, closed)
        try:
            inside(policy_for(Level.RLIMITS, readable=readable), os.getpid)
        except AssertionError as failure:
            return str(failure)
        return "entered"

    assert f"cannot read {closed}" in run_as("ourselves", work)


def test_the_block_of_variables_is_wiped_for_good() -> None:
    def wiped() -> list:
        environment = Path("/proc/self/environ")
        before = bool(environment.read_bytes().strip(b"\0"))
        limits.replace_environment({"A": "b"})
        return [before, environment.read_bytes().strip(b"\0").decode(), dict(os.environ)]

    assert run_as("ourselves", wiped) == [True, "", {"A": "b"}]


@pytest.mark.skipif(kernel.machine() != "x86_64", reason="x32 is a variant of x86-64")
def test_calls_of_another_convention_kill() -> None:
    def work() -> int:
        need(Level.SECCOMP)
        x32_getpid = 0x40000000 + 39
        return status_of(start(policy_for(Level.SECCOMP), lambda: kernel._LIBC.syscall(x32_getpid)))

    assert run_as("ourselves", work) == -signal.SIGSYS


def test_landlock_leaves_network_and_scopes_to_kernels_that_know_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work() -> object:
        need(Level.LANDLOCK)
        monkeypatch.setattr(landlock, "abi", lambda: landlock.MINIMUM_ABI)
        return inside(policy_for(Level.LANDLOCK), lambda: _can_open("/etc/passwd"))

    assert run_as("ourselves", work) is False


def test_packages_of_another_environment_are_readable_and_projects_are_not(tmp_path, monkeypatch):
    """A line of a .pth file adds either to the path; a project's folder holds its solutions."""
    packages, project = tmp_path / "env" / "site-packages", tmp_path / "course"
    for folder in (packages, project):
        folder.mkdir(parents=True)
        monkeypatch.syspath_prepend(folder)
    assert packages in interpreter_paths()
    assert project not in interpreter_paths()

"""The filter, decided by a small machine that runs BPF, for both architectures."""

import struct

import pytest

from grader.engine.sandbox import kernel, seccomp

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED, REFUSED, ABSENT, KILLED = "allowed", "EPERM", "ENOSYS", "killed"
ACTIONS = {0x7FFF0000: ALLOWED, 0x00050001: REFUSED, 0x00050026: ABSENT, 0x80000000: KILLED}


def decide(code: bytes, architecture: int, number: int, *arguments: int) -> str:
    """Run the filter on one system call, as the kernel would."""
    padded = [*arguments, *([0] * (6 - len(arguments)))]
    data = struct.pack("<iIQ6Q", number, architecture, 0, *padded)
    accumulator, at = 0, 0
    instructions = list(struct.iter_unpack("HBBI", code))
    while True:
        operation, if_true, if_false, value = instructions[at]
        at += 1
        if operation == 0x06:
            return ACTIONS[value]
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == 0x54:
            accumulator &= value
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            at += if_true if holds else if_false


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel, "machine", lambda: request.param)
    seccomp.program.cache_clear()
    yield ARCHITECTURES[request.param]
    seccomp.program.cache_clear()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mount", (), REFUSED),
        ("execve", (), REFUSED),
        ("bpf", (), REFUSED),
        ("io_uring_setup", (), REFUSED),
        ("socket", (1, 1), REFUSED),
        ("socketpair", (1, 1), ALLOWED),
        ("socketpair", (1, 1 | 0o2000000), ALLOWED),  # SOCK_STREAM | SOCK_CLOEXEC
        ("socketpair", (1, 2), REFUSED),
        ("clone", (17,), ALLOWED),
        ("clone", (17 | 0x10000000,), REFUSED),
        ("clone", (17 | 0x00020000,), REFUSED),
        ("clone3", (), ABSENT),
        ("prctl", (1, 0), REFUSED),
        ("prctl", (15,), ALLOWED),
        ("fcntl", (3, 6), ALLOWED),
        ("fcntl", (3, 1024, 1), REFUSED),  # F_SETLEASE
        ("inotify_init1", (0,), REFUSED),
        ("ioctl", (0, 0x5412), REFUSED),
        ("ioctl", (0, 0x5412 | 1 << 40), REFUSED),  # the kernel reads the low half only
        ("ioctl", (0, 0x5401), ALLOWED),
        ("prlimit64", (0, 7), ALLOWED),
        ("prlimit64", (1234, 7), REFUSED),
        ("kill", (1234, 9), ALLOWED),
        ("fchmod", (3, 0o600), ALLOWED),
    ],
)
def test_decisions(architecture: int, name: str, arguments: tuple, expected: str) -> None:
    code = seccomp.program(private_files=True, signals_to=None)
    assert decide(code, architecture, kernel.number(name), *arguments) == expected


def test_where_others_are_in_sight_only_oneself_can_be_signalled(architecture: int) -> None:
    code = seccomp.program(private_files=False, signals_to=1234)
    for name in ("kill", "tgkill", "tkill"):
        number = kernel.number(name)
        assert decide(code, architecture, number, 1234, 9) == ALLOWED
        assert decide(code, architecture, number, 1, 9) == REFUSED
        assert decide(code, architecture, number, 0xFFFFFFFF, 9) == REFUSED


def test_where_files_are_shared_their_modes_cannot_be_changed(architecture: int) -> None:
    code = seccomp.program(private_files=False, signals_to=None)
    for name in ("fchmod", "fchmodat", "fchown", "truncate", "utimensat", "setxattr"):
        assert decide(code, architecture, kernel.number(name)) == REFUSED


def test_another_architecture_is_killed(architecture: int) -> None:
    code = seccomp.program(private_files=True, signals_to=None)
    i386 = 0x40000003
    assert decide(code, i386, 20) == KILLED


def test_every_jump_stays_in_reach_of_its_instruction(architecture: int) -> None:
    code = seccomp.program(private_files=False, signals_to=1234)
    instructions = list(struct.iter_unpack("HBBI", code))
    assert len(instructions) < 4096  # the kernel's limit
    for at, (operation, if_true, if_false, _) in enumerate(instructions):
        if operation != 0x06:
            assert at + 1 + max(if_true, if_false) < len(instructions)
    assert instructions[-1][0] == 0x06


def test_an_unknown_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "machine", lambda: "riscv64")
    assert "riscv64" in seccomp.absence()

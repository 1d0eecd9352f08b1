"""A process of its own world in Linux: no network, no other processes, only the course to read.

Enters: a forked process, before it runs anything of a student's.  Leaves: the same process inside
new user, mount, network, process and IPC namespaces (as bubblewrap makes them), its root a small
file system in memory that shows the interpreter, the libraries and the course, read-only, and one
folder of its own; without capabilities.

Needs Linux that lets users make namespaces. `missing` says why not, if it does not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path

from ragteach.ground.writing import own_cache

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
PR_SET_NO_NEW_PRIVS = 38
PR_CAPBSET_DROP = 24
PR_SET_PDEATHSIG = 1
STUDENT = 65534  # the user a student's process is
OWN = "/own"  # its folder, HOME and TMPDIR


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def missing() -> str:
    """Why this system has no namespaces for us; empty if it has them. Tried in a process of its
    own.
    """
    if not sys.platform.startswith("linux"):
        return "no Linux namespaces on this system"
    there, here = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            enter(tempfile.mkdtemp(), 1 << 20)
            become_student()
            Path(__file__).read_bytes()  # a student's process must be able to read the course
            os.write(here, b"ok")
        except BaseException as error:
            os.write(here, str(error).encode()[:500])
        os._exit(0)
    os.close(here)
    os.waitpid(pid, 0)
    said = os.read(there, 600).decode()
    os.close(there)
    return "" if said == "ok" else f"no namespaces here: {said or 'the trial ended early'}"


def enter(base: str, own_bytes: int) -> None:
    """Enter all namespaces; afterwards the next child that is forked is process 1 of the new
    ones.
    """
    libc = _libc()
    _enter_user_namespace(libc)
    spaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID
    _done(libc.unshare(spaces), "unshare")
    _done(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount /")
    root = f"{base}/.ragteach-root"
    os.makedirs(root, exist_ok=True)
    _done(libc.mount(b"tmpfs", root.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=1m"), "tmpfs")
    for path in shown():
        _show(libc, path, root)
    for path in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"):
        _bind(libc, path, root)
    os.mkdir(f"{root}{OWN}")
    options = f"size={own_bytes},mode=0700,nr_inodes=2000,uid={STUDENT},gid={STUDENT}"
    size = options.encode()
    own = f"{root}{OWN}".encode()
    _done(libc.mount(b"tmpfs", own, b"tmpfs", MS_NOSUID | MS_NODEV, size), "own folder")
    flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV
    _done(libc.mount(b"none", root.encode(), None, flags, None), "read-only root")
    os.chroot(root)
    os.chdir(OWN)


def _enter_user_namespace(libc: ctypes.CDLL) -> None:
    """A user namespace in which we are `STUDENT`; root stays root there until `become_student`.

    The kernel counts no processes of the real root, so a grader that runs as root needs a second
    user to become. Only a process outside may write a table of two: a child that waits for its
        turn.
    """
    user = os.getuid()
    group = os.getgid()
    if user != 0:
        _done(libc.unshare(CLONE_NEWUSER), "unshare the user")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{STUDENT} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{STUDENT} {group} 1")
        return
    me = os.getpid()
    there, here = os.pipe()
    helper = os.fork()
    if helper == 0:
        try:
            os.read(there, 1)
            for table in ("uid_map", "gid_map"):
                Path(f"/proc/{me}/{table}").write_text(f"0 0 1\n{STUDENT} {STUDENT} 1")
            os._exit(0)
        finally:
            os._exit(1)
    try:
        _done(libc.unshare(CLONE_NEWUSER), "unshare the user")
    finally:
        os.write(here, b"!")
        os.close(here)
        os.close(there)
        status = os.waitpid(helper, 0)[1]
    if status:
        raise OSError("the table of users could not be written")


def become_student() -> None:
    """Root becomes a user whose processes are counted."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(STUDENT, STUDENT, STUDENT)
        os.setresuid(STUDENT, STUDENT, STUDENT)


def cache_of_data() -> str:
    """Where the teacher's fetched data lie: an answer may read them, and can fetch none itself."""
    return str(own_cache())


def shown() -> list[str]:
    """What a student's process may read: interpreter, libraries, the course, its cache of data."""
    package = Path(__file__).resolve().parents[2]
    places = [*("/usr", "/lib", "/lib64", "/bin"), sys.prefix, sys.base_prefix, str(package)]
    places += [str(package.parent / name) for name in ("datasets", "notebooks")]
    places.append(cache_of_data())
    places += [path for path in sys.path if path.endswith(("-packages", "lib-dynload"))]
    real = sorted({os.path.realpath(path) for path in places if os.path.isdir(path)})
    links = [path for path in places if os.path.islink(path)]
    kept: list[str] = []
    for path in real:
        if not any(path == other or path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept + [path for path in sorted(set(links)) if os.path.dirname(path) == "/"]


def _show(libc: ctypes.CDLL, path: str, root: str) -> None:
    if os.path.islink(path):
        os.symlink(os.readlink(path), f"{root}{path}")
        return
    os.makedirs(f"{root}{path}", exist_ok=True)
    target = f"{root}{path}".encode()
    _done(libc.mount(path.encode(), target, None, MS_BIND | MS_REC, None), f"bind {path}")
    flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID
    if libc.mount(b"none", target, None, flags, None) != 0:  # flags that may not be dropped
        _done(libc.mount(b"none", target, None, flags | MS_NODEV, None), f"read-only {path}")


def _bind(libc: ctypes.CDLL, path: str, root: str) -> None:
    os.makedirs(os.path.dirname(f"{root}{path}"), exist_ok=True)
    Path(f"{root}{path}").touch()
    target = f"{root}{path}".encode()
    _done(libc.mount(path.encode(), target, None, MS_BIND, None), f"bind {path}")


def drop_capabilities() -> None:
    """What the new user namespace allowed for the set-up is given up for good."""
    libc = _libc()
    for number in range(64):
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    _done(libc.capset(header, none), "capset")
    _done(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def die_with_parent() -> None:
    """If the process that started this one ends, this one ends too."""
    if sys.platform.startswith("linux"):
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

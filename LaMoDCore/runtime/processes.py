"""Identity of a process, by which another process can tell whether the writer of a temporary file still runs."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

#: Start time of a process that exists but may not be inspected.
_UNKNOWN = "unknown"
_STILL_ACTIVE = 259
_ERROR_INVALID_PARAMETER = 87
_PROCESS_QUERY_LIMITED_INFORMATION = 0x1000


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of a machine.

    Attributes:
        host: name of the machine; on Linux also the namespace in which the process number counts.
        pid: process number, which systems reuse.
        started: start time, in the units of the system.
    """

    host: str
    pid: int
    started: str


def this_process() -> ProcessIdentity:
    """The identity of the running process."""
    return _identity(os.getpid())


def is_running(process: ProcessIdentity) -> bool:
    """Whether the process still runs; True if that is unknown, for example for a process of another machine."""
    if process.host != _host():
        return True
    started = start_time(process.pid)
    if started is None:
        return False
    return started == process.started or _UNKNOWN in (started, process.started)


@lru_cache(maxsize=4)
def _identity(pid: int) -> ProcessIdentity:  # by pid, because a forked process is another one
    return ProcessIdentity(_host(), pid, start_time(pid) or _UNKNOWN)


@lru_cache(maxsize=1)
def _host() -> str:
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def start_time(pid: int) -> str | None:
    """Start time of a process as text; None if there is no such process or it has ended."""
    if os.name == "nt":
        return _start_time_of_windows(pid)
    if Path("/proc/self/stat").exists():
        return _start_time_of_linux(pid)
    return _start_time_by_ps(pid)


def _start_time_of_linux(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return None if isinstance(error, ProcessLookupError) else _UNKNOWN
    fields = text.rpartition(")")[2].split()  # the name of the program may contain spaces and brackets
    if fields[0] in "ZX":  # ended, and not yet waited for
        return None
    return f"{_boot()}:{fields[19]}"  # proc(5): starttime is the 22nd field of all


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")[:8]
    except OSError:
        return ""


def _start_time_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=10,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return _UNKNOWN
    state, _, started = done.stdout.strip().partition(" ")
    if done.returncode != 0 or not state or state.startswith("Z"):
        return None
    return " ".join(started.split()) or _UNKNOWN


def _start_time_of_windows(pid: int) -> str | None:
    import ctypes
    from ctypes import wintypes

    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel.OpenProcess.restype = wintypes.HANDLE
    kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    kernel.GetExitCodeProcess.argtypes = (wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD))
    kernel.GetProcessTimes.argtypes = (wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4)
    kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
    handle = kernel.OpenProcess(_PROCESS_QUERY_LIMITED_INFORMATION, False, pid)
    if not handle:
        error = ctypes.get_last_error()  # type: ignore[attr-defined]
        return None if error == _ERROR_INVALID_PARAMETER else _UNKNOWN
    try:
        code, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
        if kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value != _STILL_ACTIVE:
            return None
        if not kernel.GetProcessTimes(handle, *(ctypes.byref(each) for each in times)):
            return _UNKNOWN
        return str((times[0].dwHighDateTime << 32) + times[0].dwLowDateTime)
    finally:
        kernel.CloseHandle(handle)

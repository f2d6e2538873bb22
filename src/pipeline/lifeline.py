"""A stage dies with whoever started it: no orphan goes on writing."""

import os
import signal
import threading
import time

import psutil

_SHELLS = {"sh", "bash", "dash", "zsh"}


def watched_ancestors() -> list[psutil.Process]:
    """The parent, and behind a shell also the shell's parent (DVC starts stages through one)."""
    found = []
    parent = psutil.Process().parent()
    while parent is not None and parent.pid != 1:
        found.append(parent)
        try:
            if parent.name() not in _SHELLS:
                break
            parent = parent.parent()
        except psutil.Error:
            break
    return found


def die_with_parent(interval: float = 0.5) -> None:
    """Kill this process and its children as soon as one of :func:`watched_ancestors` is gone.

    Polling works on every system; the kernel's own parent poller covers the death of this process.
    """
    ancestors = watched_ancestors()

    def watch() -> None:
        while all(a.is_running() and a.status() != psutil.STATUS_ZOMBIE for a in ancestors):
            time.sleep(interval)
        kill_tree()

    def guarded() -> None:
        try:
            watch()
        except psutil.Error:  # it vanished between two questions
            kill_tree()

    threading.Thread(target=guarded, daemon=True, name="lifeline").start()


def kill_tree() -> None:
    """End all children, then this process, at once."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            continue
    os.kill(os.getpid(), signal.SIGKILL)

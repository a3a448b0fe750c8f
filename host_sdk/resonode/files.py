"""Files: whole after a power cut, changed by one process at a time, refused in plain words.

Whatever file cannot be read or written, and whichever command names it, is a StoreError.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resonode.errors import StoreError, StoreFull

_WAIT_S = 30.0
_POLL_S = 0.005
SECRET, PUBLIC = 0o600, 0o644
_PLAIN = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is used up",
    errno.EROFS: "the disk takes no changes: it is mounted read-only",
    errno.ENOENT: "there is no such file or folder",
    errno.EACCES: "this user may not",
    errno.EPERM: "this user may not",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of its path is no folder",
    errno.EEXIST: "there is a file of that name",
    errno.ELOOP: "a link is in its place",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EIO: "the disk fails",
}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, a file beside it, against threads and processes.

    Raises:
        StoreError: another process holds it for too long, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    lock = FileLock(path.with_name(path.name + ".lock"), mode=SECRET)
    try:
        lock.acquire(timeout=_WAIT_S, poll_interval=_POLL_S)
    except Timeout:
        raise StoreError(
            f"{path} is in use",
            why=f"another program held its lock for {_WAIT_S:g} s",
            next="End the other resonode command, and run this one again",
        ) from None
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def replace(path: Path, data: bytes, mode: int = PUBLIC) -> None:
    """Make `data` the content of `path`: after a power cut it is the old or the new, on the disk.

    The caller holds the lock of `path`.

    Raises:
        StoreError: it cannot be written; the old content is intact.
    """
    new = path.with_name(path.name + ".new")
    make_folder(path.parent)
    with _taking_its_place(new, path):
        write_synced(new, data, mode)


@contextmanager
def written(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Let a file for the user be written by name: yields the name to write to, of the same suffix.

    At the end it is on the disk and becomes `path`, whole. If anything fails it is gone, and what
    `path` was before is intact. What is no file (a pipe, a device) is written as it is. A new
    file has `mode` (SECRET: for this user only) less the umask, one that is replaced its rights.

    Raises:
        StoreError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        with _clear_errors(path):
            yield path
        return
    path = Path(os.path.realpath(path))  # a link stays, what it points to is replaced
    new = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    with _taking_its_place(new, path):
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        if path.exists():
            # What was for its owner only stays so.
            new.chmod(path.stat().st_mode & mode)
        yield new
        _sync(new)


@contextmanager
def _taking_its_place(new: Path, path: Path) -> Iterator[None]:
    """Let `new`, beside `path`, be written, and put it there; remove it if that fails."""
    with _clear_errors(path):
        try:
            yield
            os.replace(new, path)
        except (Exception, KeyboardInterrupt, SystemExit):
            with suppress(OSError):
                new.unlink()
            raise
        sync_folder(path.parent)


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def write_synced(path: Path, data: bytes, mode: int) -> None:
    """Write a file and see it onto the disk. Raises OSError."""
    # A link that somebody has laid there is not followed (Windows: only who may, makes links).
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, mode)
    with os.fdopen(handle, "wb") as file:
        if os.name == "posix":
            os.fchmod(handle, mode)  # a file that was left behind may have another
        file.write(data)
        file.flush()
        os.fsync(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)  # Windows syncs only what may be written
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """See the names in a folder onto the disk. Raises OSError."""
    if os.name != "posix":
        return  # Windows has no such call
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it. Raises StoreError."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def read(path: Path, next: str = "") -> bytes | None:
    """Return the content of `path`, None if there is no such file. Raises StoreError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error, next) from error


def read_named(path: Path, next: str = "Name a file that is there") -> bytes:
    """Return the content of a file that the user names. `next` is what to do without it.

    Raises:
        StoreError: it cannot be read, or is not there.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, next) from error


def unreadable(path: Path, error: OSError, next: str = "") -> StoreError:
    """Return what to tell the user of a file that cannot be read."""
    return StoreError(
        f"{path} cannot be read",
        why=plain(error),
        next=next or "Make it readable to this user, or name another folder in RESONODE_HOME",
    )


def unwritable(path: Path, error: OSError) -> StoreError:
    """Return what to tell the user of a file that cannot be written."""
    kind = StoreFull if error.errno == errno.ENOSPC else StoreError
    return kind(
        f"{path} cannot be written",
        why=plain(error),
        next="Make room, or make the folder writable to this user; what was there is intact",
    )


def plain(error: OSError) -> str:
    """Return what the system says, in words and without its number."""
    return _PLAIN.get(error.errno or 0) or error.strerror or str(error)

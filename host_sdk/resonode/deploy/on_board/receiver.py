# Runs on: MicroPython
# What `resonode deploy` and `resonode doctor` run at a board's raw prompt. Each function prints one
# line of JSON; data comes as base64. Paths are below the folder that MicroPython starts in.

import binascii
import gc
import hashlib
import json
import os
import sys

_PIECE = bytearray(512)


def probe() -> None:
    gc.collect()
    block, _, _, _, free = os.statvfs(os.getcwd())[:5]
    facts = {
        "version": list(sys.implementation.version[:3]),
        "machine": getattr(sys.implementation, "_machine", ""),
        "mpy": getattr(sys.implementation, "_mpy", 0),
        "heap_free": gc.mem_free(),
        "heap": gc.mem_free() + gc.mem_alloc(),
        "block": block,
        "files_free": free * block,
        "slot": _text("slot"),
        "boards": _boards(),
        "main": _digest("main.py") if "main.py" in os.listdir() else "",
        "boot": _boot(),
    }
    print(json.dumps(facts))


def _boards() -> list:
    # Which slot holds the data of which boards.
    return [
        [slot, os.listdir(slot + "/boards")]
        for slot in ("app_a", "app_b")
        if _is_folder(slot + "/boards")
    ]


def _boot() -> str:
    # Of boot.py: "", "idle" if it does nothing, as that of a new file system, or "busy".
    lines = _text("boot.py").split("\n") if "boot.py" in os.listdir() else None
    if lines is None:
        return ""
    code = [line for line in lines if line.strip() and not line.startswith("#")]
    return "busy" if code else "idle"


def remove_idle_boot() -> None:
    if _boot() == "idle":
        os.remove("boot.py")


def tree(root: str) -> None:
    found: dict = {}
    _walk(root, "", found)
    print(json.dumps(found))


def _walk(root: str, below: str, found: dict) -> None:
    if not _is_folder(root):
        return
    for name in os.listdir(root):
        path = root + "/" + name
        if _is_folder(path):
            _walk(path, below + name + "/", found)
        else:
            found[below + name] = [os.stat(path)[6], _digest(path)]


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            count = file.readinto(_PIECE)
            if not count:
                return binascii.hexlify(digest.digest()).decode()
            digest.update(memoryview(_PIECE)[:count])


def _is_folder(path: str) -> bool:
    try:
        return os.stat(path)[0] & 0x4000 != 0
    except OSError:
        return False


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _folders(path: str) -> None:
    at = path.find("/")
    while at > 0:
        if not _is_folder(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)


def copy_all(pairs: list) -> None:
    for source, target in pairs:
        _copy(source, target)


def _copy(source: str, target: str) -> None:
    _folders(target)
    with open(source, "rb") as old, open(target, "wb") as new:
        while True:
            count = old.readinto(_PIECE)
            if not count:
                break
            new.write(memoryview(_PIECE)[:count])


def remove(root: str, keep: list) -> None:
    # All below `root` but the files of `keep`, and the folders that are empty then.
    if not _is_folder(root):
        return
    for name in os.listdir(root):
        path = root + "/" + name
        if _is_folder(path):
            remove(path, keep)
        elif path not in keep:
            os.remove(path)
    if not os.listdir(root):
        os.rmdir(root)


def put(path: str, mode: str, text: str) -> None:
    # A piece of a file: "wb" the first one, "ab" the others.
    if mode == "wb":
        _folders(path)
    with open(path, mode) as file:
        file.write(binascii.a2b_base64(text))


def replace(path: str, text: str) -> None:
    # The whole of it or nothing, whenever the power goes.
    with open(path + ".new", "wb") as file:
        file.write(binascii.a2b_base64(text))
    os.rename(path + ".new", path)

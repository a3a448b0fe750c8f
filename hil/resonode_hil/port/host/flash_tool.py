# Runs on: MicroPython (the unix build), started by flash.py
#   micropython flash_tool.py write IMAGE FOLDER SIZE
#   micropython flash_tool.py read IMAGE FOLDER

import os
import sys

import vfs

_BLOCK = 4096  # as in flash.c of the board
_CODE = ("py", "mpy", "json")
_MOUNTED = "/flash"
_FOLDER = 0x4000  # the kind of a directory entry


class Image:
    # The image file as a block device.
    def __init__(self, path: str, size: int) -> None:
        self.fresh = not _exists(path)
        if self.fresh:
            with open(path, "wb") as file:
                for _ in range(size // _BLOCK):
                    file.write(b"\xff" * _BLOCK)
        self._file = open(path, "r+b")
        self._blocks = os.stat(path)[6] // _BLOCK

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        self._file.seek(block * _BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block: int, buffer, offset: int = 0) -> None:
        self._file.seek(block * _BLOCK + offset)
        self._file.write(buffer)

    def ioctl(self, operation: int, argument: int):
        if operation == 3:
            self._file.flush()
        if operation == 6:
            self.writeblocks(argument, b"\xff" * _BLOCK)
        return {4: self._blocks, 5: _BLOCK}.get(operation, 0)


def _exists(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _content(path: str):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _files(folder: str) -> list:
    # Paths below `folder`, folders before what is in them, each with whether it is a folder.
    found = []
    for entry in os.ilistdir(folder):
        is_folder = entry[1] == _FOLDER
        found.append((entry[0], is_folder))
        if is_folder:
            found += [(entry[0] + "/" + name, sub) for name, sub in _files(folder + "/" + entry[0])]
    return found


def _copy(source: str, target: str) -> None:
    for name, is_folder in _files(source):
        to = target + "/" + name
        if is_folder:
            if not _exists(to):
                os.mkdir(to)
            continue
        data = _content(source + "/" + name)
        if data != _content(to):
            with open(to, "wb") as file:
                file.write(data)


def _remove_code(flash: str, kept: list) -> None:
    for name, is_folder in _files(flash):
        if not is_folder and name.rpartition(".")[2] in _CODE and (name, False) not in kept:
            os.remove(flash + "/" + name)


def main(what: str, path: str, folder: str, size: int = 0) -> None:
    image = Image(path, size)
    if image.fresh:
        vfs.VfsLfs2.mkfs(image)  # type: ignore[arg-type]  # of the right shape
    vfs.mount(vfs.VfsLfs2(image), _MOUNTED)  # type: ignore[abstract,arg-type]
    if what == "write":
        _remove_code(_MOUNTED, _files(folder))
        _copy(folder, _MOUNTED)
    else:
        _copy(_MOUNTED, folder)
    vfs.umount(_MOUNTED)


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 0)

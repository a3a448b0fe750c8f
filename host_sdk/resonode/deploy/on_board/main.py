# Runs on: MicroPython
# main.py of a deployed board: starts the application that lies in one of two slots, and the old one
# again when a new one does not start. Deployed by `resonode deploy`, like the slots.
#
# /slot says "app_b new app_a": the slot to start; whether it is new, being tried, or good; and the
# one to fall back on (- if there is none). It is only ever replaced as a whole.

import asyncio
import os
import sys

_tasks: list = []  # somebody has to hold them
_GOOD_AFTER_S = 3  # it has started when its event loop has run so long


def _read() -> list:
    with open("/slot") as file:
        return file.read().split()


def _write(slot: str, state: str, old: str) -> None:
    with open("/slot.new", "w") as file:
        file.write(slot + " " + state + " " + old)
    os.rename("/slot.new", "/slot")


def _identify() -> None:
    # Who this board is: the chip's own number, once and for all.
    try:
        os.stat("board_id")
        return
    except OSError:
        pass
    import hashlib
    import json

    import machine

    number = hashlib.sha256(machine.unique_id()).digest()
    with open("board_id.new", "w") as file:
        json.dump({"node_id": "".join(["%02x" % byte for byte in number[:8]])}, file)
    os.rename("board_id.new", "board_id")


async def _keep(slot: str) -> None:
    await asyncio.sleep(_GOOD_AFTER_S)
    _write(slot, "good", "-")
    print(slot + " has started well")


def _start(slot: str) -> None:
    sys.path.insert(0, "/" + slot)
    from firmware import main

    main.run("/" + slot + "/boards/" + os.listdir("/" + slot + "/boards")[0])


def _fall_back(slot: str, old: str) -> None:
    import machine

    print(slot + " did not start: going back to " + old)
    _write(old, "good", "-")
    machine.reset()


def _boot() -> None:
    slot, state, old = _read()
    if state == "trying" and old != "-":
        _fall_back(slot, old)
    _identify()
    if state == "new":
        _write(slot, "trying", old)
        _tasks.append(asyncio.create_task(_keep(slot)))
    try:
        _start(slot)
    except KeyboardInterrupt:
        _write(slot, state, old)  # somebody wants the prompt: that says nothing about the slot
        raise
    except Exception as error:
        sys.print_exception(error)
        if _read()[1] == "trying" and old != "-":
            _fall_back(slot, old)


_boot()

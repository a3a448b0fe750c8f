# Runs on: MicroPython
# main.py of a deployed board: starts the application that lies in one of two slots, and the old one
# again when a new one does not start. Deployed by `resonode deploy`, like the slots.
#
# `slot` says "app_b new app_a": the slot to start; whether it is new, being tried, or good; and the
# one to fall back on (- if there is none). It is only ever replaced as a whole.
#
# MicroPython's prompt reads every key, so a board whose keys somebody relies on shows it only when
# its owner asked for it through a session, or the button was held and the keys are gone.
#
# Paths are below the current folder, which is where the port mounted its file system: / on an
# ESP32, /flash on an nRF.

import micropython

# First, and without a jump before it: MicroPython looks for a Ctrl-C where a program jumps. One
# that came before this line ends in this loop, and later ones are bytes like any other.
micropython.kbd_intr(-1)
try:
    for _ in range(2):
        pass
except KeyboardInterrupt:
    pass

import asyncio  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

_tasks: list = []  # somebody has to hold them
_GOOD_AFTER_S = 3  # it has started when its event loop has run so long
# What `resonode deploy` sends again and again, and how long it is listened to.
_KNOCK = b"\r\x03\x03\x01"
_KNOCK_MS = 500
# Between two attempts to start: time to take the button, and how long it is held, as at any start.
_RESCUE_MS = 10000
_HOLD_MS = 5000
_POLL_MS = 50
_SECRETS = ("owner", "vault")  # names of the files that firmware/access.py keeps them in
_CBOR_FALSE = b"\xf4"


def _read() -> list:
    with open("slot") as file:
        return file.read().split()


def _write(slot: str, state: str, old: str) -> None:
    with open("slot.new", "w") as file:
        file.write(slot + " " + state + " " + old)
    os.rename("slot.new", "slot")


def _identify() -> None:
    # Who this board is: the chip's own number, once and for all.
    try:
        os.stat("board_id")
        return
    except OSError:
        pass
    import hashlib

    import machine

    number = hashlib.sha256(machine.unique_id()).digest()
    with open("board_id.new", "w") as file:
        json.dump({"node_id": "".join(["%02x" % byte for byte in number[:8]])}, file)
    os.rename("board_id.new", "board_id")


# -- who gets the prompt


def _guarded() -> bool:
    # Whether somebody relies on the keys here: the label was taken, and so it was on any board that
    # has an owner. It is the last value in owner.bin before the CRC (firmware/ownership.py, which
    # may be what does not start). Whatever cannot be read is guarded.
    try:
        if "owner.bin" not in os.listdir():
            return False
        with open("owner.bin", "rb") as file:
            return file.read()[-5:-4] != _CBOR_FALSE
    except Exception:
        return True


def _knocked() -> bool:
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    until_ms = time.ticks_add(time.ticks_ms(), _KNOCK_MS)
    heard = b""
    while heard != _KNOCK:
        left_ms = time.ticks_diff(until_ms, time.ticks_ms())
        if left_ms <= 0:
            return False
        if poll.poll(left_ms):
            heard = (heard + sys.stdin.buffer.read(1))[-len(_KNOCK) :]
    return True


def _forget() -> None:
    # Keys that whoever comes to the prompt could have read are not used again.
    for name in os.listdir():
        if name.split(".")[0] in _SECRETS:
            os.remove(name)


def _button():
    # () -> whether it is pressed; never, where there is none or no board's data can be read.
    import machine

    for slot in ("app_a", "app_b"):
        try:
            folder = slot + "/boards/"
            with open(folder + os.listdir(folder)[0] + "/board.json") as file:
                button = json.load(file)["button"]
            pull = ["PULL_" + button["pull"].upper()] if "pull" in button else []
            modes = [getattr(machine.Pin, name) for name in ["IN"] + pull]
            pin = machine.Pin(button["pin"], *modes)
            return lambda: pin.value() == button["pressed"]
        except Exception:  # whatever is wrong with the data, the other slot's may be right
            pass
    return lambda: False


def _button_held() -> bool:
    pressed = _button()
    held_ms = 0
    for _ in range(_RESCUE_MS // _POLL_MS):
        time.sleep_ms(_POLL_MS)
        held_ms = held_ms + _POLL_MS if pressed() else 0
        if held_ms >= _HOLD_MS:
            return True
    return False


def _rescue() -> None:
    # Nothing starts. What returns from here ends in the prompt, and so would an error.
    import machine

    if not _guarded():
        return
    try:
        print("nothing starts: hold the button for 5 s for a prompt; keys here are then forgotten")
        if _button_held():
            _forget()
            return
    except Exception as error:
        sys.print_exception(error)
    machine.reset()


# -- what is started


async def _keep(slot: str) -> None:
    await asyncio.sleep(_GOOD_AFTER_S)
    _write(slot, "good", "-")
    print(slot + " has started well")


def _start(slot: str) -> None:
    sys.path.insert(0, slot)
    from firmware import main

    main.run(slot + "/boards/" + os.listdir(slot + "/boards")[0])


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
        _start(slot)  # until the owner asks for the prompt
    except Exception as error:
        sys.print_exception(error)
        if _read()[1] == "trying" and old != "-":
            _fall_back(slot, old)
        _rescue()


def _main() -> None:
    if not _guarded() and _knocked():
        _forget()
        return
    try:
        _boot()
    except Exception as error:  # of `slot`, or a full file system
        sys.print_exception(error)
        _rescue()


_main()

# Runs on: MicroPython (the QEMU_M4F board)
# What a real board does by itself after power-on: find its files and start the application.

import micropython

micropython.kbd_intr(-1)  # first: a byte 03 of an early request would stop what follows

import io  # noqa: E402
import sys  # noqa: E402

import umachine  # noqa: E402

_CRASH_EXIT_CODE = 1


def _run() -> None:
    # Who this board is, which a chip would know.
    with open("board_id", "wb") as file:
        file.write(umachine.host_file("board_id"))
    from firmware import main

    main.run("/boards/QEMU_M4F")


try:
    _run()
except Exception as error:
    # The rig wants it in its log, not on the serial port.
    text = io.StringIO()
    sys.print_exception(error, text)
    umachine.host_say(text.getvalue())
    umachine.exit(_CRASH_EXIT_CODE)

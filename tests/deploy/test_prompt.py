"""Knocking for MicroPython's prompt at a port where something else is."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty

import pytest

from resonode.deploy.prompt import Prompt
from resonode.errors import Timeout

KNOCK = b"\r\x03\x03\x01"


def test_firmware_that_does_not_open_its_prompt_hears_knocks_and_nothing_else() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    heard, over = bytearray(), threading.Event()

    def firmware() -> None:
        # What it streams may look like a prompt, and ends before whoever waits for it for ever.
        for _ in range(1000):
            if over.wait(0.01):
                return
            os.write(master, b">")
            while select.select([master], [], [], 0)[0]:
                heard.extend(os.read(master, 4096))

    streaming = threading.Thread(target=firmware)
    streaming.start()
    try:
        with pytest.raises(Timeout, match="did not come"), Prompt(os.ttyname(slave), 0.2):
            pass
    finally:
        over.set()
        streaming.join()
        os.close(master)
        os.close(slave)
    assert KNOCK in heard and not heard.replace(KNOCK, b"")

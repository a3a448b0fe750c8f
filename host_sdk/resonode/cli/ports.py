"""resonode ports"""

from __future__ import annotations

from dataclasses import asdict

from resonode.cli import output
from resonode.cli.common import NO_NODE, Json, run


def ports(as_json: Json = False) -> None:
    """List the ports that may have a node on them."""
    from resonode.node import discover

    found = run(discover())
    if as_json:
        output.print_json({"ports": [asdict(one) for one in found]})
        return
    if not found:
        output.say(f"There is no USB serial port. {NO_NODE}.")
        return
    rows = [(one.url, one.description, one.vendor, one.serial_number) for one in found]
    output.table(("port", "description", "vendor", "serial number"), rows)

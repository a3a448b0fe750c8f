"""resonode credential issue, add, list"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Command, Group, Json, Yes, may_write, read_host_key
from resonode.cli.site import SiteFile, opened
from resonode.errors import NodeError
from resonode_wire import security

app = typer.Typer(cls=Group, no_args_is_help=True, help="Who may do what on your nodes.")

_DAY_S = 86400


@app.command("issue", cls=Command)
def issue(
    file: Annotated[Path, typer.Argument(help="The file to write, for the other computer.")],
    role: Annotated[str, typer.Option("--role", help="viewer, operator or owner.")],
    host_key: Annotated[
        str, typer.Option("--host-key", metavar="HEX", help="What keys show prints there.")
    ],
    days: Annotated[
        int, typer.Option("--days", min=0, metavar="N", help="How long it is good; 0 for ever.")
    ],
    node: Annotated[
        str | None, typer.Option("--node", metavar="ID", help="Only this node; else all of yours.")
    ] = None,
    site: SiteFile = None,
    yes: Yes = False,
) -> None:
    """Let another computer act on your nodes."""
    from resonode import files
    from resonode.trust import credentials
    from resonode.trust.acts import doing
    from resonode.trust.audit import Audit
    from resonode.trust.keys import Keys

    number, key = _role(role), read_host_key(host_key)
    may_write(file, yes)
    keys = Keys.open()
    if not keys.has_owner:
        raise NodeError(
            "This computer owns no node",
            why="it has no owner key to sign with",
            next="Commission a node, or take the key from a backup: resonode keys restore",
        )
    audit = Audit.open(keys=keys)
    inventory = opened(site)
    only = inventory.node(node) if node else None
    # Of the newest epoch anywhere, so that no node of ours refuses it as revoked.
    epoch = only.epoch if only else max((one.epoch for one in inventory.nodes()), default=0)
    expires_s = int(time.time()) + days * _DAY_S if days else 0
    detail = {"role": role, "host_key": key.hex(), "epoch": epoch, "expires_s": expires_s}
    with doing(audit, "credential", only.id if only else "", detail):
        packed = credentials.issue(
            keys,
            key,
            number,
            epoch=epoch,
            expires_s=expires_s,
            node=bytes.fromhex(only.fingerprint) if only else b"",
        )
        files.replace(file, credentials.show(packed, keys.owner_public).encode())
    output.say(f"{file} is good until {credentials.when(expires_s)}" if days else f"Wrote {file}")


@app.command("add", cls=Command)
def add(
    file: Annotated[Path, typer.Argument(help="What credential issue wrote.")],
) -> None:
    """Keep a credential that an owner gave to this computer."""
    from resonode import files
    from resonode.trust import credentials
    from resonode.trust.keys import Keys

    given = credentials.read(files.read_named(file).decode(errors="replace"), str(file))
    keys = Keys.open()
    credentials.save(keys.home, given, keys.host_public)
    role = security.ROLES[given.content["role"]]
    output.say(f"This computer is {role} of the nodes of owner {given.owner.hex()}.")


@app.command("list", cls=Command)
def list_(as_json: Json = False) -> None:
    """List the credentials that were given to this computer."""
    from resonode.trust import credentials, home_folder

    rows = [
        {
            "owner": one.owner.hex(),
            "role": security.ROLES[one.content["role"]],
            "node": one.content["node"].hex() or None,
            "epoch": one.content["epoch"],
            "expires_s": one.content["expires_s"] or None,
            "expired": one.expired(time.time()),
        }
        for one in credentials.given_to(home_folder())
    ]
    if as_json:
        output.print_json({"credentials": rows})
        return
    shown = [
        (
            row["owner"],
            row["role"],
            row["node"] or "all",
            credentials.when(row["expires_s"] or 0) + (" (expired)" if row["expired"] else ""),
        )
        for row in rows
    ]
    output.table(("owner", "role", "node", "good until"), shown, whole=True)


def _role(name: str) -> int:
    if name not in security.ROLES[security.ROLE_VIEWER :]:
        raise typer.BadParameter(f"{name} is none of viewer, operator, owner", param_hint="--role")
    return security.ROLES.index(name)

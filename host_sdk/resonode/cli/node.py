"""resonode node commission, identify, config, access, rotate, revoke, transfer, console"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import energy, node_config, output, sensor
from resonode.cli.asking import Sure, ask_until, be_sure, confirmed
from resonode.cli.common import (
    Command,
    Group,
    Json,
    Port,
    Timeout,
    Yes,
    may_write,
    only_port,
    read_host_key,
    run,
    with_node,
)
from resonode.errors import NodeError, NotTrusted
from resonode_wire import security

if TYPE_CHECKING:
    from resonode.node import Node
    from resonode.trust.commission import Commissioned
    from resonode.trust.label import Label

app = typer.Typer(cls=Group, no_args_is_help=True, help="Make a node yours, and look after it.")
app.add_typer(node_config.app, name="config")
app.add_typer(sensor.app, name="sensor")
app.command("energy", cls=Command)(energy.energy)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings to begin with, as TOML."),
]


@app.command("commission", cls=Command)
def commission(
    port: Port = None,
    timeout: Timeout = 10.0,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="FILE",
            help="The label as a file (JSON or one row of CSV); - reads what a scanner types.",
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What people call it.")] = "",
    location: Annotated[str, typer.Option("--location", help="Where it is.")] = "",
    machine: Annotated[str, typer.Option("--machine", help="What it is mounted on.")] = "",
    bearing: Annotated[
        str, typer.Option("--bearing", metavar="NAME", help="6205, ... or n,d_mm,pitch_mm[,phi].")
    ] = "",
    config: ConfigFile = None,
    yes: Sure = False,
    as_json: Json = False,
) -> None:
    """Make a new node yours, by the code on its label."""
    from dataclasses import replace

    from resonode.trust.commission import commission as claim

    asking = not yes and sys.stdin.isatty()
    settings = node_config.read_settings(config) if config else None
    found = _label(label, asking)
    found = replace(
        found,
        name=name or found.name,
        location=location or found.location,
        machine=machine or found.machine,
        bearing=bearing or found.bearing,
    )

    url = port or found.url or run(only_port())
    output.say(f"Commissioning node {found.node} on {url} ...")
    if asking:
        _confirm(url, found)
    _tell(run(claim(url, found, config=settings, timeout_s=timeout)), as_json)


def _label(source: str | None, asking: bool) -> Label:
    from resonode.trust.label import Label, parse, read_code, read_file, read_fingerprint

    if source == "-":
        return parse(sys.stdin.readline())
    if source is not None:
        labels = read_file(Path(source))
        if len(labels) > 1:
            raise NodeError(
                f"{source} has {len(labels)} labels",
                next=f"Commission all of them with: resonode commission --batch {source}",
            )
        return labels[0]
    if not asking:
        raise NodeError(
            "Which label?",
            why="this is no terminal to ask at",
            next="Name its file with --label, or scan it into --label -",
        )
    first = ask_until("Scan the label's code, or type the node id on it", _scanned_or_id)
    if isinstance(first, Label):
        return first
    fingerprint = ask_until("Fingerprint on the label", read_fingerprint)
    return Label(first, fingerprint, ask_until("Code on the label", read_code))


def _scanned_or_id(text: str) -> Label | str:
    from resonode.trust.label import parse, read_id

    return parse(text) if text.lstrip().startswith("{") else read_id(text)


def _confirm(url: str, label: Label) -> None:
    """Let the node blink, and ask whether it is the one that is meant.

    Outside of the event loop, which would keep Ctrl-C until the question is answered.
    """
    from resonode.trust.commission import identify

    try:
        node = run(identify(url, seconds=10))
    except NotTrusted:
        return  # it has an owner: commissioning tells which
    output.say(f"Node {node} blinks for 10 s.")
    if not confirmed(f"Is that the node you hold the label {label.node} for?"):
        raise NodeError(
            "Nothing was done",
            why=f"the label is not of the node that blinked, {node}",
            next="Find that node's label, or the port of the label's node: resonode node identify "
            "makes a node blink",
        )


def _tell(done: Commissioned, as_json: bool) -> None:
    from resonode.trust.site import NAMES

    entry = done.entry
    facts = {name: getattr(entry, name) for name in NAMES}
    first = type(done.first).__name__.lower() if done.first is not None else None
    if as_json:
        more = {"claimed": done.claimed, "first_record": first, "seconds": done.seconds}
        output.print_json({"node": facts} | more)
        return
    output.table(("", ""), [(name, value) for name, value in facts.items() if value != ""])
    what = (
        "is yours"
        if done.claimed
        else "was yours already; its entry in the site file is up to date"
    )
    received = (
        f"First sealed record: {first}."
        if first
        else "No record yet: the node keeps none, and none came so soon; see resonode stream."
    )
    output.say(f"Node {entry.id} {what} ({done.seconds:.2f} s). {received}")


@app.command("identify", cls=Command)
def identify(
    port: Port = None,
    timeout: Timeout = 5.0,
    seconds: Annotated[
        int, typer.Option("--seconds", min=1, max=60, metavar="S", help="How long.")
    ] = 10,
) -> None:
    """Let a node blink, to see which one it is."""
    from resonode.trust.commission import identify as blink

    async def work() -> str:
        return await blink(port or await only_port(), seconds=seconds, timeout_s=timeout)

    output.say(f"Node {run(work())} blinks for {seconds} s.")


@app.command("access", cls=Command)
def access(port: Port = None, timeout: Timeout = 5.0, as_json: Json = False) -> None:
    """Show whose a node is, and what you may do with it."""
    from resonode.trust.requests import AccessRead

    async def ask(node: Node) -> dict[str, Any]:
        told = await node.request(AccessRead())
        return {
            "node": (await node.info()).node,
            "role": security.ROLES[told.role],
            "owner": told.owner.hex(),
            "epoch": told.epoch,
            "generation": told.generation,
            "denied": told.denied,
        }

    facts = with_node(port, timeout, ask)
    if as_json:
        output.print_json(facts)
    else:
        output.table(("", ""), facts.items())


@app.command("rotate", cls=Command)
def rotate(port: Port = None, timeout: Timeout = 5.0, as_json: Json = False) -> None:
    """Let a node make a new key for its sessions; the old one is refused from now on."""
    from resonode.trust.access import Trust
    from resonode.trust.owner import rotate as renew

    entry = with_node(port, timeout, lambda node: renew(node, Trust()))
    if as_json:
        output.print_json({"node": entry.id, "generation": entry.generation})
    else:
        output.say(f"Node {entry.id} has a key of generation {entry.generation}.")


@app.command("revoke", cls=Command)
def revoke(
    port: Port = None,
    timeout: Timeout = 5.0,
    host_key: Annotated[
        list[str] | None,
        typer.Option("--host-key", metavar="HEX", help="Keep this computer out; repeatable."),
    ] = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="Every credential there is; issue the good ones again.")
    ] = False,
    yes: Sure = False,
    as_json: Json = False,
) -> None:
    """Keep out who has a credential: one computer by its host key, or all but the owner."""
    from resonode.trust.access import Trust
    from resonode.trust.owner import revoke as keep_out
    from resonode.trust.requests import AccessRead

    deny = tuple(read_host_key(text) for text in host_key or [])
    if everyone == bool(deny):
        raise typer.BadParameter("say either --host-key or --all")
    if everyone:
        be_sure(yes, "Every credential issued for this node ends. Go on?")

    async def work(node: Node) -> dict[str, Any]:
        access = await node.request(AccessRead())
        epoch = access.epoch + 1 if everyone else None
        reply = await keep_out(node, Trust(), epoch=epoch, deny=deny)
        return {"node": (await node.info()).node, "epoch": reply.epoch, "denied": reply.denied}

    facts = with_node(port, timeout, work)
    if as_json:
        output.print_json(facts)
    else:
        output.say(f"Node {facts['node']}: epoch {facts['epoch']}, {facts['denied']} keys denied.")


@app.command("transfer", cls=Command)
def transfer(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the label for the next owner goes.")
    ],
    port: Port = None,
    timeout: Timeout = 5.0,
    yes: Yes = False,
    show_code: Annotated[
        bool, typer.Option("--show-code", help="Print the code, too: whoever sees it can claim.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let go of a node: it forgets you, its settings and records. A new label lets others in."""
    from resonode import files
    from resonode.trust.access import Trust
    from resonode.trust.owner import transfer as let_go

    may_write(file, yes)
    be_sure(yes, "The node forgets its owner, settings and unread records. Go on?")

    def keep(label: Label) -> None:
        files.replace(file, label.payload.encode() + b"\n", files.SECRET)

    label = with_node(port, timeout, lambda node: let_go(node, Trust(), keep))
    facts = {"node": label.node, "fingerprint": label.fingerprint.hex()}
    if show_code:
        facts["code"] = security.show_code(label.code)
    if as_json:
        output.print_json(facts | {"label": str(file)})
        return
    output.table(("", ""), facts.items())
    output.say(
        f"{file} is its label now, and as secret as one; the printed label is good for nothing. "
        f"Print it: resonode label --from {file}"
    )


@app.command("console", cls=Command)
def console(port: Port = None, timeout: Timeout = 5.0, yes: Sure = False) -> None:
    """Restart a node into MicroPython's prompt, once, for service."""
    from resonode.trust.access import Trust
    from resonode.trust.owner import console as open_prompt

    be_sure(
        yes,
        "Whoever is at the port can then read the node's keys, and records that nobody has "
        "taken are lost. Go on?",
    )
    with_node(port, timeout, lambda node: open_prompt(node, Trust()))
    output.say("The node shows its prompt on this port; the next reset ends that.")

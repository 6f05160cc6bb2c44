"""morph.client: the connection to a server, with light, host, ports, measured latency, stop and panic."""

from __future__ import annotations

from max_patches.source.maxpat import Box, Patch

WIDTH, HEIGHT = 640.0, 34.0
PING_MS, LOST_MS = 1000, 2500
STATUS_MS = 250
SEND, RECEIVE = 9000, 9001
HELLO = ("/morph/get/classes", "/morph/get/dimensions", "/morph/get/presets")


def patch() -> Patch:
    """Return the abstraction and bpatcher: messages in, replies and the state of the connection out."""
    made = Patch(WIDTH, HEIGHT)
    made.box("panel", shown=(0, 0, WIDTH, HEIGHT), bgcolor=[0.16, 0.17, 0.2, 1.0], rounded=6, background=1)
    send, receive, state = connect(made)
    made.wire(made.box("inlet", comment="messages for the server, such as /morph/trigger 1. kick"), send)
    made.wire(receive, made.box("outlet", comment="every answer of the server"))
    made.wire(state, made.box("outlet", comment="1 while the server answers, else 0"))
    return made


def connect(made: Patch, y: float = 6.0) -> tuple[Box, Box, Box]:
    """Add the connection to a patch, with its controls in a row.

    Returns:
        The object that sends, the object that outputs replies, and the object that outputs 1 while the server
        answers, else 0.
    """
    send, receive = made.new(f"udpsend 127.0.0.1 {SEND}"), made.new(f"udpreceive {RECEIVE}")
    host = made.box("textedit", "127.0.0.1", shown=(70, y, 100, 22), keymode=1, varname="host")
    made.wire(host, made.new("route text"), made.new("prepend host"), send)
    label(made, "port", (174, y, 34, 20))
    port = made.box("number", shown=(206, y, 56, 22), minimum=1, maximum=65535, varname="port")
    made.wire(made.new(f"loadmess {SEND}"), port, made.new("prepend port"), send)
    label(made, "answers to", (266, y, 66, 20))
    mine = made.box("number", shown=(332, y, 56, 22), minimum=1, maximum=65535, varname="answers")
    made.wire(made.new(f"loadmess {RECEIVE}"), mine, made.new("prepend port"), receive)

    # Every second: tell the server the port for replies, and ping it.
    beat, again = made.new(f"metro {PING_MS}"), made.new("t b b")
    made.wire(made.new("loadmess 1"), beat, again)
    kept = made.new("zl reg")
    made.wire(mine, (1, kept))
    made.wire((again, 1), kept, made.new("prepend /morph/reply"), send)
    made.wire(again, made.box("message", "/ping"), send)

    # Replies keep the light on; without replies it goes out.
    reply, state = made.new("route /pong /morph/status.reply"), made.new("t b 1")
    change, lost = made.new("change -1"), made.new(f"delay {LOST_MS}")
    light = made.box("led", shown=(10, y, 22, 22), ignoreclick=1, oncolor=[0.2, 0.9, 0.4, 1.0])
    made.wire(receive, reply, state, lost, made.box("message", "0"), change)
    made.wire((state, 1), change, light)
    label(made, "server", (30, y, 44, 20))

    # When the light comes on, ask for everything that the interface shows.
    found, hello = made.new("sel 1"), made.new("t" + " b" * (len(HELLO) + 1))
    made.wire(change, found, hello)
    for outlet, address in enumerate(HELLO):
        made.wire((hello, outlet), made.box("message", address), send)
    asked = made.new("zl reg")
    made.wire(mine, (1, asked))
    made.wire((hello, len(HELLO)), asked, made.box("message", f"/morph/subscribe $1 {STATUS_MS}"), send)

    label(made, "p99 ms", (394, y, 48, 20))
    late = made.box("flonum", shown=(440, y, 56, 22), ignoreclick=1, format=6)
    facts = made.new("route p99_ms model_id")
    made.wire((reply, 1), made.new("zl iter 2"), facts, late)
    made.wire((facts, 1), made.new("change 0."), hello)  # another model plays: ask again

    panic = made.box("textbutton", "PANIC", shown=(560, y, 70, 22), bgcolor=[0.75, 0.2, 0.2, 1.0])
    made.wire(panic, made.box("message", "/morph/panic"), send)
    stop = made.box("textbutton", "stop", shown=(502, y, 52, 22))
    made.wire(stop, made.box("message", "/morph/stop"), send)
    return send, receive, change


def label(made: Patch, text: str, shown: tuple[float, ...], **look: object) -> Box:
    """Add a label to the interface."""
    return made.box("comment", text, shown=shown, textcolor=[0.8, 0.82, 0.86, 1.0], **look)


def help_patch() -> Patch:
    """Return morph.client.maxhelp."""
    made = Patch(720.0, 420.0)
    made.box("comment", "morph.client", shown=(20, 16, 300, 34), fontsize=24.0)
    made.box(
        "comment",
        "Connects a patch to a soundmorph server: `realtime serve` on this machine or another.",
        shown=(20, 52, 660, 22),
    )
    server = made.box("bpatcher", name="morph.client.maxpat", shown=(20, 84, 640, 34))
    made.box("comment", "Inlet: a message of the OSC table (docs/osc.md).", shown=(20, 132, 660, 22))
    examples = (
        "/morph/trigger 1. kick",
        "/morph/between kick snare 0.5",
        "/morph/goto hihat 500",
        "/morph/get/z",
    )
    for row, example in enumerate(examples):
        made.wire(made.box("message", example, shown=(20, 160 + 28 * row, 260, 22)), server)
    made.box(
        "comment", "Left outlet: every answer. Right outlet: 1 while connected.", shown=(300, 160, 400, 22)
    )
    answer = made.box("message", shown=(300, 188, 400, 44))
    made.wire(server, made.new("prepend set"), answer)
    made.wire((server, 1), made.box("toggle", shown=(300, 242, 24, 24)))
    made.box(
        "comment",
        "In a bpatcher, as here, it shows its light, host, ports, latency and panic button; typed as an "
        "object it works without them. Max sends from one port and listens on another: morph.client asks "
        "the server to reply to that port.",
        shown=(20, 300, 660, 60),
        linecount=3,
    )
    return made

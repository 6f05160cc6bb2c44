"""`realtime devices`: list the devices that can play."""

from __future__ import annotations

import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of `realtime`."""
    commands.add_parser("devices", help="list the devices that can play")


def run(args: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from realtime.audio.devices import devices

    found = devices()
    for device in found:
        mark = "*" if device.default else " "
        facts = f"{device.host}, {device.channels} channels, {device.sample_rate} Hz"
        print(f"{mark} {device.index:>3}  {device.name}  ({facts})")
    if not found:
        print("no sound card and no JACK server found; `realtime serve --null` runs without")
    return 0

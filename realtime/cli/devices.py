"""`realtime devices`: list the output devices."""

from __future__ import annotations

import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `devices` command."""
    commands.add_parser("devices", help="list the output devices")


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.audio.devices import devices

    found = devices()
    for device in found:
        mark = "*" if device.default else " "
        facts = f"{device.host}, {device.channels} channels, {device.sample_rate} Hz"
        print(f"{mark} {device.index:>3}  {device.name}  ({facts})")
    if not found:
        print("no sound card and no JACK server found; `realtime serve` also runs without them")
    return 0

"""The range, unit and default of each quantity that a performer controls, stated once.

The OSC table, logs, sequence files, MIDI maps, OSCQuery and the command line use these quantities. The fields
of commands that have these values are defined in `commands`, as are the quantities of a hit (`HIT_SETTINGS`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """The numbers accepted for a quantity.

    Attributes:
        low, high: smallest and largest accepted value.
        unit: unit in the plural; empty for a plain number.
        default: initial value.
        whole: True if only whole numbers are accepted.
    """

    low: float
    high: float
    unit: str = ""
    default: float = 0.0
    whole: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest accepted value."""
        return self.low, self.high

    @property
    def accepted(self) -> str:
        """The accepted values in words: "a number from -48 to 48 semitones"."""
        kind = "a whole number" if self.whole else "a number"
        unit = f" {self.unit}" if self.unit else ""
        low, high = (str(n) if self.whole else f"{n:g}" for n in self.range)
        return f"{kind} from {low} to {high}{unit}"

    def accepts(self, value: object) -> bool:
        """Return True if `value` is a number of this kind within the range; NaN and booleans are refused."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        return self.low <= value <= self.high

    def clip(self, value: float) -> float:
        """Return `value`, limited to the range from `low` to `high`."""
        return min(max(value, self.low), self.high)


# hits
VELOCITY = Quantity(0.0, 1.0, default=1.0)
TOUCH = Quantity(0, 127, whole=True)
SWITCH = Quantity(0, 1, whole=True)

# the point, which is the position in the latent space that the performer moves, and its path
COORDINATE = Quantity(-10_000.0, 10_000.0)
REACHED = Quantity(-1e6, 1e6)  # coordinates of the point: moves along an axis can exceed COORDINATE
FRACTION = Quantity(0.0, 1.0)
AXIS = Quantity(-4.0, 4.0, "standard deviations")
TRAVEL_MS = Quantity(0.0, 600_000.0, "ms")
TRAVEL_BEATS = Quantity(0.0, 256.0, "beats")

# the output
GAIN_DB = Quantity(-120.0, 24.0, "dB")
HEADROOM_DB = Quantity(0.0, 60.0, "dB", 12.0)
LOOK_AHEAD_MS = 1.5  # time by which the limiter looks ahead
DC_BLOCK_HZ = Quantity(0.0, 40.0, "Hz")

# the sequencer
TEMPO_BPM = Quantity(20.0, 300.0, "beats per minute", 120.0)
BEAT = Quantity(-1e9, 1e9, "beats")
SWING = Quantity(50.0, 75.0, "percent", 50.0)
STEPS = Quantity(16, 64, default=16, whole=True)

# MIDI
MIDI_DATA = Quantity(0, 127, whole=True)

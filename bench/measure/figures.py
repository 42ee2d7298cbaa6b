# SPDX-License-Identifier: Apache-2.0
"""Figures: medians with their noise, targets, and the line and the JSON of each."""

import dataclasses
import math
import statistics


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str
    how: str
    # The most that it may be; with at_least the least.
    target: float | None = None
    at_least: bool = False
    # What repeating it gives: the 95 % interval of the median, where there are samples.
    low: float | None = None
    high: float | None = None
    samples: int = 1

    @property
    def verdict(self):
        if self.target is None:
            return "-"
        met = self.value >= self.target if self.at_least else self.value <= self.target
        return "met" if met else "MISSED"

    @property
    def target_text(self):
        if self.target is None:
            return "-"
        return f"{'>=' if self.at_least else '<='}{plain(self.target)}"

    @property
    def noise_text(self):
        if self.low is None:
            return ""
        return f"{plain(self.low)}..{plain(self.high)} (95 %, {self.samples} samples)"

    def line(self):
        words = [f"{self.name:<46}", f"{plain(self.value):>10}", f"{self.unit:<12}", f"{self.target_text:<9}"]
        return " ".join(words + [f"{self.verdict:<7}", self.noise_text]).rstrip()

    def json(self):
        return dataclasses.asdict(self) | {"verdict": self.verdict}


def median_of(name, samples, unit, how, **target):
    """The median with its 95 % interval by order statistics, which assumes nothing of the spread."""
    ordered = sorted(samples)
    count = len(ordered)
    reach = 0.98 * math.sqrt(count)
    low = ordered[max(0, math.floor(count / 2 - reach))]
    high = ordered[min(count - 1, math.ceil(count / 2 + reach))]
    return Figure(name, statistics.median(ordered), unit, how, low=low, high=high, samples=count, **target)


def percentile(samples, percent):
    """The smallest sample that so many percent of them are not above."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def plain(number):
    """Four digits that count, no exponent."""
    if number == 0 or abs(number) >= 1000:
        return f"{number:.0f}"
    text = f"{number:.{max(0, 3 - math.floor(math.log10(abs(number))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

# SPDX-License-Identifier: Apache-2.0
"""Horizontal bars as SVG, with the noise of each as a whisker."""

import math
from xml.sax.saxutils import escape

from measure.figures import plain

WIDTH, LABEL, VALUE, ROW, TOP = 760, 250, 110, 26, 44
COLORS = {"ours": "#2166ac", "other": "#b2abd2", "base": "#999999"}


def bars(title, unit, rows, logarithmic=False):
    """rows: (label, figure, "ours" | "other" | "base")."""
    values = [figure["value"] for _, figure, _ in rows]
    if logarithmic:
        first = 10 ** math.floor(math.log10(min(values)))
        scale = lambda value: math.log10(max(value, first) / first * 2) / math.log10(max(values) / first * 2)
    else:
        scale = lambda value: max(0, value) / max(max(values), 1e-9)
    span = WIDTH - LABEL - VALUE
    height = TOP + ROW * len(rows) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold">{escape(title)}, {escape(unit)}'
        f'{" (logarithmic)" if logarithmic else ""}</text>']
    for n, (label, figure, kind) in enumerate(rows):
        middle = TOP + ROW * n + ROW / 2
        length = max(1, scale(figure["value"]) * span)
        parts += [
            f'<text x="{LABEL - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{LABEL}" y="{middle - 8:.1f}" width="{length:.1f}" height="16" fill="{COLORS[kind]}"/>',
            f'<text x="{LABEL + span + 8}" y="{middle + 4:.1f}">{plain(figure["value"])}</text>']
        if figure["low"] is not None:
            left, right = (LABEL + min(1.05, scale(end)) * span for end in (figure["low"], figure["high"]))
            parts.append(f'<path d="M{left:.1f} {middle:.1f}H{right:.1f}M{left:.1f} {middle - 4:.1f}v8'
                         f'M{right:.1f} {middle - 4:.1f}v8" stroke="#000000" fill="none"/>')
    return "\n".join(parts + ["</svg>", ""])

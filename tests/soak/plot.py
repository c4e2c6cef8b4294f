#!/usr/bin/env python3
"""Draws the samples of a soak as SVG: memory, descriptors and the time of a small call, each over time.

    tests/soak/plot.py soak.jsonl soak.svg

The samples are those of soak_test --samples=soak.jsonl, one JSON object a line.
"""

import json
import sys
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 150  # of a panel's axes
_LEFT, _TITLE, _AXIS, _MARGIN = 70, 34, 34, 16

# Title; the series: name, field, factor.
_PANELS = [
    ("Memory of each process's own, MiB", [("driver", "driver_anon_kib", 1 / 1024), ("node", "node_anon_kib", 1 / 1024),
                                           ("largest worker", "worker_anon_kib", 1 / 1024)]),
    ("Memory of all processes (PSS), MiB", [("all", "pss_kib", 1 / 1024)]),
    ("Descriptors", [("driver", "driver_descriptors", 1), ("node", "node_descriptors", 1),
                     ("worker", "worker_descriptors", 1)]),
    ("A small call that is waited for, µs (10th percentile)", [("call", "latency_us", 1)]),
]
_COLOURS = ["#0969da", "#cf222e", "#6e7781"]
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 13px }
  .note { fill: #6e7781; font-size: 11px }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  polyline { fill: none; stroke-width: 1.5 }
"""


def render(samples):
    body = []
    y = _MARGIN
    for title, series in _PANELS:
        body.append('<g transform="translate(%d,%d)">%s</g>' % (_MARGIN, y, _panel(samples, title, series)))
        y += _TITLE + _HEIGHT + _AXIS
    last = samples[-1]
    caption = "{:,} calls, {:,} objects, {:,} deaths of workers in {:,.0f} s".format(last["calls"], last["objects"],
                                                                                 last["deaths"], last["seconds"])
    body.append('<text class="note" x="%d" y="%d">%s</text>' % (_MARGIN, y + 8, escape(caption)))
    width, height = 2 * _MARGIN + _LEFT + _WIDTH, y + 8 + _MARGIN
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">\n<style>%s</style>\n'
            '<rect width="100%%" height="100%%" fill="#ffffff"/>\n%s\n</svg>\n' %
            (width, height, width, height, _STYLE, "\n".join(body)))


def _panel(samples, title, series):
    longest = max(s["seconds"] for s in samples)
    highest = max(max(s[field] * factor for s in samples) for _, field, factor in series) or 1
    parts = ['<text class="title" x="0" y="12">%s</text>' % escape(title)]
    for i in range(5):
        y = _TITLE + _HEIGHT * (1 - i / 4)
        parts.append('<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>' % (_LEFT, _LEFT + _WIDTH, y, y))
        parts.append('<text class="note" text-anchor="end" x="%d" y="%.1f">%.4g</text>' %
                     (_LEFT - 6, y + 4, highest * i / 4))
        x = _LEFT + _WIDTH * i / 4
        parts.append('<text class="note" text-anchor="middle" x="%.1f" y="%d">%.4g s</text>' %
                     (x, _TITLE + _HEIGHT + 16, longest * i / 4))
    for i, (name, field, factor) in enumerate(series):
        points = " ".join("%.1f,%.1f" % (_LEFT + _WIDTH * s["seconds"] / longest,
                                         _TITLE + _HEIGHT * (1 - s[field] * factor / highest)) for s in samples)
        parts.append('<polyline stroke="%s" points="%s"/>' % (_COLOURS[i], points))
        if len(series) > 1:
            parts.append('<text text-anchor="end" x="%d" y="12" style="fill: %s">%s</text>' %
                         (_LEFT + _WIDTH - 110 * i, _COLOURS[i], escape(name)))
    return "".join(parts)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        samples = [json.loads(line) for line in file if line.strip()]
    if not samples:
        sys.exit("%s: no samples in it" % sys.argv[1])
    with open(sys.argv[2], "w") as file:
        file.write(render(samples))


main()

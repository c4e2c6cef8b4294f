"""The chart of a comparison, as SVG: a panel for each row, a bar for each peer, on a logarithmic scale.

A bar ends at the median; the thin line across its end goes from the least to the most of the runs.
"""

import math
from xml.sax.saxutils import escape

import compare_table

_COLUMNS = 2
_WIDTH = 460  # of a panel
_LABEL = 138  # the peer's name, left of its bar
_VALUE = 84  # its figure, right of it
_LINE = 19
_BAR = 11
_TITLE = 44
_AXIS = 30
_MARGIN = 16

_UNITS = {"us": "µs a call", "1/s": "calls a second", "GB/s": "GB/s", "s": "seconds"}

_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 13px }
  .note { fill: #6e7781; font-size: 11px }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  .spread { stroke: #24292f; stroke-width: 1 }
  .peer { fill: #9aa7b4 }
  .troupe { fill: #0969da }
  .own { font-weight: 600 }
"""


def render(measurements, rows, caption):
    """Returns the SVG. Rows without measurements have no panel."""
    groups = compare_table.by_row(measurements, rows)
    body = []
    y = _MARGIN
    for first in range(0, len(groups), _COLUMNS):
        line = groups[first:first + _COLUMNS]
        for column, (row, group, _) in enumerate(line):
            x = _MARGIN + column * (_WIDTH + _MARGIN)
            body.append('<g transform="translate(%d,%d)">%s</g>' % (x, y, _panel(row, group)))
        y += max(_TITLE + _LINE * len(group) + _AXIS for _, group, _ in line)
    width = _MARGIN + _COLUMNS * (_WIDTH + _MARGIN)
    body.append('<text class="note" x="%d" y="%d">%s</text>' % (_MARGIN, y + 8, escape(caption)))
    height = y + 8 + _MARGIN
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">\n<style>%s</style>\n'
            '<rect width="100%%" height="100%%" fill="#ffffff"/>\n%s\n</svg>\n' %
            (width, height, width, height, _STYLE, "\n".join(body)))


def _panel(row, group):
    unit = group[0].unit
    lowest = math.floor(math.log10(min(m.min for m in group)))
    highest = math.ceil(math.log10(max(m.max for m in group)))
    highest = max(highest, lowest + 1)
    length = _WIDTH - _LABEL - _VALUE

    def position(value):
        return _LABEL + length * (math.log10(value) - lowest) / (highest - lowest)

    better = "less is better" if compare_table.less_is_better(unit) else "more is better"
    parts = [
        '<text class="title" x="0" y="12">%s</text>' % escape(row),
        '<text class="note" x="0" y="28">%s, %s</text>' % (_UNITS.get(unit, escape(unit)), better),
    ]
    bottom = _TITLE + _LINE * len(group)
    for decade in range(lowest, highest + 1):
        x = position(10.0**decade)
        parts.append('<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (x, x, _TITLE - 6, bottom))
        parts.append('<text class="note" text-anchor="middle" x="%.1f" y="%d">%s</text>' %
                     (x, bottom + 12, _power(decade)))
    for i, m in enumerate(group):
        middle = _TITLE + _LINE * i + _LINE / 2 - 4
        own = m.peer == compare_table.TROUPE
        text_class = ' class="own"' if own else ""
        parts += [
            '<text%s text-anchor="end" x="%d" y="%.1f">%s</text>' %
            (text_class, _LABEL - 8, middle + 4, escape(m.peer)),
            '<rect class="%s" x="%d" y="%.1f" width="%.1f" height="%d"/>' %
            ("troupe" if own else "peer", _LABEL, middle - _BAR / 2, position(m.value) - _LABEL, _BAR),
            '<line class="spread" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>' %
            (position(m.min), position(m.max), middle, middle),
            '<text%s x="%.1f" y="%.1f">%s</text>' %
            (text_class, max(position(m.value), position(m.max)) + 6, middle + 4, compare_table.number(m.value)),
        ]
    return "".join(parts)


def _power(decade):
    if 0 <= decade <= 3:
        return "{:,}".format(10**decade)
    if -3 <= decade < 0:
        return "%g" % 10.0**decade
    if decade % 3 == 0 and decade in (6, 9):
        return {6: "1 M", 9: "1 G"}[decade]
    if 3 < decade < 9:
        return "%d %s" % (10**(decade % 3), "k" if decade < 6 else "M")
    return "1e%d" % decade

"""The table of a comparison: a group of lines for each row, the best peer first, with ratios to Troupe."""

TROUPE = "Troupe"

# Units of which less is better; of the others, more is.
_TIMES = ("us", "s")


def ratio(measurement, troupe):
    """How many times faster Troupe is: below 1 where the peer is faster."""
    if measurement.unit in _TIMES:
        return measurement.value / troupe.value
    return troupe.value / measurement.value


def best_first(measurements):
    """Those of one row, sorted."""
    return sorted(measurements, key=lambda m: m.value if m.unit in _TIMES else -m.value)


def less_is_better(unit):
    return unit in _TIMES


def by_row(measurements, rows):
    """Returns [(row, its measurements, best first, Troupe's or None)] in the order of `rows`, without empty ones."""
    groups = []
    for row in rows:
        group = best_first([m for m in measurements if m.row == row])
        if group:
            groups.append((row, group, next((m for m in group if m.peer == TROUPE), None)))
    return groups


def render(measurements, rows):
    """Returns the table as text."""
    line = "%-30s %11s %11s %11s %-5s %9s"
    lines = [line % ("row", "median", "min", "max", "unit", "ratio")]
    for row, group, troupe in by_row(measurements, rows):
        lines.append(row)
        for m in group:
            times = "%.3g" % ratio(m, troupe) if troupe else "-"
            lines.append(line % ("  " + m.peer, number(m.value), number(m.min), number(m.max), m.unit, times))
    return "\n".join(lines) + "\n"


def number(value):
    """Three digits that count, with commas and without exponents."""
    if value >= 100:
        digits = len("%d" % value)
        return "{:,}".format(int(round(value, 3 - digits)))
    return "%.3g" % value

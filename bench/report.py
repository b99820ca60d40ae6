#!/usr/bin/env python3
"""Table and plot of a benchmark run: the engine in process, the server and its peers, beside what the machine can do.

    report.py --limits limits.txt --engine engine.txt [--race race.json] --md OUT.md --svg OUT.svg

limits.txt is the output of the limits program of the benchmark harness, engine.txt that of engine_bench, race.json that of
the harness itself. OUT.md keeps what stands before and after its lines `<!-- measured -->` and `<!-- /measured -->`, if it
has them. Only the standard library is used.
"""
import argparse
import html
import json
import math
import os
import re
import sys

OPERATIONS = ["point_lookup", "filter_group", "filter_agg", "order_limit", "hop1", "hop2_distinct", "hop3_walks", "varlen_1_3",
              "feed", "top_in_degree", "fof_walks", "fof_pairs", "triangles", "fts_top10", "vec_exact10", "vec_index10",
              "vec_filter10", "hybrid_rrf10"]
# Operation: how its row of the limits program begins. The fastest of several rows counts.
LIMITS = {"filter_agg": "filter_agg over", "hop2_distinct": "hop2_distinct,", "hop3_walks": "hop3_walks,", "varlen_1_3": "varlen_1_3,",
          "top_in_degree": "top_in_degree from stored offsets", "fof_walks": "fof_walks =", "fof_pairs": "fof_pairs =",
          "triangles": "triangles =", "vec_exact10": "exact scan of"}
UNITS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
OPEN, CLOSE = "<!-- measured -->", "<!-- /measured -->"
COLORS = ["#1f5fa8", "#6aa84f", "#c0504d", "#8064a2", "#c98a1b", "#4bacc6", "#7f7f7f"]


def read_limits(path):
    """Operation -> microseconds."""
    found = {}
    for line in open(path, encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 2 or not (value := re.match(r"([0-9.]+) (ns|us|ms|s)\b", cells[1])):
            continue
        for operation, start in LIMITS.items():
            if cells[0].startswith(start):
                time = float(value[1]) * UNITS[value[2]]
                found[operation] = min(found.get(operation, time), time)
    return found


def read_engine(path):
    """Operation -> median microseconds of a call in process."""
    lines = (re.match(r"(\S+) +first .* median +([0-9.]+) us", line) for line in open(path, encoding="utf-8"))
    return {match[1]: float(match[2]) for match in lines if match}


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def read_race(path):
    """(engine -> operation -> microseconds, engine -> version, what the harness says of the machine)."""
    race = json.load(open(path, encoding="utf-8"))
    times, versions = {}, {}
    for engine, result in race["engines"].items():
        versions[engine] = result.get("version", "")
        for operation, cell in result.get("ops", {}).items():
            if cell.get("ms") and not cell.get("check", "ok").startswith("DIFF"):
                times.setdefault(engine, {})[operation] = median(cell["ms"]) * 1e3
    return times, versions, race


def human(microseconds):
    if microseconds is None:
        return "-"
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds:.3g} us"


def table(series, limits, operations):
    lines = ["| operation | limit | " + " | ".join(name for name, _ in series) + " | in process / limit |",
             "|---|" + "---:|" * (len(series) + 2)]
    for operation in operations:
        limit, own = limits.get(operation), series[0][1].get(operation)
        distance = f"{own / limit:.1f}x" if limit and own else "-"
        cells = [human(times.get(operation)) for _, times in series]
        lines.append(f"| {operation} | {human(limit)} | " + " | ".join(cells) + f" | {distance} |")
    return lines


def plot(series, limits, operations):
    """Dots on a logarithmic axis of microseconds, a row for each operation."""
    left, top, row, width = 130, 62, 24, 760
    points = [("limit", limits)] + series
    values = [times[operation] for _, times in points for operation in operations if times.get(operation)]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    scale = width / max(1, high - low)
    bottom = top + row * len(operations)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 30}" height="{bottom + 40}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="#ffffff"/>']
    for power in range(low, high + 1):
        x = left + (power - low) * scale
        out.append(f'<line x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{human(10.0 ** power)}</text>')
    for place, (name, _) in enumerate(points):
        x, y = left + 190 * (place % 4), 18 + 18 * (place // 4)
        out.append(marker(place, x, y) + f'<text x="{x + 10}" y="{y + 4}">{html.escape(name)}</text>')
    for line, operation in enumerate(operations):
        y = top + row * line + row / 2
        out.append(f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{operation}</text>')
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + width}" y2="{y:.1f}" stroke="#eeeeee"/>')
        for place, (name, times) in reversed(list(enumerate(points))):
            if times.get(operation):
                x = left + (math.log10(times[operation]) - low) * scale
                title = f"<title>{html.escape(name)}: {human(times[operation])}</title>"
                out.append(marker(place, x, y, title))
    return "\n".join(out + ["</svg>", ""])


def marker(place, x, y, title=""):
    if place == 0:  # the limit
        return f'<path d="M{x:.1f} {y - 8:.1f} V{y + 8:.1f}" stroke="#000000" stroke-width="2">{title}</path>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLORS[(place - 1) % len(COLORS)]}" fill-opacity="0.85">{title}</circle>'


def put_between_marks(path, lines):
    """Replaces what the marks enclose, or the whole file if it has none."""
    body = "\n".join([OPEN, "", *lines, "", CLOSE])
    text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    if OPEN in text and CLOSE in text:
        body = text[:text.index(OPEN)] + body + text[text.index(CLOSE) + len(CLOSE):]
    else:
        body += "\n"
    with open(path, "w", encoding="utf-8") as out:
        out.write(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, needed in (("--limits", True), ("--engine", True), ("--race", False), ("--md", True), ("--svg", True)):
        parser.add_argument(name, required=needed)
    arguments = parser.parse_args()
    limits, engine = read_limits(arguments.limits), read_engine(arguments.engine)
    if not limits or not engine:
        sys.exit(f"error: no rows in {arguments.limits if not limits else arguments.engine}")
    series, head = [("in process", engine)], []
    if arguments.race:
        times, versions, race = read_race(arguments.race)
        series += [((f"{name} {versions[name]}".strip() if name != "omnigraph" else "over HTTP"), times[name]) for name in times]
        meta, machine = race["meta"], race["machine"]
        head = [f"Scale {meta['scale']}: {meta['persons']:,} persons, {meta['posts']:,} posts, {meta['knows']:,} knows. "
                f"{machine['cpu']}, {machine['cpus']} CPUs, load {machine['load']} at the start, {machine['date']}. Medians a call.", ""]
    operations = [operation for operation in OPERATIONS if any(times.get(operation) for _, times in series)]
    picture = os.path.relpath(arguments.svg, os.path.dirname(os.path.abspath(arguments.md)))
    put_between_marks(arguments.md, head + table(series, limits, operations) + ["", f"![times of a call]({picture})"])
    with open(arguments.svg, "w", encoding="utf-8") as out:
        out.write(plot(series, limits, operations))


if __name__ == "__main__":
    main()

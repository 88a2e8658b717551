# SPDX-License-Identifier: GPL-2.0
"""The tables and the bounds, as text."""

import rows


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10000 else f"{value:,.1f}"


def verdicts(wanted, results):
    """Each bound of these rows, and whether it is kept."""
    found = []

    def judge(name, configuration, value, most):
        found.append({"name": name, "configuration": configuration, "value": value,
                      "bound": most, "kept": value <= most})

    for row in wanted:
        for line in row.lines:
            values = line.values(results)
            for configuration, bound in line.bounds.items():
                try:
                    judge(line.name, configuration, values[configuration],
                          bound(values, results))
                except (KeyError, ValueError):
                    # what it is compared with was never measured
                    continue
        for curve in row.curves:
            points = curve.points(results, "inside")
            if None not in points:
                judge(f"{curve.name}@{curve.steps[-1]}", "inside", points[-1],
                      curve.bound(results))
    return found


def grid(heading, lines):
    """The first column to the left, the others to the right; a heading may have two lines."""
    depth = max(cell.count("\n") for cell in heading) + 1
    split = [[""] * (depth - 1 - cell.count("\n")) + cell.split("\n") for cell in heading]
    headings = [[cell[i] for cell in split] for i in range(depth)]
    widths = [max(map(len, column)) for column in zip(*headings, *lines)]

    def draw(cells):
        return "  ".join([cells[0].ljust(widths[0])]
                         + [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]).rstrip()
    return "\n".join([*map(draw, headings), "  ".join("-" * w for w in widths),
                      *map(draw, lines)])


def comparison(line, results):
    """
    What a container adds, and what part that is of what a memory cgroup adds; or
    else of what there is with a memory cgroup.
    """
    values = line.values(results)
    if "inside" not in values:
        return ["", ""]
    if "plain" not in values or not line.adds:
        return ["", f"{values['inside'] / values['memcg']:.1%}" if values.get("memcg") else ""]
    ours = values["inside"] - values["plain"]
    theirs = values.get("memcg", values["plain"]) - values["plain"]
    return [f"{ours:+,.1f}", f"{ours / theirs:.1%}" if theirs else ""]


def line_table(title, lines, results):
    """A line for each number, and a column for each configuration."""
    shown = [c for c in rows.CONFIGURATIONS if any(c in line.values(results) for line in lines)]
    heading = [title, *(rows.CONFIGURATIONS[c][1].replace(" ", "\n") for c in shown),
               "inside\nadds", "of\nmemcg's"]
    return grid(heading, [
        [line.title, *(number(line.values(results).get(c)) for c in shown),
         *comparison(line, results)]
        for line in lines])


def curve_table(row, results):
    """A line for each number and configuration, and a column for each step."""
    steps = row.curves[0].steps
    lines = []
    for curve in row.curves:
        for configuration in row.configurations:
            points = curve.points(results, configuration)
            if None in points:
                continue
            lines.append([f"{curve.title}: {rows.CONFIGURATIONS[configuration][1]}",
                          *(number(p) for p in points), f"x {points[-1] / points[0]:.2f}"])
    return grid(["", *(f"{n:,}" for n in steps), "growth"], lines)


def bound_table(found):
    return grid(["bound", "", "is", "at most", "room", ""], [
        [v["name"], rows.CONFIGURATIONS[v["configuration"]][1], number(v["value"]),
         number(v["bound"]), f"{v['bound'] - v['value']:+,.1f}",
         "kept" if v["kept"] else "MISSED"] for v in found])


def set_tables(group, wanted, results):
    """The tables of a set, for those of its rows that are wanted."""
    chosen = [row for row in group.rows if row in wanted]
    lines = [line for row in chosen for line in row.lines if line.values(results)]
    if lines:
        yield line_table(group.title, lines, results)
    for row in chosen:
        if row.curves and f"{row.curves[0].name}@1" in results:
            yield curve_table(row, results)
    found = verdicts(chosen, results)
    if found:
        yield bound_table(found)


def text(wanted, results):
    return "\n\n".join(t for group in rows.SETS for t in set_tables(group, wanted, results))

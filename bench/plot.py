# SPDX-License-Identifier: GPL-2.0
"""Curves as SVG, drawn by gnuplot from what was measured."""

import os
import subprocess

import rows

STYLE = """
set terminal svg size 720,400 font "sans-serif,13" background "white" linewidth 1.5
set logscale x
set xtics (%(tics)s)
set xlabel "%(xlabel)s"
set ylabel "instructions, for one" offset 1
set logscale y
set format y "%%.0s%%c"
set grid ytics linecolor "#dddddd"
set border 3
set tics nomirror
set key outside right center reverse Left samplen 2
set output "%(output)s"
"""
COLOURS = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951"]


def draw(row, xlabel, results, output):
    """The curves of a row: a colour for each, a dash for each configuration."""
    steps = row.curves[0].steps
    parts, data = [], []
    for curve, colour in zip(row.curves, COLOURS):
        for configuration in "inside", "memcg":
            points = curve.points(results, configuration)
            if None in points:
                continue
            title = curve.title if configuration == "inside" else f"{curve.title} (memcg)"
            dash = "" if configuration == "inside" else " dashtype 2"
            parts.append(f"'-' with linespoints pointtype 7 pointsize 0.5 "
                         f"linecolor '{colour}'{dash} title \"{title}\"")
            data += [f"{n} {p}" for n, p in zip(steps, points)] + ["e"]
    if not parts:
        return
    script = STYLE % {"tics": ", ".join(f'"{n:,}" {n}' for n in steps),
                      "xlabel": xlabel, "output": output}
    script += "plot " + ", ".join(parts) + "\n" + "\n".join(data) + "\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def draw_all(results, directory):
    os.makedirs(directory, exist_ok=True)
    labels = {"groups": "containers, or memory cgroups, with a task each",
              "owned": "files that the container owns"}
    for row in (row for group in rows.SETS for row in group.rows if row.curves):
        draw(row, labels[row.name], results, os.path.join(directory, f"{row.name}.svg"))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Read the text format of Prometheus from standard input, more strictly than Prometheus
does, and print it as JSON: {"NAME": {"type": TYPE, "samples": {LABEL: VALUE}}}, where
LABEL is that of the container, or "", and after a space that of a resource, if there
is one.

HELP comes before TYPE, and both before the samples of their metric, which are in one
block; a counter ends in _total, nothing else does; no sample comes twice; all is UTF-8.
"""

import json
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) ([^\\\n]+)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge)")
SAMPLE = re.compile(rf'({NAME})(?:\{{container="((?:[^"\\\n]|\\["\\n])*)"'
                    r'(?:,resource="([a-z]+)")?\})? ([0-9]+(?:\.[0-9]+)?)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def main():
    text = sys.stdin.buffer.read().decode("utf-8")
    if not text.endswith("\n"):
        sys.exit("the last line has no end")
    metrics = {}
    name = None
    described = None
    for line in text[:-1].split("\n"):
        match = HELP.fullmatch(line)
        if match:
            if match[1] in metrics:
                sys.exit(f"twice: {line}")
            described, name = match[1], None
            continue
        match = TYPE.fullmatch(line)
        if match:
            if match[1] != described:
                sys.exit(f"a type without help: {line}")
            if (match[2] == "counter") != match[1].endswith("_total"):
                sys.exit(f"a name that does not go with its type: {line}")
            name, described = match[1], None
            metrics[name] = {"type": match[2], "samples": {}}
            continue
        match = SAMPLE.fullmatch(line)
        if not match or match[1] != name:
            sys.exit(f"not understood, or out of place: {line}")
        label = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], match[2] or "")
        label += f" {match[3]}" if match[3] else ""
        samples = metrics[name]["samples"]
        if label in samples:
            sys.exit(f"twice: {line}")
        samples[label] = float(match[4]) if "." in match[4] else int(match[4])
    for name, metric in metrics.items():
        if not metric["samples"]:
            sys.exit(f"no samples: {name}")
    print(json.dumps(metrics))


main()

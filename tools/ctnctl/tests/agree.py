#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Say where the help of ctnctl, its man page and what shells complete do not have the
same commands and options.

usage: agree.py CTNCTL PAGE

A line for each difference; the exit status is 1 if there are any. In the man page, the
commands are those of the synopsis and of the section COMMANDS, and the options of one
are those below it, and of "Limits" and "Look" if its synopsis has these words.
"""

import os
import re
import subprocess
import sys

ALIASES = {"ls", "mk", "rm"}


def run(*words):
    return subprocess.run([CTNCTL, *words], capture_output=True, check=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8",
                               "CTN_CONFIG": "/nonexistent"}).stdout


def options_of_help(text):
    """Those with a line of their own, with their letters: {"--json": "-J"}."""
    found = re.findall(r"^ (?:(-[A-Za-z]), |    )(--[a-z-]+)", text, flags=re.M)
    return {name: letter for letter, name in found}


def completed(*words):
    records = run("complete", *words).decode().split("\0")[1:]
    return set(records[:-1:2])


def plain(roff):
    """A line of roff without fonts and escapes."""
    roff = re.sub(r"\\f[BIPR]", "", roff)
    roff = re.sub(r"^\.[A-Z]{1,2} ", "", roff).replace("\\-", "-")
    return roff.replace('"', " ")


def options_of_roff(lines):
    """Those that a paragraph with a tag is about."""
    found = {}
    for before, line in zip(lines, lines[1:]):
        if before != ".TP":
            continue
        # a tag begins with its option, or with the letter of it
        match = re.match(r"(?:(-[A-Za-z])\s+,\s+)?(--[a-z-]+)", plain(line).strip())
        if match:
            found[match[2]] = match[1] or ""
    return found


def sections(lines):
    """{"COMMANDS": lines}; of a subsection, {"OPTIONS/Look": lines}."""
    found, name, sub = {}, "", ""
    for line in lines:
        if line.startswith(".SH "):
            name, sub = line[4:].strip('"'), ""
        elif line.startswith(".SS "):
            sub = "/" + line[4:].strip('"')
        else:
            found.setdefault(name + sub, []).append(line)
    return found


def commands_of(lines):
    """{"list": lines} of the section COMMANDS: tags in bold that are not inside .RS."""
    found, name, depth, tag = {}, None, 0, False
    for line in lines:
        if tag and depth == 0:
            match = re.match(r"\.BR? \"?([a-z\\-]+)", line)
            name = match[1].replace("\\-", "-").rstrip("-") if match else None
        depth += (line == ".RS") - (line == ".RE")
        tag = line == ".TP" and depth == 0
        if name:
            found.setdefault(name, []).append(line)
    return found


def main():
    global CTNCTL
    CTNCTL, page = sys.argv[1:]
    bad = []

    def same(what, **places):
        (one, first), *rest = places.items()
        for other, second in rest:
            for x in sorted(set(first) - set(second)):
                bad.append(f"{what}: {x} is in {one}, and not in {other}")
            for x in sorted(set(second) - set(first)):
                bad.append(f"{what}: {x} is in {other}, and not in {one}")
            if isinstance(first, dict) and isinstance(second, dict):
                bad.extend(f"{what}: {x} is {first[x] or 'no letter'} in {one}, and not in {other}"
                           for x in sorted(first.keys() & second.keys())
                           if first[x] != second[x])

    main_help = run("--help").decode()
    listed = re.search(r"(?s)\nCommands:\n(.*?)\n\n", main_help)[1]
    commands = set(re.findall(r"^  ([a-z-]+)  ", listed, flags=re.M))
    with open(page, encoding="utf-8") as f:
        roff = sections(f.read().splitlines())
    synopsis = {}
    for line in roff["SYNOPSIS"]:
        words = plain(line).split()
        if words[:1] == ["ctnctl"] and len(words) > 1:
            synopsis.setdefault(words[1], []).append(" ".join(words[2:]))
    described = commands_of(roff["COMMANDS"])
    same("commands", help=commands, synopsis=synopsis, manual=described,
         completion=completed("") - ALIASES)
    same("options of ctnctl", help=options_of_help(main_help),
         manual=options_of_roff(roff["OPTIONS"]))
    same("options of ctnctl", help=options_of_help(main_help), completion=completed("--"))
    for command in sorted(commands & described.keys() - {"help"}):
        options = options_of_help(run(command, "--help").decode())
        same(f"options of {command}", help=options, completion=completed(command, "--"))
        usage = " ".join(synopsis.get(command, []))
        known = options_of_roff(described[command])
        for word in ("Limits", "Look"):
            if f"[{word.lower()}]" in usage:
                # one that is said more of has the last word
                known = {**options_of_roff(roff[f"OPTIONS/{word}"]), **known}
        # what each of them has is said once
        options.pop("--help")
        same(f"options of {command}", help=options, manual=known)
    print("\n".join(bad), end="\n" if bad else "")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

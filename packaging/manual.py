#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages from the command tree: manual.py CORACLE COMMANDS DIRECTORY

COMMANDS is what `coracle --experimental-dump-help` printed. Made are coracle(1), and a page for each group of commands.
The texts are those of `--help`; what no command tells, such as files and exit statuses, stands in manual-*.man beside
this file and is put in at the end of its page.
"""

import collections
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def text(words):
    """Plain text as troff prints it."""
    shown = words.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    shown = "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in shown)
    lines = []
    for line in shown.split("\n"):
        line = line.strip()
        lines.append("\\&" + line if line.startswith((".", "'")) else line)
    return "\n".join(line or ".PP" for line in lines)


def name(argument_name):
    dashes = "--" if argument_name["kind"] == "long" else "-"
    return dashes + argument_name["name"]


def is_option(argument):
    return argument["kind"] in ("option", "flag")


def shown_arguments(command):
    return [one for one in command.get("arguments", []) if one.get("shouldDisplay", True)]


def heading(argument):
    """`\\fB-o\\fR, \\fB--output\\fR \\fIoutput\\fR`, or the name of an argument without dashes."""
    if not is_option(argument):
        return f"\\fI{text(argument['valueName'])}\\fR"
    # The short name comes first, as everywhere.
    names = sorted((name(one) for one in argument["names"]), key=lambda one: one.startswith("--"))
    told = ", ".join(f"\\fB{text(one)}\\fR" for one in names)
    return told if argument["kind"] == "flag" else f"{told} \\fI{text(argument['valueName'])}\\fR"


def paragraph(argument):
    told = [argument.get("abstract") or "", argument.get("discussion") or ""]
    default = argument.get("defaultValue")
    if default and argument["kind"] != "flag" and "default:" not in told[0]:
        told.append(f"Default: {default}.")
    values = argument.get("allValueStrings") or argument.get("allValues")
    if values and not any(all(value in part for value in values) for part in told):
        told.append("One of: " + ", ".join(values) + ".")
    return "\n".join(text(part) for part in told if part)


def listed(arguments):
    lines = []
    for argument in arguments:
        lines += [".TP", heading(argument), paragraph(argument) or "\\&"]
    return lines


def synopsis(path, command, common):
    words = [f"\\fB{text(' '.join(path))}\\fR"]
    arguments = shown_arguments(command)
    if any(is_option(one) and key(one) not in common for one in arguments) or common:
        words.append("[\\fIoptions\\fR]")
    for argument in arguments:
        if is_option(argument):
            if not argument.get("isOptional", True):
                words.append(heading(argument))
            continue
        repeats = argument.get("isRepeating") and not argument["valueName"].endswith(("…", "..."))
        told = heading(argument) + ("..." if repeats else "")
        words.append(f"[{told}]" if argument.get("isOptional") else told)
    return " ".join(words)


def key(argument):
    return json.dumps(argument, sort_keys=True)


def leaves(path, command):
    """Every command below that does something itself."""
    subcommands = [one for one in command.get("subcommands", []) if one["commandName"] != "help"]
    if not subcommands or command.get("defaultSubcommand"):
        own = {**command, "arguments": command.get("arguments", [])}
        if not subcommands:
            yield path, own
    for subcommand in subcommands:
        yield from leaves([*path, subcommand["commandName"]], subcommand)


def written(argument):
    """Whether it needs words of its own on a page: every command has these two."""
    return not (is_option(argument) and any(name(one) in ("--help", "--version") for one in argument["names"]))


def as_title(abstract):
    """A sentence as the NAME section has it; a name such as CoreOS stays as it is."""
    first, _, rest = abstract.rstrip(".").partition(" ")
    return f"{first.lower() if first[1:].islower() else first} {rest}"


class Page:
    """One manual page."""

    def __init__(self, title, abstract, version, day):
        self.title = title
        self.lines = [
            '.\\" Made from the command tree; not to be edited.',
            f'.TH {title.upper()} 1 {day} "coracle {version}" "coracle"',
            ".nh", ".ad l",
            ".SH NAME",
            f"{text(title)} \\- {text(as_title(abstract))}",
        ]

    def section(self, name):
        self.lines.append(f".SH {name}")
        return self

    def add(self, *lines):
        self.lines += lines
        return self

    def hand_written(self, name):
        path = f"{HERE}/manual-{name}.man"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.lines.append(file.read().rstrip("\n"))

    def write(self, directory):
        with open(f"{directory}/{self.title}.1", "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines) + "\n")


def group_page(group, version, day, groups):
    title = f"coracle-{group['commandName']}"
    page = Page(title, group["abstract"], version, day)
    commands = list(leaves(["coracle", group["commandName"]], group))
    counts = collections.Counter(
        key(one) for _, command in commands for one in shown_arguments(command) if is_option(one) and written(one)
    )
    # What most commands of a group share, the flags for reaching a node, is told once.
    common = {one for one, count in counts.items() if len(commands) > 3 and count * 2 > len(commands)}
    page.section("SYNOPSIS")
    for path, command in commands:
        page.add(synopsis(path, command, common), ".br")
    page.lines.pop()
    page.section("DESCRIPTION").add(text(group["abstract"]))
    if group.get("discussion"):
        page.add(".PP", text(group["discussion"]))
    is_single = len(commands) == 1 and len(commands[0][0]) == 2
    page.section("OPTIONS" if is_single else "COMMANDS")
    for path, command in commands:
        own = [one for one in shown_arguments(command) if written(one) and key(one) not in common]
        if not is_single:
            page.add(f".SS {text(' '.join(path[2:]))}", text(command.get("abstract") or ""))
            if command.get("discussion"):
                page.add(".PP", text(command["discussion"]))
        page.add(*listed(own))
    if common:
        page.section("COMMON OPTIONS").add("Most of these commands have these options too.")
        seen = {}
        for _, command in commands:
            for one in shown_arguments(command):
                if key(one) in common:
                    seen.setdefault(key(one), one)
        page.add(*listed(seen.values()))
    page.hand_written(group["commandName"])
    others = [f"\\fBcoracle\\-{text(one)}\\fR(1)" for one in groups if one != group["commandName"]]
    page.section("SEE ALSO").add(", ".join(["\\fBcoracle\\fR(1)", *others]))
    return page


def root_page(root, version, day, groups):
    page = Page("coracle", root["abstract"], version, day)
    page.section("SYNOPSIS").add("\\fBcoracle\\fR \\fIgroup\\fR \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]")
    page.section("DESCRIPTION").add(text(root["abstract"]))
    if root.get("discussion"):
        page.add(".PP", text(root["discussion"]))
    page.section("GROUPS")
    for group in groups.values():
        page.add(".TP", f"\\fBcoracle {text(group['commandName'])}\\fR", text(group["abstract"]))
    page.section("OPTIONS").add(*listed(shown_arguments(root)))
    page.hand_written("coracle")
    page.section("SEE ALSO").add(", ".join(f"\\fBcoracle\\-{text(one)}\\fR(1)" for one in groups))
    return page


def main(words):
    if len(words) != 3:
        print("usage: manual.py CORACLE COMMANDS DIRECTORY", file=sys.stderr)
        return 2
    binary, commands, directory = words
    with open(commands, encoding="utf-8") as file:
        tree = json.load(file)
    version = subprocess.run([binary, "--version"], check=True, stdout=subprocess.PIPE).stdout.decode().strip()
    day = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    root = tree["command"]
    groups = {one["commandName"]: one for one in root["subcommands"] if one["commandName"] != "help"}
    os.makedirs(directory, exist_ok=True)
    root_page(root, version, day, groups).write(directory)
    for group in groups.values():
        group_page(group, version, day, groups).write(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

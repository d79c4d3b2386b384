#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The completion script of a shell: completions.py CORACLE COMMANDS bash|zsh|fish

COMMANDS is what `coracle --experimental-dump-help` printed. The script is the one that the program itself prints, and what that one does not know: the words behind `coracle help`.
"""

import json
import subprocess
import sys


def subcommands(command, path=()):
    """Of each command that has some: its path below coracle, and their names."""
    names = [one["commandName"] for one in command.get("subcommands", []) if one["commandName"] != "help"]
    if names:
        yield " ".join(path), names
    for one in command.get("subcommands", []):
        yield from subcommands(one, (*path, one["commandName"]))


def bash(script, known):
    cases = "\n".join(f"    '{path}') words='{' '.join(names)}' ;;" for path, names in known)
    added = f"""_coracle_help() {{
    local words=''
    case "${{COMP_WORDS[*]:2:COMP_CWORD-2}}" in
{cases}
    esac
    COMPREPLY+=($(compgen -W "${{words}}" -- "${{cur}}"))
}}

"""
    # bash reads it in and does not run it, so that it needs no interpreter's name.
    return script.removeprefix("#!/bin/bash\n").replace("complete -o", added + "complete -o", 1)


def zsh(script, known):
    cases = "\n".join(f"    '{path}') names=({' '.join(names)}) ;;" for path, names in known)
    added = f"""_coracle_help() {{
    local -a names
    case "${{(j: :)words[2,CURRENT-1]}}" in
{cases}
    esac
    compadd -a names
}}

if [["""
    head, _, tail = script.rpartition("if [[")
    return head + added + tail


def fish(script, known):
    for path, names in known:
        before = f"coracle help {path}".strip()
        script += f"complete -c coracle -n 'test \"$(commandline -opc | string join \" \")\" = \"{before}\"'"
        script += f" -fa '{' '.join(names)}'\n"
    return script


def main(words):
    known = {"bash": bash, "zsh": zsh, "fish": fish}
    if len(words) != 3 or words[2] not in known:
        print("usage: completions.py CORACLE COMMANDS bash|zsh|fish", file=sys.stderr)
        return 2
    binary, commands, shell = words
    with open(commands, encoding="utf-8") as file:
        tree = json.load(file)["command"]
    told = subprocess.run([binary, "--generate-completion-script", shell], check=True, stdout=subprocess.PIPE)
    script = told.stdout.decode().rstrip("\n") + "\n"
    sys.stdout.write(known[shell](script, list(subcommands(tree))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

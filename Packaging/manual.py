# SPDX-License-Identifier: MIT
"""Writes the manual pages of a command from what it tells of itself: PROGRAM VERSION FOLDER.

One page for the program and one for each of its commands, in section 1, for man(1)."""

import json
import pathlib
import subprocess
import sys

DATE = "November 2026"


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.splitlines())


def names(argument):
    dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
    return [dashes[name["kind"]] + name["name"] for name in argument.get("names", [])]


def option(argument):
    """`.TP` with the names of an option and the value that it takes, then what it does."""
    if argument["kind"] == "positional":
        head = f"\\fI{escaped(argument['valueName'])}\\fR"
    else:
        head = ", ".join(f"\\fB{escaped(name)}\\fR" for name in names(argument))
        if argument["kind"] == "option":
            head += f" \\fI{escaped(argument.get('valueName', 'value'))}\\fR"
    text = argument.get("abstract", "")
    default = argument.get("defaultValue")
    if default:
        text += f" (default: {default})"
    return [".TP", head, escaped(text)]


def synopsis(arguments):
    parts = []
    for argument in arguments:
        if not argument.get("shouldDisplay", True):
            continue
        if argument["kind"] == "positional":
            text = f"\\fI{escaped(argument['valueName'])}\\fR" + (" ..." if argument["isRepeating"] else "")
        else:
            name = (argument.get("preferredName") or argument["names"][0])
            text = f"\\fB{escaped(('-' if name['kind'] == 'short' else '--') + name['name'])}\\fR"
            if argument["kind"] == "option":
                text += f" \\fI{escaped(argument.get('valueName', 'value'))}\\fR"
        parts.append(f"[{text}]" if argument["isOptional"] else text)
    return parts


def discussion(text):
    """Paragraphs; a line in capitals is a heading, indented lines stay as they are."""
    lines, verbatim, is_heading = [], False, True
    for line in text.splitlines():
        indented = line.startswith("  ")
        if verbatim and not indented:
            lines.append(".fi")
            lines.append(".RE")
            verbatim = False
        if not line.strip():
            lines.append(".PP")
        elif line.isupper() and not indented:
            lines.append(f".SH {line}")
        elif indented:
            if not verbatim:
                lines += [".RS", ".nf"]
                verbatim = True
            lines.append(escaped(line[2:]))
        else:
            lines.append(escaped(line))
    if verbatim:
        lines += [".fi", ".RE"]
    return lines


def page(name, command, version, others):
    title = name.replace(" ", "-")
    arguments = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    lines = [
        f'.TH "{title.upper()}" 1 "{DATE}" "SwiftNet {version}" "User Commands"', ".SH NAME",
        f"{escaped(title)} \\- {escaped(command['abstract'].rstrip('.'))}", ".SH SYNOPSIS",
        " ".join([f"\\fB{escaped(name)}\\fR"] + (["\\fIcommand\\fR"] if others and name == title else []) + synopsis(arguments)),
    ]
    if command.get("discussion"):
        text = discussion(command["discussion"])
        lines += ([] if text[0].startswith(".SH") else [".SH DESCRIPTION"]) + text
    if arguments:
        lines.append(".SH OPTIONS")
        for argument in arguments:
            lines += option(argument)
    commands = [sub for sub in command.get("subcommands", []) if sub.get("shouldDisplay", True) and sub["commandName"] != "help"]
    if commands:
        lines.append(".SH COMMANDS")
        for sub in commands:
            lines += [".TP", f"\\fB{escaped(sub['commandName'])}\\fR", escaped(sub["abstract"]) + f" See {escaped(title + '-' + sub['commandName'])}(1)."]
    related = [other for other in others if other != title]
    if related:
        lines += [".SH SEE ALSO", ", ".join(f"\\fB{escaped(other)}\\fR(1)" for other in related)]
    return title, "\n".join(lines) + "\n", commands


def main():
    program, version, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    told = subprocess.run([program, "--experimental-dump-help"], capture_output=True, text=True, check=True).stdout
    command = json.loads(told)["command"]
    folder.mkdir(parents=True, exist_ok=True)
    subs = [sub["commandName"] for sub in command.get("subcommands", []) if sub.get("shouldDisplay", True) and sub["commandName"] != "help"]
    root = command["commandName"]
    others = [root] + [f"{root}-{sub}" for sub in subs]
    others = others if len(others) > 1 else []
    title, text, commands = page(root, command, version, others)
    (folder / f"{title}.1").write_text(text)
    for sub in commands:
        title, text, _ = page(f"{root} {sub['commandName']}", sub, version, others)
        (folder / f"{title}.1").write_text(text)


if __name__ == "__main__":
    main()

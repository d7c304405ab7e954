# SPDX-License-Identifier: MIT
"""Writes the manual pages of a command from what it tells of itself: PROGRAM VERSION FOLDER.

One page for the program and one for each of its commands, in section 1, for man(1). The environment's variables are those of
Documentation/Environment.md."""

import json
import pathlib
import re
import subprocess
import sys

DATE = "November 2026"
ENVIRONMENT = pathlib.Path(__file__).resolve().parents[1] / "Documentation/Environment.md"

# What a program's own help leaves to its commands'.
DESCRIPTIONS = {
    "swiftnet": [
        "swiftnet runs image networks on the processor: ONNX files, programs of PyTorch's torch.export (.pt2), and the weights of "
        "networks that it recognises. It answers for images on the command line (infer, rotate) and as a server over HTTP and gRPC "
        "(serve), and shows what a file holds and how it runs (inspect, plan, bench, profile).",
        "Models are kept in a repository, a folder with a folder for each model. It is the one that --weights or SWIFTNET_WEIGHTS "
        "names, else share/swiftnet beside the program's bin, which has the models that come along; add puts another one into it.",
    ],
}
FILES = {
    "swiftnet": [
        ("share/swiftnet", "The models that come along, beside the folder bin that holds the program."),
        ("~/.local/share/swiftnet", "Models of one user: add puts them there where the repository can't be written, and all commands search it too."),
        ("/etc/swiftnet/swiftnet.conf", "The settings of the service that packages bring."),
        ("share/doc/swiftnet", "The documentation, with examples and the form of model.json (Documentation/model.schema.json)."),
    ],
}
RELATED = {"swiftnet": ["weight-extract"], "weight-extract": ["swiftnet", "swiftnet-add", "swiftnet-inspect", "swiftnet-infer"]}
# An option that the parser of arguments adds by itself and does not tell of.
VERSION_OPTION = {"kind": "flag", "names": [{"kind": "long", "name": "version"}], "abstract": "Show the version."}


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


def options(arguments):
    """All options, under the headings that the command gives them."""
    lines, heading = [".SH OPTIONS"], None
    for argument in arguments:
        title = argument.get("sectionTitle")
        if title != heading:
            lines.append(f".SS {escaped(title or 'Other options')}")
            heading = title
        lines += option(argument)
    return lines


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


def items(pairs):
    lines = []
    for tag, text in pairs:
        lines += [".TP", f"\\fB{escaped(tag)}\\fR", escaped(text)]
    return lines


def exit_codes(text):
    """The pairs of 'Exit codes: 0 done; 1 could not write, 64 wrong usage.'; None of any other text."""
    match = re.fullmatch(r"Exit codes: (.*?)\.?", text, re.S)
    return match and [tuple(part.split(" ", 1)) for part in re.split(r"[,;] (?=\d+ )", " ".join(match[1].split()))]


def section(heading, body):
    """The lines below a heading: examples as they stand, lists with their terms, else text that is filled."""
    lines, inside = [], False
    for line in body:
        text = line.strip()
        term = re.fullmatch(r"(\S.*?) {2,}(\S.*)", text)
        is_verbatim = bool(text) and line.startswith("  ") and (heading == "EXAMPLES" or not heading)
        if inside and not is_verbatim:
            lines += [".fi", ".RE"]
            inside = False
        if is_verbatim:
            if not inside:
                lines += [".RS", ".nf"]
                inside = True
            lines.append(escaped(line[2:]))
        elif term and line.startswith("  "):
            lines += items([(term[1], term[2])])
        else:
            lines.append(escaped(text) if text else ".PP")
    return lines + ([".fi", ".RE"] if inside else [])


def discussion(text, heading="DESCRIPTION"):
    """Paragraphs under headings; a line in capitals is a heading, and so is the beginning of a list of exit codes."""
    parts = [(heading, [])]
    for line in text.splitlines():
        if line.isupper() and not line.startswith(" "):
            parts.append((line, []))
        else:
            parts[-1][1].append(line)
    lines = []
    for heading, body in parts:
        paragraphs = re.split(r"\n\s*\n", "\n".join(body).strip("\n"))
        codes = [exit_codes(paragraph) for paragraph in paragraphs]
        kept = "\n\n".join(paragraph for paragraph, found in zip(paragraphs, codes) if not found)
        if kept.strip():
            lines += [f".SH {heading}"] + section("" if heading == "DESCRIPTION" else heading, kept.splitlines())
        for found in filter(None, codes):
            lines += [".SH EXIT CODES"] + items(found)
    return lines


def environment(title):
    """The variables that a command reads, of the table for those who run the programs."""
    table = ENVIRONMENT.read_text().split("\n## ")[1]
    found = []
    for row in table.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        if not row.startswith("| `") or len(cells) != 3:
            continue
        readers = [reader.replace(" ", "-") for reader in re.findall(r"`([^`]*)`", cells[2])]
        is_for_all = "all commands" in cells[2]
        # The program's own page has what all its commands read, and each command's what it reads besides.
        if title == "swiftnet" and is_for_all or any(reader == title or reader.startswith(f"{title}---") for reader in readers):
            plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", cell).replace("`", "").rstrip() for cell in cells]
            found.append((plain[0], plain[1]))
    return found


def page(name, command, version, others):
    title = name.replace(" ", "-")
    arguments = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    is_root = title == command["commandName"]
    if is_root and not any("--version" in names(argument) for argument in arguments):
        arguments = [VERSION_OPTION] + arguments
    commands = [sub for sub in command.get("subcommands", []) if sub.get("shouldDisplay", True) and sub["commandName"] != "help"]
    lines = [
        f'.TH "{title.upper()}" 1 "{DATE}" "SwiftNet {version}" "User Commands"', ".SH NAME",
        f"{escaped(title)} \\- {escaped(command['abstract'].rstrip('.'))}", ".SH SYNOPSIS",
    ]
    if commands:
        lines += [f"\\fB{escaped(name)}\\fR \\fIcommand\\fR [\\fIoption\\fR ...]", ".br", f"\\fB{escaped(name)}\\fR \\fB\\-\\-version\\fR"]
    else:
        lines.append(" ".join([f"\\fB{escaped(name)}\\fR"] + synopsis(arguments)))
    told = discussion(command.get("discussion", ""))
    if title in DESCRIPTIONS:
        lines.append(".SH DESCRIPTION")
        for paragraph in DESCRIPTIONS[title]:
            lines += [".PP", escaped(paragraph)]
        # In the place of the help's own, which the list of options has.
        while told and told[0] == ".SH DESCRIPTION":
            told = told[next((n for n in range(1, len(told)) if told[n].startswith(".SH")), len(told)):]
    if commands:
        lines.append(".SH COMMANDS")
        for sub in commands:
            lines += [".TP", f"\\fB{escaped(sub['commandName'])}\\fR", escaped(sub["abstract"]) + f" See \\fB{escaped(title + '-' + sub['commandName'])}\\fR(1)."]
    # A description stands before the options, examples and exit codes behind them.
    first = next((n for n in range(1, len(told)) if told[n].startswith(".SH")), len(told)) if told[:1] == [".SH DESCRIPTION"] else 0
    lines += told[:first]
    if arguments:
        lines += options(arguments)
    lines += told[first:]
    variables = environment(title)
    if variables:
        lines += [".SH ENVIRONMENT"] + items(variables)
    if title in FILES:
        lines += [".SH FILES"] + items(FILES[title])
    related = [other for other in others if other != title] + RELATED.get(title, [])
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

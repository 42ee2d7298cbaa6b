#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""blocks.py FILE...: runs the commands of Markdown files, a line for each: ok, FAIL or skip.

A ```sh block is run as a whole. In a ```console block each line that begins with "$ " is run, and
what follows it must be what it prints: "..." stands for any lines, "…" for any part of one, numbers and
times for any others, and "(exit status N)" for the exit status, which is 0 otherwise. A ```yaml block that
is a policy must be one for mapctl. A comment before the block, <!-- not run: WHY -->, keeps it from being
run, and WHY is printed. `mapctl ...` in running text
must name a command and options that mapctl has, and `make ...` a target.
"""
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\w*)$")
NOT_RUN = re.compile(r"^<!-- not run: (.*) -->$")
INLINE = re.compile(r"`(mapctl [a-z][^`]*)`")
TARGET = re.compile(r"`(?:[A-Z]+=\S+ )*make ([a-z][a-z0-9-]*)[^`]*`")


def blocks(lines):
    """(line number, language, lines, why it is not run) of each fenced block."""
    start, why = None, None
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if fence and start is None:
            start, language = number, fence[1]
        elif fence:
            yield start, language, lines[start : number - 1], why
            start, why = None, None
        elif start is None and line:
            directive = NOT_RUN.match(line)
            why = directive[1] if directive else None


def transcript(lines):
    """(command, expected lines, expected exit status) of a console block."""
    commands = []
    for line in lines:
        status = re.match(r"^\(exit status (\d+)\)$", line)
        if line.startswith("$ "):
            commands.append([line[2:], [], 0])
        elif status:
            commands[-1][2] = int(status[1])
        else:
            commands[-1][1].append(line)
    return commands


def run(command):
    done = subprocess.run(
        ["sh", "-ec", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=300, check=False)
    return done.returncode, done.stdout.rstrip("\n").split("\n")


def pattern(expected):
    """What is printed may have other numbers and times, and other room between columns."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        escaped = re.escape(re.sub(r"[ \t]+", " ", line.rstrip()))
        parts.append(re.sub(r"\d+", r"\\d+", escaped).replace("…", ".*") + r"\n")
    return re.compile("".join(parts) + r"\Z")


def is_as_shown(expected, printed):
    normal = "".join(re.sub(r"[ \t]+", " ", line.rstrip()) + "\n" for line in printed)
    return bool(pattern(expected).match(normal)) if expected else normal.strip() == ""


def report(word, place, what, printed=()):
    print(f"{word} {place}: {what}")
    for line in printed:
        print(f"     {line}")


def run_block(path, number, language, lines):
    place = f"{path}:{number}"
    if language == "yaml":
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as policy:
            policy.write("\n".join(lines))
            policy.flush()
            status, printed = run(f"mapctl policies validate {policy.name}")
        report("FAIL" if status else "ok", place, f"{lines[2]} is a policy", printed if status else ())
        return
    if language == "sh":
        status, printed = run("\n".join(lines))
        report("FAIL" if status else "ok", place, lines[0], printed if status else ())
        return
    for command, expected, wanted in transcript(lines):
        status, printed = run(command)
        good = status == wanted and is_as_shown(expected, printed)
        report("ok" if good else "FAIL", place, command, () if good else [f"exit status {status}, not as shown:"] + printed)


def alternatives(command):
    """`mapctl a b | c --d` is `mapctl a b` and `mapctl a c --d`."""
    first, *others = command.split(" | ")
    yield first.split()
    for other in others:
        yield [*subcommands(first.split())[:-1], *other.split()]


def subcommands(words):
    """mapctl and the names behind it, up to the first argument."""
    count = next((i for i, word in enumerate(words) if not re.fullmatch(r"[a-z]+", word)), len(words))
    return words[:count]


def unknown(words):
    """What mapctl does not know of a command, or None."""
    names = subcommands(words)
    while True:
        help_text = "\n".join(run(" ".join([*names, "--help"]))[1])
        if f"USAGE: {' '.join(names)} " in help_text:
            break
        names.pop()  # an argument, if a command is left
    if len(names) == 1 and len(words) > 1 and not words[1].startswith("-"):
        return f"there is no mapctl {words[1]}"
    options = re.findall(r"--[a-z-]+", " ".join(words))
    missing = [option for option in options if option not in help_text and option not in ("--generate-completion-script",)]
    return f"{' '.join(names)} has no {missing[0]}" if missing else None


def check_inline(path, text):
    for command in sorted({" ".join(found.split()) for found in INLINE.findall(text)}):
        wrong = [said for said in map(unknown, alternatives(command)) if said]
        report("FAIL" if wrong else "ok", path, f"`{command}` in the text", wrong)
    with open("Makefile", encoding="utf-8") as makefile:
        targets = set(re.findall(r"^([a-z0-9-]+):", makefile.read(), flags=re.M))
    for target in sorted(set(TARGET.findall(text)) - targets):
        report("FAIL", path, f"there is no make {target}")


def main():
    for path in sys.argv[1:]:
        text = open(path, encoding="utf-8").read()
        for number, language, lines, why in blocks(text.split("\n")):
            if language not in ("sh", "console") and not (language == "yaml" and "kind: WorkloadPolicy" in lines):
                continue
            if why:
                report("skip", f"{path}:{number}", f"{lines[0]} ({why})")
            else:
                run_block(path, number, language, lines)
        check_inline(path, re.sub(r"```.*?```", "", text, flags=re.S))
        sys.stdout.flush()


main()

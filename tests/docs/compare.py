"""What a `console` block shows: commands with their output, and whether that is what came out."""
import re

ANYTHING = "…"


def commands_of(lines, place):
    """[(command, [output line, …]), …]; a command is continued behind a backslash at the end of its line."""
    commands, continued = [], False
    for line in lines:
        if continued:
            commands[-1][0] += "\n" + re.sub(r"^> ", "", line)
        elif line.startswith("$ "):
            commands.append([line[2:], []])
        elif commands:
            commands[-1][1].append(line)
        elif line.strip():
            raise ValueError(f"{place}: a console block begins with '$ COMMAND'")
        continued = bool(commands) and not commands[-1][1] and commands[-1][0].endswith("\\")
    return commands


NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?\*?")


def line_pattern(line, figures_vary):
    """A regular expression for one line: … is anything; with `figures_vary` each number is any number and spaces are any spaces."""
    parts = []
    for part in re.split(f"({ANYTHING})", line.rstrip()):
        if part == ANYTHING:
            parts.append(".*")
        elif not figures_vary:
            parts.append(re.escape(part))
        else:
            for piece in re.split(f"({NUMBER.pattern}|\\s+)", part):
                if NUMBER.fullmatch(piece):
                    parts.append(NUMBER.pattern)
                elif piece.isspace():
                    parts.append(r"\s+")
                else:
                    parts.append(re.escape(piece))
    return "".join(parts)


def difference(expected, actual, figures_vary=False):
    """None, or what differs first. `expected` and `actual` are lists of lines; empty ones at the end do not count."""

    def trimmed(lines):
        lines = [line.rstrip() for line in lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    expected, actual = trimmed(expected), trimmed(actual)
    patterns = [None if line.strip() == ANYTHING else re.compile(line_pattern(line, figures_vary)) for line in expected]

    # reached[j]: the expected lines so far can be what the first j actual lines are
    reached, furthest = [True] + [False] * len(actual), 0
    for i, pattern in enumerate(patterns):
        following = [False] * (len(actual) + 1)
        for j, here in enumerate(reached):
            if pattern is None:
                following[j] = here or (j > 0 and following[j - 1])
            elif here and j < len(actual) and pattern.fullmatch(actual[j]):
                following[j + 1] = True
        if not any(following):
            at = min(furthest, len(actual) - 1)
            seen = f"'{actual[furthest]}'" if furthest < len(actual) else "the end"
            return f"line {i + 1} of the output should be\n  '{expected[i]}'\nbut what came is {seen}" + (
                "" if at < 0 else "\nThe output in full:\n" + "\n".join("  " + line for line in actual))
        reached = following
        furthest = max(j for j, here in enumerate(reached) if here) if pattern is not None else min(
            j for j, here in enumerate(reached) if here)
    if reached[-1]:
        return None
    return f"the page ends here, but the output goes on: '{actual[furthest]}'\nThe output in full:\n" + "\n".join(
        "  " + line for line in actual)

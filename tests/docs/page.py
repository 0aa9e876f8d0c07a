"""A Markdown page taken apart: its fenced blocks, and the comments in front of them that say how they are tested."""
import re

LANGUAGES = ("sh", "console", "cpp", "c", "cmake", "yaml", "python", "json", "text")
# What may stand behind `<!-- test: `, and whether a value follows.
DIRECTIVES = {"not run:": True, "file": True, "part of": True, "inside": True, "run inside": True, "with": True,
              "replace": True, "before:": True, "after:": True, "exit": True, "pictures": True,
              "figures vary": False, "train": False}


class PageError(Exception):
    """What is wrong with a page, with its line."""


class Block:
    """A fenced block: `language`, `text`, `line` of the fence, and `directives`, a list of (name, value)."""

    def __init__(self, language, line, directives):
        self.language, self.line, self.directives, self.lines = language, line, directives, []

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)

    def all(self, name):
        return [value for key, value in self.directives if key == name]

    def value(self, name):
        """The value of a directive, or None; True for one without a value."""
        values = self.all(name)
        return values[-1] if values else None


def read_directive(text, place):
    for name in sorted(DIRECTIVES, key=len, reverse=True):
        if text == name.rstrip(":") and not DIRECTIVES[name]:
            return name, True
        if DIRECTIVES[name] and text.startswith(name + " "):
            value = text[len(name):].strip()
            if name in ("exit", "pictures") and not value.isdigit():
                raise PageError(f"{place}: '{name}' takes a number, not '{value}'")
            return name.rstrip(":"), value
    raise PageError(f"{place}: '{text}' says nothing; known: {', '.join(DIRECTIVES)}")


def read_blocks(path):
    """The blocks of a page in order. Fences may be indented (in lists) and are closed by one at least as long."""
    blocks, directives, current, fence, indent = [], [], None, "", ""
    with open(path, encoding="utf-8") as page:
        for number, line in enumerate(page, 1):
            line = line.rstrip("\n")
            place = f"{path}:{number}"
            if current is not None:
                if re.fullmatch(r"\s*" + fence[0] + "{" + str(len(fence)) + r",}\s*", line):
                    blocks.append(current)
                    current = None
                else:
                    current.lines.append(line[len(indent):] if line.startswith(indent) else line.lstrip())
                continue
            comment = re.fullmatch(r"\s*<!--\s*test:\s*(.*?)\s*-->\s*", line)
            opening = re.fullmatch(r"(\s*)(`{3,}|~{3,})\s*([^\s`]*)[^`]*", line)
            if comment:
                directives.append(read_directive(comment[1], place))
            elif opening:
                indent, fence, language = opening.groups()
                if language not in LANGUAGES:
                    raise PageError(f"{place}: a block needs one of the languages {', '.join(LANGUAGES)}, not '{language}'")
                current, directives = Block(language, number, directives), []
            elif line.strip() and directives:
                raise PageError(f"{place}: the comment above says how a block is tested, but none follows")
    if current is not None:
        raise PageError(f"{path}:{current.line}: the block is not closed")
    if directives:
        raise PageError(f"{path}: the last comment says how a block is tested, but none follows")
    return blocks

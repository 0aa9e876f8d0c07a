#!/usr/bin/env python3
"""Whether every relative link of Markdown pages leads to a file, and every #anchor to a heading.

  check_links.py PAGE|FOLDER…

Addresses on the network are not asked for.
"""
import os
import re
import sys
import unicodedata


def without_code(text):
    """Fenced blocks and code within lines left out: what looks like a link there is none."""
    text = re.sub(r"^\s*(`{3,}|~{3,})[^\n]*\n.*?^\s*\1`*\s*$", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda code: re.sub(r"[\[\]()]", "", code[0]), text)


def plain(heading):
    """A heading as it is read: links are their text, marks are gone."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[`*]", "", heading).strip()


def github_anchor(heading):
    heading = plain(heading).lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def mkdocs_anchor(heading):
    heading = unicodedata.normalize("NFKD", plain(heading)).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def anchors_of(path):
    """The anchors of a page that are the same wherever it is shown."""
    with open(path, encoding="utf-8") as page:
        text = re.sub(r"^\s*(`{3,})[^\n]*\n.*?^\s*\1`*\s*$", "", page.read(), flags=re.M | re.S)
    found, seen = set(), {}
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", text, re.M):
        anchor = github_anchor(heading)
        repeated = seen.get(anchor, 0)
        seen[anchor] = repeated + 1
        if repeated == 0 and anchor == mkdocs_anchor(heading):
            found.add(anchor)
    found.update(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    return found


def problems_of(page):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    links = re.findall(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)", without_code(text))
    links += re.findall(r'(?:href|src)="([^"]+)"', without_code(text))
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), target)) if target else page
        if not os.path.exists(path):
            yield f"{page}: ({link}) leads nowhere"
        elif anchor and path.endswith(".md") and anchor not in anchors_of(path):
            near = ", ".join(sorted(anchors_of(path))) or "none"
            yield f"{page}: ({link}): {path} has no such heading, or one whose anchor differs between viewers; there are: {near}"


def pages_of(arguments):
    for argument in arguments:
        if not os.path.isdir(argument):
            yield argument
        for folder, _, names in sorted(os.walk(argument)):
            yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(".md"))


def main():
    pages = list(pages_of(sys.argv[1:]))
    problems = [problem for page in pages for problem in problems_of(page)]
    for problem in problems:
        print(problem)
    if problems or not pages:
        sys.exit(f"{len(problems)} links of {len(pages)} pages are wrong")
    print(f"the links of {len(pages)} pages lead where they should")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Whether a built site is whole and loads nothing from elsewhere: every style sheet, script, picture and font is a file
of the site, and so is every page that a link leads to.

  check_site.py SITE
"""
import os
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

LOADING = {("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href"), ("source", "src"), ("object", "data")}


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.loaded, self.led_to = [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if value and (tag, name) in LOADING and dict(attributes).get("rel") != "canonical":
                self.loaded.append(value)
            elif value and (tag, name) == ("a", "href"):
                self.led_to.append(value)


def problems_of(site):
    for folder, _, names in os.walk(site):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".css"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
                for address in re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s;]+)", text):
                    if re.match(r"(https?:)?//", address):
                        yield f"{path} loads {address}"
            if not name.endswith(".html"):
                continue
            links = Links()
            with open(path, encoding="utf-8", errors="replace") as file:
                links.feed(file.read())
            for address in links.loaded + links.led_to:
                outside = re.match(r"([a-z]+:)?//", address)
                if outside and address in links.loaded:
                    yield f"{path} loads {address}"
                target = unquote(address.split("#")[0].split("?")[0])
                if not outside and target and not re.match(r"[a-z]+:", address):
                    # 404.html may be shown anywhere, so its paths begin at the root.
                    full = os.path.join(site, target[1:]) if target.startswith("/") else os.path.join(folder, target)
                    if not os.path.exists(full):
                        yield f"{path}: {address} leads nowhere"


def main():
    problems = list(problems_of(sys.argv[1]))
    for problem in problems[:50]:
        print(problem)
    if problems or not os.path.exists(os.path.join(sys.argv[1], "index.html")):
        sys.exit(f"{len(problems)} addresses of the site are wrong")


main()

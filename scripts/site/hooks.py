"""What the site needs beside the pages: navigation that follows folders, and the sources that pages link to.

Called by MkDocs (hooks in mkdocs.yml). Nothing is written into docs/.
"""
import html
import json
import logging
import os
import re
import shutil
import tempfile

from mkdocs.structure.files import File
from pygments.formatters import HtmlFormatter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LANGUAGES = {".h": "cpp", ".cpp": "cpp", ".inl": "cpp", ".c": "c", ".yaml": "yaml", ".py": "python", ".sh": "sh",
             ".txt": "cmake", ".cmake": "cmake", ".js": "js"}
log = logging.getLogger("mkdocs.hooks.site")
generated = None  # the folder of pages that are made here
index = []  # what the search finds: a section of a page each


def expanded(nav, docs):
    """The navigation with each folder replaced by its pages."""
    result = []
    for entry in nav:
        title, target = next(iter(entry.items()))
        if isinstance(target, list):
            result.append({title: expanded(target, docs)})
        elif target.endswith("/"):
            pages = pages_of(docs, target)
            if pages:
                result.append({title: pages})
        elif target == "api.md" or os.path.exists(os.path.join(docs, target)):
            result.append(entry)
        else:
            log.warning("the navigation names %s, which is not there", target)
    return result


def in_navigation(nav):
    for entry in nav:
        target = entry if isinstance(entry, str) else next(iter(entry.values()))
        yield from in_navigation(target) if isinstance(target, list) else [target]


def pages_of(docs, folder):
    """index.md, then what it links to, then the others."""
    there = sorted(name for name in os.listdir(os.path.join(docs, folder)) if name.endswith(".md"))
    order = []
    if "index.md" in there:
        with open(os.path.join(docs, folder, "index.md"), encoding="utf-8") as index:
            order = ["index.md"] + re.findall(r"\]\(([\w.-]+\.md)(?:#[^)]*)?\)", index.read())
    order = [name for name in dict.fromkeys(order + there) if name in there]
    return [{"Overview": folder + name} if name == "index.md" else folder + name for name in order]


def on_config(config):
    config["nav"] = expanded(config["nav"], config["docs_dir"])
    named = set(in_navigation(config["nav"]))
    for folder, _, names in os.walk(config["docs_dir"]):
        for name in names:
            page = os.path.relpath(os.path.join(folder, name), config["docs_dir"])
            if name.endswith(".md") and page not in named:
                log.warning("no way leads to %s: name it in mkdocs.yml", page)
    return config


def make_page(files, config, path, text):
    full = os.path.join(generated, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as page:
        page.write(text)
    if files.get_file_from_path(path) is None:
        files.append(File(path, generated, config["site_dir"], config["use_directory_urls"]))


def page_of_source(path):
    """Where the page of a file or folder of the sources is, relative to docs/."""
    if path == "README.md":
        return "index.md"
    return "source/" + path + ("/index.md" if os.path.isdir(os.path.join(ROOT, path)) else ".md")


def make_source(files, config, path):
    """A page that shows a file of the sources, or lists a folder."""
    page = page_of_source(path)
    if files.get_file_from_path(page) is not None:
        return
    full = os.path.join(ROOT, path)
    if os.path.isdir(full):
        names = sorted(name for name in os.listdir(full) if not name.startswith((".", "__")))
        make_page(files, config, page, "")
        lines = [f"# {path}\n"]
        for name in names:
            child = f"{path}/{name}"
            make_source(files, config, child)
            target = os.path.relpath(page_of_source(child), os.path.dirname(page))
            lines.append(f"- [{name}{'/' if os.path.isdir(os.path.join(ROOT, child)) else ''}]({target})")
        make_page(files, config, page, "\n".join(lines) + "\n")
        return
    with open(full, encoding="utf-8", errors="replace") as source:
        text = source.read()
    language = LANGUAGES.get(os.path.splitext(path)[1], "sh" if text.startswith("#!") else "text")
    make_page(files, config, page, f"# {path}\n\n~~~~~~{language}\n{text}\n~~~~~~\n")


def links_out(page_path, text):
    """(link, path from the root, anchor) of each link that leaves docs/."""
    for link in set(re.findall(r"\]\(([^)\s]+)\)", text)):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link) or not target:
            continue
        path = os.path.normpath(os.path.join("docs", os.path.dirname(page_path), target))
        if not path.startswith("docs" + os.sep) and os.path.exists(os.path.join(ROOT, path)):
            yield link, path, anchor


def on_files(files, config):
    global generated
    generated = tempfile.mkdtemp(prefix="espalier-site-")
    for file in list(files.documentation_pages()):
        with open(file.abs_src_path, encoding="utf-8") as page:
            for _, path, _ in links_out(file.src_path, page.read()):
                if path != "README.md":
                    make_source(files, config, path)
    make_page(files, config, "api.md",
              "# C++ reference\n\nAll public headers, with an index of classes and functions: "
              '<a href="reference/index.html">reference</a>. The best way in is `espalier/espalier.h`, which '
              "includes what programs need.\n")
    return files


def on_page_markdown(markdown, page, config, files):
    for link, path, anchor in links_out(page.file.src_path, markdown):
        target = os.path.relpath(page_of_source(path), os.path.dirname(page.file.src_path) or ".")
        markdown = markdown.replace(f"]({link})", f"]({target}{'#' + anchor if anchor else ''})")
    return markdown


def words_of(text):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def on_page_content(content, page, config, files):
    source = page.file.src_path.startswith("source/")
    parts = re.split(r'<h[1-3] id="([^"]*)">(.*?)</h[1-3]>', content)
    for anchor, heading, text in zip(parts[1::3], parts[2::3], parts[3::3]):
        index.append({"url": page.file.url + ("#" + anchor if anchor else ""), "page": words_of(str(page.title)),
                      "heading": words_of(heading), "text": words_of(text)[:20000], "source": source})
    return content


def on_post_build(config):
    site = config["site_dir"]
    with open(os.path.join(site, "search_index.js"), "w", encoding="utf-8") as file:
        file.write("window.searchIndex = " + json.dumps(index, ensure_ascii=False) + ";\n")
    dark = HtmlFormatter(style="monokai").get_style_defs(".codehilite")
    dark = "\n".join(line for line in dark.split("\n") if "background" not in line)
    with open(os.path.join(site, "code.css"), "w", encoding="utf-8") as file:
        light = HtmlFormatter(style="friendly").get_style_defs(".codehilite").split("\n")
        file.write("\n".join(line for line in light if not line.startswith((".codehilite {", ".codehilite  {"))))
        file.write("\n@media (prefers-color-scheme: dark) {\n" + dark + "\n}\n")
    shutil.rmtree(generated, ignore_errors=True)

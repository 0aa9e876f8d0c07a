"""What is done with a block, by its language."""
import json
import os
import re

import compare
from workplace import Failure

FRAMES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "frames")

# Of a training configuration; what a part of one leaves out is taken from here.
DEFAULTS = {"model": "lenet5", "data": "mnist", "batch": "50", "epochs": "30", "optimizer": "{SGD: {lr: 0.05}}"}
TRAINING_KEYS = {*DEFAULTS, "seed", "threads", "schedule", "label_smoothing", "checkpoint", "start_from", "teacher",
                 "compress", "shrink", "kernels", "plugins"}
NETWORK_KEYS = {"name", "description", "input", "layers"}


def in_frame(block, name, extension):
    path = os.path.join(FRAMES, name + extension)
    if not os.path.exists(path):
        raise Failure(f"there is no frame '{name}' ({path})")
    with open(path, encoding="utf-8") as frame:
        lines = frame.read().split("\n")
    # What stands at the head of a file goes there, also from statements.
    head = [line for line in block.lines if line.startswith("#include")]
    body = [line for line in block.lines if line not in head]
    for number, line in enumerate(lines):
        if line.strip() == "@BLOCK@":
            indent = line[:line.index("@")]
            lines[number] = "\n".join(indent + text if text else "" for text in body)
            return "\n".join(head + lines)
    raise Failure(f"the frame {path} has no line @BLOCK@")


def with_arguments(block, text):
    for arguments in block.all("with"):
        text = re.sub(r"\bespalier train\b", lambda found: found[0] + " " + arguments, text)
    for change in block.all("replace"):
        old, arrow, new = change.partition(" => ")
        if not arrow or old not in text:
            raise Failure(f"'replace {change}' finds nothing to replace" if arrow else "'replace' is written A => B")
        text = text.replace(old, new)
    return text


def run_sh(block, place):
    place.shell(with_arguments(block, block.text), int(block.value("exit") or 0))
    return "run"


def run_console(block, place):
    commands = compare.commands_of(block.lines, f"line {block.line}")
    if not commands:
        raise Failure("a console block begins with '$ COMMAND'")
    for command, expected in commands:
        output = place.shell(with_arguments(block, command), int(block.value("exit") or 0))
        difference = compare.difference(expected, output.split("\n"), bool(block.value("figures vary")))
        if difference:
            raise Failure(f"$ {command}\n{difference}")
    return "run, and its output compared"


def compiled(place, source, program, link):
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable"]
    if source.endswith(".c"):
        place.run(["cc", "-std=c99", "-O1", *warnings, source, *(["-o", program] if link else ["-fsyntax-only"])])
        return
    place.run([place.compiler, "-std=c++20", *place.flags, *warnings, source,
               *(["-o", program, "-lespalier"] if link else ["-fsyntax-only"])])


def run_program(block, place, extension):
    part = block.value("part of")
    frame = block.value("run inside") or block.value("inside")
    text = with_arguments(block, block.text)
    name = part or f".block_{block.line}{extension}"
    if part:
        with open(place.path(part), "a", encoding="utf-8") as file:
            file.write(text)
        if not block.last_part:
            return f"a part of {part}"
    elif frame:
        place.write(name, in_frame(block, frame, extension))
    elif re.search(r"\bint main\b", text):
        place.write(name, text)
    else:
        raise Failure("not a whole program: say where it stands, <!-- test: inside FRAME -->, part of NAME or file NAME")
    links = bool(part or block.value("run inside") or not frame)
    program = place.path(os.path.splitext(name)[0] + ".program")
    compiled(place, place.path(name), program, links)
    if not links:
        return f"compiled inside {frame}"
    place.run([program], int(block.value("exit") or 0))
    return "compiled and run" + (f" inside {frame}" if frame else "")


def run_cmake(block, place):
    frame = block.value("run inside") or block.value("inside")
    text = in_frame(block, frame, ".cmake") if frame else block.text
    if "cmake_minimum_required" not in text:
        raise Failure("not a whole project: say where it stands, <!-- test: inside FRAME -->")
    folder = f".block_{block.line}"
    place.write(folder + "/CMakeLists.txt", text)
    place.install()
    place.run(["cmake", "-S", folder, "-B", folder + "/build", f"-DCMAKE_CXX_FLAGS={' '.join(place.flags)}"])
    place.run(["cmake", "--build", folder + "/build"])
    return "configured and built"


def set_key(text, key, value):
    """The top-level key `key` of a YAML text set to `value`, which stands on its line."""
    found = re.search(rf"^{key}:.*\n(?:[ \t#].*\n|- .*\n|\n)*", text, re.M)
    line = f"{key}: {value}\n"
    return text[:found.start()] + line + text[found.end():] if found else text + line


def run_yaml(block, place):
    text = with_arguments(block, block.text) if block.all("replace") else block.text
    name = block.value("file") or f"block_{block.line}.yaml"
    frame = block.value("inside")
    if frame:
        text = in_frame(block, frame, ".yaml")
    elif block.lines and block.lines[0].startswith("- "):  # layers
        text = "input: [32, 32, 16]\nlayers:\n" + "".join("  " + line + "\n" for line in block.lines)
        text += "  - GlobalAvgPool2d\n  - Linear: {out: 10}\n"
    keys = set(re.findall(r"^([A-Za-z_]\w*)\s*:", text, re.M))
    if "layers" in keys and keys <= NETWORK_KEYS:
        place.run(["espalier", "info", place.write(name, text)])
        return "a network"
    changes = [change.partition(":")[::2] for change in block.all("with")]
    if keys <= TRAINING_KEYS:
        kind = "a training" if keys >= set(DEFAULTS) else "part of a training"
    else:
        place.write(name, text)
        kind, text, name = "a file of compression", f"compress: {name}\n", f"block_{block.line}_training.yaml"
    for key, value in changes:
        text = set_key(text, key, value.strip())
    for key, value in DEFAULTS.items():
        if not re.search(rf"^{key}\s*:", text, re.M):
            text = set_key(text, key, value)
    # A file of the page is what the page says; what is filled in is tried beside it.
    if block.value("file") and kind != "a file of compression":
        place.write(name, block.text)
        name = os.path.join(os.path.dirname(name), f"block_{block.line}.yaml")
    path = place.write(name, text)
    place.run(["espalier", "train", path, "--dry-run"])
    if not block.value("train"):
        return kind
    place.run(["espalier", "train", path, "--out", f"runs/block_{block.line}"])
    return kind + ", trained"


def run_block(block, place):
    """Does what the block says; in a few words, what was done. Throws Failure."""
    if block.value("not run"):
        return "NOT RUN: " + block.value("not run")
    if block.value("pictures"):
        place.pictures(int(block.value("pictures")))
    for command in block.all("before"):
        place.shell(command)
    if block.value("file") and block.language != "yaml":
        place.write(block.value("file"), block.text)
        done = "written to " + block.value("file")
    elif block.language == "sh":
        done = run_sh(block, place)
    elif block.language == "console":
        done = run_console(block, place)
    elif block.language in ("cpp", "c"):
        done = run_program(block, place, "." + block.language)
    elif block.language == "cmake":
        done = run_cmake(block, place)
    elif block.language == "yaml":
        done = run_yaml(block, place)
    elif block.language == "json":
        json.loads(block.text)
        done = "parsed"
    elif block.language == "python":
        compile(block.text, f"line {block.line}", "exec")
        done = "compiled"
    else:
        done = "text"
    for command in block.all("after"):
        place.shell(command)
    return done

#!/usr/bin/env python3
"""Runs every block of a Markdown page, in order, in a folder of the page's own: docs/contributing-docs.md says how
blocks are written. What is not run is listed.

  run_page.py PAGE [--build build/release] [--keep FOLDER]
"""
import argparse
import os
import shutil
import sys
import tempfile
import time

import languages
from page import PageError, read_blocks
from workplace import Failure, Workplace


def mark_last_parts(blocks):
    last = {block.value("part of"): block for block in blocks if block.value("part of")}
    for block in blocks:
        block.last_part = last.get(block.value("part of")) is block


def main():
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description="Runs every block of a Markdown page.")
    parser.add_argument("page")
    parser.add_argument("--build", default=os.path.join(source, "build", "release"))
    parser.add_argument("--cxx", default="g++")
    parser.add_argument("--flags", default="", help="what the library was compiled with, such as sanitizers")
    parser.add_argument("--onnx", default="TRUE", help="FALSE: the library has been built without")
    parser.add_argument("--keep", help="the folder to work in, which stays")
    options = parser.parse_args()
    try:
        blocks = read_blocks(options.page)
    except PageError as error:
        sys.exit(str(error))
    mark_last_parts(blocks)

    folder = options.keep or tempfile.mkdtemp(prefix="espalier-page-")
    if options.keep:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    skipped = 0
    try:
        place = Workplace(os.path.abspath(folder), source, os.path.abspath(options.build), options.cxx, options.flags,
                          options.onnx)
        for block in blocks:
            begin = time.monotonic()
            try:
                done = languages.run_block(block, place)
            except (Failure, ValueError, SyntaxError) as error:
                sys.exit(f"{options.page}:{block.line}: {block.language} block: {error}")
            skipped += done.startswith("NOT RUN")
            print(f"{options.page}:{block.line}: {block.language}, {time.monotonic() - begin:.1f} s: {done}", flush=True)
        print(f"{options.page}: {len(blocks) - skipped} blocks run, {skipped} not; {place.where_from}")
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


main()

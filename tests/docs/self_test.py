"""The test of pages, tested: what it must notice, and what it must let pass."""
import os
import tempfile
import unittest

import check_links
import compare
import languages
from page import PageError, read_blocks


def blocks_of(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "page.md")
        with open(path, "w", encoding="utf-8") as page:
            page.write(text)
        return read_blocks(path)


class Pages(unittest.TestCase):
    def test_blocks_have_language_line_and_directives(self):
        blocks = blocks_of("# A\n\n<!-- test: file a.h -->\n<!-- test: exit 2 -->\n```cpp\nint a;\n```\n- list\n  ```sh\n  ls\n  ```\n")
        self.assertEqual([(b.language, b.line, b.text) for b in blocks], [("cpp", 5, "int a;\n"), ("sh", 9, "ls\n")])
        self.assertEqual(blocks[0].value("file"), "a.h")
        self.assertEqual(blocks[0].value("exit"), "2")
        self.assertIsNone(blocks[1].value("file"))

    def test_mistakes_are_errors(self):
        for text, words in (("```\nls\n```\n", "needs one of the languages"), ("```sh\nls\n", "not closed"),
                            ("<!-- test: fiel a -->\n```sh\n```\n", "says nothing"), ("<!-- test: train -->\n", "none follows"),
                            ("<!-- test: train -->\nwords\n```sh\n```\n", "none follows"),
                            ("<!-- test: exit two -->\n```sh\n```\n", "takes a number")):
            with self.assertRaisesRegex(PageError, words):
                blocks_of(text)


class Output(unittest.TestCase):
    def same(self, expected, actual, vary=False):
        return compare.difference(expected.split("\n"), actual.split("\n"), vary) is None

    def test_commands_and_their_output(self):
        self.assertEqual(compare.commands_of(["$ a \\", "> b", "out", "", "$ c"], "here"), [["a \\\nb", ["out", ""]], ["c", []]])
        with self.assertRaises(ValueError):
            compare.commands_of(["out"], "here")

    def test_exactly_the_same(self):
        self.assertTrue(self.same("a\nb\n", "a\nb"))
        self.assertFalse(self.same("a\nb", "a"))
        self.assertFalse(self.same("a", "a\nb"))
        self.assertFalse(self.same("a.c", "abc"))

    def test_an_ellipsis_is_anything(self):
        self.assertTrue(self.same("loss … %\nend", "loss 1.2 and 3 %\nend"))
        self.assertFalse(self.same("loss … %\nend", "loss\n%\nend"))
        self.assertTrue(self.same("a\n…\nz", "a\nb\nc\nz"))
        self.assertTrue(self.same("a\n…\nz", "a\nz"))
        self.assertTrue(self.same("a\n…", "a\nb\nc"))
        self.assertTrue(self.same("…\nb\n…\nb", "b\nx\nb\nb"))
        self.assertFalse(self.same("a\n…\nz", "a\nb"))

    def test_figures_may_vary(self):
        self.assertTrue(self.same("fc1  94.1*  7,000", "fc1 93.25  12", True))
        self.assertFalse(self.same("fc1  94.1  93", "fc1 93.25", True))
        self.assertFalse(self.same("fc1  94.1", "conv  94.1", True))


class Yaml(unittest.TestCase):
    def test_a_key_is_set_with_all_that_belongs_to_it(self):
        self.assertEqual(languages.set_key("a: 1\nmodel:\n  x: 2\n  y: 3\nb: 4\n", "model", "lenet5"), "a: 1\nmodel: lenet5\nb: 4\n")
        self.assertEqual(languages.set_key("a: 1\n", "b", "2"), "a: 1\nb: 2\n")


class Links(unittest.TestCase):
    def test_links_and_anchors(self):
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "page.md")
            with open(page, "w", encoding="utf-8") as file:
                file.write("# One `two`\n[a](page.md#one-two) [b](page.md#three) [c](gone.md) [d](https://a.b) `[e](f)`\n"
                           "```sh\n[g](h)\n# Three\n```\n")
            problems = list(check_links.problems_of(page))
        self.assertEqual(len(problems), 2)
        self.assertIn("#three", problems[0])
        self.assertIn("gone.md", problems[1])


if __name__ == "__main__":
    unittest.main()

"""The table of rules and tests: what is named is found, what does not exist is refused."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import conformance

RULES = """# a comment
AS\tActivateSession\tOPC 10000-4, 5.7.3
AS-01\tshall\tS\tFirst.
AS-02\tshall\tS\tSecond.
AS-03\tshall\tC\tThird.
AS-04\tshall\tG\tFourth.\tno Gateway here
X5\tX509\tOPC 10000-4, 7.40.5
X5-01\tinfo\tC\tWith a | in it.
"""


class Conformance(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.put("schema/requirements.tsv", RULES)
        (self.root / "docs").mkdir()

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run_tool(self, *options):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = conformance.main([*options, str(self.root)])
        return code, out.getvalue()

    def row(self, rule):
        text = (self.root / conformance.TABLE).read_text(encoding="utf-8")
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {rule} |"))
        return line

    def proofs(self):
        return conformance.find_proofs(self.root, conformance.read_rules(self.root))

    def test_names_of_functions(self):
        self.put(
            "tests/unit/a_test.c",
            "static void as_01_one(void **state)\n{\n}\n"
            "static void as_01_and_x5_01_both(void **state)\n{\n}\n"
            "static void as_02_to_as_04(void **state)\n{\n}\n"
            "static void is_01_of_another_kind(void **state)\n{\n}\n"
            "static void says_as_03_later(void **state)\n{\n}\n",
        )
        found = {rule: [test for _, test in tests] for rule, tests in self.proofs().items()}
        self.assertEqual(
            {
                "AS-01": ["as_01_one", "as_01_and_x5_01_both"],
                "X5-01": ["as_01_and_x5_01_both"],
                "AS-02": ["as_02_to_as_04"],
                "AS-03": ["as_02_to_as_04"],
                "AS-04": ["as_02_to_as_04"],
            },
            found,
        )

    def test_comments(self):
        self.put("tests/interop/a.js", "  // AS-01, X5-01: a user\ntest();\n// see AS-02: no\n")
        self.put("tests/e2e/a.sh", "# AS-02 to AS-03: more\ntrue\n# AS-04 is mentioned\n")
        self.put("tests/interop/node_modules/x/a.js", "// AS-04: not ours\n")
        self.assertEqual(
            {
                "AS-01": [("tests/interop/a.js", "a user")],
                "X5-01": [("tests/interop/a.js", "a user")],
                "AS-02": [("tests/e2e/a.sh", "more")],
                "AS-03": [("tests/e2e/a.sh", "more")],
            },
            self.proofs(),
        )

    def test_table(self):
        self.put("tests/unit/a_test.c", "static void as_01_one(void **state)\n{\n}\n")
        self.assertEqual(0, self.run_tool()[0])
        self.assertIn("[a_test.c](../tests/unit/a_test.c): `as_01_one`", self.row("AS-01"))
        self.assertTrue(self.row("AS-02").endswith("| – |"))
        self.assertTrue(self.row("AS-04").endswith("| not applicable: no Gateway here |"))
        self.assertIn("With a \\| in it.", self.row("X5-01"))

    def test_check_wants_the_current_file(self):
        self.assertEqual(1, self.run_tool("--check")[0])
        self.assertEqual(0, self.run_tool()[0])
        self.assertEqual(0, self.run_tool("--check")[0])
        self.put("tests/unit/a_test.c", "static void as_02_two(void **state)\n{\n}\n")
        code, out = self.run_tool("--check")
        self.assertEqual(1, code)
        self.assertIn("not current", out)
        self.assertTrue(self.row("AS-02").endswith("| – |"))  # --check wrote nothing

    def test_a_rule_that_does_not_exist_is_refused(self):
        for name, text in (
            ("tests/unit/a_test.c", "static void as_99_none(void **state)\n{\n}\n"),
            ("tests/e2e/a.sh", "# XX-01: none\n"),
        ):
            self.put(name, text)
            for options in ((), ("--check",)):
                code, out = self.run_tool(*options)
                self.assertEqual(1, code)
                self.assertIn("there is no rule", out)
            (self.root / name).unlink()


if __name__ == "__main__":
    unittest.main()

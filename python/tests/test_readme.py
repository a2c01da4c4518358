"""The examples of README.md, word for word."""

import pathlib
import re
import subprocess
import sys

README = pathlib.Path(__file__).parent.parent / "README.md"


def examples():
    text = README.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_examples_run_in_their_order(tmp_path):
    program = tmp_path / "readme.py"
    program.write_text("\n".join(examples()), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(examples()) > 10


def test_no_line_of_an_example_is_too_long_to_read():
    assert [line for each in examples() for line in each.splitlines() if len(line) > 100] == []

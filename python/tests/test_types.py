"""The type stubs, as mypy and pyright see them."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import memory_cache_pool

HERE = pathlib.Path(__file__).parent
PROGRAM = HERE / "typed_program.py"


def check(*command):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=HERE,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_package_says_that_it_is_typed():
    package = pathlib.Path(memory_cache_pool.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "__init__.pyi").exists()


def test_mypy_agrees_with_the_stubs(tmp_path):
    pytest.importorskip("mypy")
    check("mypy", "--strict", "--cache-dir", str(tmp_path), str(PROGRAM))


def test_the_stubs_agree_with_the_module(tmp_path, monkeypatch):
    pytest.importorskip("mypy")
    monkeypatch.setenv("MYPY_CACHE_DIR", str(tmp_path))
    options = ["--mypy-config-file", "stubtest.ini", "--allowlist", "stubtest.allowlist"]
    check("mypy.stubtest", "memory_cache_pool", *options)


def test_pyright_agrees_with_the_stubs():
    pytest.importorskip("pyright")
    if shutil.which("node") is None:
        pytest.skip("pyright needs node")
    check("pyright", "--pythonpath", sys.executable, str(PROGRAM))


def test_the_typed_program_runs():
    subprocess.run([sys.executable, str(PROGRAM)], check=True, timeout=60)

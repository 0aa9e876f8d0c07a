"""The folder in which the blocks of a page run, and the program and library that they find there."""
import glob
import os
import shutil
import signal
import subprocess

import short_data


class Failure(Exception):
    """A block does not do what the page says."""


def last_lines(text, count=40):
    lines = text.rstrip().split("\n")
    return "\n".join("  " + line for line in lines[-count:])


class Workplace:
    """A folder with what a reader has in front of him: the configurations, the built program, data sets."""

    def __init__(self, folder, source, build, compiler, flags, has_onnx):
        self.folder, self.source, self.build = folder, source, build
        self.compiler, self.flags = compiler, flags.split()
        self.copy_configurations()
        for name in ("apps", "scripts", "benchmarks", "tests"):
            os.symlink(os.path.join(source, name), os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(build, os.path.join(folder, "build", "release"))
        self.where_from = self.pictures(1000)
        # Headers as they are seen from outside: what lies behind them is in roots of its own.
        roots = glob.glob(os.path.join(build, "include", "*.PUBLIC")) + [os.path.join(build, "include", "espalier.INTERFACE")]
        self.includes = [root for root in roots if "backend" not in root and "runtime_objects" not in root]
        self.environment = dict(
            os.environ, PATH=os.path.join(build, "apps") + ":" + os.environ["PATH"],
            CMAKE_GENERATOR="Ninja",  # a bare machine has no make
            CPLUS_INCLUDE_PATH=":".join(self.includes), LIBRARY_PATH=build, LD_LIBRARY_PATH=build,
            # Threads of programs that do not set it themselves would take cores from each other.
            GOMP_SPINCOUNT="5000", CXX=compiler, HAS_ONNX=has_onnx, LC_ALL="C.UTF-8")
        self.installed = None

    def copy_configurations(self):
        """configs/, without limits that ask for more pictures than the short data sets have."""
        shutil.copytree(os.path.join(self.source, "configs"), self.path("configs"))
        for path in glob.glob(self.path("configs/*.yaml")):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(", limit: 60000", ""))

    def pictures(self, count):
        return short_data.write_all(os.path.join(self.folder, "data"), count)

    def path(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def install(self):
        """Puts the library where find_package looks, once."""
        if self.installed is None:
            self.installed = self.path(".installed")
            self.run(["cmake", "--install", self.build, "--prefix", self.installed])
            self.environment["CMAKE_PREFIX_PATH"] = self.installed

    def run(self, command, expected=0, seconds=280):
        """Runs a command in the folder; what it wrote on both outputs. Fails on another exit status."""
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        shown = command[-1] if command[0] == "bash" else " ".join(command)
        try:
            output = process.communicate(timeout=seconds)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0].decode("utf-8", "replace")
            raise Failure(f"not done within {seconds} seconds:\n  {shown}\n{last_lines(output)}") from None
        if process.returncode != expected:
            raise Failure(f"ended with {process.returncode}, not with {expected}:\n  {shown}\nwhat it wrote:\n{last_lines(output)}")
        return output

    def shell(self, commands, expected=0):
        if "cmake" in commands:
            self.install()
        return self.run(["bash", "-eu", "-o", "pipefail", "-c", commands], expected)

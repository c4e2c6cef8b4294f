"""The peers that bench:compare knows: what each needs, how that is installed, built and run.

A peer is an entry of PEERS and a program of this folder. Nothing of it is a dependency of Troupe: what is not installed
is left out of a comparison, and named.
"""

import os
import shutil
import subprocess


# Rows of bench:core that some peer has too.
ROWS = [
    "single_client_tasks_sync",
    "single_client_tasks_async",
    "map_empty_function",
    "1_1_actor_calls_sync",
    "1_1_actor_calls_async",
    "single_client_put_gigabytes",
    "cold_start",
]


class Places:
    """Where things are: `root` has bench/, `build` is a folder for what is compiled, `python` runs Python's peers."""

    def __init__(self, root, build, python):
        self.root = root
        self.peers = os.path.join(root, "bench", "peers")
        self.build = build
        self.python = python


class Peer:
    """What each peer answers, by what holds for those that Bazel built: `commands(places, runs)` measure it."""

    def __init__(self, name, install, commands=None):
        self.name = name
        self.install = install
        self._commands = commands

    def missing(self, places):
        """What is not installed, or None."""
        return None

    def build(self, places):
        """The commands that build it in places.build."""
        return []

    def run(self, places, runs):
        """The commands that measure it. Each prints lines of JSON."""
        return self._commands(places, runs)


class PythonPeer(Peer):
    """`program` measures; `module` has to be importable."""

    def __init__(self, name, program, module, install="comes with Python"):
        super().__init__(name, install)
        self._program = program
        self._module = module

    def missing(self, places):
        check = "import importlib.util, sys; sys.exit(importlib.util.find_spec(%r) is None)" % self._module
        found = subprocess.run([places.python, "-c", check], stderr=subprocess.DEVNULL).returncode == 0
        return None if found else "no module %s" % self._module

    def run(self, places, runs):
        return [[places.python, os.path.join(places.peers, self._program), "--runs=%d" % runs]]


class SystemPeer(Peer):
    """A program in C++ that is compiled with what the system has: `tools` on the PATH and `headers` where g++ looks.

    `build` and `launchers` are functions of Places: the commands that compile it, and what is written before the
    program to run it, for each time that it is to run.
    """

    def __init__(self, name, program, tools, headers, install, build, launchers=lambda places: [[]]):
        super().__init__(name, install)
        self._build = build
        self._program = program
        self._tools = tools
        self._headers = headers
        self._launchers = launchers

    def missing(self, places):
        for tool in self._tools:
            if shutil.which(tool) is None:
                return "no %s" % tool
        for header in self._headers:
            check = "#if !__has_include(<%s>)\n#error\n#endif\n" % header
            if subprocess.run(["g++", "-E", "-x", "c++", "-"], input=check.encode(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode != 0:
                return "no <%s>" % header
        return None

    def build(self, places):
        return self._build(places)

    def run(self, places, runs):
        program = os.path.join(places.build, self._program)
        return [launcher + [program, "--runs=%d" % runs] for launcher in self._launchers(places)]


# Warnings are not of interest here: they are the libraries' own.
_FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-w", "-pthread"]


def _compile(places, compiler, program, more_sources=(), libraries=()):
    source = os.path.join(places.peers, program + ".cc")
    return ([compiler] + _FLAGS + ["-I", places.root, "-I", places.build, source] + list(more_sources) +
            ["-o", os.path.join(places.build, program)] + list(libraries))


def _build_grpc(places):
    libraries = subprocess.run(["pkg-config", "--cflags", "--libs", "grpc++", "protobuf"], stdout=subprocess.PIPE,
                               universal_newlines=True).stdout.split()
    return [
        [
            "protoc", "-I", places.peers, "--cpp_out=" + places.build, "--grpc_out=" + places.build,
            "--plugin=protoc-gen-grpc=" + shutil.which("grpc_cpp_plugin"),
            os.path.join(places.peers, "doubler.proto")
        ],
        _compile(places, "g++", "grpc_unix",
                 [os.path.join(places.build, "doubler.pb.cc"), os.path.join(places.build, "doubler.grpc.pb.cc")],
                 libraries),
    ]


def _mpirun(places):
    # As many ranks as the rows need, on however few processors; root is refused unless it says that it means it.
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    return [["mpirun", "--oversubscribe"] + root + ["-n", ranks] for ranks in ("3", "2")]


def _core(places, runs):
    # Row by row, since a filter is one text. The peers' programs have a run that is not counted, which warms them up;
    # here it is one of two more, and the median leaves it out.
    core = os.path.join(places.root, "bench", "core")
    return [[core, "--json", "--workers=2", "--runs=%d" % (runs + 2), "--filter=" + row] for row in ROWS]


def _capnp_rpc(places, runs):
    return [[os.path.join(places.peers, "capnp_rpc"), "--runs=%d" % runs]]


def _pip(packages):
    return "python3 -m venv DIR && DIR/bin/pip install %s, then --python=DIR/bin/python" % packages


PEERS = [
    Peer("Troupe", "is built with this program", _core),
    PythonPeer("multiprocessing.Pool", "multiprocessing_pool.py", "multiprocessing"),
    PythonPeer("concurrent.futures", "process_pool_executor.py", "concurrent.futures"),
    PythonPeer("joblib", "joblib_loky.py", "joblib", _pip("joblib")),
    PythonPeer("dask.distributed", "dask_distributed.py", "distributed", _pip("dask distributed numpy")),
    PythonPeer("Ray", "ray_local.py", "ray", _pip("ray numpy")),
    Peer("Cap'n Proto RPC", "is built with this program", _capnp_rpc),
    SystemPeer("gRPC", "grpc_unix", ["g++", "pkg-config", "protoc", "grpc_cpp_plugin"],
               ["grpcpp/grpcpp.h", "google/protobuf/message.h"],
               "apt-get install g++ pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc", _build_grpc),
    SystemPeer("OpenMPI", "openmpi", ["mpicxx", "mpirun"], [],
               "apt-get install g++ libopenmpi-dev openmpi-bin",
               lambda places: [_compile(places, "mpicxx", "openmpi")], _mpirun),
    SystemPeer("CAF", "caf_actors", ["g++"], ["caf/io/all.hpp"], "apt-get install g++ libcaf-dev",
               lambda places: [_compile(places, "g++", "caf_actors", libraries=["-lcaf_io", "-lcaf_core"])]),
]

"""The one place where C++ rules are loaded and compiler flags are chosen.

    troupe_cc_library, troupe_cc_binary, troupe_cc_test: as in rules_cc, with our flags.
    troupe_capnp_library(name, src): compiles x.capnp; include it as "path/x.capnp.h".
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

COPTS = [
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Wnon-virtual-dtor",
    "-Wshadow=local",
    "-Werror",
]

def _copts(copts):
    # -Wshadow=local is g++'s spelling; clang says -Wshadow for what we mean.
    return select({
        "//tools/build_defs:clang": [c for c in COPTS if c != "-Wshadow=local"] + ["-Wno-unknown-warning-option"],
        "//conditions:default": COPTS,
    }) + copts

def troupe_cc_library(name, copts = [], **kwargs):
    # linkstatic: no shared object is made beside the archive.
    cc_library(name = name, copts = _copts(copts), linkstatic = True, **kwargs)

def troupe_cc_binary(name, copts = [], **kwargs):
    cc_binary(name = name, copts = _copts(copts), **kwargs)

def troupe_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    cc_test(name = name, copts = _copts(copts), deps = deps + ["@googletest//:gtest_main"], size = size, **kwargs)

def troupe_capnp_library(name, src, visibility = None):
    """Compiles a schema to C++. The generated code is not subject to our warnings.

    Args:
      name: of the cc_library.
      src: the .capnp file.
      visibility: as usual.
    """
    native.genrule(
        name = name + "_generate",
        srcs = [src],
        outs = [src + ".h", src + ".cc"],
        cmd = """
          capnp compile --src-prefix=$$(dirname $(location {src})) -oc++:$(RULEDIR) $(location {src})
          mv $(RULEDIR)/{src}.c++ $(RULEDIR)/{src}.cc
        """.format(src = src),
        message = "Compiling Cap'n Proto schema",
    )
    cc_library(
        name = name,
        srcs = [src + ".cc"],
        hdrs = [src + ".h"],
        copts = ["-std=c++20", "-w"],
        visibility = visibility,
        deps = ["@capnproto//src/capnp"],
    )

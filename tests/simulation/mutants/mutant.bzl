"""mutant_test(name, file, line, becomes): the simulation must notice that one line of the core is wrong.

The source is copied with that line replaced, compiled, and linked before the library that has the right one. It fails
to build where the line is not there, or is there more than once: whoever changes it changes the mutant, too.
"""

load("//tools/build_defs:cc.bzl", "troupe_cc_test")

def mutant_test(name, file, line, becomes):
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = [file],
        outs = [name + ".cc"],
        cmd = "$(location :mutate) $< '%s' '%s' >$@" % (line.replace("$", "$$"), becomes.replace("$", "$$")),
        tools = [":mutate"],
    )
    troupe_cc_test(
        name = name + "_test",
        size = "medium",
        srcs = [
            "mutant_main.cc",
            name + ".cc",
        ],
        # A mutant is no example of clean code, and its checks are the simulation's.
        copts = ["-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-parameter"],
        precompiled = "simulation",
        tags = [
            "manual",
            "opt-only",  # .ci/run seeds
        ],
        deps = [
            "//core/base",
            "//core/base:small_bytes",
            "//core/fault:probe",
            "//core/wire",
            "//objectstore/table",
            "//scheduler/core",
            "//tests/simulation",
            "@abseil-cpp//absl/container:flat_hash_map",
            "@abseil-cpp//absl/container:inlined_vector",
            "@abseil-cpp//absl/status",
            "@abseil-cpp//absl/status:statusor",
            "@abseil-cpp//absl/strings",
        ],
    )

"""All external repositories of Troupe: Debian's packages under the names of upstream.

A workspace that depends on Troupe by path calls this too:

    local_repository(name = "troupe", path = "../troupe")
    load("@troupe//third_party:repositories.bzl", "troupe_repositories")
    troupe_repositories()
"""

load("//third_party:rules_cc.bzl", "debian_rules_cc")
load("//third_party:system_library.bzl", "system_library")
load("//third_party:targets.bzl", "ABSEIL", "BENCHMARK", "CAPNPROTO", "CEREAL", "GOOGLETEST", "LIBSODIUM", "LIBUV", "LZ4", "XXHASH")

# Packages that Bazel 7 asks for by name and that Debian installs here, where they exist.
_LOCAL = {
    "rules_java": ["/usr/share/bazel/rules/java"],
    "rules_python": ["/usr/share/bazel/rules/python"],
    "rules_license": ["/usr/share/bazel/rules/license"],
    "rules_proto": ["/usr/share/bazel/rules/proto"],
    "bazel_skylib": ["/usr/share/bazel/tools/skylib", "/usr/share/bazel/rules/skylib"],
    "platforms": ["/usr/share/bazel/tools/platforms", "/usr/share/bazel/platforms"],
}

def _optional_local_repository_impl(rctx):
    installed = [path for path in rctx.attr.paths if rctx.path(path).exists]
    if installed:
        for entry in rctx.path(installed[0]).readdir():
            rctx.symlink(entry, entry.basename)
    else:
        rctx.file("BUILD.bazel", "# %s is not installed; nothing here needs it.\n" % rctx.attr.paths[0])
    if not rctx.path("WORKSPACE").exists:
        rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)

_optional_local_repository = repository_rule(
    implementation = _optional_local_repository_impl,
    attrs = {"paths": attr.string_list(mandatory = True)},
    local = True,
)

def _coverage_stub_impl(rctx):
    rctx.file("WORKSPACE", "workspace(name = \"remote_coverage_tools\")\n")
    rctx.file("BUILD.bazel", """
filegroup(name = "coverage_report_generator", visibility = ["//visibility:public"])
filegroup(name = "lcov_merger", visibility = ["//visibility:public"])
""")

# `bazel test` loads this repository even where no coverage is asked for, and would download it.
_coverage_stub = repository_rule(implementation = _coverage_stub_impl)

def troupe_repositories():
    existing = native.existing_rules()
    for name, paths in _LOCAL.items():
        if name not in existing:
            _optional_local_repository(name = name, paths = paths)
    if "remote_coverage_tools" not in existing:
        _coverage_stub(name = "remote_coverage_tools")
    if "rules_cc" not in existing:
        debian_rules_cc(name = "rules_cc")
    for name, targets in {
        "abseil-cpp": ABSEIL,
        "capnproto": CAPNPROTO,
        "libuv": LIBUV,
        "googletest": GOOGLETEST,
        "google_benchmark": BENCHMARK,
        "cereal": CEREAL,
        "libsodium": LIBSODIUM,
        "lz4": LZ4,
        "xxhash": XXHASH,
    }.items():
        if name not in existing:
            system_library(name = name, targets = targets)

"""A repository whose targets stand for installed libraries.

`targets` maps "package:name" to the pkg-config modules it links, separated by spaces (none: headers only).
Archives are preferred to shared objects: a Troupe program is one file, whose code offsets hold in every worker.
"""

def _archives(rctx, modules):
    """The linker's arguments for the modules, each library as an archive where there is one."""
    if not modules:
        return []
    result = rctx.execute(["pkg-config", "--libs", "--static"] + modules)
    if result.return_code != 0:
        fail("pkg-config %s: %s(run ./bazelw, which installs what is missing)" % (" ".join(modules), result.stderr))
    libdir = rctx.execute(["pkg-config", "--variable=libdir", modules[0]]).stdout.strip()
    archives = []
    options = []
    for arg in result.stdout.split(" "):
        arg = arg.strip()
        if not arg.startswith("-l"):
            if arg == "-pthread" and arg not in options:
                options.append(arg)
            continue
        found = None
        for candidate in ["lib%s.a" % arg[2:], "lib%s_a.a" % arg[2:]]:
            if libdir and rctx.path(libdir + "/" + candidate).exists:
                found = libdir + "/" + candidate
                break
        if arg in ["-lpthread", "-ldl", "-lrt", "-lm", "-latomic"] or not found:
            if arg != "-latomic" and arg not in options:
                options.append(arg)
        elif found not in archives:
            archives.append(found)
    if archives:
        archives = ["-Wl,--start-group"] + archives + ["-Wl,--end-group"]
    return archives + options

def _impl(rctx):
    packages = {}
    for label, modules in rctx.attr.targets.items():
        package, name = label.split(":")
        modules = [m for m in modules.split(" ") if m]
        packages.setdefault(package, []).append("""
cc_library(
    name = "{name}",
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(name = name, linkopts = repr(_archives(rctx, modules))))
    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)
    if "" not in packages:
        packages[""] = []
    for package, rules in packages.items():
        rctx.file(
            (package + "/" if package else "") + "BUILD.bazel",
            "load(\"@rules_cc//cc:defs.bzl\", \"cc_library\")\n" + "".join(rules),
        )

system_library = repository_rule(
    implementation = _impl,
    attrs = {"targets": attr.string_dict(mandatory = True)},
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

"""A repository whose targets stand for installed libraries, as pkg-config describes them.

`targets` is as in targets.bzl. Each module becomes a cc_library in the repository's package pc: its archive, and the
modules that it requires as deps, so that the linker gets each archive once and in order. An archive is preferred to a
shared object: a Troupe program is one file, whose code offsets hold in every worker.

The headers stay in /usr/include, where the compiler looks anyway and whose warnings it does not report. So that an
object compiled against an older version is not taken from a cache, each library has the versions as an input.
"""

_PACKAGE = """load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

# Parts of libc, always linked as shared objects.
_LIBC = ["c", "dl", "m", "pthread", "rt"]

def _find_pc_file(rctx, module, directories):
    for directory in directories:
        path = rctx.path("%s/%s.pc" % (directory, module))
        if path.exists:
            return path
    result = rctx.execute(["pkg-config", "--variable=pcfiledir", module])
    directory = result.stdout.strip()
    if result.return_code != 0 or not directory:
        return None
    directories.append(directory)
    return rctx.path("%s/%s.pc" % (directory, module))

def _parse_pc_file(text):
    """Returns the fields ("Requires", "Libs", ...) of a .pc file, with its variables substituted."""
    variables = {}
    fields = {}
    for line in text.split("\n"):
        line = line.split("#")[0].strip()
        for name, value in variables.items():
            line = line.replace("${%s}" % name, value)
        colon = line.find(":")
        equals = line.find("=")
        if equals > 0 and (colon < 0 or equals < colon):
            variables[line[:equals].strip()] = line[equals + 1:].strip()
        elif colon > 0:
            fields[line[:colon].strip()] = line[colon + 1:].strip()
    return fields

def _words(text):
    return [word for word in text.replace(",", " ").replace("\t", " ").split(" ") if word]

def _required_modules(fields):
    """The names in Requires and Requires.private: "a >= 1, b" gives a and b."""
    names = []
    words = _words(fields.get("Requires", "") + " " + fields.get("Requires.private", ""))
    version_follows = False
    for word in words:
        if version_follows:
            version_follows = False
        elif word in ["=", "<", ">", "<=", ">=", "!="]:
            version_follows = True
        elif word not in names:
            names.append(word)
    return names

def _libraries(rctx, module, fields):
    """Returns (archives, linkopts): what the module itself links."""
    directories = []
    archives = []
    options = []
    for word in _words(fields.get("Libs", "") + " " + fields.get("Libs.private", "")):
        if word.startswith("-L"):
            directories.append(word[2:])
        elif word == "-pthread" and word not in options:
            options.append(word)
        elif word.startswith("-l"):
            name = word[2:]
            if name == "atomic":
                continue  # both compilers inline what it has, on the machines that we support
            archive = None
            if name not in _LIBC:
                # libuv's archive is called libuv_a.a in some versions.
                for candidate in ["lib%s.a" % name, "lib%s_a.a" % name]:
                    for directory in directories:
                        path = rctx.path("%s/%s" % (directory, candidate))
                        if not archive and path.exists:
                            archive = path
            if archive:
                rctx.symlink(archive, "pc/%s/%s" % (module, archive.basename))
                archives.append("%s/%s" % (module, archive.basename))
            elif word not in options:
                # Where we compile for another machine, its libraries lie where the linker does not look by itself.
                options.extend(["-L" + d for d in directories if rctx.path("%s/lib%s.so" % (d, name)).exists])
                options.append(word)
    return archives, options

def _impl(rctx):
    if not rctx.which("pkg-config"):
        fail("pkg-config is missing: run ./bazelw, which installs what is missing")

    directories = []  # where .pc files were found
    pc_fields = {}  # module -> fields, or None where the module is not installed

    available = {}
    wanted = []
    for label, spec in rctx.attr.targets.items():
        modules = []
        complete = True
        for alternatives in _words(spec):
            chosen = None
            for module in alternatives.split("|"):
                if module not in pc_fields:
                    path = _find_pc_file(rctx, module, directories)
                    pc_fields[module] = _parse_pc_file(rctx.read(path)) if path else None
                if not chosen and pc_fields[module]:
                    chosen = module
            if chosen:
                modules.append(chosen)
            else:
                complete = False
        if complete:
            available[label] = modules
            wanted.extend(modules)
    if not available:
        fail("%s is not installed (looked for %s): run ./bazelw, which installs what is missing" % (
            rctx.name,
            ", ".join(rctx.attr.targets.values()),
        ))

    # Starlark has neither recursion nor while: each round takes the modules that the round before found.
    pc_rules = []
    versions = []
    done = {}
    for _ in range(100):
        following = []
        for module in wanted:
            if module in done:
                continue
            done[module] = True
            if module not in pc_fields:
                path = _find_pc_file(rctx, module, directories)
                pc_fields[module] = _parse_pc_file(rctx.read(path)) if path else None
            fields = pc_fields[module]
            if not fields:
                fail("pkg-config does not know %s, which %s needs" % (module, rctx.name))
            required = _required_modules(fields)
            archives, options = _libraries(rctx, module, fields)
            pc_rules.append("""
cc_library(
    name = "{name}",
    srcs = {srcs},
    linkopts = {linkopts},
    linkstatic = True,
    textual_hdrs = ["versions.txt"],
    deps = {deps},
)
""".format(
                name = module,
                srcs = repr(archives),
                linkopts = repr(options),
                deps = repr([":" + name for name in required]),
            ))
            versions.append("%s %s\n" % (module, fields.get("Version", "")))
            following.extend(required)
        wanted = following
        if not wanted:
            break

    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)
    rctx.file("pc/versions.txt", "".join(sorted(versions)))
    rctx.file("pc/BUILD.bazel", _PACKAGE + "".join(pc_rules))

    packages = {}
    for label, modules in available.items():
        package, name = label.split(":")
        packages.setdefault(package, []).append("""
cc_library(
    name = "{name}",
    deps = {deps},
)
""".format(name = name, deps = repr(["//pc:" + module for module in modules])))
    for package, rules in packages.items():
        rctx.file((package + "/" if package else "") + "BUILD.bazel", _PACKAGE + "".join(rules))

system_library = repository_rule(
    implementation = _impl,
    attrs = {"targets": attr.string_dict(mandatory = True)},
    doc = "Installed libraries under upstream's target names; see the top of this file.",
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

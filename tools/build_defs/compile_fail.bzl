"""The rules behind troupe_compile_fail_test and troupe_precompiled_header.

The test's source is compiled twice in the build, by the toolchain and with the flags of every other target: once as it is
and once with TROUPE_COMPILE_OK. The test looks at what the compiler said. Nothing is generated: most of the time is
spent on headers, so that many sources with one header share what the compiler has read of it.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_COMPILE = "c++-compile"  # ACTION_NAMES.cpp_compile, whose home differs between versions of Bazel

def _compiler(ctx, source, output, context, flags, defines = [], pic = False):
    """What it takes to compile `source` to `output`: a struct of the command's arguments, its env and its tools."""
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        # The module maps belong to targets, and this is none.
        unsupported_features = ctx.disabled_features + ["layering_check", "use_module_maps", "module_maps"],
    )
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        source_file = source,
        output_file = output,
        include_directories = context.includes,
        quote_include_directories = context.quote_includes,
        system_include_directories = context.system_includes,
        use_pic = pic,
        preprocessor_defines = depset(defines, transitive = [context.defines]),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts + flags,
    )
    how = {"feature_configuration": features, "action_name": _COMPILE}
    return struct(
        arguments = [cc_common.get_tool_for_action(**how)] +
                    cc_common.get_memory_inefficient_command_line(variables = variables, **how),
        env = cc_common.get_environment_variables(variables = variables, **how),
        tools = toolchain.all_files,
    )

def _context(ctx):
    return cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.attr.deps]).compilation_context

def _read(ctx, context, tag, defines):
    """Compiles ctx.file.src whatever comes of it; returns (file with the exit code, file with the output)."""
    code = ctx.actions.declare_file("%s.%s.code" % (ctx.label.name, tag))
    output = ctx.actions.declare_file("%s.%s.output" % (ctx.label.name, tag))
    flags = ["-fdiagnostics-color=never", "-fsyntax-only"]
    inputs = [ctx.file.src]
    if ctx.file.precompiled:
        # Found in the place of the header that has its name; one that does not fit is a warning, and so an error.
        flags += ["-Winvalid-pch", "-include", ctx.file.precompiled.path[:-len(".gch")]]
        inputs.append(ctx.file.precompiled)
    compiler = _compiler(ctx, ctx.file.src.path, "/dev/null", context, flags, defines)
    ctx.actions.run_shell(
        outputs = [code, output],
        inputs = depset(inputs, transitive = [context.headers, compiler.tools]),
        env = compiler.env,
        # A shell of its own runs the compiler, so that a compiler that is missing is a result as well.
        command = """
            code=$1 output=$2
            shift 2
            status=0
            LC_ALL=C "$@" >"$output" 2>&1 || status=$?
            echo "$status" >"$code"
        """,
        arguments = [code.path, output.path] + compiler.arguments,
        mnemonic = "CompileFail",
        progress_message = "Compiling %s (%s)" % (ctx.file.src.short_path, tag),
    )
    return code, output

def _test_impl(ctx):
    context = _context(ctx)
    bad_code, bad_output = _read(ctx, context, "refused", [])
    good_code, good_output = _read(ctx, context, "accepted", ["TROUPE_COMPILE_OK=1"])

    expect = ctx.actions.declare_file(ctx.label.name + ".expect")
    ctx.actions.write(expect, "\n".join(ctx.attr.expect) + "\n")
    script = ctx.actions.declare_file(ctx.label.name)
    files = [bad_code, bad_output, good_code, good_output, expect]
    ctx.actions.write(script, "#!/bin/sh\nexec '%s' %s\n" % (
        ctx.file._check.short_path,
        " ".join(["'%s'" % file.short_path for file in files]),
    ), is_executable = True)
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = files + [ctx.file._check]))]

# With the names of the headers it has read, which -fpch-deps tells Bazel of who uses it.
_GCC_FLAGS = ["-x", "c++-header", "-MD", "-MF", "/dev/null"]

# clang tells the names without being asked. A header is no other one for being copied to another sandbox; templates are
# instantiated here and not by each user; and the includes are checked as its users' are, who would be refused otherwise.
_CLANG_FLAGS = [
    "-x",
    "c++-header",
    "-Xclang",
    "-fno-pch-timestamp",
    "--relocatable-pch",
    "-fpch-instantiate-templates",
    "-fmodules-strict-decluse",
]

def _precompiled_impl(ctx):
    context = _context(ctx)
    clang = find_cpp_toolchain(ctx).compiler == "clang"
    stem = "%s/%s.gch" % (ctx.label.name, ctx.file.header.basename)
    outputs = []
    for pic in _PIC[ctx.attr.pic]:
        # Of a directory the compiler takes the one that fits.
        path = stem if len(_PIC[ctx.attr.pic]) == 1 else stem + ("/pic.gch" if pic else "/other.gch")
        output = ctx.actions.declare_file(path)

        flags = _CLANG_FLAGS if clang else _GCC_FLAGS
        compiler = _compiler(ctx, ctx.file.header.path, output.path, context, flags, pic = pic)
        ctx.actions.run_shell(
            outputs = [output],
            inputs = depset([ctx.file.header], transitive = [context.headers, compiler.tools]),
            env = compiler.env,
            # Names below that directory are relative for clang: each sandbox is another one.
            command = 'exec "$@" -isysroot "$PWD"' if clang else 'exec "$@"',
            arguments = compiler.arguments,
            mnemonic = "PrecompileHeader",
            progress_message = "Precompiling %s" % ctx.file.header.short_path,
        )
        outputs.append(output)

    # Depended on, it is a header among others. One of its own name beside it, which is read in its place where it does
    # not fit, would hide that: there is none.
    return [
        DefaultInfo(files = depset(outputs)),
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset(outputs + [ctx.file.header], transitive = [context.headers]),
        )),
    ]

# Whether code is position-independent: `pic` of precompiled_header.
_PIC = {"no": [False], "yes": [True], "both": [False, True]}

_ATTRIBUTES = {
    "copts": attr.string_list(),
    "deps": attr.label_list(providers = [CcInfo]),
    "_cc_toolchain": attr.label(default = Label("@bazel_tools//tools/cpp:current_cc_toolchain")),
}

def _compiling_rule(implementation, attrs, **kwargs):
    attributes = dict(_ATTRIBUTES)
    attributes.update(attrs)
    return rule(
        implementation = implementation,
        attrs = attributes,
        fragments = ["cpp"],
        toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
        **kwargs
    )

compile_fail_test = _compiling_rule(
    _test_impl,
    {
        "expect": attr.string_list(mandatory = True, allow_empty = False),
        "precompiled": attr.label(allow_single_file = [".gch"]),
        "src": attr.label(allow_single_file = [".cc"], mandatory = True),
        "_check": attr.label(default = Label("//tools/build_defs:check_compile_fail.sh"), allow_single_file = True),
    },
    doc = "Passes if the source is refused with the expected sentence; see troupe_compile_fail_test.",
    test = True,
)

precompiled_header = _compiling_rule(
    _precompiled_impl,
    {
        "header": attr.label(allow_single_file = [".h"], mandatory = True),
        "pic": attr.string(
            default = "no",
            values = _PIC.keys(),
            doc = "For position-independent code, other code or either.",
        ),
    },
    doc = "A header as the compiler keeps what it has read of it; see troupe_precompiled_header.",
)

"""The rule behind troupe_compile_fail_test.

The source is compiled twice in the build, by the toolchain and with the flags of every other target: once as it is
and once with TROUPE_COMPILE_OK. The test looks at what the compiler said.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_COMPILE = "c++-compile"  # ACTION_NAMES.cpp_compile, whose home differs between versions of Bazel

def _compile(ctx, toolchain, features, context, tag, defines):
    """Compiles ctx.file.src whatever comes of it; returns (file with the exit code, file with the output)."""
    object_file = ctx.actions.declare_file("%s.%s.o" % (ctx.label.name, tag))
    code = ctx.actions.declare_file("%s.%s.code" % (ctx.label.name, tag))
    output = ctx.actions.declare_file("%s.%s.output" % (ctx.label.name, tag))
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        source_file = ctx.file.src.path,
        output_file = object_file.path,
        include_directories = context.includes,
        quote_include_directories = context.quote_includes,
        system_include_directories = context.system_includes,
        preprocessor_defines = depset(defines, transitive = [context.defines]),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts +
                             ["-fdiagnostics-color=never"],
    )
    command = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = _COMPILE,
        variables = variables,
    )
    compiler = cc_common.get_tool_for_action(feature_configuration = features, action_name = _COMPILE)
    ctx.actions.run_shell(
        outputs = [object_file, code, output],
        inputs = depset([ctx.file.src], transitive = [context.headers, toolchain.all_files]),
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = _COMPILE,
            variables = variables,
        ),
        # A shell of its own runs the compiler, so that a compiler that is missing is a result as well.
        command = """
            object=$1 code=$2 output=$3
            shift 3
            status=0
            LC_ALL=C "$@" >"$output" 2>&1 || status=$?
            echo "$status" >"$code"
            [ -e "$object" ] || : >"$object"
        """,
        arguments = [object_file.path, code.path, output.path, compiler] + command,
        mnemonic = "CompileFail",
        progress_message = "Compiling %s (%s)" % (ctx.file.src.short_path, tag),
    )
    return code, output

def _impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        # The module maps belong to targets, and this is none.
        unsupported_features = ctx.disabled_features + ["layering_check", "use_module_maps", "module_maps"],
    )
    infos = [dep[CcInfo] for dep in ctx.attr.deps]
    context = cc_common.merge_cc_infos(cc_infos = infos).compilation_context

    bad_code, bad_output = _compile(ctx, toolchain, features, context, "refused", [])
    good_code, good_output = _compile(ctx, toolchain, features, context, "accepted", ["TROUPE_COMPILE_OK=1"])

    expect = ctx.actions.declare_file(ctx.label.name + ".expect")
    ctx.actions.write(expect, "\n".join(ctx.attr.expect) + "\n")
    script = ctx.actions.declare_file(ctx.label.name)
    files = [bad_code, bad_output, good_code, good_output, expect]
    ctx.actions.write(script, "#!/bin/sh\nexec '%s' %s\n" % (
        ctx.file._check.short_path,
        " ".join(["'%s'" % file.short_path for file in files]),
    ), is_executable = True)
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = files + [ctx.file._check]))]

compile_fail_test = rule(
    implementation = _impl,
    attrs = {
        "copts": attr.string_list(),
        "deps": attr.label_list(providers = [CcInfo]),
        "expect": attr.string_list(mandatory = True, allow_empty = False),
        "src": attr.label(allow_single_file = [".cc"], mandatory = True),
        "_cc_toolchain": attr.label(default = Label("@bazel_tools//tools/cpp:current_cc_toolchain")),
        "_check": attr.label(default = Label("//tools/build_defs:check_compile_fail.sh"), allow_single_file = True),
    },
    doc = "Passes if the source is refused with the expected sentence; see troupe_compile_fail_test.",
    fragments = ["cpp"],
    test = True,
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

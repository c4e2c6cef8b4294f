"""A test that is another test's program, run once more with arguments of its own."""

def _troupe_rerun_test(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.executable.test, is_executable = True)
    return [DefaultInfo(
        executable = program,
        runfiles = ctx.attr.test[DefaultInfo].default_runfiles,
    )]

troupe_rerun_test = rule(
    implementation = _troupe_rerun_test,
    attrs = {
        "test": attr.label(mandatory = True, executable = True, cfg = "target"),
    },
    doc = "`test` again, with the rule's own `args` and `tags`: nothing is compiled or linked for it.",
    test = True,
)

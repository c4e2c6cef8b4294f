"""Shared objects that use the SDK of the program which loads them: see sdk/shared_code.h."""

load("@rules_cc//cc:defs.bzl", "cc_binary")

def _headers_only(ctx):
    return [cc_common.merge_cc_infos(cc_infos = [
        CcInfo(compilation_context = dep[CcInfo].compilation_context)
        for dep in ctx.attr.deps
    ])]

_troupe_headers_only = rule(
    implementation = _headers_only,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
    doc = "What is needed to compile against `deps`, and nothing to link.",
)

def troupe_shared_object(name, srcs, deps, copts, **kwargs):
    """lib<name>.so of these sources alone. Its own functions are called before the program's of the same name."""
    _troupe_headers_only(
        name = name + "_headers",
        deps = deps,
        visibility = ["//visibility:private"],
    )
    cc_binary(
        name = "lib%s.so" % name,
        srcs = srcs,
        copts = copts,
        # The headers' own targets are behind the rule above, which the check does not look through.
        features = ["-layering_check"],
        linkopts = ["-Wl,-Bsymbolic-functions"],
        linkshared = True,
        deps = [":%s_headers" % name],
        **kwargs
    )

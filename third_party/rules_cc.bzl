"""rules_cc as Debian ships it, made to load in the Bazel that Debian ships."""

_DEBIAN = "/usr/share/bazel/rules/cc"

# These import use_cpp_toolchain, which Bazel 4 does not have; what it returns works in every version.
_PATCHED = ["cc/private/rules_impl/compiler_flag.bzl", "cc/private/rules_impl/cc_flags_supplier.bzl"]

def _impl(rctx):
    if not rctx.path(_DEBIAN).exists:
        fail("rules_cc is not at %s: run ./bazelw, which installs bazel-rules-cc" % _DEBIAN)
    result = rctx.execute(["cp", "-r", _DEBIAN + "/.", "."])
    if result.return_code != 0:
        fail("copying %s: %s" % (_DEBIAN, result.stderr))
    for name in _PATCHED:
        if not rctx.path(name).exists:
            continue
        text = rctx.read(name)
        text = text.replace(", \"use_cpp_toolchain\"", "")
        text = text.replace("use_cpp_toolchain()", "[\"@bazel_tools//tools/cpp:toolchain_type\"]")
        rctx.file(name, text)

debian_rules_cc = repository_rule(implementation = _impl)

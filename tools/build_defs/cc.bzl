"""The one place where C++ rules are loaded and compiler flags are chosen.

    troupe_cc_library, troupe_cc_binary, troupe_cc_test: as in rules_cc, with our flags.
    troupe_shared_code(name, srcs): a shared object for troupe::SharedCode, lib<name>.so.
    troupe_in_process_test(name, test): a test of the SDK once more, on an in-process cluster.
    troupe_capnp_library(name, src): compiles x.capnp; include it as "path/x.capnp.h".
    troupe_fuzz_test(name, src, corpus): replays its corpus; fuzzes under --config=fuzz.
    troupe_compile_fail_test(name, src, expect): the source must not compile, with that sentence first.
    troupe_precompiled_header(name, header): a header read once for many of those tests.
    troupe_link_purity_test(name, target): the code that target links calls no loop, clock, thread or file.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")
load(":compile_fail.bzl", "compile_fail_test", "precompiled_header")
load(":link_purity.bzl", _troupe_link_purity_test = "troupe_link_purity_test")
load(":rerun.bzl", "troupe_rerun_test")
load(":shared_code.bzl", "troupe_shared_object")

COPTS = [
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
]

# -Wshadow=local is g++'s spelling, and clang's -Wshadow means the same.
_GCC_COPTS = COPTS + ["-Wshadow=local"]
_CLANG_COPTS = COPTS + ["-Wshadow", "-Wno-unknown-warning-option"]

# What is optimised is what people run. Bazel's own toolchain makes it position-independent, with relocations that are
# read-only from the start, and guards the most endangered stack frames and copies: we guard more of both.
# hardening_test checks all of it.
_HARDENING_COPTS = [
    "-fstack-protector-strong",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=3",
]

# A Label, so that the macros can be used from another workspace too.
_CHECKED = str(Label("//tools/build_defs:asan"))
_CLANG = str(Label("//tools/build_defs:clang"))
_FUZZ = str(Label("//tools/build_defs:fuzz"))
_OPTIMISED = str(Label("//tools/build_defs:optimised"))
_LAYERS = str(Label("//tools/build_defs:layers"))
_DEFAULT = "//conditions:default"

def _copts(copts):
    # In somebody else's workspace, with a compiler that we have not seen, a new warning is no reason to stop.
    strict = ["-Werror"] if native.repository_name() in ["@", "@@"] else []
    hardening = select({_OPTIMISED: _HARDENING_COPTS, _DEFAULT: []})
    return select({_CLANG: _CLANG_COPTS, _DEFAULT: _GCC_COPTS}) + hardening + strict + copts

def _headers_as_sources(name, headers):
    """Under --config=layers each header is compiled by itself, too; returns what to add to srcs.

    clang checks the includes of the file that it compiles, and not those of the headers which that file includes.
    """
    sources = ["%s_headers/%s.cc" % (name, header.replace("/", "_")) for header in headers]
    command = (
        "(echo '#pragma clang diagnostic ignored \"-Weverything\"'; echo '#line 1 \"{path}\"'; cat $(location {header}))" +
        " >$(RULEDIR)/{source}"
    )
    native.genrule(
        name = name + "_headers",
        srcs = headers,
        outs = sources,
        cmd = "\n".join([
            command.format(path = native.package_name() + "/" + header, header = header, source = source)
            for header, source in zip(headers, sources)
        ]),
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    return select({_LAYERS: sources, _DEFAULT: []})

def _precompiled(header, deps, test = False):
    """What it takes to share what the compiler has read of the header, which takes longer than most of what a file says
    itself: returns what to add to copts and deps.

    Not in somebody else's workspace, so that .ci/run outside tells whether each file of the libraries includes what it
    needs; nor under --config=coverage.

    Args:
      header: "NAME" of //tools/precompiled; None: the SDK's, for what depends on that.
      deps: of the target.
      test: it includes GoogleTest.
    """
    if native.repository_name() not in ["@", "@@"]:
        return [], []
    if header == None and type(deps) == "list" and "//sdk:troupe" in deps:
        header = "sdk_test" if test else "sdk"
    if header == None:
        return [], []

    # If none fits, the compiler misses the header: see precompiled_header.
    include = ["-include", "$(BINDIR)/tools/precompiled/{0}/{0}.h".format(header)]
    target = ["//tools/precompiled:" + header]
    return (
        select({
            # Without -fpch-deps nobody who uses one would be compiled again when a header in it has changed.
            _DEFAULT: ["-fpch-deps"] + include,
            # Where the paths in it begin.
            _CHECKED: ["-isysroot", "."] + include,
            _CLANG: [],
        }),
        select({_DEFAULT: target, _CHECKED: target, _CLANG: []}),
    )

def troupe_cc_library(name, srcs = [], hdrs = [], deps = [], copts = [], precompiled = None, **kwargs):
    """cc_library with our flags; `precompiled`: a header of //tools/precompiled, for the sources."""
    headers = [
        file
        for file in hdrs + (srcs if type(srcs) == "list" else [])
        if file.endswith(".h") and ":" not in file and not file.startswith("//")
    ]
    if headers and precompiled:
        # What the sources share would hide what a header does not include.
        cc_library(
            name = name + "_alone",
            srcs = _headers_as_sources(name, headers),
            hdrs = headers,
            copts = _copts(copts),
            linkstatic = True,
            tags = kwargs.get("tags"),
            testonly = kwargs.get("testonly"),
            visibility = ["//visibility:private"],
            deps = deps,
        )
    elif headers:
        srcs = srcs + _headers_as_sources(name, headers)

    precompiled_copts, precompiled_deps = _precompiled(precompiled, []) if precompiled else ([], [])

    # linkstatic: no shared object is made beside the archive.
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = _copts(copts) + precompiled_copts,
        linkstatic = True,
        deps = deps + precompiled_deps,
        **kwargs
    )

def troupe_cc_binary(name, copts = [], deps = [], **kwargs):
    """cc_binary with our flags."""
    precompiled_copts, precompiled_deps = _precompiled(None, deps)
    cc_binary(name = name, copts = _copts(copts) + precompiled_copts, deps = deps + precompiled_deps, **kwargs)

def troupe_shared_code(name, srcs, deps = [], copts = [], **kwargs):
    """lib<name>.so, whose functions a program calls by troupe::SharedCode: compiled with our flags, linked with no Troupe.

    Args:
      name: of the shared object, without lib and .so.
      srcs: the sources. They register their functions by troupe::RegisterFunction.
      deps: libraries whose headers they include, besides the SDK: the program has to link them.
      copts: as usual.
      **kwargs: passed on to cc_binary.
    """
    sdk = str(Label("//sdk:troupe"))
    troupe_shared_object(name = name, srcs = srcs, deps = deps + [sdk], copts = _copts(copts), **kwargs)

def troupe_cc_test(name, copts = [], deps = [], size = "small", precompiled = None, **kwargs):
    """cc_test with our flags and GoogleTest; `precompiled`: a header of //tools/precompiled."""
    gtest = str(Label("@googletest//:gtest_main"))
    precompiled_copts, precompiled_deps = _precompiled(precompiled, deps, test = True)
    cc_test(
        name = name,
        size = size,
        copts = _copts(copts) + precompiled_copts,
        deps = deps + [gtest] + precompiled_deps,
        **kwargs
    )

def troupe_in_process_test(name, test, processes_only = [], tags = ["threads"], size = "medium", **kwargs):
    """Runs the program of `test` with --troupe_in_process: node and workers are threads of it.

    Args:
      name: of the test.
      test: a troupe_cc_test whose cases call troupe::Init.
      processes_only: the cases, as GoogleTest's patterns, that are about processes: their deaths, output, pids.
      tags: as usual.
      size: as usual.
      **kwargs: passed on to the rule.
    """
    filters = ["--gtest_filter=-" + ":".join(processes_only)] if processes_only else []
    troupe_rerun_test(
        name = name,
        size = size,
        args = ["--troupe_in_process"] + filters,
        tags = tags,
        test = test,
        **kwargs
    )

def troupe_capnp_library(name, src, deps = [], visibility = None):
    """Compiles a schema to C++. The generated code is not subject to our warnings.

    Args:
      name: of the cc_library.
      src: the .capnp file.
      deps: what the generated code needs besides, such as capnp-rpc where the schema has interfaces.
      visibility: as usual.
    """
    native.genrule(
        name = name + "_generate",
        srcs = [src],
        outs = [src + ".h", src + ".cc"],
        cmd = """
          capnp compile --src-prefix=$$(dirname $(location {src})) -oc++:$(RULEDIR) $(location {src})
          mv $(RULEDIR)/{src}.c++ $(RULEDIR)/{src}.cc
          sed -i '1i #pragma GCC system_header' $(RULEDIR)/{src}.h
        """.format(src = src),
        message = "Compiling Cap'n Proto schema",
        visibility = ["//visibility:private"],
    )
    cc_library(
        name = name,
        srcs = [src + ".cc"],
        hdrs = [src + ".h"],
        copts = ["-std=c++20", "-w"],
        linkstatic = True,
        visibility = visibility,
        deps = deps + [str(Label("@capnproto//src/capnp"))],
    )

def troupe_fuzz_test(name, src, corpus = [], deps = [], copts = [], data = [], tags = [], size = "small", **kwargs):
    """A fuzz target: `src` defines LLVMFuzzerTestOneInput and no LLVMFuzzerInitialize.

    As an ordinary test it runs each file of the corpus, its truncations and some mutations of it. Under --config=fuzz
    libFuzzer goes on from the corpus for the time given with --test_arg=-max_total_time=SECONDS (default 10):

        bazel test --config=fuzz --test_arg=-max_total_time=60 //core/wire:frame_fuzz_test

    An input that fails is left in the test's undeclared outputs (test.outputs beside test.log).

    Args:
      name: of the test.
      src: the source file.
      corpus: files to start from, usually glob(["name_corpus/*"]).
      deps: as usual.
      copts: as usual.
      data: as usual.
      tags: as usual; "fuzz" is added.
      size: as usual.
      **kwargs: passed on to cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = [src, str(Label("//tools/build_defs:fuzz_main.cc"))],
        args = ["$(rootpath %s)" % file for file in corpus],
        copts = _copts(copts),
        data = data + corpus,
        linkopts = select({_FUZZ: ["-fsanitize=fuzzer"], _DEFAULT: []}),
        local_defines = select({_FUZZ: ["TROUPE_LIBFUZZER=1"], _DEFAULT: []}),
        tags = tags + ["fuzz"],
        deps = deps,
        **kwargs
    )

def troupe_compile_fail_test(name, src, expect, deps = [], copts = [], tags = [], **kwargs):
    """Passes if `src` is refused by the compiler with the expected sentence as the first error.

    The mistake stands in `#ifndef TROUPE_COMPILE_OK`, with a correct form in the `#else` if one is needed: the source
    is compiled with that defined too, and must then be accepted, so that a typing error cannot make the test pass.

    Args:
      name: of the test.
      src: the source file.
      expect: extended regular expressions. The first must match the first error; the others any line of the output.
      deps: as usual.
      copts: as usual.
      tags: as usual; "no-asan" and "compile-fail" are added.
      **kwargs: passed on to the rule (precompiled = a troupe_precompiled_header, visibility, ...).
    """
    compile_fail_test(
        name = name,
        size = "small",
        src = src,
        copts = _copts(copts),
        expect = expect,
        tags = tags + ["compile-fail", "no-asan"],
        deps = deps,
        **kwargs
    )

def troupe_precompiled_header(name, header, deps, copts = [], **kwargs):
    """A header as the compiler keeps what it has read of it, for what is compiled with the same flags: the `precompiled`
    of troupe_compile_fail_tests, and what //tools/precompiled lists.

    A compile_fail_test takes half a second instead of three, another file half of its time. They see the header whether
    they include it or not.

    Args:
      name: of the target.
      header: the file.
      deps: the libraries that it includes.
      copts: as usual.
      **kwargs: passed on to the rule.
    """
    precompiled_header(
        name = name,
        header = header,
        copts = _copts(copts),
        tags = ["compile-fail", "manual"],
        deps = deps,
        **kwargs
    )

troupe_link_purity_test = _troupe_link_purity_test

"""Which targets of which upstream project are offered, and the pkg-config modules that provide them.

"package:name": "module" for each target. Several modules separated by spaces are all linked; "a|b" takes the first
that is installed (projects move things between versions); "" has headers only. A target none of whose modules is
installed is left out, so that a newer library's targets can stand here.
"""

def _same_name(package, names, prefix):
    return {"%s:%s" % (package, name): prefix + name for name in names}

def _absl():
    targets = {}
    for package, names in {
        "algorithm": ["algorithm"],
        "base": ["config", "core_headers", "dynamic_annotations", "log_severity", "no_destructor", "nullability"],
        "cleanup": ["cleanup"],
        "container": [
            "btree",
            "fixed_array",
            "flat_hash_map",
            "flat_hash_set",
            "inlined_vector",
            "node_hash_map",
            "node_hash_set",
        ],
        "debugging": ["failure_signal_handler", "leak_check", "stacktrace", "symbolize"],
        "functional": ["any_invocable", "bind_front", "function_ref", "overload"],
        "hash": ["hash"],
        "memory": ["memory"],
        "meta": ["type_traits"],
        "numeric": ["bits", "int128"],
        "status": ["status", "statusor", "status_matchers"],
        "strings": ["cord", "str_format", "strings"],
        "synchronization": ["synchronization"],
        "time": ["time"],
        "types": ["any", "compare", "optional", "span", "variant"],
        "utility": ["utility"],
    }.items():
        targets.update(_same_name("absl/" + package, names, "absl_"))

    # Targets whose module has another name.
    targets.update(_same_name("absl/flags", ["config", "marshalling", "parse", "reflection", "usage"], "absl_flags_"))
    targets.update(_same_name("absl/log", ["check", "globals", "initialize"], "absl_log_"))
    targets.update({
        "absl/algorithm:container": "absl_algorithm_container",
        "absl/flags:flag": "absl_flags",
        "absl/log:check": "absl_check",
        "absl/log:log": "absl_log",
        "absl/random:bit_gen_ref": "absl_random_bit_gen_ref",
        "absl/random:distributions": "absl_random_distributions",
        "absl/random:random": "absl_random_random",
        "absl/random:seed_sequences": "absl_random_seed_sequences",
        "absl/strings:string_view": "absl_string_view|absl_strings",
    })
    return targets

ABSEIL = _absl()

CAPNPROTO = {
    "src/capnp:capnp": "capnp",
    "src/capnp:capnp-rpc": "capnp-rpc",
    "src/kj:kj": "kj",
    "src/kj:kj-async": "kj-async",
}

LIBUV = {":libuv": "libuv"}

# gmock is part of gtest, as it is upstream.
GOOGLETEST = {
    ":gtest": "gmock gtest",
    ":gtest_main": "gmock_main gmock gtest",
}

BENCHMARK = {
    ":benchmark": "benchmark",
    ":benchmark_main": "benchmark_main|benchmark",
}

CEREAL = {":cereal": ""}

LIBSODIUM = {":libsodium": "libsodium"}

LZ4 = {":lz4": "liblz4"}

# Its functions are inlined: headers alone.
XXHASH = {":xxhash": ""}

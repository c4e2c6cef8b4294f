"""Which targets of which upstream project Troupe uses, and the pkg-config modules that provide them."""

ABSEIL = {
    "absl/base:core_headers": "",
    "absl/cleanup:cleanup": "",
    "absl/container:btree": "absl_btree",
    "absl/container:fixed_array": "absl_fixed_array",
    "absl/container:flat_hash_map": "absl_flat_hash_map",
    "absl/container:flat_hash_set": "absl_flat_hash_set",
    "absl/container:inlined_vector": "absl_inlined_vector",
    "absl/debugging:stacktrace": "absl_stacktrace",
    "absl/debugging:symbolize": "absl_symbolize",
    "absl/flags:flag": "absl_flags",
    "absl/flags:parse": "absl_flags_parse",
    "absl/flags:reflection": "absl_flags_reflection",
    "absl/functional:function_ref": "",
    "absl/hash:hash": "absl_hash",
    "absl/numeric:int128": "absl_int128",
    "absl/random:random": "absl_random_random",
    "absl/status:status": "absl_status",
    "absl/status:statusor": "absl_statusor",
    "absl/strings:str_format": "absl_str_format",
    "absl/strings:strings": "absl_strings",
    "absl/time:time": "absl_time",
    "absl/types:span": "absl_span",
}

CAPNPROTO = {
    "src/capnp:capnp": "capnp kj",
    "src/kj:kj": "kj",
}

LIBUV = {":libuv": "libuv"}

GOOGLETEST = {
    ":gtest": "gtest gmock",
    ":gtest_main": "gmock_main gtest gmock",
}

BENCHMARK = {":benchmark": "benchmark"}

CEREAL = {":cereal": ""}

"""troupe_link_purity_test: a target's code, with all of ours that it links, leaves the outer world alone.

What counts is what the linker would pull in. The test starts at the objects of `target`, adds each object of this
repository that defines a symbol they miss, and so on; the symbols that these objects name, their own inline
functions included, must match no forbidden pattern. Other projects' objects are not entered: Abseil's Status reads
clocks somewhere inside, and what matters is that our decision does not.
"""

# Extended regular expressions that are searched in the demangled names.
FORBIDDEN_BY_PURE_CODE = {
    "libuv": r"^uv_",
    "Cap'n Proto": r"\b(capnp|kj)::",
    "threads": r"^(pthread_|thrd_|mtx_|cnd_|sem_)|\bstd::(thread|jthread|this_thread|condition_variable|__future_base)\b" +
               r"|\babsl::(\w+::)?(Mutex|CondVar|SleepFor|Notification)\b|AbslInternalSleepFor",
    "clocks": r"^(clock_gettime|clock_nanosleep|gettimeofday|nanosleep|sleep|usleep|time|times|ftime)$" +
              r"|\bchrono::(_V2::)?\w+_clock::now\b|\babsl::(\w+::)?(Now|GetCurrentTimeNanos)\b",
    "files, sockets, mappings": r"^_*(read|write|readv|writev|pread|pwrite|open|openat|open64|openat64|close|mmap|mmap64" +
                                r"|munmap|mremap|ftruncate|ftruncate64|memfd_create|socket|socketpair|bind|listen" +
                                r"|accept|accept4|connect|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|ppoll|select" +
                                r"|epoll_\w+|eventfd|pipe|pipe2|ioctl|fcntl|syscall|fopen|fopen64)$|\bstd::basic_[io]?f(stream|ilebuf)\b",
    "processes": r"^(fork|vfork|exec\w+|posix_spawnp?|kill|waitpid|waitid|signal|sigaction)$",
    "the environment and chance": r"^(getenv|secure_getenv|rand|random|getrandom|getentropy)$|\bstd::random_device\b",
}

def _impl(ctx):
    target = ctx.attr.target
    first = []
    own = []
    for linker_input in target[CcInfo].linking_context.linker_inputs.to_list():
        owner = linker_input.owner
        if owner.workspace_name != target.label.workspace_name:
            continue
        for library in linker_input.libraries:
            archive = library.static_library or library.pic_static_library
            files = [archive] if archive else (library.objects or library.pic_objects or [])
            if owner == target.label:
                first.extend(files)
            else:
                own.extend(files)
    if not first:
        fail("%s has no object code: a library of headers only is judged by what includes it" % target.label)

    rules = ctx.actions.declare_file(ctx.label.name + ".forbidden")
    ctx.actions.write(rules, "".join(["%s\t%s\n" % (what, pattern) for what, pattern in ctx.attr.forbidden.items()]))
    script = ctx.actions.declare_file(ctx.label.name)
    arguments = ["--forbidden", rules.short_path]
    for pattern in ctx.attr.allowed:
        arguments += ["--allowed", pattern]
    for pattern in ctx.attr.expect_found:
        arguments += ["--expect_found", pattern]
    arguments += ["--target"] + [file.short_path for file in first]
    arguments += ["--own"] + [file.short_path for file in own]
    ctx.actions.write(script, "#!/bin/sh\nexec '%s' %s\n" % (
        ctx.file._check.short_path,
        " ".join(["'%s'" % argument.replace("'", "'\\''") for argument in arguments]),
    ), is_executable = True)
    files = first + own + [rules, ctx.file._check]
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = files))]

_link_purity_test = rule(
    implementation = _impl,
    attrs = {
        "allowed": attr.string_list(),
        "expect_found": attr.string_list(),
        "forbidden": attr.string_dict(),
        "target": attr.label(mandatory = True, providers = [CcInfo]),
        "_check": attr.label(default = Label("//tools/build_defs:check_link_purity.py"), allow_single_file = True),
    },
    doc = "See the top of this file.",
    test = True,
)

def troupe_link_purity_test(name, target, forbidden = [], allowed = [], expect_found = [], tags = [], **kwargs):
    """Passes if the code that `target` links names nothing forbidden.

    Args:
      name: of the test.
      target: a troupe_cc_library with sources.
      forbidden: more extended regular expressions, besides FORBIDDEN_BY_PURE_CODE.
      allowed: demangled names that are forbidden otherwise, as extended regular expressions.
      expect_found: turns the test round: it passes only if a forbidden name matching each of these is found.
      tags: as usual; "no-asan" is added, since the sanitizers' own calls are no calls of ours.
      **kwargs: passed on to the rule.
    """
    rules = dict(FORBIDDEN_BY_PURE_CODE)
    for pattern in forbidden:
        rules["%s:" % pattern] = pattern
    _link_purity_test(
        name = name,
        size = "small",
        target = target,
        forbidden = rules,
        allowed = allowed,
        expect_found = expect_found,
        tags = tags + ["no-asan"],
        **kwargs
    )

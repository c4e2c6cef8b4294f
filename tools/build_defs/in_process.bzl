"""The tests of a folder that run a second time, in process; and why the others do not."""

load(":cc.bzl", "troupe_in_process_test")

def troupe_in_process_tests(reruns, no_rerun):
    """Runs tests of this package again with --troupe_in_process. To be called behind all of them.

    A cc_test of the package that is in neither table is an error: whoever adds one decides.

    Args:
      reruns: for X of each X_test that is run again: its cases that are about processes, as GoogleTest's patterns.
      no_rerun: for X of each other X_test: the reason.
    """
    for name, cases in reruns.items():
        troupe_in_process_test(
            name = name + "_in_process_test",
            processes_only = cases,
            test = ":" + name + "_test",
        )
    tests = [name for name, rule in native.existing_rules().items() if rule["kind"] == "cc_test"]
    for test in tests:
        name = test[:-len("_test")]
        if name in reruns and name in no_rerun:
            fail("%s is run in process, and has a reason not to be" % test)
        if name not in reruns and name not in no_rerun:
            fail("%s is not run in process: give it a place among the reruns, or a reason in no_rerun" % test)
    for name in no_rerun:
        if name + "_test" not in tests:
            fail("%s_test has a reason not to be run in process, and is no test" % name)

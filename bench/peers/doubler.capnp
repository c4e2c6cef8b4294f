@0xd2f1a86fb8f6d5a3;
# What capnp_rpc.cc calls: the work of bench:core's tasks and actors.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("peers");

interface Doubler {
  double @0 (x :Int64) -> (twice :Int64);
}

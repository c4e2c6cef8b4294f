@0x9d1f1c5f7a0b4c21;
# What tests/integration/capnp_test.cc sends around.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::testing");

struct Person {
  name @0 :Text;
  age @1 :UInt32 = 18;
  friends @2 :List(Person);
}

struct Samples {
  values @0 :List(Float64);
}

@0xd5a1f0c3b2e49768;
# What the floor's processes say to one another: a task with three small arguments, and its result.

struct Argument {
  hi @0 :UInt64;
  lo @1 :UInt64;
  inline @2 :Data;
}

struct Task {
  idHi @0 :UInt64;
  idLo @1 :UInt64;
  functionHi @2 :UInt64;
  functionLo @3 :UInt64;
  job @4 :UInt32;
  attempt @5 :UInt16;
  numReturns @6 :UInt16;
  priority @7 :Int32;
  deadlineNanos @8 :UInt64;
  arguments @9 :List(Argument);
}

struct Result {
  idHi @0 :UInt64;
  idLo @1 :UInt64;
  status @2 :UInt32;
  value @3 :Data;
}

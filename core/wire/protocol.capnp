# What crosses between processes. Every message is one Cap'n Proto message of a single segment.
#
# Socket: ControlMessage (handshake, descriptors).  Rings: ClientMessage up, NodeMessage down.
# Rules of evolution: fields are only added; kVersion in handshake.h grows when an old peer could not understand a new
# one. Ids are fixed fields, not blobs: reading one costs two loads.
@0xb3c5a8f1d2e47690;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::wire::schema");

struct Id {
  hi @0 :UInt64;
  lo @1 :UInt64;
}

struct Location {
  offset @0 :UInt64;
  size @1 :UInt64;
  chunk @2 :UInt32;
}

struct Error {
  taskHi @0 :UInt64;
  taskLo @1 :UInt64;
  attempt @2 :UInt32;
  pid @3 :Int32;
  kind @4 :UInt16;
  message @5 :Text;
  exceptionType @6 :Text;
  origin @7 :Text;
  payload @8 :Data;         # a registered exception, encoded
}

# What an object resolves to.
struct Value {
  union {
    inline @0 :Data;      # the value's bytes (core/serialize/value_header.h)
    stored @1 :Location;  # where in the store they lie
    error @2 :Error;
    pending @4 :Void;     # not there yet, or too large for this message: ask for it
    away @5 :Void;        # it is there, and not in memory: fetch it
  }
  refs @3 :List(Id);      # the ids inside the value, in the order of their indices
}

struct Argument {
  union {
    inline @0 :Data;
    object @1 :Id;          # resolved before the task begins
    objects @2 :List(Id);   # a vector of references for a parameter std::vector<T>
  }
  refs @3 :List(Id);        # ids inside the inline bytes
}

struct NamedAmount {
  name @0 :Text;
  units @1 :Int64;
}

struct TaskSpec {
  idHi @0 :UInt64;
  idLo @1 :UInt64;
  actorHi @2 :UInt64;       # actor calls: whom
  actorLo @3 :UInt64;
  sequence @4 :UInt64;      # actor calls: per (caller, actor), from 1
  entry @5 :UInt64;         # offset of the code that decodes, calls and encodes, in the job's image
  cpuUnits @6 :Int64;       # 1/10000
  numReturns @7 :UInt32;
  maxRetries @8 :Int32;     # -1: without end
  maxRestarts @9 :Int32;    # actor creation; -1: without end
  priority @10 :Int32;
  depth @11 :UInt32;        # how many tasks are above this one
  kind @12 :UInt16;
  name @13 :Text;
  typeName @14 :Text;       # actor creation: the class
  actorName @15 :Text;      # actor creation: the name to be found by, or empty
  callable @16 :Data;       # state of the callable: a function's offset, or the fields of a function object
  arguments @17 :List(Argument);
  resources @18 :List(NamedAmount);
  detached @19 :Bool;
  timeoutNanos @20 :Int64;  # from now until the deadline; 0: none
  graceNanos @21 :Int64;    # from the deadline until its process is killed; -1: it is not
  parentHi @22 :UInt64;     # the task of this client that submits it; zero: none
  parentLo @23 :UInt64;
  retryOn @24 :UInt64;      # offset of the code that says which errors of the user's are retried; 0: none are
  maxCalls @25 :UInt32;     # of `entry` in one process; 0: without end
  function @26 :Text;       # the name of a registered function, instead of entry and callable; callable is its signature
  streamWindow @27 :UInt32; # not 0: it yields a stream, so many items ahead of its consumer
  maxTaskRetries @28 :Int32;   # actor creation: of each of its calls; -1: without end
  maxPendingCalls @29 :UInt32; # actor creation: more of them fail; 0: without end
  checkpointEvery @30 :UInt32; # actor creation: after so many calls; 0: when it says so
  maxConcurrency @31 :UInt32;  # actor creation: calls that may run at a time, besides those of the groups
  concurrencyGroups @32 :List(NamedAmount); # actor creation: and so many of each of these
  concurrencyGroup @33 :Text;  # actor calls: the group it belongs to; empty: to none
}

struct Grant {
  hi @0 :UInt64;
  lo @1 :UInt64;
  count @2 :UInt32;
}

# Which telling of an object's place is meant: the node counts them.
struct Pin {
  hi @0 :UInt64;
  lo @1 :UInt64;
  serial @2 :UInt32;
}

struct ClientMessage {
  union {
    submit @0 :TaskSpec;
    seal :group {            # a Put, or an object built in place
      hi @1 :UInt64;
      lo @2 :UInt64;
      value @3 :Value;
    }
    complete :group {
      taskHi @4 :UInt64;
      taskLo @5 :UInt64;
      attempt @6 :UInt32;
      slot @7 :UInt32;
      results @8 :List(Value);
      retry @30 :Bool;         # the user's code has failed with what its retry_on names
    }
    subscribe @9 :List(Id);
    release @10 :List(Grant);
    claim :group {
      hi @11 :UInt64;
      lo @12 :UInt64;
      first @13 :UInt32;
      count @14 :UInt32;
    }
    lease @15 :UInt64;       # bytes wanted
    returnLease @16 :Location;
    blocked :group {         # the executor waits: lend its CPU
      ids @17 :List(Id);     # for so many of these; of a long list the first ones, of memory none
      needed @31 :UInt32;
      threads @60 :UInt64;   # of an actor, that wait so: bit n for thread n
    }
    unblocked @18 :Void;
    kill :group {
      hi @19 :UInt64;
      lo @20 :UInt64;
      noRestart @21 :Bool;
    }
    findActor :group {
      request @22 :UInt64;
      name @23 :Text;
    }
    status :group {
      request @24 :UInt64;
      query @44 :Text;       # scheduler/core/report.h; empty: one screen
    }
    stop @25 :Void;          # troupe down
    cancel :group {          # the task whose result that is
      hi @26 :UInt64;
      lo @27 :UInt64;
      force @28 :Bool;       # kill its process where it runs
      recursive @29 :Bool;   # and those that it has submitted
    }
    streamItem :group {      # of a task that runs; its object is the task's result number 1 + index
      taskHi @32 :UInt64;
      taskLo @33 :UInt64;
      attempt @34 :UInt32;
      slot @35 :UInt32;
      index @36 :UInt32;
      value @37 :Value;
    }
    streamDemand @38 :StreamDemand;
    fetch @39 :List(Id);     # bring into memory what is away, and tell its place
    unpinned :group {        # answers to unpin; an agreement may come later than the refusal
      agreed @40 :List(Pin);
      refused @41 :List(Pin);
    }
    memory :group {          # what is in the store
      request @42 :UInt64;
      limit @43 :UInt32;     # objects at most, the largest first
    }
    checkpoint :group {      # of an actor, by its own process: an object, for Restore
      hi @45 :UInt64;
      lo @46 :UInt64;
    }
    exitActor @47 :Void;     # by its own process: it ends after the calls that it has completed
    promise @48 :Id;         # a pending object, which this client will seal
    suspend :group {         # an actor's call waits in a coroutine; its thread takes other calls
      taskHi @49 :UInt64;
      taskLo @50 :UInt64;
      attempt @51 :UInt32;
      slot @52 :UInt32;      # free from now on; the call is still known by it
      awaitsHi @53 :UInt64;  # the object that it waits for
      awaitsLo @54 :UInt64;
      thread @59 :UInt32;    # on which it began, and on which alone it goes on
    }
    resume :group {          # and goes on
      taskHi @55 :UInt64;
      taskLo @56 :UInt64;
      attempt @57 :UInt32;
      slot @58 :UInt32;
    }
  }
}

struct StreamDemand {
  taskHi @0 :UInt64;
  taskLo @1 :UInt64;
  consumed @2 :UInt32;      # items taken so far
  stopped @3 :Bool;         # no more is wanted
}

struct Ready {
  hi @0 :UInt64;
  lo @1 :UInt64;
  value @2 :Value;
}

struct MemoryObject {
  hi @0 :UInt64;
  lo @1 :UInt64;
  size @2 :UInt64;
  holders @3 :UInt32;         # processes that have references
  holds @4 :UInt32;           # tasks and containers that need it
  pins @5 :UInt32;            # processes that know its place
  state @6 :UInt16;
  maker @7 :Text;             # the name of the task that made it
}

struct NodeMessage {
  union {
    dispatch :group {
      slot @0 :UInt32;
      generation @1 :UInt64;
      attempt @2 :UInt32;
      values @3 :List(Ready);   # of the object arguments, in order; each opens a grant
      refs @4 :List(Id);        # ids inside inline arguments, in order; each opens a grant
      spec @5 :Data;            # the ClientMessage that submitted it, unchanged
      timeLeftNanos @18 :Int64; # until its deadline; 0: it has none
      restores @40 :Bool;       # the last of `values` is the actor's checkpoint
      group @42 :UInt32;        # of an actor's call: 0, or 1 + the number of its concurrency group
    }
    ready @6 :List(Ready);      # answers; open no grants
    leaseGranted @7 :Location;
    leaseRefused :group {
      error @8 :Error;
      bytes @38 :UInt64;        # that were asked for
    }
    waitRefused :group {        # the executor's wait cannot end: it fails with this
      error @9 :Error;
      wait @22 :UInt64;         # its number: how often this client had said `blocked`, or the call `suspend`
      taskHi @43 :UInt64;       # the suspended call whose wait that is; zero: the process's
      taskLo @44 :UInt64;
    }
    dropChunk @10 :UInt32;
    actorFound :group {
      request @11 :UInt64;
      hi @12 :UInt64;           # opens a grant; zero: not found
      lo @13 :UInt64;
      typeName @14 :Text;
    }
    status :group {
      request @15 :UInt64;
      text @16 :Text;
    }
    exit @17 :Text;             # end in order; why
    stopTask :group {           # it runs, and nobody wants its result any more
      slot @19 :UInt32;
      generation @20 :UInt64;
      error @21 :Error;         # what became of it
    }
    streamed @23 :List(Ready);  # items of streams, in order; each opens a grant
    streamDemand @24 :StreamDemand;
    unpin @25 :List(Pin);       # will these be forgotten, so that they may be moved?
    recall @26 :Void;           # give back what is leased and not used
    fetchRefused :group {       # the fetch fails with this; the object stays
      hi @27 :UInt64;
      lo @28 :UInt64;
      error @29 :Error;
    }
    memory :group {
      request @30 :UInt64;
      cap @31 :UInt64;
      objectBytes @32 :UInt64;
      leasedBytes @33 :UInt64;
      keptBytes @34 :UInt64;    # free memory that is kept warm
      inlineBytes @35 :UInt64;  # of small values, in the node
      spilledBytes @36 :UInt64; # on disk
      objectCount @37 :UInt64;
      objects @39 :List(MemoryObject);
    }
    finished @41 :UInt64;       # so many of the tasks and calls that this client submitted are done
  }
}

struct Setting {
  name @0 :Text;
  value @1 :Text;
}

struct ControlMessage {
  union {
    hello :group {
      version @0 :UInt32;
      role @1 :UInt16;
      nonce @2 :UInt64;
      pid @3 :Int32;
      ringBytes @4 :UInt32;
      buildId @5 :Data;
      executable @6 :Text;
      environment @7 :List(Text);  # drivers: for their workers
      flags @8 :List(Setting);     # drivers: Abseil flags, for their workers
      jobName @19 :Text;
      jobWeight @20 :Int64;        # 1/10000
      window @21 :UInt32;          # how many unfinished tasks the driver keeps
    }
    welcome :group {
      version @9 :UInt32;
      client @10 :UInt64;
      job @11 :UInt32;
      cpus @12 :UInt32;
      storeBytes @13 :UInt64;
      settings @14 :List(Setting); # workers: the driver's Abseil flags
    }
    refused @15 :Text;
    chunk :group {                 # with its descriptor(s)
      chunk @16 :UInt32;
      bytes @17 :UInt64;
      writable @18 :Bool;
    }
  }
}

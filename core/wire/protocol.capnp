# What crosses between processes. Every message is one Cap'n Proto message of a single segment.
#
# Socket: ControlMessage (handshake, descriptors).  Rings: ClientMessage up, NodeMessage down.
# The root of a message is small: what a kind of message says is a struct of its own.
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
  stack @9 :Text;           # where it was thrown: a function a line, the innermost first
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

# What most tasks have; the rest stands apart, and takes no room where it is not said.
struct TaskSpec {
  idHi @0 :UInt64;
  idLo @1 :UInt64;
  entry @2 :UInt64;         # offset of the code that decodes, calls and encodes, in the job's image
  cpuUnits @3 :Int64;       # 1/10000
  graceNanos @4 :Int64;     # from the deadline until its process is killed; -1: it is not
  parentHi @5 :UInt64;      # the task of this client that submits it; zero: none
  parentLo @6 :UInt64;
  numReturns @7 :UInt32;
  maxRetries @8 :Int32;     # -1: without end
  priority @9 :Int32;
  depth @10 :UInt32;        # how many tasks are above this one
  kind @11 :UInt16;
  name @12 :Text;
  callable @13 :Data;       # state of the callable: a function's offset, or the fields of a function object
  arguments @14 :List(Argument);
  options @15 :TaskOptions;
  call @16 :ActorCall;
  creation @17 :ActorCreation;
  siteLine @18 :UInt16;     # of the call in the user's source; 0: it is not known
  siteFile @19 :UInt32;     # offset of that source's name, in the job's image
}

struct TaskOptions {
  timeoutNanos @0 :Int64;   # from now until the deadline; 0: none
  retryOn @1 :UInt64;       # offset of the code that says which errors of the user's are retried; 0: none are
  placementHi @2 :UInt64;   # the placement group whose resources it takes; zero: none
  placementLo @3 :UInt64;
  bundle @4 :UInt32;        # 0: any one of the group's; else 1 + its number
  maxCalls @5 :UInt32;      # of `entry` in one process; 0: without end
  streamWindow @6 :UInt32;  # not 0: it yields a stream, so many items ahead of its consumer
  function @7 :Text;        # the name of a registered function, instead of entry and callable; callable is its signature
  resources @8 :List(NamedAmount);
}

struct ActorCall {
  actorHi @0 :UInt64;       # whom
  actorLo @1 :UInt64;
  sequence @2 :UInt64;      # per (caller, actor), from 1
  concurrencyGroup @3 :Text;  # the group it belongs to; empty: to none
}

struct ActorCreation {
  maxRestarts @0 :Int32;      # -1: without end
  maxTaskRetries @1 :Int32;   # of each of its calls; -1: without end
  maxPendingCalls @2 :UInt32; # more of them fail; 0: without end
  checkpointEvery @3 :UInt32; # after so many calls; 0: when it says so
  maxConcurrency @4 :UInt32;  # calls that may run at a time, besides those of the groups
  detached @5 :Bool;
  typeName @6 :Text;          # the class
  actorName @7 :Text;         # the name to be found by, or empty
  concurrencyGroups @8 :List(NamedAmount); # and so many calls at a time of each of these
}

struct Grant {
  hi @0 :UInt64;
  lo @1 :UInt64;
  count @2 :UInt32;
  unread @3 :Bool;          # it was not there when its last reference went, and nobody had waited for it
}

# A part of a placement group.
struct Bundle {
  cpuUnits @0 :Int64;       # 1/10000
  resources @1 :List(NamedAmount);
}

# Which telling of an object's place is meant: the node counts them.
struct Pin {
  hi @0 :UInt64;
  lo @1 :UInt64;
  serial @2 :UInt32;
}

struct Seal {
  hi @0 :UInt64;
  lo @1 :UInt64;
  value @2 :Value;
}

struct Complete {
  taskHi @0 :UInt64;
  taskLo @1 :UInt64;
  attempt @2 :UInt32;
  slot @3 :UInt32;
  results @4 :List(Value);
  retry @5 :Bool;  # the user's code has failed with what its retry_on names
}

struct Claim {
  hi @0 :UInt64;
  lo @1 :UInt64;
  first @2 :UInt32;
  count @3 :UInt32;
}

struct Blocked {
  ids @0 :List(Id);     # for so many of these; of a long list the first ones, of memory none
  needed @1 :UInt32;
  threads @2 :UInt64;   # of an actor, that wait so: bit n for thread n
}

struct Kill {
  hi @0 :UInt64;
  lo @1 :UInt64;
  noRestart @2 :Bool;
}

struct FindActor {
  request @0 :UInt64;
  name @1 :Text;
}

struct StatusRequest {
  request @0 :UInt64;
  query @1 :Text;  # scheduler/core/report.h; empty: one screen
}

struct Cancel {
  hi @0 :UInt64;
  lo @1 :UInt64;
  force @2 :Bool;      # kill its process where it runs
  recursive @3 :Bool;  # and those that it has submitted
}

struct StreamItem {
  taskHi @0 :UInt64;
  taskLo @1 :UInt64;
  attempt @2 :UInt32;
  slot @3 :UInt32;
  index @4 :UInt32;
  value @5 :Value;
}

struct Unpinned {
  agreed @0 :List(Pin);
  refused @1 :List(Pin);
}

struct MemoryRequest {
  request @0 :UInt64;
  limit @1 :UInt32;  # objects at most, the largest first
}

struct Checkpoint {
  hi @0 :UInt64;
  lo @1 :UInt64;
}

struct PlacementGroup {
  hi @0 :UInt64;
  lo @1 :UInt64;
  bundles @2 :List(Bundle);
  strategy @3 :UInt16;
  name @4 :Text;   # for people
  ready @5 :Data;  # what the object is to resolve to
}

struct Suspend {
  taskHi @0 :UInt64;
  taskLo @1 :UInt64;
  attempt @2 :UInt32;
  slot @3 :UInt32;      # free from now on; the call is still known by it
  awaitsHi @4 :UInt64;  # the object that it waits for
  awaitsLo @5 :UInt64;
  thread @6 :UInt32;    # on which it began, and on which alone it goes on
}

struct Resume {
  taskHi @0 :UInt64;
  taskLo @1 :UInt64;
  attempt @2 :UInt32;
  slot @3 :UInt32;
}

struct CodeNotice {
  path @0 :Text;
  sha256 @1 :Text;  # 64 hexadecimal digits
  bytes @2 :UInt64;
}

struct ClientMessage {
  union {
    submit @0 :TaskSpec;
    seal @1 :Seal;                       # a Put, or an object built in place
    complete @2 :Complete;
    subscribe @3 :List(Id);
    release @4 :List(Grant);
    claim @5 :Claim;
    lease @6 :UInt64;                    # bytes wanted
    returnLease @7 :Location;
    blocked @8 :Blocked;                 # the executor waits: lend its CPU
    unblocked @9 :Void;
    kill @10 :Kill;
    findActor @11 :FindActor;
    status @12 :StatusRequest;
    stop @13 :Void;                      # troupe down
    cancel @14 :Cancel;                  # the task whose result that is
    streamItem @15 :StreamItem;          # of a task that runs; its object is the task's result number 1 + index
    streamDemand @16 :StreamDemand;
    fetch @17 :List(Id);                 # bring into memory what is away, and tell its place
    unpinned @18 :Unpinned;              # answers to unpin; an agreement may come later than the refusal
    memory @19 :MemoryRequest;           # what is in the store
    checkpoint @20 :Checkpoint;          # of an actor, by its own process: an object, for Restore
    exitActor @21 :Void;                 # by its own process: it ends after the calls that it has completed
    promise @22 :Id;                     # a pending object, which this client will seal
    placementGroup @23 :PlacementGroup;  # a pending object: the node seals it when all the bundles are reserved
    removePlacementGroup @24 :Id;
    suspend @25 :Suspend;                # an actor's call waits in a coroutine; its thread takes other calls
    resume @26 :Resume;                  # and goes on
    free @27 :List(Id);                  # these are ObjectLost as soon as nobody looks at them
    codeNotice @28 :CodeNotice;          # its workers will be sent this shared object's code
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

struct Dispatch {
  slot @0 :UInt32;
  generation @1 :UInt64;
  attempt @2 :UInt32;
  values @3 :List(Ready);   # of the object arguments, in order; each opens a grant
  refs @4 :List(Id);        # ids inside inline arguments, in order; each opens a grant
  spec @5 :Data;            # the ClientMessage that submitted it, unchanged
  timeLeftNanos @6 :Int64;  # until its deadline; 0: it has none
  restores @7 :Bool;        # the last of `values` is the actor's checkpoint
  group @8 :UInt32;         # of an actor's call: 0, or 1 + the number of its concurrency group
}

struct LeaseRefused {
  error @0 :Error;
  bytes @1 :UInt64;  # that were asked for
}

struct WaitRefused {
  error @0 :Error;
  wait @1 :UInt64;    # its number: how often this client had said `blocked`, or the call `suspend`
  taskHi @2 :UInt64;  # the suspended call whose wait that is; zero: the process's
  taskLo @3 :UInt64;
}

struct ActorFound {
  request @0 :UInt64;
  hi @1 :UInt64;  # opens a grant; zero: not found
  lo @2 :UInt64;
  typeName @3 :Text;
}

struct StatusReport {
  request @0 :UInt64;
  text @1 :Text;
}

struct StopTask {
  slot @0 :UInt32;
  generation @1 :UInt64;
  error @2 :Error;  # what became of it
}

struct FetchRefused {
  hi @0 :UInt64;
  lo @1 :UInt64;
  error @2 :Error;
}

struct MemoryReport {
  request @0 :UInt64;
  cap @1 :UInt64;
  objectBytes @2 :UInt64;
  leasedBytes @3 :UInt64;
  keptBytes @4 :UInt64;     # free memory that is kept warm
  inlineBytes @5 :UInt64;   # of small values, in the node
  spilledBytes @6 :UInt64;  # on disk
  objectCount @7 :UInt64;
  objects @8 :List(MemoryObject);
}

struct NodeMessage {
  union {
    dispatch @0 :Dispatch;
    ready @1 :List(Ready);           # answers; open no grants
    leaseGranted @2 :Location;
    leaseRefused @3 :LeaseRefused;
    waitRefused @4 :WaitRefused;     # the executor's wait cannot end: it fails with this
    dropChunk @5 :UInt32;
    actorFound @6 :ActorFound;
    status @7 :StatusReport;
    exit @8 :Text;                   # end in order; why
    stopTask @9 :StopTask;           # it runs, and nobody wants its result any more
    streamed @10 :List(Ready);       # items of streams, in order; each opens a grant
    streamDemand @11 :StreamDemand;
    unpin @12 :List(Pin);            # will these be forgotten, so that they may be moved?
    recall @13 :Void;                # give back what is leased and not used
    fetchRefused @14 :FetchRefused;  # the fetch fails with this; the object stays
    memory @15 :MemoryReport;
    finished @16 :UInt64;            # so many of the tasks and calls that this client submitted are done
    takenBack @17 :List(UInt64);     # generations of dispatches that will never begin: drop their frames
    unreadError @18 :Error;          # of a task of yours, at whose results nobody can look any more
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

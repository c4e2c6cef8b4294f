// No reference is bound to a bit-field: the archive cannot fill it.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Flags {
  unsigned ready : 1;
  unsigned level : 7;
};
auto Wrong(const Flags& flags) { return troupe::Put(flags); }
#else
struct Flags {
  unsigned ready : 1;
  unsigned level : 7;
  template <class Archive>
  void save(Archive& archive) const {
    archive(unsigned{ready}, unsigned{level});
  }
  template <class Archive>
  void load(Archive& archive) {
    unsigned the_ready = 0, the_level = 0;
    archive(the_ready, the_level);
    ready = the_ready;
    level = the_level;
  }
};
auto Right(const Flags& flags) { return troupe::Put(flags); }
#endif

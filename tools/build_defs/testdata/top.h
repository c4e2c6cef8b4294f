#ifndef TROUPE_TOOLS_BUILD_DEFS_TESTDATA_TOP_H_
#define TROUPE_TOOLS_BUILD_DEFS_TESTDATA_TOP_H_

namespace troupe::testdata {

int Top();

template <int N>
int TopOf() {
  static_assert(N >= 0, "top takes no negative numbers");
  return Top() + N;
}

}  // namespace troupe::testdata

#endif  // TROUPE_TOOLS_BUILD_DEFS_TESTDATA_TOP_H_

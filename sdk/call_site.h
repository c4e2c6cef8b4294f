// CallSite is where in the user's source something was called, for messages: a defaulted parameter.
#ifndef TROUPE_SDK_CALL_SITE_H_
#define TROUPE_SDK_CALL_SITE_H_

namespace troupe {

struct CallSite {
  const char* file = "";
  int line = 0;

  // As a default argument: of whoever calls.
  static constexpr CallSite Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace troupe

#endif  // TROUPE_SDK_CALL_SITE_H_

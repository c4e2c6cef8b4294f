#include "core/serialize/type_name.h"

#include "absl/strings/str_replace.h"
#include "core/base/string_view.h"

namespace troupe::serialize {

std::string ReadableName(std::string_view name) {
  // Where several begin at one place, the longest is taken.
  return absl::StrReplaceAll(
      ToAbsl(name),
      {
          {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
           "std::string"},
          {"std::__cxx11::basic_string<char>", "std::string"},
          {"std::basic_string<char>", "std::string"},
          {"std::__cxx11::basic_string<i8,>", "std::string"},
          {"std::basic_string<i8,>", "std::string"},
          {"std::__cxx11::", "std::"},
          {",>", ">"},
          {" >", ">"},
      });
}

}  // namespace troupe::serialize

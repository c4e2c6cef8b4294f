#include "sdk/secret.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sdk/errors.h"

namespace troupe {

Secret<std::string> SecretRef::Resolve() const {
  if (where.rfind("env:", 0) == 0) {
    const char* value = std::getenv(where.c_str() + 4);
    if (value == nullptr) {
      internal::Throw(ErrorKind::kInvalidArgument, "SecretRef: the environment variable " +
                                                       where.substr(4) + " is not set here");
    }
    return Secret<std::string>(value);
  }
  if (where.rfind("file:", 0) == 0) {
    std::ifstream file(where.substr(5), std::ios::binary);
    std::stringstream content;
    if (!file || !(content << file.rdbuf())) {
      internal::Throw(ErrorKind::kInvalidArgument,
                      "SecretRef: the file " + where.substr(5) + " cannot be read, or is empty");
    }
    std::string value = content.str();
    if (!value.empty() && value.back() == '\n') value.pop_back();
    return Secret<std::string>(std::move(value));
  }
  internal::Throw(ErrorKind::kInvalidArgument,
                  "SecretRef: \"" + where + "\" begins neither with env: nor with file:");
}

}  // namespace troupe

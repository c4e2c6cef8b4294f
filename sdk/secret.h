// Secret<T> is a value that cannot leave its process: passing it, storing it or packing it does not
// compile, and printing it prints stars. SecretRef names where a secret is to be found, and
// travels.
//
//   void Upload(const troupe::SecretRef& key, const Data& data) {
//     Client client(key.Resolve().Reveal());        // in the worker
//   }
//   troupe::Task(Upload).Remote(troupe::SecretRef("env:UPLOAD_KEY"), data);
//
// "env:NAME" is an environment variable of the process that resolves it, "file:PATH" the content of
// a file, without a closing newline. Resolve throws InvalidArgument where there is none.
// Thread-safety: values.
#ifndef TROUPE_SDK_SECRET_H_
#define TROUPE_SDK_SECRET_H_

#include <ostream>
#include <string>
#include <utility>

namespace troupe {

template <typename T>
class Secret {
 public:
  using DoesNotTravel = void;  // core/serialize/traits.h

  explicit Secret(T value) : value_(std::move(value)) {}
  // Whoever says so sees it.
  const T& Reveal() const { return value_; }
  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }

 private:
  T value_;
};

struct SecretRef {
  std::string where = {};

  SecretRef() = default;
  explicit SecretRef(std::string source) : where(std::move(source)) {}
  Secret<std::string> Resolve() const;

  template <class Archive>
  void serialize(Archive& archive) {  // NOLINT(readability-identifier-naming): cereal's name
    archive(where);
  }
};

}  // namespace troupe

#endif  // TROUPE_SDK_SECRET_H_

// SharedCode calls functions of a shared object that this program was not linked with: a plugin, a
// model's code, tonight's version of a strategy. The file travels by value, so workers need no path
// to it.
//
//   // geometry.cc, compiled to libgeometry.so (Bazel: troupe_shared_code)
//   const bool registered = troupe::RegisterFunction("geometry.area", Area);
//
//   // the program
//   const troupe::SharedCode geometry("libgeometry.so");
//   troupe::ObjectRef<double> a =
//       geometry.CallNamed<double(double, double)>("geometry.area").Remote(2.0, 3.0);
//
// The file is read and stored once; a copy of a SharedCode is cheap. A worker opens it on its first
// call, from a sealed copy whose SHA-256 it has compared, and keeps it: globals of the shared
// object live as long as the worker. Its names are its own, so that two versions can be called side
// by side. It is compiled by the same compiler against the same Troupe, links no Troupe itself, and
// uses the program's (which is linked with -rdynamic, as //sdk:troupe does); what does not fit is a
// BuildMismatch with the dynamic linker's reason, in the first call's result.
// It belongs to the cluster of its construction. Not for clusters with --registered_only, which
// refuse it. Thread-safe. After Dask's Client.upload_file and Ray's working_dir, for native code.
#ifndef TROUPE_SDK_SHARED_CODE_H_
#define TROUPE_SDK_SHARED_CODE_H_

#include <memory>
#include <string>
#include <utility>

#include "sdk/function_registry.h"

namespace troupe {

class SharedCode {
 public:
  // Throws InvalidArgument for what is no shared object of this machine's kind, ResourceExhausted,
  // Unavailable.
  explicit SharedCode(const std::string& path);

  // As troupe::CallNamed, of a function that the shared object registers.
  template <typename Signature>
  NamedTask<Signature> CallNamed(std::string name) const {
    return NamedTask<Signature>(std::move(name), internal::Handle(), code_);
  }

  const std::string& path() const { return code_->path; }
  // Of the file, as sha256sum prints it.
  const std::string& sha256() const { return code_->sha256; }

 private:
  std::shared_ptr<const internal::StoredCode> code_;
};

}  // namespace troupe

#endif  // TROUPE_SDK_SHARED_CODE_H_

// Overload<R(P...)>(f) chooses one of several functions of the same name.
//
//   troupe::Task(troupe::Overload<double(double)>(std::abs)).Remote(-1.5);
//   counter.Task(troupe::Overload<int(int)>(&Counter::Add)).Remote(1);
//   counter.Task(troupe::Overload<int() const>(&Counter::Get)).Remote();
#ifndef TROUPE_SDK_OVERLOAD_H_
#define TROUPE_SDK_OVERLOAD_H_

namespace troupe {

template <typename Signature>
constexpr Signature* Overload(Signature* function) {
  return function;
}
template <typename Signature, typename Class>
constexpr auto Overload(Signature Class::*method) {
  return method;
}

}  // namespace troupe

#endif  // TROUPE_SDK_OVERLOAD_H_

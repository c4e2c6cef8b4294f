// A type has the problem of its fields, however deep.
#include <memory>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Node {
  int value = 0;
  Node* next = nullptr;
};
auto Wrong(const Node& node) { return troupe::Put(node); }
#else
struct Node {
  int value = 0;
  std::unique_ptr<Node> next;
};
auto Right(const Node& node) { return troupe::Put(node); }
#endif

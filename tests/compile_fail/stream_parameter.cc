// An open file belongs to one process.
#include <cstddef>
#include <fstream>
#include <string>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
size_t Size(const std::ifstream& file);
auto Wrong(const std::ifstream& file) { return troupe::Task(Size).Remote(file); }
#else
size_t Size(const std::string& path);
auto Right(const std::string& path) { return troupe::Task(Size).Remote(path); }
#endif

// cereal's smart pointers without its polymorphic ones, which its header brings along: ours are
// those of RegisterDerived, and cereal's would be instantiated in each file that includes
// sdk/troupe.h. Whoever wants them includes cereal/types/polymorphic.hpp.
#ifndef TROUPE_CORE_SERIALIZE_CEREAL_MEMORY_H_
#define TROUPE_CORE_SERIALIZE_CEREAL_MEMORY_H_

#ifdef CEREAL_TYPES_POLYMORPHIC_HPP_
#include <cereal/types/memory.hpp>
#else
#define CEREAL_TYPES_POLYMORPHIC_HPP_
#include <cereal/types/memory.hpp>
#undef CEREAL_TYPES_POLYMORPHIC_HPP_
#endif

#endif  // TROUPE_CORE_SERIALIZE_CEREAL_MEMORY_H_

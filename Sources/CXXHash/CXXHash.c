#include "CXXHash.h"

// The library is compiled in: one function of it is needed, and no process has to load it.
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t martlet_xxh3(const void *bytes, size_t count, uint64_t seed) {
    return XXH3_64bits_withSeed(count > 0 ? bytes : "", count, seed);
}

// XXH3, a fast hash without a key: it finds damage, not forgery.
#ifndef MARTLET_CXXHASH_H
#define MARTLET_CXXHASH_H

#include <stddef.h>
#include <stdint.h>

// XXH3_64bits_withSeed of xxhash.h (0.8 and later give the same numbers for ever). `bytes` may be null if `count` is 0.
uint64_t martlet_xxh3(const void *bytes, size_t count, uint64_t seed);

#endif

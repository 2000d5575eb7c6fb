#ifndef SIPGUARDD_PREFETCH_H
#define SIPGUARDD_PREFETCH_H

#include <stdint.h>

/// Asks for the memory at `address`, to write to it soon, and does not wait for it.
static inline void prefetch(const void *address) { __builtin_prefetch(address, 1); }

/// A number that another thread may be writing, whole or not yet: good for a guess alone.
static inline uint32_t peek(const uint32_t *number) { return __atomic_load_n(number, __ATOMIC_RELAXED); }

#endif

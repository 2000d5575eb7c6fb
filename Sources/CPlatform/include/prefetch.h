#ifndef SIPGUARDD_PREFETCH_H
#define SIPGUARDD_PREFETCH_H

/// Asks for the memory at `address`, to write to it soon, and does not wait for it.
static inline void prefetch(const void *address) { __builtin_prefetch(address, 1); }

#endif

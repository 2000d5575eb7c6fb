/// How often memory has been allocated by this process: malloc and its relatives are replaced by ones that count.
#ifndef SIPGUARDD_ALLOCATIONS_H
#define SIPGUARDD_ALLOCATIONS_H

/// Calls of malloc, calloc, realloc, aligned_alloc and posix_memalign by the calling thread so far.
unsigned long allocations_of_this_thread(void);

#endif

/* Latencies in a log-linear histogram: 128 buckets for each power of two, an error below 0.8 %. */
#include <stdint.h>

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS) * SUB };

static unsigned bucket_of(uint64_t value) {
    if (value < SUB) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BITS;
    return ((shift + 1) << SUB_BITS) + (unsigned)((value >> shift) - SUB);
}

static uint64_t bucket_top(unsigned bucket) {
    if (bucket < SUB) return bucket;
    unsigned shift = (bucket >> SUB_BITS) - 1;
    return ((uint64_t)(SUB + (bucket & (SUB - 1))) << shift) + ((1ull << shift) - 1);
}

/* Of times in ns, in us. */
static double percentile(const uint64_t *buckets, uint64_t count, double part) {
    uint64_t wanted = (uint64_t)(part * (double)count + 0.5), seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
        if ((seen += buckets[bucket]) >= wanted && seen) return (double)bucket_top(bucket) / 1000;
    return 0;
}

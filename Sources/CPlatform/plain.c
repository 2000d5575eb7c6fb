#include "plain.h"

/* Vectors are only handed over to what is inlined. */
#pragma clang diagnostic ignored "-Wpsabi"

/* Sixty-four bytes, in as many registers as the processor has them in. */
typedef uint8_t piece __attribute__((ext_vector_type(64)));
typedef signed char signed_piece __attribute__((ext_vector_type(64)));
typedef _Bool piece_bits __attribute__((ext_vector_type(64)));

/* How far is looked behind a place: a piece, and what stands behind an escape that begins with the last of its bytes. */
enum { AHEAD = 63 + 4 + 64 };

_Static_assert(AHEAD <= PLAIN_SPILL, "what stands behind an escape is copied in whole pieces");

#define INLINE static inline __attribute__((always_inline))

INLINE piece load(const uint8_t *from)
{
    piece bytes;
    memcpy(&bytes, from, sizeof bytes);
    return bytes;
}

INLINE void store(uint8_t *to, piece bytes) { memcpy(to, &bytes, sizeof bytes); }

/* Which bytes are not plain. */
INLINE uint64_t special(piece bytes)
{
    /* As signed numbers, bytes from 0x80 on are below 0x20 too. */
    signed_piece found = (signed_piece)((signed_piece)bytes < 0x20) | (signed_piece)(bytes == '"') | (signed_piece)(bytes == '\\');
    piece_bits bits = __builtin_convertvector(found, piece_bits);
    uint64_t word;
    memcpy(&word, &bits, sizeof word);
    return word;
}

INLINE size_t unescape(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds)
{
    /* The last bytes, with zeros behind them, which are not plain. */
    uint8_t last[2 * AHEAD];
    /* How many bytes stand before those that `next` and `end` point into, which begin at `start`. */
    size_t before = 0;
    const uint8_t *start = from, *next = from, *end = from + count;
    uint32_t *feed = feeds->places + feeds->count, *full = feeds->places + feeds->room;
    /* The place of the byte at `next`, less what has been left out of its piece. */
    size_t place = 0;
    *read = 0;
    for (;;) {
        if (end - next < AHEAD) {
            size_t rest = (size_t)(end - next);
            before = (size_t)(next - start);
            memset(last, 0, sizeof last);
            memcpy(last, next, rest);
            next = start = last;
            end = last + sizeof last;
        }
        piece bytes = load(next);
        store(to + place, bytes);
        const uint8_t *behind = next;
        for (uint64_t found = special(bytes); found;) {
            size_t first = (size_t)__builtin_ctzll(found);
            const uint8_t *at = next + first;
            uint8_t *target = to + (place + first);
            if (memcmp(at, "\\r\\n", 4) == 0) {
                /* A line ends: the escape that there is most of. */
                memcpy(target, "\r\n", 2);
                if (feed < full) *feed++ = (uint32_t)(place + first + 1);
                /* What stands behind it has its place now. */
                store(target + 2, load(at + 4));
                behind = at + 4;
                place -= 2;
                /* Both of its backslashes; where the second is the next piece's, there are no others. */
                found &= found - 1;
                found &= found - 1;
                continue;
            }
            if (*at == '"') {
                feeds->count = (size_t)(feed - feeds->places);
                *read = before + (size_t)(at - start) + 1;
                return place + first;
            }
            uint8_t byte = *at == '\\' ? plain_escaped(at[1]) : 0;
            if (!byte) return 0;
            *target = byte;
            if (byte == '\n' && feed < full) *feed++ = (uint32_t)(place + first);
            store(target + 1, load(at + 2));
            behind = at + 2;
            place -= 1;
            found &= ~((uint64_t)3 << first);
        }
        size_t done = behind > next + 64 ? (size_t)(behind - next) : 64;
        next += done;
        place += done;
    }
}

size_t plain_unescape_anywhere(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds)
{
    return unescape(to, from, count, read, feeds);
}

#if defined(__x86_64__)

__attribute__((target("avx2,bmi,bmi2")))
static size_t unescape_avx2(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds)
{
    return unescape(to, from, count, read, feeds);
}

static int has_avx2;

/* Before `main`, and hence before any thread. */
__attribute__((constructor)) static void look_at_processor(void)
{
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

size_t plain_unescape(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds)
{
    return has_avx2 ? unescape_avx2(to, from, count, read, feeds) : unescape(to, from, count, read, feeds);
}

#else

size_t plain_unescape(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds)
{
    return unescape(to, from, count, read, feeds);
}

#endif

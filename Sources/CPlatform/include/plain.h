/// Plain text in JSON, many bytes at a time: what Swift's vectors cannot say, a comparison as bits.
///
/// Plain is what stands in a JSON string as it is: ASCII but quotes, backslashes and control characters. None of these reads or
/// writes beyond the bytes that it is told of, unless it says so.
#ifndef SIPGUARDD_PLAIN_H
#define SIPGUARDD_PLAIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline int plain_is(uint8_t byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

/// A member's name of at most sixteen bytes, the first eight and the others, as they lie in memory.
struct plain_name {
    uint64_t low, high;
    unsigned length;
};

#if defined(__SSE2__)
#include <emmintrin.h>

/// Of sixteen bytes those that are not plain, as bits.
static inline unsigned plain_special(__m128i bytes)
{
    /* As signed numbers, bytes from 0x80 on are below 0x20 too. */
    __m128i special = _mm_or_si128(
        _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    return (unsigned)_mm_movemask_epi8(special);
}

/// How many of the sixteen bytes at `from` stand before the first that is not plain; 16 if all are.
static inline unsigned plain_length16(const uint8_t *from)
{
    return (unsigned)__builtin_ctz(plain_special(_mm_loadu_si128((const __m128i *)from)) | 0x10000u);
}

/// Copies all sixteen to `to`, and says which are not plain, as bits.
static inline unsigned plain_copy16(uint8_t *to, const uint8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    _mm_storeu_si128((__m128i *)to, bytes);
    return plain_special(bytes);
}

/// Of the sixteen bytes at `from` those before the first quote, with zeros behind them, and how many they are.
static inline struct plain_name plain_before_quote16(const uint8_t *from)
{
    static const uint8_t masks[32] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    };
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    unsigned length = (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(quotes) | 0x10000u);
    bytes = _mm_and_si128(bytes, _mm_loadu_si128((const __m128i *)(masks + 16 - length)));
    return (struct plain_name){
        (uint64_t)_mm_cvtsi128_si64(bytes), (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(bytes, bytes)), length,
    };
}

/// Whether the sixteen bytes at `from` and at `text` are the same where `mask` has a bit.
static inline int plain_same16(const uint8_t *from, const uint8_t *text, unsigned mask)
{
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)from), _mm_loadu_si128((const __m128i *)text));
    return ((unsigned)_mm_movemask_epi8(same) & mask) == mask;
}

/// How many of the sixteen bytes at `from` are digits that stand before all others.
static inline unsigned plain_digits16(const uint8_t *from)
{
    __m128i values = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)from), _mm_set1_epi8('0'));
    __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(digits));
}

#else

static inline unsigned plain_length16(const uint8_t *from)
{
    for (unsigned index = 0; index < 16; index++)
        if (!plain_is(from[index])) return index;
    return 16;
}

static inline unsigned plain_copy16(uint8_t *to, const uint8_t *from)
{
    unsigned special = 0;
    memcpy(to, from, 16);
    for (unsigned index = 0; index < 16; index++) special |= (unsigned)!plain_is(from[index]) << index;
    return special;
}

static inline struct plain_name plain_before_quote16(const uint8_t *from)
{
    const uint8_t *quote = memchr(from, '"', 16);
    struct plain_name name = {0, 0, quote ? (unsigned)(quote - from) : 16};
    uint8_t bytes[16] = {0};
    memcpy(bytes, from, name.length);
    memcpy(&name.low, bytes, 8);
    memcpy(&name.high, bytes + 8, 8);
    return name;
}

static inline int plain_same16(const uint8_t *from, const uint8_t *text, unsigned mask)
{
    for (unsigned index = 0; index < 16; index++)
        if (mask >> index & 1 && from[index] != text[index]) return 0;
    return 1;
}

static inline unsigned plain_digits16(const uint8_t *from)
{
    unsigned digits = 0;
    while (digits < 16 && from[digits] >= '0' && from[digits] <= '9') digits++;
    return digits;
}

#endif

/// Whether `count` bytes are the same at both places.
static inline int plain_same(const uint8_t *from, const uint8_t *other, size_t count)
{
    return memcmp(from, other, count) == 0;
}

/// How many of `count` bytes stand before the first that is not plain.
static inline size_t plain_length(const uint8_t *from, size_t count)
{
    size_t done = 0;
    for (; done + 16 <= count; done += 16) {
        unsigned plain = plain_length16(from + done);
        if (plain < 16) return done + plain;
    }
    while (done < count && plain_is(from[done])) done++;
    return done;
}

/// How many bytes behind what is copied `plain_copy` may overwrite.
enum { PLAIN_COPY_SPILL = 15 };

/// The same, and copies at least those to `to`, where there is room for `count` bytes and `PLAIN_COPY_SPILL` more.
///
/// Looks at whole pieces of sixteen bytes: what stands behind the last byte in the same page of memory is read, and does not count.
__attribute__((no_sanitize("address")))
static inline size_t plain_copy(uint8_t *to, const uint8_t *from, size_t count)
{
    size_t done = 0;
    for (; done + 16 <= count; done += 16) {
        unsigned special = plain_copy16(to + done, from + done);
        if (special) return done + (size_t)__builtin_ctz(special);
    }
    size_t rest = count - done;
    if (!rest) return count;
    from += done;
    uint8_t piece[16];
    if (((uintptr_t)from & 4095) > 4096 - 16) from = memcpy(piece, from, rest);
    /* The bit behind the last byte ends the search. */
    return done + (size_t)__builtin_ctz(plain_copy16(to + done, from) | 1u << rest);
}

/// What a backslash and this byte stand for; 0 where that is nothing, or not told by one letter.
static inline uint8_t plain_escaped(uint8_t byte)
{
    static const uint8_t meanings[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
    };
    return meanings[byte];
}

/// Places of line feeds, from the first one on, as many as there is room for.
struct plain_feeds {
    uint32_t *places;
    size_t room, count;
};

/// How many bytes behind a value `plain_unescape` may overwrite.
enum { PLAIN_SPILL = 132 };

/// Copies a string's value to `to`, where there is room for `count` bytes and `PLAIN_SPILL` more, from behind the first of its
/// quotes up to the second, with what its escapes stand for, and adds the value's line feeds to `feeds`. How many bytes the value
/// has and, in `read`, the offset behind the second quote; 0 in `read` where there is none, or where something else is not plain.
size_t plain_unescape(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds);

/// The same for a processor of which nothing is known.
size_t plain_unescape_anywhere(uint8_t *to, const uint8_t *from, size_t count, size_t *read, struct plain_feeds *feeds);

#endif

/// Plain text in JSON, sixteen bytes at a time: what Swift's vectors cannot say, a comparison as bits.
///
/// Plain is what stands in a JSON string as it is: ASCII but quotes, backslashes and control characters. None of these reads or
/// writes beyond the bytes that it is told of.
#ifndef SIPGUARDD_PLAIN_H
#define SIPGUARDD_PLAIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline int plain_is(uint8_t byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

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

/// The same, and copies all sixteen to `to`.
static inline unsigned plain_copy16(uint8_t *to, const uint8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    _mm_storeu_si128((__m128i *)to, bytes);
    return (unsigned)__builtin_ctz(plain_special(bytes) | 0x10000u);
}

/// How many of the sixteen bytes at `from` stand before the first quote; 16 if there is none.
static inline unsigned plain_before_quote16(const uint8_t *from)
{
    __m128i quotes = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)from), _mm_set1_epi8('"'));
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(quotes) | 0x10000u);
}

/// As `plain_copy`, for eight to fifteen bytes: two halves that overlap.
static inline size_t plain_copy_half(uint8_t *to, const uint8_t *from, size_t count)
{
    uint64_t first, last;
    memcpy(&first, from, 8);
    memcpy(&last, from + count - 8, 8);
    memcpy(to, &first, 8);
    memcpy(to + count - 8, &last, 8);
    size_t plain = (size_t)__builtin_ctz(plain_special(_mm_set_epi64x((long long)last, (long long)first)) | 0x10000u);
    return plain < 8 ? plain : plain - 16 + count;
}

/// As `plain_copy`, for four to seven bytes.
static inline size_t plain_copy_quarter(uint8_t *to, const uint8_t *from, size_t count)
{
    uint32_t first, last;
    memcpy(&first, from, 4);
    memcpy(&last, from + count - 4, 4);
    memcpy(to, &first, 4);
    memcpy(to + count - 4, &last, 4);
    __m128i bytes = _mm_cvtsi64_si128((long long)(first | (uint64_t)last << 32));
    size_t plain = (size_t)__builtin_ctz((plain_special(bytes) & 0xFFu) | 0x100u);
    return plain < 4 ? plain : plain - 8 + count;
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
    memcpy(to, from, 16);
    return plain_length16(from);
}

static inline unsigned plain_before_quote16(const uint8_t *from)
{
    const uint8_t *quote = memchr(from, '"', 16);
    return quote ? (unsigned)(quote - from) : 16;
}

static inline size_t plain_copy_half(uint8_t *to, const uint8_t *from, size_t count)
{
    size_t plain = 0;
    memcpy(to, from, count);
    while (plain < count && plain_is(from[plain])) plain++;
    return plain;
}

static inline size_t plain_copy_quarter(uint8_t *to, const uint8_t *from, size_t count)
{
    return plain_copy_half(to, from, count);
}

#endif

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

/// The same, and copies at least those to `to`, where there is room for `count` bytes.
static inline size_t plain_copy(uint8_t *to, const uint8_t *from, size_t count)
{
    size_t done = 0;
    for (; done + 16 <= count; done += 16) {
        unsigned plain = plain_copy16(to + done, from + done);
        if (plain < 16) return done + plain;
    }
    if (done == count) return count;
    /* The last sixteen, of which some are known to be plain. */
    if (count >= 16) return count - 16 + plain_copy16(to + count - 16, from + count - 16);
    if (count >= 8) return plain_copy_half(to, from, count);
    if (count >= 4) return plain_copy_quarter(to, from, count);
    while (done < count && plain_is(from[done])) {
        to[done] = from[done];
        done++;
    }
    return done;
}

/// What a backslash and this byte stand for; 0 where that is nothing, or not told by one letter.
static inline uint8_t plain_escaped(uint8_t byte)
{
    static const uint8_t meanings[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
    };
    return meanings[byte];
}

/// Copies a string's value to `to`, where there is room for `count` bytes, from behind the first of its quotes up to the second,
/// with what its escapes stand for. How many bytes the value has and, in `read`, the offset behind the second quote; 0 in `read`
/// where there is none, or where something else is not plain.
static inline size_t plain_unescape(uint8_t *to, const uint8_t *from, size_t count, size_t *read)
{
    size_t index = 0, escapes = 0;
    *read = 0;
    for (;;) {
        /* What is copied of a piece from its escape on is written over. */
        if (index + 16 <= count) {
            unsigned plain = plain_copy16(to + index - escapes, from + index);
            index += plain;
            if (plain == 16) continue;
        } else {
            index += plain_copy(to + index - escapes, from + index, count - index);
            if (index == count) return 0;
        }
        if (from[index] == '"') break;
        /* Escapes stand together at the end of a line. */
        do {
            uint8_t byte = from[index] == '\\' && index + 1 < count ? plain_escaped(from[index + 1]) : 0;
            if (!byte) return 0;
            to[index - escapes++] = byte;
            index += 2;
        } while (index < count && from[index] == '\\');
        if (index == count) return 0;
    }
    *read = index + 1;
    return index - escapes;
}

#endif

/// Plain text in JSON, sixteen bytes at a time: what Swift's vectors cannot say, a comparison as bits.
#ifndef SIPGUARDD_PLAIN_H
#define SIPGUARDD_PLAIN_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

/// How many of the sixteen bytes at `from`, which are copied to `to`, stand before the first that is a quote, a backslash, a
/// control character or not ASCII; 16 if there is none.
static inline unsigned plain_copy16(uint8_t *to, const uint8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    _mm_storeu_si128((__m128i *)to, bytes);
    /* As signed numbers, bytes from 0x80 on are below 0x20 too. */
    __m128i special = _mm_or_si128(
        _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 0x10000u);
}

#else

static inline unsigned plain_copy16(uint8_t *to, const uint8_t *from)
{
    memcpy(to, from, 16);
    for (unsigned index = 0; index < 16; index++)
        if (from[index] < 0x20 || from[index] >= 0x80 || from[index] == '"' || from[index] == '\\')
            return index;
    return 16;
}

#endif
#endif

/* Facts from the start line and header block of a SIP request (RFC 3261 section 7), as nearly everybody writes them. */
#define _GNU_SOURCE
#include "guard.h"
#include <stdlib.h>
#include <string.h>

/* Whether a name is this one, in any case; `wanted` is in lower case and as long. */
static int is(text name, const char *wanted) {
    for (uint32_t i = 0; i < name.length; i++)
        if ((name.at[i] | 0x20) != wanted[i]) return 0;
    return 1;
}

static text trimmed(text value) {
    while (value.length && *value.at == ' ') value.at++, value.length--;
    while (value.length && (value.at[value.length - 1] == ' ' || value.at[value.length - 1] == '\r')) value.length--;
    return value;
}

/* Up to the first of these bytes, or the end. */
static text upto(const char *start, const char *end, char one, char other) {
    const char *at = start;
    while (at < end && *at != one && *at != other) at++;
    return (text){ start, (uint32_t)(at - start) };
}

static void read_name_address(text value, struct facts *facts, enum field user, int is_from) {
    const char *at = value.at, *end = at + value.length;
    if (at < end && *at == '"') {
        const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));
        if (!quote) return;
        if (is_from) facts->texts[FROM_DISPLAY] = (text){ at + 1, (uint32_t)(quote - at - 1) };
        at = quote;
    }
    if (!(at = memchr(at, '<', (size_t)(end - at)))) return;
    const char *close = memchr(at, '>', (size_t)(end - at));
    if (!close || close - at < 5 || memcmp(at, "<sip:", 5)) return;
    at += 5;
    const char *sign = memchr(at, '@', (size_t)(close - at));
    if (sign) {
        facts->texts[user] = (text){ at, (uint32_t)(sign - at) };
        at = sign + 1;
    }
    facts->texts[user + 1] = upto(at, close, ':', ';');
    if (is_from && end - close >= 6 && !memcmp(close + 1, ";tag=", 5)) facts->texts[FROM_TAG] = upto(close + 6, end, ';', ';');
}

static void read_via(text value, struct facts *facts) {
    const char *end = value.at + value.length, *at = memchr(value.at, ' ', value.length);
    if (!at) return;
    facts->texts[VIA_HOST] = upto(at + 1, end, ':', ';');
    const char *branch = memmem(at, (size_t)(end - at), ";branch=", 8);
    if (branch) facts->texts[VIA_BRANCH] = upto(branch + 8, end, ';', ',');
}

static void read_credentials(text value, struct facts *facts) {
    static const struct { const char *name; size_t length; enum field field; } wanted[] = {
        { "username=\"", 10, AUTH_USER }, { "realm=\"", 7, AUTH_REALM },
    };
    for (unsigned i = 0; i < 2; i++) {
        const char *at = memmem(value.at, value.length, wanted[i].name, wanted[i].length);
        if (at) facts->texts[wanted[i].field] = upto(at + wanted[i].length, value.at + value.length, '"', '"');
    }
}

static void read_header(const char *at, const char *end, struct facts *facts) {
    switch (*at | 0x20) {
    case 'v': case 'f': case 't': case 'c': case 'm': case 'u': case 'a': break;
    default: return;
    }
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (!colon) return;
    text name = { at, (uint32_t)(colon - at) }, value = trimmed((text){ colon + 1, (uint32_t)(end - colon - 1) });
    switch (name.length) {
    case 2: if (is(name, "to")) read_name_address(value, facts, TO_USER, 0); break;
    case 3: if (is(name, "via")) read_via(value, facts); break;
    case 4:
        if (is(name, "from")) read_name_address(value, facts, FROM_USER, 1);
        else if (is(name, "cseq")) facts->cseq = atoi(value.at);
        break;
    case 7:
        if (is(name, "call-id")) facts->texts[CALL_ID] = value;
        else if (is(name, "contact")) facts->texts[CONTACT] = value;
        break;
    case 10: if (is(name, "user-agent")) facts->texts[USER_AGENT] = value; break;
    case 12: if (is(name, "max-forwards")) facts->max_forwards = atoi(value.at); break;
    case 13: if (is(name, "authorization")) read_credentials(value, facts); break;
    }
}

void read_message(const char *message, size_t length, const struct feeds *feeds, struct facts *facts) {
    const char *end = message + feeds->places[0], *space = memchr(message, ' ', feeds->places[0]);
    if (!space) return;
    facts->texts[METHOD] = (text){ message, (uint32_t)(space - message) };
    facts->texts[RURI] = upto(space + 1, end, ' ', '\r');
    for (uint32_t i = 0; i < feeds->count; i++) {
        const char *start = message + feeds->places[i] + 1;
        end = message + (i + 1 < feeds->count ? feeds->places[i + 1] : length);
        if (end - start > 2) read_header(start, end, facts);
    }
}

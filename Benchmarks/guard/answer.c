/* One request, from its line to the reply. */
#define _GNU_SOURCE
#include "guard.h"
#include "plain.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { LONGEST = 65536 };

static __thread struct {
    char *message;
    uint64_t next, end;         /* ids of decisions that no other thread gives */
    struct harmless agent, display, contact;
    int queue;
} mine;

static _Atomic uint64_t decisions = 0x06b0308120000000;
static struct { _Atomic uint64_t passed, exceeded; } __attribute__((aligned(64))) totals[8];

void guard_start(const char *log) {
    make_literals();
    make_tables();
    start_log(log);
}

void guard_end(void) {
    if (!mine.message) return;
    free(mine.message);
    mine.message = NULL;
    leave_log();
}

/* A string without escapes, whose first quote has been taken; what stands behind the second, or NULL. */
static const char *take_string(const char *at, const char *end, text *value) {
    size_t length = plain_length((const uint8_t *)at, (size_t)(end - at));
    *value = (text){ at, (uint32_t)length };
    return at[length] == '"' ? at + length + 1 : NULL;
}

/* The message, with what its escapes stand for. */
static const char *take_message(const char *at, const char *end, size_t *length, struct feeds *feeds) {
    char *to = mine.message;
    for (;;) {
        size_t count = (size_t)(end - at), done = plain_copy((uint8_t *)to, (const uint8_t *)at, count);
        to += done;
        at += done;
        if (*at == '"') break;
        uint8_t byte = *at == '\\' ? plain_escaped((uint8_t)at[1]) : 0;
        if (!byte) return NULL;
        if (byte == '\n' && feeds->count < sizeof feeds->places / sizeof *feeds->places)
            feeds->places[feeds->count++] = (uint32_t)(to - mine.message);
        *to++ = (char)byte;
        at += 2;
    }
    *length = (size_t)(to - mine.message);
    return at + 1;
}

static uint32_t address(text value) {
    uint32_t address = 0, part = 0;
    for (uint32_t i = 0; i < value.length; i++) {
        if (value.at[i] != '.') {
            part = part * 10 + (uint32_t)(value.at[i] - '0');
        } else {
            address = address << 8 | part;
            part = 0;
        }
    }
    return address << 8 | part;
}

static int is(text name, const char *wanted, size_t length) { return name.length == length && !memcmp(name.at, wanted, length); }

/* The params; the facts that they tell, and the hash of the source. */
static int read_params(const char *at, const char *end, struct facts *facts, uint64_t *hash) {
    struct feeds feeds;
    size_t message = 0;
    feeds.count = 0;
    do {
        text name, value;
        if (*at != '"' || !(at = take_string(at + 1, end, &name)) || at[0] != ':' || at[1] != '"') return 0;
        at += 2;
        if (is(name, "message", 7)) {
            at = take_message(at, end, &message, &feeds);
        } else {
            at = take_string(at, end, &value);
            if (at && is(name, "source_ip", 9)) {
                facts->source = address(value);
                *hash = hash_of(facts->source);
                expect_source(*hash);
            } else if (is(name, "node", 4)) {
                facts->texts[NODE] = value;
            }
        }
        if (!at) return 0;
    } while (*at == ',' && at++);
    if (at[0] != '}' || at[1] != '}' || !feeds.count || !facts->source) return 0;
    expect_record(*hash);
    read_message(mine.message, message, &feeds, facts);
    return 1;
}

size_t guard_answer(const char *line, size_t length, char *out, size_t room) {
    static const char before[] = "{\"jsonrpc\":\"2.0\",\"id\":", between[] = ",\"method\":\"guard.check\",\"params\":{";
    if (!mine.message) {
        mine.message = malloc(LONGEST + PLAIN_COPY_SPILL);
        mine.queue = join_log();
    }
    if (room < 512 || length < 100 || length > LONGEST || memcmp(line, before, sizeof before - 1)) return 0;
    const char *id = line + sizeof before - 1, *at = id;
    while (*at >= '0' && *at <= '9') at++;
    size_t digits = (size_t)(at - id);
    if (digits > 18 || memcmp(at, between, sizeof between - 1)) return 0;
    struct facts facts = { 0 };
    uint64_t hash = 0;
    if (!read_params(at + sizeof between - 1, line + length, &facts, &hash)) return 0;
    int64_t now = microseconds(CLOCK_MONOTONIC);
    if (mine.next == mine.end) {
        mine.next = atomic_fetch_add(&decisions, 64);
        mine.end = mine.next + 64;
    }
    uint64_t decision = mine.next++;
    int is_treated = is_marked(facts.texts[USER_AGENT], &mine.agent) | is_marked(facts.texts[FROM_DISPLAY], &mine.display)
        | is_marked(facts.texts[CONTACT], &mine.contact) | count_request(hash, facts.source, decision, now);
    atomic_fetch_add_explicit(is_treated ? &totals[mine.queue].exceeded : &totals[mine.queue].passed, 1, memory_order_relaxed);
    put(&facts, decision, now, mine.queue);
    char *to = mempcpy(PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":"), id, digits);
    to = PUT(to, ",\"result\":{\"verdict\":\"");
    to = is_treated ? PUT(to, "drop") : PUT(to, "pass");
    to = put_hex(PUT(to, "\",\"rule\":\"default\",\"decision\":\""), decision);
    to = PUT(to, "\",\"ttl\":0}}\n");
    return (size_t)(to - out);
}

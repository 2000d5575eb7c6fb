/* What is remembered of sources, and the literals. */
#define _GNU_SOURCE
#include "guard.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* --- literals: the automaton of Aho and Corasick --- */

static uint16_t (*automaton)[256];
static uint8_t *accepts;

static void add_literal(const char *literal, unsigned *states) {
    unsigned state = 0;
    for (const char *at = literal; *at; at++) {
        if (!automaton[state][(uint8_t)*at]) automaton[state][(uint8_t)*at] = (uint16_t)(*states)++;
        state = automaton[state][(uint8_t)*at];
    }
    accepts[state] = 1;
}

void make_literals(void) {
    enum { ROOM = 4096 };
    static const char *const tools[] = {
        "friendly-scanner", "friendly-request", "sipvicious", "sipcli", "sundayddr", "vaxsipuseragent", "sip-scan", "sipsak", "iwar",
        "smap", "pplsip", "gulp", "sipptk", "scanner", "zgrab", "masscan", "nmap", "eyebeam release 3007n", "voip-test", "warvox",
    };
    static uint16_t fails[ROOM], queue[ROOM];
    unsigned states = 1, head = 0, tail = 0;
    automaton = calloc(ROOM, sizeof *automaton);
    accepts = calloc(ROOM, 1);
    for (unsigned i = 0; i < 8 * sizeof tools / sizeof *tools; i++) {
        char literal[64];
        snprintf(literal, sizeof literal, i % 8 ? "%s%u" : "%s", tools[i / 8], i % 8);
        add_literal(literal, &states);
    }
    for (unsigned byte = 0; byte < 256; byte++)
        if (automaton[0][byte]) queue[tail++] = automaton[0][byte];
    while (head < tail) {
        unsigned state = queue[head++];
        for (unsigned byte = 0; byte < 256; byte++) {
            unsigned next = automaton[state][byte], other = automaton[fails[state]][byte];
            if (!next) {
                automaton[state][byte] = (uint16_t)other;
                continue;
            }
            fails[next] = (uint16_t)other;
            accepts[next] |= accepts[other];
            queue[tail++] = (uint16_t)next;
        }
    }
}

int is_marked(text value, struct harmless *last) {
    if (value.length == last->length && !memcmp(value.at, last->bytes, value.length)) return 0;
    unsigned state = 0;
    for (uint32_t i = 0; i < value.length; i++) {
        uint8_t byte = (uint8_t)value.at[i];
        state = automaton[state][byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte];
        if (accepts[state]) return 1;
    }
    if (value.length <= sizeof last->bytes) {
        last->length = value.length;
        memcpy(last->bytes, value.at, value.length);
    }
    return 0;
}

/* --- sources and counters: two sets of four places for each key --- */

enum { PLACES = 4, SETS = 1 << 14, SOURCE_LOCKS = 256, LINES = 1 << 19, COUNTER_LOCKS = 1024 };
enum { RULE = 1, INTERVAL = 3333, TOLERANCE = 20000000 };       /* 300 requests a second, 6000 at once */

struct record {
    uint32_t address, requests, at_rest, answers;
    int64_t first, last;
    uint64_t decision;
    uint64_t others[16];        /* as large as the daemon's */
};

struct entry {
    uint64_t tag;
    int64_t until;
};

struct lock {
    pthread_mutex_t mutex;
} __attribute__((aligned(64)));

static struct lock source_locks[SOURCE_LOCKS], counter_locks[COUNTER_LOCKS];
static uint32_t (*prints)[PLACES];
static struct record (*records)[PLACES];
static struct entry (*counters)[PLACES];
static uint64_t key[2];

static void *on_large_pages(size_t bytes) {
    size_t page = 2 << 20, rounded = (bytes + page - 1) / page * page;
    void *memory = aligned_alloc(page, rounded);
    madvise(memory, rounded, MADV_HUGEPAGE);
    return memset(memory, 0, rounded);
}

void make_tables(void) {
    FILE *random = fopen("/dev/urandom", "r");
    if (!random || fread(key, sizeof key, 1, random) != 1) abort();
    fclose(random);
    prints = on_large_pages(SETS * sizeof *prints);
    records = on_large_pages(SETS * sizeof *records);
    counters = on_large_pages(LINES * sizeof *counters);
    for (unsigned i = 0; i < SOURCE_LOCKS; i++) pthread_mutex_init(&source_locks[i].mutex, NULL);
    for (unsigned i = 0; i < COUNTER_LOCKS; i++) pthread_mutex_init(&counter_locks[i].mutex, NULL);
}

static uint64_t rotated(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

static void sip_round(uint64_t v[4]) {
    v[0] += v[1]; v[1] = rotated(v[1], 13) ^ v[0]; v[0] = rotated(v[0], 32);
    v[2] += v[3]; v[3] = rotated(v[3], 16) ^ v[2];
    v[0] += v[3]; v[3] = rotated(v[3], 21) ^ v[0];
    v[2] += v[1]; v[1] = rotated(v[1], 17) ^ v[2]; v[2] = rotated(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012). */
uint64_t hash_of(uint32_t source) {
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u,
    };
    uint64_t words[2] = { source, (uint64_t)8 << 56 };
    for (unsigned i = 0; i < 2; i++) {
        v[3] ^= words[i];
        sip_round(v);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t counter_hash(uint64_t hash) {
    uint64_t mixed = (hash ^ RULE * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return mixed ^ mixed >> 32;
}

/* A key's two sets. */
static size_t set(uint64_t hash, unsigned number, size_t count) { return (hash >> (number ? 16 : 40) & 0xffffff) * count >> 24; }

static pthread_mutex_t *source_lock(uint64_t hash) { return &source_locks[hash >> 8 & (SOURCE_LOCKS - 1)].mutex; }
static pthread_mutex_t *counter_lock(uint64_t hash) { return &counter_locks[hash & (COUNTER_LOCKS - 1)].mutex; }
static uint32_t print_of(uint64_t hash) { return (uint32_t)hash | 1; }

void expect_source(uint64_t hash) {
    uint64_t counter = counter_hash(hash);
    __builtin_prefetch(source_lock(hash), 1);
    __builtin_prefetch(counter_lock(counter), 1);
    for (unsigned i = 0; i < 2; i++) {
        __builtin_prefetch(prints[set(hash, i, SETS)], 1);
        __builtin_prefetch(counters[set(counter, i, LINES)], 1);
    }
}

void expect_record(uint64_t hash) {
    for (unsigned i = 0; i < 2; i++)
        for (unsigned place = 0; place < PLACES; place++) {
            size_t number = set(hash, i, SETS);
            if (__atomic_load_n(&prints[number][place], __ATOMIC_RELAXED) != print_of(hash)) continue;
            for (size_t offset = 0; offset < sizeof(struct record); offset += 64)
                __builtin_prefetch((char *)&records[number][place] + offset, 1);
        }
}

/* A source's record; a new one takes the place of the one silent for longest. */
static struct record *record_of(uint64_t hash, uint32_t source, int64_t now) {
    size_t sets[2] = { set(hash, 0, SETS), set(hash, 1, SETS) };
    for (unsigned i = 0; i < 2 * PLACES; i++)
        if (prints[sets[i / PLACES]][i % PLACES] == print_of(hash) && records[sets[i / PLACES]][i % PLACES].address == source)
            return &records[sets[i / PLACES]][i % PLACES];
    unsigned oldest = 0;
    for (unsigned i = 1; i < 2 * PLACES; i++)
        if (records[sets[i / PLACES]][i % PLACES].last < records[sets[oldest / PLACES]][oldest % PLACES].last) oldest = i;
    struct record *record = &records[sets[oldest / PLACES]][oldest % PLACES];
    prints[sets[oldest / PLACES]][oldest % PLACES] = print_of(hash);
    *record = (struct record){ .address = source, .first = now };
    return record;
}

/* A counter of the generic cell rate algorithm (ITU-T I.371). */
static int exceeds(uint64_t hash, int64_t now) {
    struct entry *found = NULL, *oldest = counters[set(hash, 0, LINES)];
    pthread_mutex_lock(counter_lock(hash));
    for (unsigned i = 0; i < 2 * PLACES; i++) {
        struct entry *entry = &counters[set(hash, i / PLACES, LINES)][i % PLACES];
        if (entry->tag == (hash | 1)) found = entry;
        if (entry->until < oldest->until) oldest = entry;
    }
    if (!found) {
        found = oldest;
        *found = (struct entry){ hash | 1, now };
    }
    int64_t next = (found->until > now ? found->until : now) + INTERVAL;
    int is_over = next - now > TOLERANCE;
    if (!is_over) found->until = next;
    pthread_mutex_unlock(counter_lock(hash));
    return is_over;
}

int count_request(uint64_t hash, uint32_t source, uint64_t decision, int64_t now) {
    pthread_mutex_lock(source_lock(hash));
    struct record *record = record_of(hash, source, now);
    if (now - record->last > 600000000) record->at_rest = record->requests;
    record->requests++;
    record->last = now;
    record->decision = decision;
    int is_over = exceeds(counter_hash(hash), now);
    pthread_mutex_unlock(source_lock(hash));
    return is_over;
}

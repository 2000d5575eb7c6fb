/* The decision log: who decides copies facts into a queue, and a thread makes lines of them. */
#define _GNU_SOURCE
#include "guard.h"
#include "plain.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUES = 8, QUEUE = 256 << 10, TRIED = 4, PIECE = 8 << 10, WAKE = 64, FEW = 16, WEIGHT = 4,
    CHUNK = 128 << 10, LINE = 16 << 10, FILE_SIZE = 16 << 20, FILES = 4, LONGEST = 100
};

static const char *const names[FIELDS] = {
    "method", "ruri", "from_user", "from_domain", "from_display", "from_tag", "to_user", "to_domain", "contact", "user_agent",
    "call_id", "via_host", "via_branch", "auth_user", "auth_realm", "node",
};

struct head {
    int64_t time;
    uint64_t decision;
    uint32_t size, source;
    int cseq, max_forwards;
    uint16_t lengths[FIELDS];
};

static struct queue {
    pthread_mutex_t lock;
    uint32_t used;
    char *bytes;
} __attribute__((aligned(64))) queues[QUEUES];

static _Atomic int filled, joined, askers;
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake_up = PTHREAD_COND_INITIALIZER;
static int is_woken;

int join_log(void) {
    askers++;
    return joined++ % QUEUES;
}

void leave_log(void) { askers--; }

static void wake_writer(void) {
    pthread_mutex_lock(&sleep_lock);
    is_woken = 1;
    pthread_cond_signal(&wake_up);
    pthread_mutex_unlock(&sleep_lock);
}

static void count_filled(uint32_t before, uint32_t after) {
    int pieces = (int)(after / PIECE - before / PIECE) * (atomic_load_explicit(&askers, memory_order_relaxed) > FEW ? WEIGHT : 1);
    if (!pieces) return;
    int count = atomic_fetch_add_explicit(&filled, pieces, memory_order_relaxed);
    if (count < WAKE && count + pieces >= WAKE) wake_writer();
}

void put(const struct facts *facts, uint64_t decision, int64_t now, int own) {
    struct head head = { now, decision, sizeof head, facts->source, facts->cseq, facts->max_forwards, { 0 } };
    for (unsigned i = 0; i < FIELDS; i++) {
        text value = facts->texts[i];
        head.lengths[i] = !value.at ? UINT16_MAX : value.length < LONGEST ? (uint16_t)value.length : LONGEST;
        if (value.at) head.size += head.lengths[i];
    }
    head.size = (head.size + 7) & ~7u;      /* the next head is aligned */
    for (int tried = 0; tried < TRIED; tried++) {
        struct queue *queue = &queues[(own + tried) % QUEUES];
        if (pthread_mutex_trylock(&queue->lock)) continue;
        uint32_t before = queue->used;
        if (before + head.size > QUEUE) {
            pthread_mutex_unlock(&queue->lock);
            continue;
        }
        char *at = mempcpy(queue->bytes + before, &head, sizeof head);
        for (unsigned i = 0; i < FIELDS; i++)
            if (facts->texts[i].at) at = mempcpy(at, facts->texts[i].at, head.lengths[i]);
        queue->used = before + head.size;
        for (unsigned ahead = 0; ahead < 448; ahead += 64) __builtin_prefetch(at + ahead, 1);
        pthread_mutex_unlock(&queue->lock);
        count_filled(before, before + head.size);
        return;
    }
    static _Atomic int lost;
    if (!lost++) fprintf(stderr, "guard: the log has no room\n");
}

/* --- the writer --- */

static char *put_number(char *at, uint64_t value) {
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count) *at++ = digits[--count];
    return at;
}

char *put_hex(char *at, uint64_t value) {
    for (int shift = 60; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

static char *put_escaped(char *at, const char *from, size_t count) {
    while (count) {
        size_t done = plain_copy((uint8_t *)at, (const uint8_t *)from, count);
        at += done;
        if (done == count) break;
        uint8_t byte = (uint8_t)from[done];
        at += sprintf(at, byte == '"' || byte == '\\' ? "\\%c" : byte < 0x20 ? "\\u%04x" : "%c", byte);
        from += done + 1;
        count -= done + 1;
    }
    return at;
}

static char *put_time(char *at, int64_t time) {
    static time_t second = -1;
    static char stamp[32];
    if (time / 1000000 != second) {
        struct tm parts;
        second = time / 1000000;
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.", gmtime_r(&second, &parts));
    }
    at = mempcpy(at, stamp, 20);
    for (int64_t rest = time % 1000000, place = 5; place >= 0; place--, rest /= 10) at[place] = (char)('0' + rest % 10);
    return at + 6;
}

static char *put_line(char *at, const struct head *head, int64_t offset) {
    static struct { char text[24]; unsigned length; } members[FIELDS];
    if (!members[0].length)
        for (unsigned i = 0; i < FIELDS; i++)
            members[i].length = (unsigned)snprintf(members[i].text, sizeof members[i].text, "\",\"%s\":\"", names[i]);
    at = put_time(PUT(at, "{\"time\":\""), head->time + offset);
    at = PUT(at, "Z\",\"check\":{\"source_ip\":\"");
    for (int shift = 24; shift >= 0; shift -= 8) {
        at = put_number(at, head->source >> shift & 255);
        if (shift) *at++ = '.';
    }
    at = PUT(at, "\",\"transport\":\"udp");
    const char *from = (const char *)(head + 1);
    for (unsigned i = 0; i < FIELDS; i++) {
        if (head->lengths[i] == UINT16_MAX) continue;
        at = mempcpy(at, members[i].text, members[i].length);
        at = put_escaped(at, from, head->lengths[i]);
        from += head->lengths[i];
    }
    at = put_number(PUT(at, "\",\"cseq\":"), (uint64_t)head->cseq);
    at = put_number(PUT(at, ",\"max_forwards\":"), (uint64_t)head->max_forwards);
    at = put_hex(PUT(at, "},\"result\":{\"verdict\":\"pass\",\"rule\":\"default\",\"decision\":\""), head->decision);
    return PUT(at, "\",\"ttl\":0}}\n");
}

static void write_file(const char *path, const char *bytes, size_t count) {
    static int fd = -1;
    static size_t size;
    if (fd >= 0 && size + count > FILE_SIZE) {
        char old[4096], new[4096];
        close(fd);
        fd = -1;
        for (int number = FILES - 1; number >= 0; number--) {
            snprintf(old, sizeof old, number ? "%s.%d" : "%s", path, number);
            if (number == FILES - 1) unlink(old); else rename(old, new);
            memcpy(new, old, sizeof new);
        }
    }
    if (fd < 0) {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        size = 0;
    }
    if (write(fd, bytes, count) != (ssize_t)count) abort();
    size += count;
}

int64_t microseconds(int clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void sleep_a_while(void) {
    int64_t until = microseconds(CLOCK_REALTIME) + 50000;
    struct timespec time = { until / 1000000, until % 1000000 * 1000 };
    pthread_mutex_lock(&sleep_lock);
    while (!is_woken && !pthread_cond_timedwait(&wake_up, &sleep_lock, &time)) {}
    is_woken = 0;
    pthread_mutex_unlock(&sleep_lock);
    atomic_store(&filled, 0);
}

/* One turn: all that waits, in the order of time. */
static void write_all(const char *path, char *spare[QUEUES], char *lines) {
    const char *next[QUEUES], *end[QUEUES];
    for (int i = 0; i < QUEUES; i++) {
        pthread_mutex_lock(&queues[i].lock);
        char *full = queues[i].bytes;
        end[i] = full + queues[i].used;
        queues[i].bytes = spare[i];
        queues[i].used = 0;
        pthread_mutex_unlock(&queues[i].lock);
        next[i] = spare[i] = full;
    }
    int64_t offset = microseconds(CLOCK_REALTIME) - microseconds(CLOCK_MONOTONIC);
    char *at = lines;
    for (;;) {
        int64_t earliest = INT64_MAX;
        int found = -1;
        for (int i = 0; i < QUEUES; i++) {
            int64_t time = next[i] == end[i] ? INT64_MAX : ((const struct head *)next[i])->time;
            if (time < earliest) earliest = time, found = i;
        }
        if (found < 0) break;
        const struct head *record = (const struct head *)next[found];
        next[found] += record->size;
        at = put_line(at, record, offset);
        if (at - lines >= CHUNK) {
            write_file(path, lines, (size_t)(at - lines));
            at = lines;
        }
    }
    if (at > lines) write_file(path, lines, (size_t)(at - lines));
}

static void *write_log(void *path) {
    struct sched_param least = { .sched_priority = sched_get_priority_min(SCHED_RR) };
    sched_setscheduler(0, SCHED_RR, &least);
    char *spare[QUEUES], *lines = malloc(CHUNK + LINE);
    for (int i = 0; i < QUEUES; i++) spare[i] = malloc(QUEUE);
    for (;;) {
        sleep_a_while();
        write_all(path, spare, lines);
    }
    return NULL;
}

void start_log(const char *path) {
    pthread_t thread;
    for (int i = 0; i < QUEUES; i++) {
        pthread_mutex_init(&queues[i].lock, NULL);
        queues[i].bytes = malloc(QUEUE);
    }
    pthread_create(&thread, NULL, write_log, (void *)path);
}

/* forged - floods a sipguardd with requests from many sources, and times the questions of one that is no part of it.
 *
 *   cc -O2 -o forged forged.c -lpthread
 *   forged -s SOCKET -q PROBE [-t SECONDS]
 *   forged -s SOCKET -q PROBE -f FLOOD [-f FLOOD ...] -n MESSAGES [-o FIRST] [-k SOURCES] [-c CONNECTIONS] [-d DEPTH]
 *
 * In the flood's files "@SOURCE@" becomes an address of 13.0.0.0/8, another for each message, counted from FIRST, or one of
 * SOURCES. They are sent in turn over so many connections, DEPTH requests at a time, at full speed. The probe is asked over a
 * connection of its own, each PAUSE us, which is below what the policy calls a flood; without a flood for so many seconds. Files
 * are one line each, with the id 1; a reply must bring it back with a result.
 *
 * Prints one line of JSON: messages, seconds, probes, and the probe's times in us. Exit code 1: the server failed; 3: a reply
 * was wrong.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "histogram.h"
#include "program.h"

enum { LINE = 8192, FILES = 4, THREADS = 16, DEPTH = 64, PAUSE = 4000 };
static const char REPLY[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":";

struct template {
    char head[LINE], tail[LINE];
    size_t head_length, tail_length;
};

static struct template floods[FILES], probe;
static int flood_count, connections = 2, depth = 32;
static uint64_t messages, offset, sources, taken, wrong;
static double seconds = 3;
static const char *path;
static int flooding;

static void read_template(struct template *text, const char *file) {
    FILE *stream = fopen(file, "r");
    char line[LINE];
    if (!stream || !fgets(line, sizeof line, stream)) die(file);
    fclose(stream);
    char *place = strstr(line, "@SOURCE@");
    text->head_length = place ? (size_t)(place - line) : strlen(line);
    memcpy(text->head, line, text->head_length);
    if (place) text->tail_length = strlen(strcpy(text->tail, place + 8));
}

static int open_connection(void) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die(path);
    return fd;
}

/* The numbers up to 2^24 in no order, each once: an odd factor has an inverse modulo 2^24. */
static size_t write_request(char *out, uint64_t number) {
    const struct template *text = &floods[number % (uint64_t)flood_count];
    uint32_t host = (uint32_t)((sources ? number % sources : number) * 0x9E3779B1u) & 0xFFFFFF;
    char *at = mempcpy(out, text->head, text->head_length);
    at += sprintf(at, "13.%u.%u.%u", host >> 16, host >> 8 & 0xFF, host & 0xFF);
    return (size_t)((char *)mempcpy(at, text->tail, text->tail_length) - out);
}

static void send_all(int fd, const char *bytes, size_t length) {
    for (size_t sent = 0; sent < length;) {
        ssize_t count = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (count <= 0) die("send");
        sent += (size_t)count;
    }
}

/* Takes so many replies; how many of them were wrong. */
static uint64_t receive_replies(int fd, char *in, size_t room, int count) {
    size_t length = 0;
    uint64_t bad = 0;
    while (count > 0) {
        ssize_t got = recv(fd, in + length, room - length, 0);
        if (got <= 0) die("the server closed a connection");
        length += (size_t)got;
        char *line = in, *feed;
        while ((feed = memchr(line, '\n', (size_t)(in + length - line)))) {
            if (strncmp(line, REPLY, sizeof REPLY - 1)) {
                if (!bad++) fprintf(stderr, "wrong reply: %.*s\n", (int)(feed - line), line);
            }
            line = feed + 1;
            count--;
        }
        length = (size_t)(in + length - line);
        memmove(in, line, length);
    }
    return bad;
}

static void *flood(void *argument) {
    int fd = open_connection();
    char *out = malloc((size_t)DEPTH * LINE * 2), *in = malloc((size_t)DEPTH * LINE);
    if (!out || !in) die("malloc");
    (void)argument;
    for (;;) {
        uint64_t first = __atomic_fetch_add(&taken, (uint64_t)depth, __ATOMIC_RELAXED);
        if (first >= messages) break;
        int count = messages - first < (uint64_t)depth ? (int)(messages - first) : depth;
        size_t length = 0;
        for (int i = 0; i < count; i++) length += write_request(out + length, offset + first + (uint64_t)i);
        send_all(fd, out, length);
        __atomic_fetch_add(&wrong, receive_replies(fd, in, (size_t)DEPTH * LINE, count), __ATOMIC_RELAXED);
    }
    close(fd);
    return NULL;
}

static void read_arguments(int count, char **words) {
    for (int option; (option = getopt(count, words, "s:q:t:f:n:o:k:c:d:")) != -1;) switch (option) {
        case 's': path = optarg; break;
        case 'q': read_template(&probe, optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'f': if (flood_count < FILES) read_template(&floods[flood_count++], optarg); break;
        case 'n': messages = strtoull(optarg, NULL, 10); break;
        case 'o': offset = strtoull(optarg, NULL, 10); break;
        case 'k': sources = strtoull(optarg, NULL, 10); break;
        case 'c': connections = atoi(optarg); break;
        case 'd': depth = atoi(optarg); break;
        default: exit(1);
    }
    int is_bounded = connections > 0 && connections <= THREADS && depth > 0 && depth <= DEPTH && offset + messages <= 1 << 24;
    if (path && probe.head_length && is_bounded && (flood_count || !messages)) return;
    fprintf(stderr, "-s and -q are needed, and -f with -n; at most %d connections, %d at a time, 2^24 messages\n", THREADS, DEPTH);
    exit(1);
}

static void *run_flood(void *argument) {
    pthread_t threads[THREADS];
    (void)argument;
    for (int i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, flood, NULL)) die("pthread_create");
    for (int i = 0; i < connections; i++) pthread_join(threads[i], NULL);
    __atomic_store_n(&flooding, 0, __ATOMIC_RELEASE);
    return NULL;
}

int main(int count, char **words) {
    static uint64_t buckets[BUCKETS];
    static char reply[LINE];
    uint64_t probes = 0, bad = 0;
    pthread_t thread;
    read_arguments(count, words);
    int fd = open_connection();
    uint64_t start = now(), until = start + (uint64_t)(seconds * 1e9);
    flooding = messages > 0;
    if (messages && pthread_create(&thread, NULL, run_flood, NULL)) die("pthread_create");
    while (messages ? __atomic_load_n(&flooding, __ATOMIC_ACQUIRE) : now() < until) {
        uint64_t asked = now();
        send_all(fd, probe.head, probe.head_length);
        bad += receive_replies(fd, reply, sizeof reply, 1);
        buckets[bucket_of(now() - asked)]++;
        probes++;
        usleep(PAUSE);
    }
    double took = (double)(now() - start) / 1e9;
    if (messages) pthread_join(thread, NULL);
    wrong += bad;
    printf("{\"messages\":%llu,\"seconds\":%.3f,\"probes\":%llu,\"p50\":%.2f,\"p99\":%.2f,\"wrong\":%llu}\n",
        (unsigned long long)messages, took, (unsigned long long)probes, percentile(buckets, probes, 0.5),
        percentile(buckets, probes, 0.99), (unsigned long long)wrong);
    return wrong ? 3 : 0;
}

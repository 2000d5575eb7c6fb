/* load - asks a server over a Unix stream socket in the shape of a SIP proxy's workers.
 *
 *   cc -O2 -o load load.c -lpthread
 *   load -s SOCKET -f REQUEST [-f REQUEST ...] -e REPLY -c CONNECTIONS -t SECONDS -w WARM_UP -n SOURCES -p SERVER_PID
 *
 * One thread for each connection: it sends one request, waits for the reply, and goes on at once (closed loop). The
 * request files are sent in turn, byte for byte but for two placeholders: "@@@@@@@@@@" becomes a number of ten digits
 * that counts requests, "###.###.###" the last three octets of one of n source addresses. A reply is one line; each must
 * begin with REPLY, in which the number is filled in too. So the same program speaks JSON-RPC and RESP (Redis).
 *
 * Prints one line of JSON. Exit code 1: the server failed or an argument is missing; 3: at least one reply was wrong.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "histogram.h"
#include "program.h"

enum { REPLY_LIMIT = 65536, PLACES = 8 };
enum { NUMBER_LENGTH = 10, SOURCE_LENGTH = 11 };
static const uint64_t FIRST_NUMBER = 1000000000;       /* ten digits, always */

struct text {
    char *bytes;
    size_t length, numbers[PLACES], sources[PLACES];
    int number_count, source_count;
};

struct worker {
    pthread_t thread;
    int fd;
    uint32_t random;
    uint64_t sent, wrong, counted, buckets[BUCKETS];
    struct text requests[PLACES], expected;
    char reply[REPLY_LIMIT];
};

static struct text requests[PLACES], expected_reply;
static int request_count, connections = 1, server;
static double seconds = 1, warm_up = 0.2;
static long sources = 20000;
static const char *path;
static volatile int recording, stopping;

/* The CPU time of the server with all its threads, those that have ended included. */
static uint64_t server_time(void) {
    clockid_t clock;
    if (!server) return 0;
    if (clock_getcpuclockid(server, &clock)) die("server");
    return time_of(clock);
}

/* The offsets of a placeholder; how many there are. */
static int find(const char *text, const char *placeholder, size_t *places) {
    int count = 0;
    for (const char *found = text; count < PLACES && (found = strstr(found, placeholder)); found += strlen(placeholder))
        places[count++] = (size_t)(found - text);
    return count;
}

static struct text text_of(const char *bytes) {
    struct text text = { .bytes = strdup(bytes), .length = strlen(bytes) };
    text.number_count = find(bytes, "@@@@@@@@@@", text.numbers);
    text.source_count = find(bytes, "###.###.###", text.sources);
    return text;
}

static struct text text_in(const char *file) {
    static char bytes[REPLY_LIMIT];
    FILE *stream = fopen(file, "r");
    if (!stream) die(file);
    bytes[fread(bytes, 1, sizeof bytes - 1, stream)] = 0;
    fclose(stream);
    return text_of(bytes);
}

static struct text copy(struct text text) {
    text.bytes = strdup(text.bytes);
    return text;
}

static void fill_number(struct text *text, uint64_t number) {
    char digits[NUMBER_LENGTH];
    for (int i = NUMBER_LENGTH - 1; i >= 0; i--, number /= 10) digits[i] = (char)('0' + number % 10);
    for (int i = 0; i < text->number_count; i++) memcpy(text->bytes + text->numbers[i], digits, NUMBER_LENGTH);
}

/* Octets from 100 to 255, which always have three digits. */
static void fill_source(struct text *text, uint64_t source) {
    char octets[SOURCE_LENGTH];
    memset(octets, '.', sizeof octets);
    for (int i = 2; i >= 0; i--, source /= 156) {
        unsigned octet = 100 + (unsigned)(source % 156);
        char *at = octets + i * 4;
        at[0] = (char)('0' + octet / 100), at[1] = (char)('0' + octet / 10 % 10), at[2] = (char)('0' + octet % 10);
    }
    for (int i = 0; i < text->source_count; i++) memcpy(text->bytes + text->sources[i], octets, SOURCE_LENGTH);
}

static struct text *next_request(struct worker *worker) {
    struct text *request = &worker->requests[worker->sent % (uint64_t)request_count];
    fill_number(request, FIRST_NUMBER + worker->sent);
    fill_number(&worker->expected, FIRST_NUMBER + worker->sent++);
    worker->random = worker->random * 1664525u + 1013904223u;
    fill_source(request, (worker->random >> 4) % (uint64_t)sources);
    return request;
}

static int send_all(int fd, const struct text *text) {
    for (size_t sent = 0; sent < text->length;) {
        ssize_t count = send(fd, text->bytes + sent, text->length - sent, MSG_NOSIGNAL);
        if (count < 0) return -1;
        sent += (size_t)count;
    }
    return 0;
}

/* The length of the reply without its line feed; 0 when there is none. */
static size_t receive_line(struct worker *worker) {
    for (size_t length = 0; length < REPLY_LIMIT;) {
        ssize_t count = recv(worker->fd, worker->reply + length, REPLY_LIMIT - length, 0);
        if (count <= 0) return 0;
        length += (size_t)count;
        if (worker->reply[length - 1] == '\n') return length - 1;
    }
    return 0;
}

static void check(struct worker *worker, size_t length) {
    const struct text *expected = &worker->expected;
    if (length >= expected->length && !memcmp(worker->reply, expected->bytes, expected->length)) return;
    if (!worker->wrong++) fprintf(stderr, "wrong reply: %.*s\n", (int)length, worker->reply);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    while (!stopping) {
        struct text *request = next_request(worker);
        uint64_t start = now();
        size_t length = send_all(worker->fd, request) ? 0 : receive_line(worker);
        uint64_t end = now();
        if (!length) {
            if (stopping) break;
            fprintf(stderr, "the server closed a connection\n");
            exit(1);
        }
        check(worker, length);
        if (!recording) continue;
        worker->counted++;
        worker->buckets[bucket_of(end - start)]++;
    }
    return NULL;
}

static struct worker *start_worker(int index) {
    struct worker *worker = calloc(1, sizeof *worker);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    worker->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (worker->fd < 0 || connect(worker->fd, (struct sockaddr *)&address, sizeof address)) die(path);
    worker->random = (uint32_t)index * 2654435761u + 1;
    for (int i = 0; i < request_count; i++) worker->requests[i] = copy(requests[i]);
    worker->expected = copy(expected_reply);
    if (pthread_create(&worker->thread, NULL, work, worker)) die("pthread_create");
    return worker;
}

static void read_arguments(int count, char **arguments) {
    for (int option; (option = getopt(count, arguments, "s:f:e:c:t:w:n:p:")) != -1;) switch (option) {
        case 's': path = optarg; break;
        case 'f': if (request_count < PLACES) requests[request_count++] = text_in(optarg); break;
        case 'e': expected_reply = text_of(optarg); break;
        case 'c': connections = atoi(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'w': warm_up = atof(optarg); break;
        case 'n': sources = atol(optarg); break;
        case 'p': server = atoi(optarg); break;
        default: exit(1);
    }
    if (path && request_count && expected_reply.bytes && connections > 0 && sources > 0) return;
    fprintf(stderr, "-s, -f and -e are needed; connections and sources must be positive\n");
    exit(1);
}

int main(int count, char **arguments) {
    read_arguments(count, arguments);
    struct worker **workers = calloc((size_t)connections, sizeof *workers);
    for (int i = 0; i < connections; i++) workers[i] = start_worker(i);

    usleep((useconds_t)(warm_up * 1e6));
    uint64_t cpu = server_time(), own_cpu = time_of(CLOCK_PROCESS_CPUTIME_ID), start = now();
    recording = 1;
    usleep((useconds_t)(seconds * 1e6));
    recording = 0;
    double elapsed = (double)(now() - start) / 1e9;
    cpu = server_time() - cpu;
    own_cpu = time_of(CLOCK_PROCESS_CPUTIME_ID) - own_cpu;
    stopping = 1;
    for (int i = 0; i < connections; i++) shutdown(workers[i]->fd, SHUT_RDWR);

    static uint64_t buckets[BUCKETS];
    uint64_t requests_counted = 0, wrong = 0;
    for (int i = 0; i < connections; i++) {
        pthread_join(workers[i]->thread, NULL);
        requests_counted += workers[i]->counted;
        wrong += workers[i]->wrong;
        for (unsigned bucket = 0; bucket < BUCKETS; bucket++) buckets[bucket] += workers[i]->buckets[bucket];
    }
    double requests_or_one = requests_counted ? (double)requests_counted : 1;
    printf("{\"requests\":%llu,\"wrong\":%llu,\"rate\":%.1f,\"p50\":%.2f,\"p99\":%.2f,\"cpu\":%.3f,\"own_cpu\":%.3f}\n",
        (unsigned long long)requests_counted, (unsigned long long)wrong, (double)requests_counted / elapsed,
        percentile(buckets, requests_counted, 0.5), percentile(buckets, requests_counted, 0.99),
        (double)cpu / 1000 / requests_or_one, (double)own_cpu / 1000 / requests_or_one);
    return wrong ? 3 : requests_counted ? 0 : 1;
}

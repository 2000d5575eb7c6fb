/* sipload - sends SIP requests to a proxy from many source addresses, and times what is answered.
 *
 *   cc -O2 -o sipload sipload.c
 *   sipload -t 127.0.0.1:5060 -f PHONE.sip -p PHONES [-w WINDOW | -r RATE] [-F FLOOD.sip -a ATTACKERS [-b BATCH | -R RATE]]
 *           -s SECONDS -P WORKER_PID[,WORKER_PID...] -D DAEMON_PID
 *
 * One UDP socket carries all: each datagram names its own source address (IP_PKTINFO), any of 127.0.0.0/8. Phones have
 * addresses from 127.16.0.1 on, attackers from 127.32.0.1 on. In the files "@@@@@@@@@@" becomes a number of ten digits that
 * differs in each request; it must stand in the Via branch, behind "branch=z9hG4bK", where the answer brings it back.
 *
 *   -w WINDOW   closed loop: so many phones wait for an answer at any time, and the next asks when one has it
 *   -r RATE     open loop: so many requests of phones a second, evenly
 *   -b BATCH    the flood at full speed, whether it is answered or not: so many requests before each one of a phone, up to 31
 *               of one attacker in a row, and the window is of phones; so nothing is sent that the proxy has no room for
 *   -R RATE     the flood in an open loop
 *
 * Prints one line of JSON: requests by kind, answers, times in us, and the CPU time of the processes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "program.h"

enum { PLACES = 8, DIGITS = 10, LIMIT = 4096, BURST = 64, RING = 1 << 17, PIDS = 16, SEGMENTS = 31 };
static const uint64_t FIRST = 1000000000, PATIENCE = 200000000;    /* ten digits, always; ns */
static const uint64_t FACTOR = 618033989, INVERSE = 1536909;     /* modulo FIRST */

struct text {
    char bytes[LIMIT];
    size_t length, places[PLACES];
    int count;
};

struct request {
    uint64_t sent_at;                                   /* 0: answered or a flood's */
};

static struct text phone, flood;
static struct request ring[RING];                       /* by number */
static uint64_t next_number, phones_sent, flood_sent, flood_answers, answered, lost, oldest, waiting;
static uint32_t *times;                                 /* ns */
static size_t times_room = 1 << 22;
static int descriptor, pids[PIDS], pid_count, server;
static long phones = 200, attackers, window = 1, batch;
static double rate, flood_rate, seconds = 1;
static struct sockaddr_in target;

/* The CPU time of a process in ns, as the scheduler counts it. */
static uint64_t cpu_of(int pid) {
    clockid_t clock;
    if (!pid) return 0;
    if (clock_getcpuclockid(pid, &clock)) die("process");
    return time_of(clock);
}

static uint64_t cpu_of_workers(void) {
    uint64_t sum = 0;
    for (int i = 0; i < pid_count; i++) sum += cpu_of(pids[i]);
    return sum;
}

static void read_text(struct text *text, const char *path) {
    FILE *file = fopen(path, "r");
    int byte, before = 0;
    if (!file) die(path);
    while ((byte = getc(file)) != EOF && text->length < LIMIT - 2) {
        if (byte == '\n' && before != '\r') text->bytes[text->length++] = '\r';
        text->bytes[text->length++] = (char)(before = byte);
    }
    fclose(file);
    for (char *place = text->bytes; (place = strstr(place, "@@@@@@@@@@")) && text->count < PLACES; place += DIGITS)
        text->places[text->count++] = (size_t)(place - text->bytes);
}

/* Numbers are sent as the digits of FACTOR times them, which all change from one to the next, as those do that phones draw. */
static uint64_t mixed(uint64_t number, uint64_t factor) { return number % FIRST * factor % FIRST; }

static void number_text(struct text *text, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%010llu", (unsigned long long)(FIRST + mixed(number, FACTOR)));
    for (int i = 0; i < text->count; i++) memcpy(text->bytes + text->places[i], digits, DIGITS);
}

/* Up to BURST datagrams for one sendmmsg(2). */
static struct mmsghdr messages[BURST];
static struct iovec parts[BURST];
static char bytes[BURST][LIMIT], control[BURST][CMSG_SPACE(sizeof(struct in_pktinfo))];
static unsigned prepared;

static void flush(void) {
    unsigned done = 0;
    while (done < prepared) {
        int sent = sendmmsg(descriptor, messages + done, prepared - done, 0);
        if (sent < 0 && errno != EINTR) die("sendmmsg");
        if (sent > 0) done += (unsigned)sent;
    }
    prepared = 0;
}

static void prepare(struct text *text, uint32_t source) {
    if (prepared == BURST) flush();
    unsigned i = prepared++;
    memcpy(bytes[i], text->bytes, text->length);
    parts[i] = (struct iovec){bytes[i], text->length};
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &parts[i], .msg_iovlen = 1,
        .msg_control = control[i], .msg_controllen = sizeof control[i]};
    struct cmsghdr *header = CMSG_FIRSTHDR(&messages[i].msg_hdr);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(source)};
    memcpy(CMSG_DATA(header), &info, sizeof info);
}

static uint32_t attacker(uint64_t number) { return (127u << 24 | 32u << 16) + 1 + (uint32_t)(number % (uint64_t)attackers); }

static void send_flood(void) {
    number_text(&flood, next_number);
    ring[next_number++ % RING].sent_at = 0;
    prepare(&flood, attacker(flood_sent++));
}

/* As many requests of one attacker as the kernel cuts out of one send (UDP_SEGMENT): the generator must not be slower than the proxy. */
static void send_run(long count) {
    static char run[SEGMENTS * LIMIT], ancillary[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
    static uint64_t runs;
    uint16_t size = (uint16_t)flood.length;
    struct iovec part = {run, flood.length * (size_t)count};
    struct msghdr message = {
        .msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary,
        .msg_controllen = sizeof ancillary};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(attacker(runs++))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    memcpy(CMSG_DATA(header), &info, sizeof info);
    header = CMSG_NXTHDR(&message, header);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof size), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT};
    memcpy(CMSG_DATA(header), &size, sizeof size);
    flush();
    for (long i = 0; i < count; i++) {
        number_text(&flood, next_number);
        ring[next_number++ % RING].sent_at = 0;
        memcpy(run + flood.length * (size_t)i, flood.bytes, flood.length);
    }
    while (sendmsg(descriptor, &message, 0) < 0)
        if (errno != EINTR) die("sendmsg");
    flood_sent += (uint64_t)count;
}

static void send_batch(void) {
    long room = 65000 / (long)flood.length, most = room < SEGMENTS ? room : SEGMENTS;
    for (long rest = batch; rest > 0; rest -= most) send_run(rest < most ? rest : most);
}

static void send_phone(void) {
    number_text(&phone, next_number);
    ring[next_number++ % RING].sent_at = now();
    prepare(&phone, (127u << 24 | 16u << 16) + 1 + (uint32_t)(phones_sent++ % (uint64_t)phones));
    waiting++;
}

static void receive(const char *answer, size_t length, uint64_t at) {
    const char *branch = memmem(answer, length, "branch=z9hG4bK", 14);
    if (!branch || branch + 14 + DIGITS > answer + length) return;
    uint64_t number = mixed(strtoull(branch + 14, NULL, 10) - FIRST, INVERSE);
    if (number >= next_number || next_number - number > RING) return;
    uint64_t *sent_at = &ring[number % RING].sent_at;
    if (!*sent_at) {
        flood_answers++;
        return;
    }
    if (answered < times_room) times[answered] = (uint32_t)(at - *sent_at);
    answered++;
    waiting--;
    *sent_at = 0;
}

/* Takes what has come; waits at most until then for something to come. */
static void collect(uint64_t until) {
    static char buffers[BURST][LIMIT];
    static struct mmsghdr incoming[BURST];
    static struct iovec places[BURST];
    uint64_t start = now();
    struct timespec wait = {0, 0};
    struct pollfd entry = {descriptor, POLLIN, 0};
    if (until > start) wait = (struct timespec){(time_t)((until - start) / 1000000000u), (long)((until - start) % 1000000000u)};
    if (ppoll(&entry, 1, &wait, NULL) <= 0) return;
    for (int i = 0; i < BURST; i++) {
        places[i] = (struct iovec){buffers[i], LIMIT - 1};
        incoming[i].msg_hdr = (struct msghdr){.msg_iov = &places[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(descriptor, incoming, BURST, MSG_DONTWAIT, NULL);
    uint64_t at = now();
    for (int i = 0; i < count; i++) {
        buffers[i][incoming[i].msg_len] = 0;
        receive(buffers[i], incoming[i].msg_len, at);
    }
}

/* Nobody waits for ever for what the proxy, or the kernel, has dropped. */
static void give_up(uint64_t at) {
    for (; oldest < next_number; oldest++) {
        uint64_t *sent_at = &ring[oldest % RING].sent_at;
        if (*sent_at && at < *sent_at + PATIENCE) return;
        if (*sent_at) lost++, waiting--;
        *sent_at = 0;
    }
}

static void run(uint64_t start, uint64_t end) {
    for (uint64_t at = start; at < end; at = now()) {
        uint64_t due = end, elapsed = at - start;
        if (rate > 0) {
            while (phones_sent < (double)elapsed * rate / 1e9) send_phone();
            due = start + (uint64_t)((double)(phones_sent + 1) * 1e9 / rate);
        } else {
            while ((long)waiting < window) {
                if (batch > 0) send_batch();
                send_phone();
            }
        }
        if (flood_rate > 0) {
            while (flood_sent < (double)elapsed * flood_rate / 1e9) send_flood();
            uint64_t next = start + (uint64_t)((double)(flood_sent + 1) * 1e9 / flood_rate);
            if (next < due) due = next;
        }
        flush();
        collect(due < at + PATIENCE ? due : at + PATIENCE);
        give_up(at);
    }
    for (uint64_t last = now() + PATIENCE; waiting && now() < last; give_up(now())) collect(last);
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static double quantile(double share) {
    if (!answered) return 0;
    uint64_t count = answered < times_room ? answered : times_room;
    return times[(size_t)(share * (double)(count - 1))] / 1e3;
}

static void read_arguments(int count, char **words) {
    char host[64] = "";
    unsigned port = 0;
    for (int option; (option = getopt(count, words, "t:f:p:w:r:F:a:b:R:s:P:D:")) != -1;) switch (option) {
        case 't': if (sscanf(optarg, "%63[^:]:%u", host, &port) != 2) exit(1); break;
        case 'f': read_text(&phone, optarg); break;
        case 'p': phones = atol(optarg); break;
        case 'w': window = atol(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'F': read_text(&flood, optarg); break;
        case 'a': attackers = atol(optarg); break;
        case 'b': batch = atol(optarg); break;
        case 'R': flood_rate = atof(optarg); break;
        case 's': seconds = atof(optarg); break;
        case 'D': server = atoi(optarg); break;
        case 'P':
            for (char *word = strtok(optarg, ","); word && pid_count < PIDS; word = strtok(NULL, ","))
                pids[pid_count++] = atoi(word);
            break;
        default: exit(1);
    }
    target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &target.sin_addr) != 1 || !phone.length || phones < 1 || seconds > 60) exit(1);
    if ((batch > 0 || flood_rate > 0) && (attackers < 1 || !flood.length)) exit(1);
}

int main(int count, char **words) {
    int room = 8 << 20;
    struct sockaddr_in any = {.sin_family = AF_INET};
    read_arguments(count, words);
    times = malloc(times_room * sizeof *times);
    if (!times || (descriptor = socket(AF_INET, SOCK_DGRAM, 0)) < 0) die("socket");
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(descriptor, (struct sockaddr *)&any, sizeof any)) die("bind");
    uint64_t workers = cpu_of_workers(), daemon = cpu_of(server), start = now();
    run(start, start + (uint64_t)(seconds * 1e9));
    double took = (double)(now() - start) / 1e9;
    qsort(times, answered < times_room ? answered : times_room, sizeof *times, compare);
    printf("{\"seconds\": %.6f, \"phones\": %llu, \"flood\": %llu, \"answered\": %llu, \"flood_answers\": %llu, \"lost\": %llu, "
           "\"p50\": %.1f, \"p99\": %.1f, \"worker_cpu\": %.6f, \"daemon_cpu\": %.6f}\n",
           took, (unsigned long long)phones_sent, (unsigned long long)flood_sent, (unsigned long long)answered,
           (unsigned long long)flood_answers, (unsigned long long)lost, quantile(0.5), quantile(0.99),
           (double)(cpu_of_workers() - workers) / 1e9, (double)(cpu_of(server) - daemon) / 1e9);
    return 0;
}

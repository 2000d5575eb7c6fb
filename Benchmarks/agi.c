// The classic AGI program as one would write it in C, and what measures a program of that kind.
//
//     bench-agi SOCKET                              asks as sipguard-agi does
//     bench-agi measure COUNT SOCKET PROGRAM...     runs each program so often in turn, as Asterisk would; prints microseconds
//                                                   from exec to exit, one line a program
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FACTS 8
static const char *EXPRESSIONS[FACTS] = {
    "CHANNEL(pjsip,remote_addr)", "CHANNEL(pjsip,request_uri)", "PJSIP_HEADER(read,From)", "PJSIP_HEADER(read,User-Agent)",
    "CHANNEL(pjsip,call-id)", "PJSIP_HEADER(read,To)", "PJSIP_HEADER(read,Via)", "PJSIP_HEADER(read,Contact)"};
static const char *HEADERS[FACTS] = {"", "", "From", "User-Agent", "Call-ID", "To", "Via", "Contact"};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int readable(int descriptor, int64_t end) {
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    int64_t left = (end - now()) / 1000000;
    return left > 0 && poll(&entry, 1, (int)left) > 0;
}

// Reads until a line that begins with `start`; its rest, or NULL.
static char *line(int descriptor, const char *start, int64_t end) {
    static char buffer[128 << 10];
    static size_t count, next;
    for (;;) {
        char *from = buffer + next, *feed = memchr(from, '\n', count - next);
        if (feed) {
            *feed = 0;
            next = (size_t)(feed - buffer) + 1;
            if (*start ? !strncmp(from, start, strlen(start)) : !*from) return from + strlen(start);
            continue;
        }
        if (count == sizeof buffer || !readable(descriptor, end)) return NULL;
        ssize_t more = read(descriptor, buffer + count, sizeof buffer - count);
        if (more <= 0) return NULL;
        count += (size_t)more;
    }
}

static int digit(int c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

// Percent-encoded text as the inside of a JSON string.
static char *escaped(char *to, const char *from, const char *end) {
    for (; from < end; from++) {
        int byte = (unsigned char)*from;
        if (byte == '%' && end - from > 2) {
            byte = digit(from[1]) << 4 | digit(from[2]);
            from += 2;
        }
        if (byte < 0x20 || byte >= 0x7F) to += sprintf(to, "\\u%04x", byte & 255);
        else {
            if (byte == '"' || byte == '\\') *to++ = '\\';
            *to++ = (char)byte;
        }
    }
    return to;
}

static char question[512 << 10];

static size_t ask_for(char *values) {
    char *part[FACTS], *to = question;
    for (int i = 0; i < FACTS; i++) {
        part[i] = strsep(&values, " ");
        if (!part[i]) return 0;
    }
    to += sprintf(to, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"guard.check\",\"params\":{\"source_ip\":\"");
    char *colon = strstr(part[0], "%3A");
    if (!colon) return 0;
    to = escaped(to, part[0], colon);
    to += sprintf(to, "\",\"message\":\"INVITE ");
    to = escaped(to, part[1], part[1] + strlen(part[1]));
    to += sprintf(to, " SIP/2.0\\r\\n");
    for (int i = 2; i < FACTS; i++) {
        if (!*part[i]) continue;
        to += sprintf(to, "%s: ", HEADERS[i]);
        to = escaped(to, part[i], part[i] + strlen(part[i]));
        to += sprintf(to, "\\r\\n");
    }
    to += sprintf(to, "\\r\\n\"}}\n");
    return (size_t)(to - question);
}

static int text(const char *reply, const char *key, char *value, size_t size) {
    const char *start = strstr(reply, key);
    if (!start) return 0;
    start += strlen(key);
    size_t length = strcspn(start, "\"");
    if (length >= size) return 0;
    memcpy(value, start, length);
    value[length] = 0;
    return 1;
}

static int program(const char *path) {
    int64_t end = now() + 200000000;
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (!line(0, "", end)) return 0;
    unsigned long long nonce[2];
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce) return 0;
    char command[1024], start[64];
    int length = sprintf(command, "GET FULL VARIABLE \"%016llx%016llx", nonce[0], nonce[1]);
    for (int i = 0; i < FACTS; i++) length += sprintf(command + length, " ${URIENCODE(${%s})}", EXPRESSIONS[i]);
    length += sprintf(command + length, " .\"\n");
    if (write(1, command, (size_t)length) != length) return 0;
    sprintf(start, "200 result=1 (%016llx%016llx ", nonce[0], nonce[1]);
    char *values = line(0, start, end);
    size_t size = values ? ask_for(values) : 0;
    if (!size) return 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(daemon, (struct sockaddr *)&address, sizeof address) || send(daemon, question, size, MSG_NOSIGNAL) != (ssize_t)size) return 0;
    char reply[4096], verdict[16], rule[65], decision[17];
    size_t count = 0;
    do {
        if (!readable(daemon, end)) return 0;
        ssize_t more = recv(daemon, reply + count, sizeof reply - 1 - count, 0);
        if (more <= 0) return 0;
        count += (size_t)more;
    } while (reply[count - 1] != '\n');
    reply[count] = 0;
    if (!text(reply, "\"verdict\":\"", verdict, sizeof verdict) || !text(reply, "\"rule\":\"", rule, sizeof rule) ||
        !text(reply, "\"decision\":\"", decision, sizeof decision))
        return 0;
    const char *code = strstr(reply, "\"code\":");
    length = sprintf(command, "EXEC MSet SIPGUARD_VERDICT=%s,SIPGUARD_CODE=%d,SIPGUARD_RULE=%s,SIPGUARD_DECISION=%s\n", verdict,
                     code ? atoi(code + 7) : 0, rule, decision);
    if (write(1, command, (size_t)length) != length) return 0;
    close(1);
    (void)line(0, "200 result=", end);
    return 0;
}

extern char **environ;

static const char *ENVIRONMENT =
    "agi_request: sipguard-agi\nagi_channel: PJSIP/trunk-00000020\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1795260317.32\n"
    "agi_version: 22.10.1\nagi_callerid: 100\nagi_calleridname: unknown\nagi_callingpres: 0\nagi_callingani2: 0\n"
    "agi_callington: 0\nagi_callingtns: 0\nagi_dnid: 555\nagi_rdnis: unknown\nagi_context: sipguard\nagi_extension: s\n"
    "agi_priority: 3\nagi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140511014434496\nagi_arg_1: ask.sock\n\n";

// One exchange, as Asterisk holds it; nanoseconds from exec to exit.
static int64_t run(char *path, char *socket) {
    int in[2], out[2], status;
    char line[8192], *arguments[] = {path, socket, NULL};
    pid_t child;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) exit(71);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    int64_t began = now();
    if (posix_spawn(&child, path, &actions, NULL, arguments, environ)) exit(71);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    dprintf(in[1], "%s", ENVIRONMENT);
    if (!fgets(line, sizeof line, said)) exit(70);
    char *nonce = strchr(line, '"') + 1;
    dprintf(in[1],
            "200 result=1 (%.32s 203.0.113.7%%3A5060 sip%%3A555%%40192.0.2.1 %%3Csip%%3A100%%40h%%3E%%3Btag%%3Dt1 snomD385%%2F10.1 "
            "c1%%40lab %%3Csip%%3A555%%40h%%3E SIP%%2F2.0%%2FUDP%%20203.0.113.7%%3A5060%%3Bbranch%%3Dz9hG4bK1 "
            "%%3Csip%%3A100%%40203.0.113.7%%3E .)\n", nonce);
    if (!fgets(line, sizeof line, said) || !strstr(line, "SIPGUARD_VERDICT=pass")) exit(70);
    dprintf(in[1], "200 result=0\n");
    close(in[1]);
    waitpid(child, &status, 0);
    int64_t took = now() - began;
    fclose(said);
    if (status) exit(70);
    return took;
}

int main(int count, char **words) {
    if (count == 2) return program(words[1]);
    if (count < 5 || strcmp(words[1], "measure")) return 64;
    signal(SIGPIPE, SIG_IGN);
    int rounds = atoi(words[2]), programs = count - 4;
    int64_t *took = calloc((size_t)(rounds * programs), sizeof *took);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < programs; i++) {
            int one = round % 2 ? programs - 1 - i : i;
            took[one * rounds + round] = run(words[4 + one], words[3]);
        }
    for (int one = 0; one < programs; one++) {
        for (int round = 0; round < rounds; round++) printf("%s%.1f", round ? " " : "", (double)took[one * rounds + round] / 1000);
        printf("\n");
    }
    free(took);
    return 0;
}

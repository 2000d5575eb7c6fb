/* reference - servers in C to compare with: newline-delimited JSON-RPC over a Unix stream socket.
 *
 *   reference SOCKET echo       one blocking thread for each connection; a fixed reply with the request's id: what the
 *                               round trip costs when nothing is decided
 *   reference SOCKET jansson    one thread with epoll; jansson parses the request, all params are looked up, jansson
 *                               writes a fixed verdict: what an ordinary daemon in C costs when nothing is decided
 *   reference SOCKET guard LOG  one blocking thread for each connection; the daemon's work for a phone's request, by hand
 */
#define _GNU_SOURCE
#include "guard/guard.h"
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER = 65536, ROOM = 1024 };

struct connection {
    int fd;
    size_t received, written;
    char in[BUFFER], out[BUFFER];
};

/* Writes the reply to one request; its length, or 0 where the request is not understood. */
static size_t (*answer)(const char *line, size_t length, char *out, size_t room);

static size_t answer_fixed(const char *line, size_t length, char *out, size_t room) {
    static const char before[] = "{\"jsonrpc\":\"2.0\",\"id\":";
    static const char after[] = ",\"result\":{\"verdict\":\"pass\",\"rule\":\"default\","
        "\"decision\":\"0123456789abcdef\",\"ttl\":0}}\n";
    const char *id = memmem(line, length, "\"id\":", 5), *end;
    if (!id) return 0;
    for (end = id += 5; end < line + length && *end != ',' && *end != '}'; end++) {}
    if (sizeof before + sizeof after + (size_t)(end - id) > room) return 0;
    char *at = mempcpy(out, before, sizeof before - 1);
    at = mempcpy(at, id, (size_t)(end - id));
    return (size_t)((char *)mempcpy(at, after, sizeof after - 1) - out);
}

static const char *const texts[] = {
    "source_ip", "method", "message", "transport", "local_ip", "node", "ruri", "from_user", "from_domain", "from_tag",
    "to_user", "to_domain", "contact", "user_agent", "call_id", "via_host", "via_branch", "auth_user",
};
static const char *const numbers[] = { "source_port", "local_port", "cseq", "max_forwards", "length" };
static volatile unsigned sink;      /* what is read must be used */

static void read_params(json_t *params) {
    unsigned sum = 0;
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *value = json_string_value(json_object_get(params, texts[i]));
        if (value) sum += (unsigned char)value[0];
    }
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sum += (unsigned)json_integer_value(json_object_get(params, numbers[i]));
    sink += sum;
}

static size_t answer_parsed(const char *line, size_t length, char *out, size_t room) {
    json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *method = json_string_value(json_object_get(request, "method"));
    json_t *params = json_object_get(request, "params"), *id = json_object_get(request, "id");
    size_t written = 0;
    if (method && !strcmp(method, "guard.check") && params && id) {
        read_params(params);
        json_t *reply = json_pack("{s:s,s:O,s:{s:s,s:s,s:s,s:i}}", "jsonrpc", "2.0", "id", id, "result",
            "verdict", "pass", "rule", "default", "decision", "0123456789abcdef", "ttl", 0);
        written = json_dumpb(reply, out, room - 1, JSON_COMPACT);
        out[written++] = '\n';
        json_decref(reply);
    }
    json_decref(request);
    return written;
}

static int flush(struct connection *connection) {
    for (size_t sent = 0; sent < connection->written;) {
        ssize_t count = send(connection->fd, connection->out + sent, connection->written - sent, MSG_NOSIGNAL);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return -1;
        sent += (size_t)count;
    }
    connection->written = 0;
    return 0;
}

/* Answers every line that is complete; 0, or -1 when the connection must go. */
static int serve(struct connection *connection) {
    char *line = connection->in, *end = connection->in + connection->received, *feed;
    while (line < end && (feed = memchr(line, '\n', (size_t)(end - line)))) {
        size_t room = BUFFER - connection->written, count;
        if (room < ROOM) return -1;
        if (!(count = answer(line, (size_t)(feed - line), connection->out + connection->written, room))) return -1;
        connection->written += count;
        line = feed + 1;
    }
    connection->received = (size_t)(end - line);
    if (connection->received == BUFFER) return -1;
    memmove(connection->in, line, connection->received);
    return flush(connection);
}

static int receive(struct connection *connection) {
    char *space = connection->in + connection->received;
    ssize_t count = recv(connection->fd, space, BUFFER - connection->received, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) return -1;
    connection->received += (size_t)count;
    return serve(connection);
}

static void end(struct connection *connection) {
    close(connection->fd);
    free(connection);
}

static void *block(void *argument) {
    while (receive(argument) == 0) {}
    if (answer == guard_answer) guard_end();
    end(argument);
    return NULL;
}

static void *poll_all(void *argument) {
    int epoll = *(int *)argument;
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++)
            if (receive(events[i].data.ptr) < 0) end(events[i].data.ptr);
    }
    return NULL;
}

static int listen_at(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address) && !listen(fd, 512)) return fd;
    perror(path);
    exit(1);
}

int main(int count, char **arguments) {
    const char *kind = count > 2 ? arguments[2] : "";
    int is_guard = count == 4 && !strcmp(kind, "guard"), is_polled = count == 3 && !strcmp(kind, "jansson");
    if (!is_guard && !is_polled && (count != 3 || strcmp(kind, "echo"))) {
        fprintf(stderr, "usage: reference SOCKET echo|jansson|guard LOG\n");
        return 1;
    }
    answer = is_guard ? guard_answer : is_polled ? answer_parsed : answer_fixed;
    if (is_guard) guard_start(arguments[3]);
    int listener = listen_at(arguments[1]), epoll = epoll_create1(EPOLL_CLOEXEC);
    pthread_t thread;
    if (is_polled) pthread_create(&thread, NULL, poll_all, &epoll);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | (is_polled ? SOCK_NONBLOCK : 0));
        if (fd < 0) continue;
        struct connection *connection = malloc(sizeof *connection);
        connection->fd = fd;
        connection->received = connection->written = 0;
        if (is_polled) {
            struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        } else {
            pthread_create(&thread, NULL, block, connection);
            pthread_detach(thread);
        }
    }
}

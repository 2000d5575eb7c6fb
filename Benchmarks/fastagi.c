// What a FastAGI server costs at least: one that decides nothing, and one that tells every call the same.
//
//     bench-fastagi PORT silent|telling
//
// Both go about it as sipguardd does: they answer at the line that has the facts and then wait for nothing but the end.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <signal.h>

#define THREADS 9
static const char VERDICT[] = "EXEC MSet SIPGUARD_VERDICT=pass,SIPGUARD_RULE=default,SIPGUARD_DECISION=0123456789abcdef\n";
static int listener, tells;

// Reads up to the second line's end, acknowledging what came so that Asterisk's kernel sends the next line.
static int read_facts(int peer) {
    char buffer[16384];
    size_t count = 0;
    int late = 2;
    for (;;) {
        ssize_t more = recv(peer, buffer + count, sizeof buffer - 1 - count, 0);
        if (more <= 0) return 0;
        count += (size_t)more;
        buffer[count] = 0;
        const char *first = strchr(buffer, '\n');
        if (first && strchr(first + 1, '\n')) return 1;
        setsockopt(peer, IPPROTO_TCP, TCP_QUICKACK, &late, sizeof late);
    }
}

static void *serve(void *unused) {
    char rest[16384];
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0) continue;
        if (read_facts(peer)) {
            if (tells && send(peer, VERDICT, sizeof VERDICT - 1, MSG_NOSIGNAL) < 0) perror("send");
            shutdown(peer, SHUT_WR);
            struct pollfd end = {.fd = peer, .events = POLLRDHUP};
            poll(&end, 1, 200);
            while (recv(peer, rest, sizeof rest, MSG_DONTWAIT) > 0) {}
        }
        close(peer);
    }
    return unused;
}

int main(int count, char **words) {
    if (count != 3) return 64;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    tells = !strcmp(words[2], "telling");
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, off = 0;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(listener, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512)) {
        perror("listen");
        return 1;
    }
    for (int number = 0; number < THREADS; number++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, NULL)) return 1;
    }
    for (;;) pause();
}

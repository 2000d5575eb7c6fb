#define _GNU_SOURCE
#include "platform.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int platform_accept(int listener) { return accept4(listener, 0, 0, SOCK_CLOEXEC); }

int platform_peer(int socket, uid_t *uid, gid_t *gid, pid_t *pid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -1;
    *uid = peer.uid;
    *gid = peer.gid;
    *pid = peer.pid;
    return 0;
}

int platform_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void platform_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

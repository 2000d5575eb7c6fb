#define _GNU_SOURCE
#include "platform.h"
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int watch(int set, int descriptor, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
}

int platform_watch(int listener, int wake_up)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return -1;
    if (watch(set, listener, EPOLLIN | EPOLLEXCLUSIVE) == 0 && watch(set, wake_up, EPOLLIN) == 0)
        return set;
    int error = errno;
    close(set);
    errno = error;
    return -1;
}

int platform_await_connection(int set, int wake_up)
{
    struct epoll_event events[2];
    int count;
    do
        count = epoll_wait(set, events, 2, -1);
    while (count < 0 && errno == EINTR);
    for (int index = 0; index < count; index++)
        if (events[index].data.fd == wake_up)
            return 0;
    return count > 0;
}

int platform_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void platform_make_lock(pthread_mutex_t *lock)
{
    /* None of these can fail on Linux for a kind that there is. */
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
#ifdef DEBUG
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
#else
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void platform_name_thread(const char *name)
{
    /* pthread_setname_np refuses a longer name; this takes what counts of it. */
    prctl(PR_SET_NAME, name);
}

int platform_come_before(int steps)
{
    struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &least) == 0)
        return 0;
    /* On Linux both are about the calling thread alone; a priority of -1 is no error. */
    return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - steps);
}

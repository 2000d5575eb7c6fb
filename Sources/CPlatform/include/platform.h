/// The few Linux calls that Swift's Glibc module does not show.
#ifndef SIPGUARDD_PLATFORM_H
#define SIPGUARDD_PLATFORM_H

#include <pthread.h>
#include <sys/types.h>

/// accept4(2) with SOCK_CLOEXEC: the new descriptor, or -1 with errno set.
int platform_accept(int listener);

/// An epoll(7) instance for one of several accepting threads: a connection to `listener` wakes one of them, `wake_up` wakes
/// all. -1 with errno set where there can be none.
int platform_watch(int listener, int wake_up);

/// Waits on such an instance: 1 for a connection, 0 once `wake_up` is readable.
int platform_await_connection(int watch, int wake_up);

/// SO_PEERCRED of a connected Unix socket: 0, or -1 with errno set.
int platform_peer(int socket, uid_t *uid, gid_t *gid, pid_t *pid);

/// A close-on-exec, non-blocking eventfd(2), or -1 with errno set.
int platform_event(void);

/// Lets the calling thread come before others, where the process may: as one of the least real-time priority (SCHED_RR, sched(7);
/// RLIMIT_RTPRIO), else by so many steps of nice(1) (RLIMIT_NICE): 0, or -1. Unlike those, real-time priority is no load by which the
/// kernel shares out the others among the processors.
int platform_come_before(int steps);

/// Makes a lock that goes to whoever comes first: who finds it taken looks again for a moment before he sleeps
/// (PTHREAD_MUTEX_ADAPTIVE_NP), and who gives it back waits for nobody. In a debug build pthread_mutex_lock(3) fails where the
/// thread holds it already.
void platform_make_lock(pthread_mutex_t *lock);

/// Names the calling thread, as ps and perf show it (15 characters count).
void platform_name_thread(const char *name);

#endif

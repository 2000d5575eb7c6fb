/// The few Linux calls that Swift's Glibc module does not show.
#ifndef SIPGUARDD_PLATFORM_H
#define SIPGUARDD_PLATFORM_H

/// accept4(2) with SOCK_CLOEXEC: the new descriptor, or -1 with errno set.
int platform_accept(int listener);

#endif

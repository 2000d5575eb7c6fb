#define _GNU_SOURCE
#include "platform.h"
#include <sys/socket.h>

int platform_accept(int listener) { return accept4(listener, 0, 0, SOCK_CLOEXEC); }

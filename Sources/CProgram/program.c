#define _GNU_SOURCE
#include "program.h"
#include <errno.h>
#include <signal.h>

static int count;
static char **words;

/* The C library gives constructors what it gives main. */
__attribute__((constructor)) static void keep_arguments(int argc, char **argv)
{
    count = argc;
    words = argv;
}

const char *program_argument(int index) { return index < count ? words[index] : 0; }

void program_ignore_hangups(void)
{
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

int program_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

bool program_was_interrupted(void) { return errno == EINTR; }

bool program_would_wait(void) { return errno == EAGAIN; }

/// What a program without Swift's runtime needs of C, beside the system's headers.
#ifndef SIPGUARDD_PROGRAM_H
#define SIPGUARDD_PROGRAM_H

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/// The program's argument at `index`, 0 for its own name; NULL if there are not so many.
const char *program_argument(int index);

/// Ignores SIGHUP and SIGPIPE.
void program_ignore_hangups(void);

/// A stream socket in the Unix domain, close-on-exec and non-blocking, or -1.
int program_socket(void);

/// Whether the last call failed because a signal came (EINTR).
bool program_was_interrupted(void);

/// Whether the last call failed because it would have had to wait (EAGAIN).
bool program_would_wait(void);

#endif

/// One HTTP(S) request by libcurl, whose functions take variable arguments, which Swift cannot call.
///
/// libcurl is opened at the first request: a daemon without feeds from the network neither needs nor maps it.
#ifndef SIPGUARDD_FETCH_H
#define SIPGUARDD_FETCH_H

#include <stddef.h>

/// What is wanted; strings may be NULL where nothing is known.
struct fetch_request {
    const char *url;
    const char *etag;
    const char *last_modified;
    /// A file with the authorities to trust instead of the system's.
    const char *authorities;
    /// For everything, redirections included.
    long milliseconds;
    /// Bytes of the body.
    size_t most;
    /// Asked now and then; not 0 ends the request.
    int (*is_cancelled)(const void *context);
    const void *context;
};

struct fetch_reply {
    char *body;
    size_t size;
    long status;
    char etag[256];
    char last_modified[64];
    /// Empty where there is a status.
    char problem[256];
};

void fetch(const struct fetch_request *request, struct fetch_reply *reply);
void fetch_free(struct fetch_reply *reply);

#endif

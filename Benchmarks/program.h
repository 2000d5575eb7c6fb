/* What every program here needs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* ns of a clock. */
static uint64_t time_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) die("clock_gettime");
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t now(void) { return time_of(CLOCK_MONOTONIC); }

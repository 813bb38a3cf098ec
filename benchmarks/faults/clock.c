/* A clock that jumps, to be preloaded: real time by up to two days to either side at any reading, monotonic time only ahead, by up to 50 ms. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static __thread uint64_t state;
static _Atomic int64_t ahead; /* nanoseconds, of the monotonic clocks */

static uint64_t drawn(void) {
    if (state == 0)
        state = (uint64_t)syscall(SYS_gettid) * 2654435761u + 1;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (done == 0 && clock == CLOCK_REALTIME && drawn() % 3 == 0)
        now->tv_sec += (time_t)(drawn() % 345600) - 172800;
    if (done == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW)) {
        if (drawn() % 50 == 0)
            ahead += (int64_t)(drawn() % 50000000);
        int64_t total = (int64_t)now->tv_nsec + ahead;
        now->tv_sec += (time_t)(total / 1000000000);
        now->tv_nsec = (long)(total % 1000000000);
    }
    return done;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into != NULL)
        *into = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return 0;
}

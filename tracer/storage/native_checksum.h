/* The checksum of a frame of a journal: `zlib.adler32`, without a call. */

#ifndef TRACER_NATIVE_CHECKSUM_H
#define TRACER_NATIVE_CHECKSUM_H

#include <Python.h>
#include <stdint.h>

#define LARGEST_PRIME 65521
#define SUMMED_AT_ONCE 4096 /* bytes, so few that no sum overflows */

static inline uint32_t checksum(const unsigned char *data, Py_ssize_t size, uint32_t start) {
    uint32_t low = start & 0xffff, high = start >> 16;
    if (size == 1) { /* as zlib does it: a start that is no sum stays above the prime */
        low += data[0];
        low -= low >= LARGEST_PRIME ? LARGEST_PRIME : 0;
        high += low;
        high -= high >= LARGEST_PRIME ? LARGEST_PRIME : 0;
        return high << 16 | low;
    }
    while (size > 0) {
        Py_ssize_t now = size < SUMMED_AT_ONCE ? size : SUMMED_AT_ONCE;
        for (Py_ssize_t at = 0; at < now; at++) {
            low += data[at];
            high += low;
        }
        low %= LARGEST_PRIME;
        high %= LARGEST_PRIME;
        data += now;
        size -= now;
    }
    return high << 16 | low;
}

#endif

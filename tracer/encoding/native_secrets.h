/* Whether bytes may hold a secret that is known by its text: the marks of hiding.py and shapes.py, looked for in one pass.

   It says yes at least wherever hiding.py would change a text: that looks again, and decides. Shared by both extension modules. */

#ifndef TRACER_NATIVE_SECRETS_H
#define TRACER_NATIVE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { LOOK_STEMS, LOOK_PAIRS, LOOK_ALL }; /* as in hiding.py */
enum { SHORTEST_SECRET = 7, LONGEST_NAME = 160, LONGEST_USER = 700, CARD_DIGITS = 13 };

/* By first byte; the other bytes of each mark. */
static inline bool marked_at(const char *at, size_t left)
{
#define MARK(text) (left >= sizeof(text) - 1 && memcmp(at, text, sizeof(text) - 1) == 0)
    if (left < 2)
        return false;
    switch (at[0]) {
    case '-':
        return at[1] == '-' && MARK("-----BEGIN");
    case 'e':
        return MARK("eyJ") || MARK("earer ");
    case 'E':
        return MARK("EARER ");
    case 'a':
        return MARK("asic ");
    case 'A':
        return MARK("AKIA") || MARK("ASIA") || MARK("ABIA") || MARK("ACCA") || MARK("AGPA") || MARK("AIDA") || MARK("AIPA")
               || MARK("ANPA") || MARK("ANVA") || MARK("AROA") || MARK("AIza") || MARK("ASIC ");
    case 'y':
        return MARK("ya29.");
    case 'G':
        return MARK("GOCSPX-");
    case 'g':
        return MARK("ghp_") || MARK("gho_") || MARK("ghu_") || MARK("ghs_") || MARK("ghr_") || MARK("github_pat_") || MARK("glpat-");
    case 'x':
        return MARK("xox") || MARK("xapp-");
    case 'h':
        return MARK("hooks.slack.com/") || MARK("hf_");
    case 'k':
        return MARK("k_live_") || MARK("k_test_");
    case 'w':
        return MARK("whsec_");
    case 'S':
        return MARK("SG.");
    case 's':
        return MARK("sk-") || MARK("shpat_") || MARK("shpss_");
    case 'n':
        return MARK("npm_");
    case 'p':
        return MARK("pypi-");
    case 'd':
        return MARK("dop_v1_");
    case 'Q':
        return MARK("Q~");
    default:
        return false;
    }
#undef MARK
}

/* `auth` and `authorization`, but not `author`. */
static inline bool holds_auth(const char *lowered, size_t size)
{
    const char *end = lowered + size, *at = lowered;
    while ((at = memmem(at, (size_t)(end - at), "auth", 4)) != NULL) {
        at += 4;
        if (end - at < 2 || memcmp(at, "or", 2) != 0 || (end - at >= 4 && memcmp(at, "oriz", 4) == 0))
            return true;
    }
    return false;
}

/* `api_key`, `accesskey` ..., but not `key` alone. */
static inline bool holds_key(const char *lowered, size_t size)
{
    static const char *const kinds[] = {"api", "access", "private", "signing", "encryption", "account"};
    const char *end = lowered + size, *at = lowered;
    while ((at = memmem(at, (size_t)(end - at), "key", 3)) != NULL) {
        size_t before = (size_t)(at - lowered);
        if (before > 0 && (lowered[before - 1] == ' ' || lowered[before - 1] == '_' || lowered[before - 1] == '-'))
            before--;
        for (size_t which = 0; which < sizeof(kinds) / sizeof(*kinds); which++) {
            size_t length = strlen(kinds[which]);
            if (before >= length && memcmp(lowered + before - length, kinds[which], length) == 0)
                return true;
        }
        at += 3;
    }
    return false;
}

static inline bool holds_stem(const char *at, size_t size)
{
    static const char *const stems[] = {"pass", "pwd", "secret", "bearer", "credential", "token", "session", "csrf", "jwt", "cookie", "sig"};
    char lowered[LONGEST_NAME];
    if (size > sizeof(lowered)) {
        at += size - sizeof(lowered);
        size = sizeof(lowered);
    }
    for (size_t place = 0; place < size; place++)
        lowered[place] = at[place] >= 'A' && at[place] <= 'Z' ? (char)(at[place] + 32) : at[place];
    for (size_t which = 0; which < sizeof(stems) / sizeof(*stems); which++)
        if (memmem(lowered, size, stems[which], strlen(stems[which])) != NULL)
            return true;
    return holds_auth(lowered, size) || holds_key(lowered, size);
}

static inline bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static inline size_t digits_from(const char *at, size_t left)
{
    size_t digits = 1;
    for (size_t place = 1; place < left && digits < CARD_DIGITS; place++) {
        if (!is_digit(at[place]) && (at[place] == ' ' || at[place] == '-') && place + 1 < left)
            place++;
        if (!is_digit(at[place]))
            break;
        digits++;
    }
    return digits;
}

/* Bytes that something follows from, with what must come next: a bit that both bytes have, or ANY. Most bytes are none, and most of the
   others are letters that go on otherwise. `marked_at` has the whole marks. */
enum { ANY = 1, A_NEXT = 2, O_NEXT = 4, Y_NEXT = 8, S_NEXT = 16, H_NEXT = 32, OTHER_NEXT = 64, CAPITAL = 128 };

static const unsigned char first_byte[256] = {
    ['='] = ANY, [':'] = ANY, ['%'] = ANY, ['@'] = ANY, ['-'] = ANY,
    ['2'] = ANY, ['3'] = ANY, ['4'] = ANY, ['5'] = ANY, ['6'] = ANY,
    ['e'] = A_NEXT | Y_NEXT, ['y'] = A_NEXT, ['x'] = A_NEXT | O_NEXT, ['h'] = O_NEXT | OTHER_NEXT, ['d'] = O_NEXT, ['p'] = Y_NEXT,
    ['a'] = S_NEXT, ['w'] = H_NEXT, ['g'] = H_NEXT | OTHER_NEXT, ['s'] = H_NEXT | OTHER_NEXT, ['k'] = OTHER_NEXT, ['n'] = OTHER_NEXT,
    ['A'] = CAPITAL, ['E'] = CAPITAL, ['G'] = CAPITAL, ['S'] = CAPITAL, ['Q'] = CAPITAL,
};

static const unsigned char next_byte[256] = {
    ['a'] = A_NEXT, ['o'] = O_NEXT, ['y'] = Y_NEXT, ['s'] = S_NEXT, ['h'] = H_NEXT,
    ['f'] = OTHER_NEXT, ['i'] = OTHER_NEXT, ['l'] = OTHER_NEXT, ['k'] = OTHER_NEXT, ['_'] = OTHER_NEXT, ['p'] = OTHER_NEXT,
    ['K'] = CAPITAL, ['S'] = CAPITAL, ['B'] = CAPITAL, ['C'] = CAPITAL, ['G'] = CAPITAL, ['I'] = CAPITAL, ['N'] = CAPITAL, ['R'] = CAPITAL,
    ['O'] = CAPITAL, ['A'] = CAPITAL, ['~'] = CAPITAL,
};

static inline bool is_telling(const unsigned char *bytes, size_t left)
{
    unsigned char first = first_byte[bytes[0]];
    return first == ANY || (left > 1 && (first & next_byte[bytes[1]]) != 0);
}

static bool may_hold_secret(const unsigned char *bytes, size_t size, long look)
{
    const char *data = (const char *)bytes;
    if (look == LOOK_ALL)
        return true;
    if (size < SHORTEST_SECRET)
        return false;
    size_t scheme = 0; /* one past the last `:/`, 0 where there was none: binary data may hold an `@` in every number */
    for (size_t at = 0; at < size; at++) {
        if (!is_telling(bytes + at, size - at))
            continue;
        char byte = data[at];
        if (byte == '=' || byte == ':' || (byte == '%' && at + 1 < size && data[at + 1] == '3')) {
            if (byte == ':' && at + 1 < size && data[at + 1] == '/')
                scheme = at + 1;
            size_t begin = at > LONGEST_NAME ? at - LONGEST_NAME : 0;
            if (look == LOOK_PAIRS || holds_stem(data + begin, at - begin))
                return true;
        }
        else if (byte == '@') {
            if (scheme > 0 && at < scheme + LONGEST_USER)
                return true;
        }
        else if (byte >= '2' && byte <= '6') {
            if (digits_from(data + at, size - at) >= CARD_DIGITS)
                return true;
        }
        else if (marked_at(data + at, size - at))
            return true;
        if (byte == '-' && at + 1 < size && data[at + 1] == '-' && holds_stem(data + at, size - at < LONGEST_NAME ? size - at : LONGEST_NAME))
            return true;
    }
    return false;
}

#endif

// RE2 (https://github.com/google/re2) for C: compiled patterns and where they match. Texts are UTF-8, given by their
// first byte and their length; nothing needs to end with a zero byte.
#ifndef MARTLET_CRE2_H
#define MARTLET_CRE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The whole match and nine groups.
#define MARTLET_RE2_CAPTURES 10

// The most instructions of a pattern for paths. `/[a-z0-9-]+/(.*)\.(jpg|png)$` has 40.
#define MARTLET_RE2_PATH_SIZE 1000

// A compiled pattern. It may be used by several threads at once.
typedef struct martlet_re2 martlet_re2;

// What is wrong with a pattern. The numbers are ours, so that they do not change with the library.
typedef enum {
    MARTLET_RE2_FINE = 0,
    MARTLET_RE2_BAD_ESCAPE,
    MARTLET_RE2_BAD_CLASS,
    MARTLET_RE2_BAD_RANGE,
    MARTLET_RE2_MISSING_BRACKET,
    MARTLET_RE2_MISSING_PARENTHESIS,
    MARTLET_RE2_UNEXPECTED_PARENTHESIS,
    MARTLET_RE2_TRAILING_BACKSLASH,
    MARTLET_RE2_REPEATS_NOTHING,
    MARTLET_RE2_BAD_COUNT,
    MARTLET_RE2_REPEATS_REPETITION,
    MARTLET_RE2_BAD_PERL,
    MARTLET_RE2_BAD_UTF8,
    MARTLET_RE2_BAD_NAME,
    MARTLET_RE2_TOO_LARGE,
    MARTLET_RE2_INTERNAL,
} martlet_re2_problem;

// Compiles a pattern whose program and tables take at most `memory` bytes. Returns null when that cannot be done:
// `problem` then says why, and up to `fragment_size` bytes of what is wrong are written to `fragment`; their number is
// stored in `fragment_length`.
martlet_re2 *martlet_re2_compile(const char *pattern, size_t length, int64_t memory, martlet_re2_problem *problem,
                                 char *fragment, size_t fragment_size, size_t *fragment_length);

// As `martlet_re2_compile`, for paths of requests: patterns and texts are bytes of whatever encoding, and letters of ASCII
// match in both cases.
martlet_re2 *martlet_re2_compile_path(const char *pattern, size_t length, int64_t memory, martlet_re2_problem *problem,
                                      char *fragment, size_t fragment_size, size_t *fragment_length);

void martlet_re2_free(martlet_re2 *pattern);

// The number of instructions of the program.
int martlet_re2_size(const martlet_re2 *pattern);

// Whether the pattern matches anywhere in the text.
bool martlet_re2_matches(const martlet_re2 *pattern, const char *text, size_t length);

// The leftmost match that starts at `start` or behind; what precedes `start` is seen by `^` and `\b` only. Returns
// whether there is one, and stores its first byte and the one behind it.
bool martlet_re2_find(const martlet_re2 *pattern, const char *text, size_t length, size_t start, size_t *first,
                      size_t *end);

// The leftmost match, and what its groups matched: for each number from 0 (the whole match) up to `groups` - 1 the first
// byte and the one behind it are stored in `bounds`, both SIZE_MAX for a group that took no part. Returns whether there is
// a match.
bool martlet_re2_groups(const martlet_re2 *pattern, const char *text, size_t length, size_t *bounds, int groups);

// As `martlet_re2_groups`, for up to MARTLET_RE2_CAPTURES groups, without memory of its own for them.
bool martlet_re2_captures(const martlet_re2 *pattern, const char *text, size_t length, size_t *bounds, int groups);

// The number of groups of the pattern that capture something.
int martlet_re2_group_count(const martlet_re2 *pattern);

#ifdef __cplusplus
}
#endif
#endif

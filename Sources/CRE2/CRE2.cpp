#include "CRE2.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <re2/re2.h>

struct martlet_re2 {
    RE2 program;

    martlet_re2(re2::StringPiece pattern, const RE2::Options &options) : program(pattern, options) {}
};

static martlet_re2_problem problem_of(RE2::ErrorCode code) {
    switch (code) {
    case RE2::NoError: return MARTLET_RE2_FINE;
    case RE2::ErrorBadEscape: return MARTLET_RE2_BAD_ESCAPE;
    case RE2::ErrorBadCharClass: return MARTLET_RE2_BAD_CLASS;
    case RE2::ErrorBadCharRange: return MARTLET_RE2_BAD_RANGE;
    case RE2::ErrorMissingBracket: return MARTLET_RE2_MISSING_BRACKET;
    case RE2::ErrorMissingParen: return MARTLET_RE2_MISSING_PARENTHESIS;
    case RE2::ErrorUnexpectedParen: return MARTLET_RE2_UNEXPECTED_PARENTHESIS;
    case RE2::ErrorTrailingBackslash: return MARTLET_RE2_TRAILING_BACKSLASH;
    case RE2::ErrorRepeatArgument: return MARTLET_RE2_REPEATS_NOTHING;
    case RE2::ErrorRepeatSize: return MARTLET_RE2_BAD_COUNT;
    case RE2::ErrorRepeatOp: return MARTLET_RE2_REPEATS_REPETITION;
    case RE2::ErrorBadPerlOp: return MARTLET_RE2_BAD_PERL;
    case RE2::ErrorBadUTF8: return MARTLET_RE2_BAD_UTF8;
    case RE2::ErrorBadNamedCapture: return MARTLET_RE2_BAD_NAME;
    case RE2::ErrorPatternTooLarge: return MARTLET_RE2_TOO_LARGE;
    default: return MARTLET_RE2_INTERNAL;
    }
}

static martlet_re2 *compile(const char *pattern, size_t length, RE2::Options options, int64_t memory,
                            martlet_re2_problem *problem, char *fragment, size_t fragment_size,
                            size_t *fragment_length) {
    options.set_log_errors(false);
    options.set_max_mem(memory);
    std::unique_ptr<martlet_re2> compiled(
        new (std::nothrow) martlet_re2(re2::StringPiece(pattern, length), options));
    *fragment_length = 0;
    if (!compiled) {
        *problem = MARTLET_RE2_INTERNAL;
        return nullptr;
    }
    *problem = problem_of(compiled->program.error_code());
    if (*problem == MARTLET_RE2_FINE) return compiled.release();
    const std::string &argument = compiled->program.error_arg();
    *fragment_length = std::min(argument.size(), fragment_size);
    std::memcpy(fragment, argument.data(), *fragment_length);
    return nullptr;
}

martlet_re2 *martlet_re2_compile(const char *pattern, size_t length, int64_t memory, martlet_re2_problem *problem,
                                 char *fragment, size_t fragment_size, size_t *fragment_length) {
    return compile(pattern, length, RE2::Options(), memory, problem, fragment, fragment_size, fragment_length);
}

martlet_re2 *martlet_re2_compile_path(const char *pattern, size_t length, int64_t memory, martlet_re2_problem *problem,
                                      char *fragment, size_t fragment_size, size_t *fragment_length) {
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_case_sensitive(false);
    return compile(pattern, length, options, memory, problem, fragment, fragment_size, fragment_length);
}

void martlet_re2_free(martlet_re2 *pattern) { delete pattern; }

int martlet_re2_size(const martlet_re2 *pattern) { return pattern->program.ProgramSize(); }

bool martlet_re2_matches(const martlet_re2 *pattern, const char *text, size_t length) {
    return pattern->program.Match(re2::StringPiece(text, length), 0, length, RE2::UNANCHORED, nullptr, 0);
}

bool martlet_re2_find(const martlet_re2 *pattern, const char *text, size_t length, size_t start, size_t *first,
                      size_t *end) {
    re2::StringPiece whole(text, length), match;
    if (!pattern->program.Match(whole, start, length, RE2::UNANCHORED, &match, 1)) return false;
    *first = match.data() - text;
    *end = *first + match.size();
    return true;
}

static bool groups_of(const martlet_re2 *pattern, const char *text, size_t length, size_t *bounds, int groups,
                      re2::StringPiece *found) {
    if (!pattern->program.Match(re2::StringPiece(text, length), 0, length, RE2::UNANCHORED, found, groups)) {
        return false;
    }
    for (int index = 0; index < groups; index++) {
        bool took = found[index].data() != nullptr;
        bounds[2 * index] = took ? found[index].data() - text : SIZE_MAX;
        bounds[2 * index + 1] = took ? bounds[2 * index] + found[index].size() : SIZE_MAX;
    }
    return true;
}

bool martlet_re2_groups(const martlet_re2 *pattern, const char *text, size_t length, size_t *bounds, int groups) {
    std::vector<re2::StringPiece> found(groups);
    return groups_of(pattern, text, length, bounds, groups, found.data());
}

bool martlet_re2_captures(const martlet_re2 *pattern, const char *text, size_t length, size_t *bounds, int groups) {
    re2::StringPiece found[MARTLET_RE2_CAPTURES];
    return groups_of(pattern, text, length, bounds, std::min(groups, MARTLET_RE2_CAPTURES), found);
}

int martlet_re2_group_count(const martlet_re2 *pattern) { return pattern->program.NumberOfCapturingGroups(); }

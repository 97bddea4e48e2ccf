// What the documents say, written apart from the Swift that is fuzzed, and in another style.
#ifndef FUZZ_REFERENCE_H
#define FUZZ_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Says on standard error which property does not hold, and ends the process as a crash.
_Noreturn void fuzz_finding(const char *property);
// Whether these are the same bytes.
bool fuzz_same(const uint8_t *left, size_t left_byte_count, const uint8_t *right, size_t right_byte_count);

// MARK: - Commands (docs/command-grammar.md)

// One word: where it was typed, and what it is.
struct grammar_word {
    uint32_t offset, byte_count;
    uint32_t start, length;  // in grammar_reading.bytes
};

struct grammar_reading {
    const char *code;       // NULL when the command is accepted
    long offset;            // -1 where the document names none
    long token_byte_count;  // -1 where the document names none
    size_t word_count;
    const struct grammar_word *words;
    const uint8_t *bytes;
};

// Reads a text of valid UTF-8; the result holds until the next call.
const struct grammar_reading *grammar_read(const uint8_t *text, size_t byte_count);

// MARK: - Options (getopt_long(3))

enum option_argument { OPTION_BARE, OPTION_REQUIRED, OPTION_OPTIONAL };
enum option_event_kind {
    OPTION_TAKEN,       // an option, with or without a value
    OPTION_UNKNOWN,     // no such option, or an abbreviation of several
    OPTION_UNEXPECTED,  // a value for a long option that takes none
    OPTION_MISSING,     // the value that the last word's option needs is not there
};

struct option_event {
    enum option_event_kind kind;
    int rule;           // the option's number in its table; -1 for an unknown one
    const char *value;  // NULL for none
};

struct option_reading {
    size_t event_count;
    const struct option_event *events;
    size_t operand_count;
    const int *operands;  // indices in the words as they were given
};

// Begins a table and gives its number.
int options_table(void);
// Adds the next option: a short name (or 0), a long one (or NULL), or both.
void options_add(int table, uint8_t short_name, const char *long_name, enum option_argument argument);
// glibc's getopt_long(3) on these words, of which the first is the program; up to its first error.
const struct option_reading *options_read(int table, int count, const char *const words[]);
// Whether rm should never be given this operand: empty, the root folder by text, or ending in `.` or `..`.
bool operand_is_forbidden(const uint8_t *path, size_t byte_count);

// MARK: - JSON (RFC 8259)

struct json_reading {
    bool is_unambiguous;      // one text, UTF-8, no key twice or escaped, at most 64 open brackets
    bool has_lone_surrogate;  // an escape that is half a pair; no Unicode text
    bool has_foreign_name;    // a name of an object that is not ASCII
    bool has_extreme_number;  // beyond what a double can tell from zero and infinity
    size_t member_count;      // of all objects
    size_t element_count;     // of all arrays
};

struct json_reading json_read(const uint8_t *bytes, size_t byte_count);

// MARK: - Frames of output (docs/link.md)

struct frames_reading {
    bool is_malformed;
    bool is_between_frames;
    size_t byte_count[3];  // by stream; 1 standard output, 2 standard error
    uint64_t digest[3];    // FNV-1a of each stream's bytes
};

struct frames_reading frames_read(const uint8_t *bytes, size_t byte_count);
// FNV-1a, continued.
uint64_t fnv1a(uint64_t digest, const uint8_t *bytes, size_t byte_count);
static const uint64_t fnv1a_start = 0xcbf29ce484222325u;

#endif

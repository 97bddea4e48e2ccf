// glibc's own getopt_long(3), with a table that the caller fills; and what rm must never be given.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

enum { MOST_TABLES = 64, MOST_RULES = 512, MOST_WORDS = 2048, MOST_EVENTS = 4096, LONG_BASE = 1000 };

struct table {
    int rule_count, long_count, short_byte_count;
    int rule_of_short[256];
    struct option longs[MOST_RULES + 1];
    char shorts[4 * MOST_RULES];
};

static struct table tables[MOST_TABLES];
static int table_count;
static struct option_event events[MOST_EVENTS];
static int operands[MOST_WORDS];
static struct option_reading reading = {.events = events, .operands = operands};

int options_table(void) {
    if (table_count == MOST_TABLES) fuzz_finding("too many option tables: raise MOST_TABLES");
    struct table *table = &tables[table_count];
    for (int byte = 0; byte < 256; byte++) table->rule_of_short[byte] = -1;
    // A colon first: a missing value is told from an unknown option, and nothing is printed.
    table->shorts[table->short_byte_count++] = ':';
    return table_count++;
}

void options_add(int number, uint8_t short_name, const char *long_name, enum option_argument argument) {
    struct table *table = &tables[number];
    int rule = table->rule_count++;
    if (rule >= MOST_RULES) fuzz_finding("too many options: raise MOST_RULES");
    if (short_name != 0 && table->rule_of_short[short_name] < 0) {
        table->rule_of_short[short_name] = rule;
        table->shorts[table->short_byte_count++] = (char)short_name;
        for (int colons = 0; colons < (int)argument; colons++) table->shorts[table->short_byte_count++] = ':';
    }
    if (long_name != NULL) {
        table->longs[table->long_count++] = (struct option){
            .name = strdup(long_name),
            .has_arg = argument == OPTION_BARE       ? no_argument
                       : argument == OPTION_REQUIRED ? required_argument
                                                     : optional_argument,
            .val = LONG_BASE + rule,
        };
    }
}

static void note(enum option_event_kind kind, int rule, const char *value) {
    if (reading.event_count == MOST_EVENTS) fuzz_finding("too many options: raise MOST_EVENTS");
    events[reading.event_count++] = (struct option_event){kind, rule, value};
}

const struct option_reading *options_read(int number, int count, const char *const words[]) {
    const struct table *table = &tables[number];
    static char *permuted[MOST_WORDS + 1];
    if (count > MOST_WORDS) fuzz_finding("too many words: raise MOST_WORDS");
    memcpy(permuted, words, (size_t)count * sizeof *words);
    permuted[count] = NULL;
    reading.event_count = reading.operand_count = 0;
    unsetenv("POSIXLY_CORRECT");
    optind = 0;  // GNU: begins anew, and reads the environment again
    for (;;) {
        int value = getopt_long(count, permuted, table->shorts, table->longs, NULL);
        if (value == -1) break;
        if (value == '?') {
            // A long option that takes no value leaves its own number; an unknown one leaves zero.
            if (optopt >= LONG_BASE) {
                note(OPTION_UNEXPECTED, optopt - LONG_BASE, NULL);
            } else {
                note(OPTION_UNKNOWN, -1, NULL);
            }
            return &reading;
        }
        if (value == ':') {
            int rule = optopt >= LONG_BASE ? optopt - LONG_BASE : table->rule_of_short[(uint8_t)optopt];
            note(OPTION_MISSING, rule, NULL);
            return &reading;
        }
        note(OPTION_TAKEN, value >= LONG_BASE ? value - LONG_BASE : table->rule_of_short[(uint8_t)value], optarg);
    }
    // It moved the operands to the end; each is still the same pointer.
    for (int moved = optind; moved < count; moved++) {
        int index = 0;
        while (words[index] != permuted[moved]) index++;
        operands[reading.operand_count++] = index;
    }
    return &reading;
}

bool operand_is_forbidden(const uint8_t *path, size_t byte_count) {
    if (byte_count == 0) return true;
    // How many names deep below `/`; `..` takes one off, and stays at the root.
    size_t depth = 0, start = 0;
    bool last_is_dots = false;
    for (size_t index = 0; index <= byte_count; index++) {
        if (index < byte_count && path[index] != '/') continue;
        size_t length = index - start;
        const uint8_t *name = path + start;
        start = index + 1;
        if (length == 0) continue;
        bool is_dot = length == 1 && name[0] == '.';
        bool is_dots = length == 2 && name[0] == '.' && name[1] == '.';
        last_is_dots = is_dot || is_dots;
        if (is_dots && depth > 0) depth--;
        if (!is_dot && !is_dots) depth++;
    }
    return depth == 0 || last_is_dots;
}

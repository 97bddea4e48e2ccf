#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

void fuzz_finding(const char *property) {
    fprintf(stderr, "FINDING %s\n", property);
    abort();
}

bool fuzz_same(const uint8_t *left, size_t left_byte_count, const uint8_t *right, size_t right_byte_count) {
    return left_byte_count == right_byte_count && (left_byte_count == 0 || memcmp(left, right, left_byte_count) == 0);
}

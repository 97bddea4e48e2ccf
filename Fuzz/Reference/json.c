// RFC 8259 by recursive descent, one function for each rule of its section 2 to 7.
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

// A name as its readers have it: without escapes.
struct name {
    uint8_t *bytes;
    size_t byte_count;
    struct name *next;
};

struct parser {
    const uint8_t *at, *end;
    int depth;
    struct json_reading reading;
};

static bool value(struct parser *parser);

// RFC 3629, section 4: no overlong forms, no surrogates, nothing beyond U+10FFFF.
static bool is_utf8(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        uint32_t first = *at++, scalar, least;
        int more;
        if (first < 0x80) continue;
        if (first >> 5 == 6) more = 1, scalar = first & 0x1F, least = 0x80;
        else if (first >> 4 == 14) more = 2, scalar = first & 0x0F, least = 0x800;
        else if (first >> 3 == 30) more = 3, scalar = first & 0x07, least = 0x10000;
        else return false;
        for (; more > 0; more--) {
            if (at == end || *at >> 6 != 2) return false;
            scalar = scalar << 6 | (*at++ & 0x3F);
        }
        if (scalar < least || scalar > 0x10FFFF || (scalar >= 0xD800 && scalar <= 0xDFFF)) return false;
    }
    return true;
}

static void blanks(struct parser *parser) {
    while (parser->at < parser->end && memchr(" \t\n\r", *parser->at, 4)) parser->at++;
}

static bool byte(struct parser *parser, uint8_t wanted) {
    if (parser->at == parser->end || *parser->at != wanted) return false;
    parser->at++;
    return true;
}

static bool separated(struct parser *parser, uint8_t wanted) {
    blanks(parser);
    return byte(parser, wanted);
}

static bool literal(struct parser *parser, const char *word) {
    for (; *word; word++)
        if (!byte(parser, (uint8_t)*word)) return false;
    return true;
}

static bool digits(struct parser *parser) {
    const uint8_t *start = parser->at;
    while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9') parser->at++;
    return parser->at > start;
}

static bool number(struct parser *parser) {
    const uint8_t *start = parser->at;
    byte(parser, '-');
    if (!byte(parser, '0') && !digits(parser)) return false;
    if (byte(parser, '.') && !digits(parser)) return false;
    if (byte(parser, 'e') || byte(parser, 'E')) {
        if (!byte(parser, '+')) byte(parser, '-');
        if (!digits(parser)) return false;
    }
    size_t length = (size_t)(parser->at - start);
    char text[length + 1];
    memcpy(text, start, length);
    text[length] = 0;
    double magnitude = fabs(strtod(text, NULL));
    bool is_zero = strcspn(text, "123456789") >= strcspn(text, "eE");
    if (isinf(magnitude) || (!is_zero && !isnormal(magnitude))) parser->reading.has_extreme_number = true;
    return true;
}

static int hexadecimal(struct parser *parser) {
    int unit = 0;
    for (int count = 0; count < 4; count++) {
        if (parser->at == parser->end) return -1;
        int digit = *parser->at++;
        if (!isxdigit(digit)) return -1;
        unit = unit << 4 | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return unit;
}

// RFC 3629, section 3.
static size_t put_scalar(uint8_t *at, uint32_t scalar) {
    if (scalar < 0x80) return at[0] = (uint8_t)scalar, 1;
    int more = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    at[0] = (uint8_t)(0xFF00 >> (more + 1) | scalar >> 6 * more);
    for (int index = 1; index <= more; index++) at[index] = (uint8_t)(0x80 | (scalar >> 6 * (more - index) & 0x3F));
    return (size_t)more + 1;
}

// The text that the string stands for in `name`, if wanted: the caller frees it. A name has no half of a pair.
static bool string(struct parser *parser, struct name *name) {
    if (!byte(parser, '"')) return false;
    bool wants_low = false;
    uint32_t high = 0;
    // No escape is shorter than what it stands for.
    uint8_t *text = name ? malloc((size_t)(parser->end - parser->at) + 4) : NULL;
    size_t length = 0;
    while (parser->at < parser->end) {
        uint8_t next = *parser->at++;
        if (next < 0x20) break;
        bool is_low = false, is_high = false;
        uint32_t scalar = next;
        bool is_scalar = false;
        if (next == '\\') {
            if (parser->at == parser->end) break;
            uint8_t kind = *parser->at++;
            if (kind == 'u') {
                int unit = hexadecimal(parser);
                if (unit < 0) break;
                is_high = unit >= 0xD800 && unit < 0xDC00;
                is_low = unit >= 0xDC00 && unit < 0xE000;
                scalar = (uint32_t)unit;
                is_scalar = true;
            } else {
                const char *kinds = "\"\\/bfnrt", *found = memchr(kinds, kind, 8);
                if (!found) break;
                scalar = (uint8_t)"\"\\/\b\f\n\r\t"[found - kinds];
            }
        }
        if (wants_low != is_low) {
            parser->reading.has_lone_surrogate = true;
            if (name) break;
        }
        wants_low = is_high;
        if (next == '"') {
            if (name) *name = (struct name){.bytes = text, .byte_count = length};
            return true;
        }
        if (!text) continue;
        if (is_high) high = scalar;
        else if (is_low) length += put_scalar(text + length, 0x10000 + ((high & 0x3FF) << 10 | (scalar & 0x3FF)));
        else if (is_scalar) length += put_scalar(text + length, scalar);
        else text[length++] = (uint8_t)scalar;
    }
    free(text);
    return false;
}

static bool array(struct parser *parser) {
    if (separated(parser, ']')) return true;
    do {
        parser->reading.element_count++;
        if (!value(parser)) return false;
    } while (separated(parser, ','));
    return separated(parser, ']');
}

static bool object(struct parser *parser, struct name **names) {
    if (separated(parser, '}')) return true;
    do {
        struct name name;
        blanks(parser);
        if (!string(parser, &name)) return false;
        bool is_known = false;
        for (struct name *other = *names; other; other = other->next)
            if (other->byte_count == name.byte_count && !memcmp(other->bytes, name.bytes, name.byte_count)) is_known = true;
        for (size_t index = 0; index < name.byte_count; index++)
            if (name.bytes[index] >= 0x80) parser->reading.has_foreign_name = true;
        // Kept also when it is refused: the caller frees them all.
        struct name *kept = malloc(sizeof *kept);
        name.next = *names;
        *kept = name;
        *names = kept;
        if (is_known) return false;
        parser->reading.member_count++;
        if (!separated(parser, ':') || !value(parser)) return false;
    } while (separated(parser, ','));
    return separated(parser, '}');
}

static bool value(struct parser *parser) {
    blanks(parser);
    if (parser->at == parser->end) return false;
    switch (*parser->at) {
    case '{':
    case '[': {
        uint8_t bracket = *parser->at++;
        if (++parser->depth > 64) return false;
        struct name *names = NULL;
        bool is_whole = bracket == '[' ? array(parser) : object(parser, &names);
        while (names) {
            struct name *next = names->next;
            free(names->bytes);
            free(names);
            names = next;
        }
        parser->depth--;
        return is_whole;
    }
    case '"': return string(parser, NULL);
    case 't': return literal(parser, "true");
    case 'f': return literal(parser, "false");
    case 'n': return literal(parser, "null");
    default: return number(parser);
    }
}

struct json_reading json_read(const uint8_t *bytes, size_t byte_count) {
    struct parser parser = {.at = bytes, .end = bytes + byte_count};
    if (is_utf8(parser.at, parser.end) && value(&parser)) {
        blanks(&parser);
        parser.reading.is_unambiguous = parser.at == parser.end;
    }
    return parser.reading;
}

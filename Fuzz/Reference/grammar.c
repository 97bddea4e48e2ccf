// The grammar of docs/command-grammar.md as one table: a state, a class of bytes, what then.
//
// By that page. Every byte is looked at once; an operator is known by the state that it is in
// when it ends.
#include <string.h>

#include "reference.h"

enum class {
    C_BLANK, C_SINGLE, C_DOUBLE, C_BACKSLASH, C_LF, C_CR, C_NUL, C_CONTROL, C_PIPE, C_AMPERSAND, C_SEMICOLON, C_LESS,
    C_GREATER, C_OPEN, C_CLOSE, C_OPEN_BRACE, C_CLOSE_BRACE, C_DOLLAR, C_BACKQUOTE, C_GLOB, C_TILDE, C_HASH, C_BANG,
    C_DASH, C_DIGIT, C_NAME, C_PLAIN, C_END, CLASS_COUNT
};

enum state {
    S_GAP,        // between words
    S_BANG,       // after a `!` that is the first word so far
    S_WORD, S_SINGLE, S_DOUBLE,
    S_ESCAPE,     // after a backslash outside quotes
    S_ESCAPE_IN_DOUBLE,
    S_PIPE, S_AMPERSAND, S_LESS, S_LESS_LESS, S_GREATER, S_DOLLAR, S_DOLLAR_OPEN, S_NAME,
    STATE_COUNT
};

enum act {
    A_NONE, A_BEGIN, A_PUT, A_PUT_BOTH, A_END, A_FINISH,
    A_ESCAPE,     // begins a word, and keeps the backslash's place
    A_OPERATOR,   // the token begins here
    A_REFUSE,     // this byte is the token
    A_REFUSE_BEFORE,  // the token ends before this byte
    A_REFUSE_WITH,    // the token ends with this byte
    A_REFUSE_QUOTE, A_REFUSE_BACKSLASH, A_REFUSE_WORD, A_REFUSE_UNNAMED
};

struct cell {
    uint8_t act, next;
    const char *code;
};

static uint8_t classes[256];
static struct cell table[STATE_COUNT][CLASS_COUNT];
static bool is_ready;

static void all(enum state state, enum act act, enum state next, const char *code) {
    for (int class = 0; class < CLASS_COUNT; class++) table[state][class] = (struct cell){act, next, code};
}

static void on(enum state state, enum class class, enum act act, enum state next, const char *code) {
    table[state][class] = (struct cell){act, next, code};
}

// What is refused where a byte stands for itself otherwise.
static void refuse_specials(enum state state) {
    on(state, C_NUL, A_REFUSE, state, "nul_byte");
    on(state, C_LF, A_REFUSE, state, "newline");
    on(state, C_CR, A_REFUSE, state, "newline");
    on(state, C_CONTROL, A_REFUSE, state, "control_byte");
    on(state, C_PIPE, A_OPERATOR, S_PIPE, NULL);
    on(state, C_AMPERSAND, A_OPERATOR, S_AMPERSAND, NULL);
    on(state, C_SEMICOLON, A_REFUSE, state, "sequence");
    on(state, C_LESS, A_OPERATOR, S_LESS, NULL);
    on(state, C_GREATER, A_OPERATOR, S_GREATER, NULL);
    on(state, C_OPEN, A_REFUSE, state, "subshell");
    on(state, C_CLOSE, A_REFUSE, state, "subshell");
    on(state, C_OPEN_BRACE, A_REFUSE, state, "brace_expansion");
    on(state, C_CLOSE_BRACE, A_REFUSE, state, "brace_expansion");
    on(state, C_DOLLAR, A_OPERATOR, S_DOLLAR, NULL);
    on(state, C_BACKQUOTE, A_REFUSE, state, "backquote_substitution");
    on(state, C_GLOB, A_REFUSE, state, "glob");
}

static void outside(enum state state) {
    all(state, A_PUT, S_WORD, NULL);
    refuse_specials(state);
    on(state, C_SINGLE, A_BEGIN, S_SINGLE, NULL);
    on(state, C_DOUBLE, A_BEGIN, S_DOUBLE, NULL);
    on(state, C_BACKSLASH, A_ESCAPE, S_ESCAPE, NULL);
    on(state, C_BLANK, A_END, S_GAP, NULL);
    on(state, C_END, A_FINISH, S_GAP, NULL);
}

static void make_table(void) {
    for (int byte = 0; byte < 256; byte++) {
        uint8_t class = C_PLAIN;
        if (byte < 0x20 || byte == 0x7F) class = C_CONTROL;
        if ((byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_') class = C_NAME;
        if (byte >= '0' && byte <= '9') class = C_DIGIT;
        classes[byte] = class;
    }
    static const struct { char byte; uint8_t class; } singular[] = {
        {' ', C_BLANK}, {'\t', C_BLANK}, {'\'', C_SINGLE}, {'"', C_DOUBLE}, {'\\', C_BACKSLASH}, {'\n', C_LF},
        {'\r', C_CR}, {'\0', C_NUL}, {'|', C_PIPE}, {'&', C_AMPERSAND}, {';', C_SEMICOLON}, {'<', C_LESS},
        {'>', C_GREATER}, {'(', C_OPEN}, {')', C_CLOSE}, {'{', C_OPEN_BRACE}, {'}', C_CLOSE_BRACE}, {'$', C_DOLLAR},
        {'`', C_BACKQUOTE}, {'*', C_GLOB}, {'?', C_GLOB}, {'[', C_GLOB}, {'~', C_TILDE}, {'#', C_HASH}, {'!', C_BANG},
        {'-', C_DASH},
    };
    for (size_t index = 0; index < sizeof singular / sizeof *singular; index++)
        classes[(uint8_t)singular[index].byte] = singular[index].class;

    outside(S_GAP);
    on(S_GAP, C_BLANK, A_NONE, S_GAP, NULL);
    on(S_GAP, C_TILDE, A_REFUSE, S_GAP, "tilde_expansion");
    on(S_GAP, C_HASH, A_REFUSE, S_GAP, "comment");
    on(S_GAP, C_BANG, A_PUT, S_BANG, NULL);
    outside(S_BANG);
    on(S_BANG, C_BLANK, A_REFUSE_WORD, S_GAP, "negation");
    on(S_BANG, C_END, A_REFUSE_WORD, S_GAP, "negation");
    outside(S_WORD);

    all(S_SINGLE, A_PUT, S_SINGLE, NULL);
    on(S_SINGLE, C_SINGLE, A_NONE, S_WORD, NULL);
    on(S_SINGLE, C_NUL, A_REFUSE, S_SINGLE, "nul_byte");
    on(S_SINGLE, C_END, A_REFUSE_QUOTE, S_SINGLE, "unbalanced_quote");

    all(S_DOUBLE, A_PUT, S_DOUBLE, NULL);
    on(S_DOUBLE, C_DOUBLE, A_NONE, S_WORD, NULL);
    on(S_DOUBLE, C_BACKSLASH, A_NONE, S_ESCAPE_IN_DOUBLE, NULL);
    on(S_DOUBLE, C_DOLLAR, A_OPERATOR, S_DOLLAR, NULL);
    on(S_DOUBLE, C_BACKQUOTE, A_REFUSE, S_DOUBLE, "backquote_substitution");
    on(S_DOUBLE, C_NUL, A_REFUSE, S_DOUBLE, "nul_byte");
    on(S_DOUBLE, C_END, A_REFUSE_QUOTE, S_DOUBLE, "unbalanced_quote");

    all(S_ESCAPE, A_PUT, S_WORD, NULL);
    on(S_ESCAPE, C_LF, A_REFUSE, S_WORD, "newline");
    on(S_ESCAPE, C_CR, A_REFUSE, S_WORD, "newline");
    on(S_ESCAPE, C_NUL, A_REFUSE, S_WORD, "nul_byte");
    on(S_ESCAPE, C_END, A_REFUSE_BACKSLASH, S_WORD, "trailing_backslash");

    all(S_ESCAPE_IN_DOUBLE, A_PUT_BOTH, S_DOUBLE, NULL);
    on(S_ESCAPE_IN_DOUBLE, C_DOLLAR, A_PUT, S_DOUBLE, NULL);
    on(S_ESCAPE_IN_DOUBLE, C_BACKQUOTE, A_PUT, S_DOUBLE, NULL);
    on(S_ESCAPE_IN_DOUBLE, C_DOUBLE, A_PUT, S_DOUBLE, NULL);
    on(S_ESCAPE_IN_DOUBLE, C_BACKSLASH, A_PUT, S_DOUBLE, NULL);
    on(S_ESCAPE_IN_DOUBLE, C_LF, A_NONE, S_DOUBLE, NULL);
    on(S_ESCAPE_IN_DOUBLE, C_NUL, A_REFUSE, S_DOUBLE, "nul_byte");
    on(S_ESCAPE_IN_DOUBLE, C_END, A_REFUSE_QUOTE, S_DOUBLE, "unbalanced_quote");

    all(S_PIPE, A_REFUSE_BEFORE, S_GAP, "pipe");
    on(S_PIPE, C_PIPE, A_REFUSE_WITH, S_GAP, "logical_or");
    all(S_AMPERSAND, A_REFUSE_BEFORE, S_GAP, "background");
    on(S_AMPERSAND, C_AMPERSAND, A_REFUSE_WITH, S_GAP, "logical_and");
    all(S_LESS, A_REFUSE_BEFORE, S_GAP, "input_redirection");
    on(S_LESS, C_AMPERSAND, A_REFUSE_WITH, S_GAP, "input_redirection");
    on(S_LESS, C_GREATER, A_REFUSE_WITH, S_GAP, "input_redirection");
    on(S_LESS, C_LESS, A_NONE, S_LESS_LESS, NULL);
    all(S_LESS_LESS, A_REFUSE_BEFORE, S_GAP, "here_document");
    on(S_LESS_LESS, C_LESS, A_REFUSE_WITH, S_GAP, "here_document");
    on(S_LESS_LESS, C_DASH, A_REFUSE_WITH, S_GAP, "here_document");
    all(S_GREATER, A_REFUSE_BEFORE, S_GAP, "output_redirection");
    on(S_GREATER, C_GREATER, A_REFUSE_WITH, S_GAP, "output_redirection");
    on(S_GREATER, C_AMPERSAND, A_REFUSE_WITH, S_GAP, "output_redirection");
    on(S_GREATER, C_PIPE, A_REFUSE_WITH, S_GAP, "output_redirection");
    all(S_DOLLAR, A_REFUSE_BEFORE, S_GAP, "variable");
    on(S_DOLLAR, C_OPEN, A_NONE, S_DOLLAR_OPEN, NULL);
    on(S_DOLLAR, C_OPEN_BRACE, A_REFUSE_WITH, S_GAP, "parameter_expansion");
    on(S_DOLLAR, C_NAME, A_NONE, S_NAME, NULL);
    // A digit is no beginning of a name; the page says nothing of how far such a token goes.
    on(S_DOLLAR, C_DIGIT, A_REFUSE_UNNAMED, S_GAP, "variable");
    all(S_DOLLAR_OPEN, A_REFUSE_BEFORE, S_GAP, "command_substitution");
    on(S_DOLLAR_OPEN, C_OPEN, A_REFUSE_WITH, S_GAP, "arithmetic_expansion");
    all(S_NAME, A_REFUSE_BEFORE, S_GAP, "variable");
    on(S_NAME, C_NAME, A_NONE, S_NAME, NULL);
    on(S_NAME, C_DIGIT, A_NONE, S_NAME, NULL);
    is_ready = true;
}

// As many as 2,048 bytes can make.
static struct grammar_word words[1025];
static uint8_t bytes[2049];
static struct grammar_reading reading = {.words = words, .bytes = bytes};

static const struct grammar_reading *refuse(const char *code, long offset, long token_byte_count) {
    reading.code = code;
    reading.offset = offset;
    reading.token_byte_count = token_byte_count;
    return &reading;
}

const struct grammar_reading *grammar_read(const uint8_t *text, size_t byte_count) {
    if (!is_ready) make_table();
    reading.code = NULL;
    reading.word_count = 0;

    size_t code_points = 0;
    for (size_t index = 0; index < byte_count; index++) {
        code_points += (text[index] & 0xC0) != 0x80;
        if (code_points > 512 || index >= 2048) return refuse("too_long", (long)index, -1);
    }

    struct grammar_word word = {0};
    bool in_word = false;
    size_t filled = 0, mark = 0, backslash = 0;
    enum state state = S_GAP;
    for (size_t index = 0;; index++) {
        enum class class = index < byte_count ? classes[text[index]] : C_END;
        const struct cell *cell = &table[state][class];
        // A `!` is plain once there is a word before it.
        enum state next = cell->next == S_BANG && reading.word_count > 0 ? S_WORD : cell->next;
        switch ((enum act)cell->act) {
        case A_BEGIN:
        case A_PUT:
        case A_PUT_BOTH:
        case A_ESCAPE:
            if (!in_word) {
                word = (struct grammar_word){.offset = (uint32_t)index, .start = (uint32_t)filled};
                in_word = true;
            }
            if (cell->act == A_BEGIN) mark = index;
            if (cell->act == A_ESCAPE) backslash = index;
            if (cell->act == A_PUT_BOTH) bytes[filled++] = '\\';
            if (cell->act == A_PUT || cell->act == A_PUT_BOTH) bytes[filled++] = text[index];
            break;
        case A_END:
        case A_FINISH:
            if (in_word) {
                word.byte_count = (uint32_t)index - word.offset;
                word.length = (uint32_t)filled - word.start;
                words[reading.word_count++] = word;
                in_word = false;
            }
            if (cell->act == A_FINISH) return reading.word_count ? &reading : refuse("missing_command", -1, -1);
            break;
        case A_OPERATOR: mark = index; break;
        case A_NONE: break;
        case A_REFUSE: return refuse(cell->code, (long)index, 1);
        case A_REFUSE_BEFORE: return refuse(cell->code, (long)mark, (long)(index - mark));
        case A_REFUSE_WITH: return refuse(cell->code, (long)mark, (long)(index - mark + 1));
        case A_REFUSE_QUOTE: return refuse(cell->code, (long)mark, 1);
        case A_REFUSE_BACKSLASH: return refuse(cell->code, (long)backslash, 1);
        case A_REFUSE_WORD: return refuse(cell->code, (long)word.offset, 1);
        case A_REFUSE_UNNAMED: return refuse(cell->code, (long)mark, -1);
        }
        state = next;
    }
}

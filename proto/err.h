/* err.h - the few names for what can go wrong with input.
 *
 * An error answers "what should the caller do?"; a cursor's `what` (bytes.h) answers "where?". The list is written
 * once and gives the enum, the text and the label in metrics. */
#ifndef PROTO_ERR_H
#define PROTO_ERR_H

#define ERR_MAP(X)                                                                                                     \
    X(SHORT, "input ends before the field does")                                                                       \
    X(FORMAT, "bytes are present but not legal")                                                                       \
    X(LIMIT, "legal, but above a bound we set")                                                                        \
    X(AUTH, "integrity or credential mismatch")                                                                        \
    X(REPLAY, "seen before, or too old to tell")                                                                       \
    X(UNKNOWN, "names something that does not exist here")                                                             \
    X(STATE, "not possible in this state")                                                                             \
    X(NOSPACE, "the output does not fit")                                                                              \
    X(SYSTEM, "a library or the kernel refused")

enum err {
    E_OK = 0,
#define X(name, text) E_##name,
    ERR_MAP(X)
#undef X
        ERR_COUNT
};

const char *err_name(enum err err); /* "SHORT"; a static string */
const char *err_text(enum err err); /* "input ends before the field does"; a static string */

#endif

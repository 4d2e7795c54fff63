/* err.c - names and texts of errors. */
#include "proto/err.h"

const char *err_name(enum err err)
{
    switch (err) {
    case E_OK: return "OK";
#define X(name, text)                                                                                                  \
    case E_##name: return #name;
        ERR_MAP(X)
#undef X
    case ERR_COUNT: break;
    }
    return "?";
}

const char *err_text(enum err err)
{
    switch (err) {
    case E_OK: return "no error";
#define X(name, text)                                                                                                  \
    case E_##name: return text;
        ERR_MAP(X)
#undef X
    case ERR_COUNT: break;
    }
    return "?";
}

/* hocon_dump.h - writes a HOCON tree back as text that HOCON reads again. For tests and fuzzing. */
#ifndef TESTS_HOCON_DUMP_H
#define TESTS_HOCON_DUMP_H

#include <stdio.h>

#include "proto/hocon.h"

static inline void hocon_dump_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, out);
    fputc('"', out);
}

static inline void hocon_dump(FILE *out, const struct hocon_value *v)
{
    switch (v->kind) {
    case HOCON_NULL:
    case HOCON_BOOL:
    case HOCON_NUMBER: fputs(v->text, out); break;
    case HOCON_STRING: hocon_dump_text(out, v->text); break;
    case HOCON_ARRAY:
        for (size_t i = 0; i < v->count; i++) {
            fputc(i ? ',' : '[', out);
            hocon_dump(out, v->items[i]);
        }
        fputs(v->count ? "]" : "[]", out);
        break;
    case HOCON_OBJECT:
        for (size_t i = 0; i < v->count; i++) {
            fputc(i ? ',' : '{', out);
            hocon_dump_text(out, v->members[i].key);
            fputc(':', out);
            hocon_dump(out, v->members[i].value);
        }
        fputs(v->count ? "}" : "{}", out);
        break;
    }
}

static inline char *hocon_dumped(const struct hocon *h) /* the caller's to free */
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    hocon_dump(out, hocon_root(h));
    fclose(out);
    return text;
}

#endif

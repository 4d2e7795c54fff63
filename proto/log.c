/* log.c - formats a line and hands it to the sink. */
#include "proto/log.h"

#include <stdarg.h>
#include <stdio.h>

static void to_stderr(enum log_level level, const char *area, const char *text)
{
    fprintf(stderr, "%-5s %s: %s\n", log_level_name(level), area, text);
}

static log_sink *the_sink = to_stderr;
static enum log_level least_level = LOG_INFO_;

void log_set_sink(log_sink *sink)
{
    the_sink = sink ? sink : to_stderr;
}

void log_set_level(enum log_level least)
{
    least_level = least;
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

void log_at(enum log_level level, const char *area, const char *fmt, ...)
{
    if (level < least_level)
        return;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    the_sink(level, area, text);
}

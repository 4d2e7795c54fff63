/* log.h - one line per event: area, object, then key=value. Off the packet path only.
 *
 * Privacy: never pass an address, room, name, JID or secret; objects are named by our own counters.
 * The sink is set once, before threads start; the default writes "LEVEL area message" to stderr. Thread: any. */
#ifndef PROTO_LOG_H
#define PROTO_LOG_H

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

typedef void log_sink(enum log_level level, const char *area, const char *text);

void log_set_sink(log_sink *sink); /* NULL: the default */
void log_set_level(enum log_level least);
const char *log_level_name(enum log_level level);
void log_at(enum log_level level, const char *area, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(area, ...) log_at(LOG_DEBUG_, area, __VA_ARGS__)
#define log_info(area, ...) log_at(LOG_INFO_, area, __VA_ARGS__)
#define log_warn(area, ...) log_at(LOG_WARN_, area, __VA_ARGS__)
#define log_error(area, ...) log_at(LOG_ERROR_, area, __VA_ARGS__)

#endif

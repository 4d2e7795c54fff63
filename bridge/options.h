/* options.h - the command line. Thread: start only. Prints nothing itself; main does.
 *
 * Stock launch scripts pass words that mean nothing to us (--apis=none, -Dconfig.file=..., class names): they are
 * ignored, as the stock bridge ignores all of its arguments. A misspelt option of ours is an error. */
#ifndef BRIDGE_OPTIONS_H
#define BRIDGE_OPTIONS_H

#include <stdbool.h>

/* sysexits.h has the same 64 and 78; systemd's stock unit does not restart after 78. */
enum exit_code {
    EXIT_CODE_OK = 0,       /* also the end of a graceful shutdown: containers stop only on 0 */
    EXIT_CODE_RUNTIME = 1,  /* a port is taken, a library failed: a restart may help */
    EXIT_CODE_USAGE = 64,   /* the command line */
    EXIT_CODE_CONFIG = 78,  /* the configuration: a restart cannot help */
    EXIT_CODE_SIGHUP = 129, /* 128 + signal number, as the stock bridge's */
    EXIT_CODE_SIGINT = 130,
    EXIT_CODE_SIGTERM = 143,
};

enum options_action { OPTIONS_RUN, OPTIONS_CHECK_CONFIG, OPTIONS_VERSION, OPTIONS_HELP };

struct options {
    enum options_action action;
    const char *config_path; /* --config FILE, --config=FILE or -c FILE; points into argv; NULL: look for it */
};

/* False: error says what is wrong, in one line. */
bool options_parse(int argc, char *const argv[], struct options *out, char error[160]);
extern const char options_usage[]; /* the text of --help, with a final newline */

#endif

/* options.c - see options.h. */
#include "bridge/options.h"

#include <stdio.h>
#include <string.h>

const char options_usage[] =
    "usage: kolibri [--config FILE] [--check-config | --version | --help]\n"
    "\n"
    "  -c, --config FILE  the configuration; without it /etc/jitsi/videobridge/jvb.conf, if that exists\n"
    "  --check-config     read the configuration, say what is wrong with it, start nothing\n"
    "  --version          version, and the SRTP ciphers chosen on this machine\n"
    "  --help             this text\n"
    "\n"
    "Exit codes: 0 done, 1 could not run, 64 wrong option, 78 wrong configuration, 128 + N ended by signal N.\n";

static bool takes_config(int argc, char *const argv[], int *at, const char **path)
{
    const char *word = argv[*at];
    if (strncmp(word, "--config=", 9) == 0) {
        *path = word + 9;
        return true;
    }
    if (strcmp(word, "--config") != 0 && strcmp(word, "-c") != 0)
        return false;
    *path = *at + 1 < argc ? argv[++*at] : "";
    return true;
}

bool options_parse(int argc, char *const argv[], struct options *out, char error[160])
{
    static const struct {
        const char *word;
        enum options_action action;
    } actions[] = {
        {"--check-config", OPTIONS_CHECK_CONFIG}, {"--version", OPTIONS_VERSION}, {"--help", OPTIONS_HELP},
        {"-h", OPTIONS_HELP},
    };
    *out = (struct options){.action = OPTIONS_RUN};
    for (int i = 1; i < argc; i++) {
        if (takes_config(argc, argv, &i, &out->config_path)) {
            if (*out->config_path)
                continue;
            snprintf(error, 160, "--config needs the name of a file; see --help");
            return false;
        }
        bool known = strncmp(argv[i], "--apis", 6) == 0 || argv[i][0] != '-' || strncmp(argv[i], "-D", 2) == 0 ||
                     strncmp(argv[i], "-X", 2) == 0; /* words of stock launch scripts */
        for (size_t a = 0; a < sizeof actions / sizeof *actions; a++)
            if (strcmp(argv[i], actions[a].word) == 0) {
                out->action = actions[a].action;
                known = true;
            }
        if (known)
            continue;
        snprintf(error, 160, "unknown option %.60s; see --help", argv[i]);
        return false;
    }
    return true;
}

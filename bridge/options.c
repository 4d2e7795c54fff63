#include "bridge/options.h"
#include <string.h>
const char options_usage[]="usage\n";
bool options_parse(int argc, char *const argv[], struct options *o, char e[160]){ *o=(struct options){0}; for(int i=1;i<argc;i++){ if(!strcmp(argv[i],"--config")) o->config_path=argv[++i]; if(!strcmp(argv[i],"--version")) o->action=OPTIONS_VERSION; } return true; }

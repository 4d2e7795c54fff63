/* quick stand-in */
#include "bridge/config.h"
#include "proto/hocon.h"
#include <stdlib.h>
#include <stdio.h>
#include <strings.h>
void config_defaults(struct config *c){ memset(c,0,sizeof *c);
#define D(k,t,f,v,m) D_##t(f,v)
#define D_BOOL(f,v) c->f=(v);
#define D_INT(f,v) c->f=(v);
#define D_PORT(f,v) c->f=(v);
#define D_DOUBLE(f,v) c->f=(v);
#define D_US(f,v) c->f=(v);
#define D_BPS(f,v) c->f=(v);
#define D_STRING(f,v) 
#define D_SECRET(f,v)
#define D_STRINGS(f,v)
#define D_TRI(f,v) c->f=(v);
#define D_LOAD(f,v) c->f=(v);
#define D_RED(f,v) c->f=(v);
SETTINGS(D)
}
void config_done(struct config *c){}
static enum hocon_read rd_file(void *ctx,const char *path,char **t,size_t *n){ FILE *f=fopen(path,"rb"); if(!f) return HOCON_READ_ABSENT; *t=malloc(1<<20); *n=fread(*t,1,1<<20,f); fclose(f); return HOCON_READ_OK; }
static const char *ge(void *c,const char *n){ return getenv(n);} 
static void dg(void *c,const struct hocon_diag *d){ fprintf(stderr,"%s:%d: %s\n",d->file,d->line,d->text);} 
static const struct hocon_value *mem(const struct hocon_value *o,const char *k){ for(size_t i=0;i<o->count;i++) if(!strcasecmp(o->members[i].key,k)) return o->members[i].value; return NULL; }
static char *str(const struct hocon_value *o,const char *k){ const struct hocon_value *v=mem(o,k); return v&&hocon_as_string(v)?strdup(hocon_as_string(v)):NULL; }
static void strings(const struct hocon_value *v, struct config_strings *out){ const struct hocon_value *it[64]; size_t n=0; if(!v) return; if(hocon_as_list(v,it,64,&n)){ out->v=calloc(n+1,sizeof(char*)); for(size_t i=0;i<n;i++) out->v[out->n++]=strdup(hocon_as_string(it[i])); } else if(hocon_as_string(v)){ char *s=strdup(hocon_as_string(v)); out->v=calloc(16,sizeof(char*)); for(char *p=strtok(s,",");p;p=strtok(NULL,",")) out->v[out->n++]=p; } }
bool config_load(const char *path,const struct config_env *env,struct config *c){ config_defaults(c); struct hocon_world w={rd_file,ge,dg,NULL}; struct hocon *h=hocon_load(path,&w); if(!h) return false; const struct hocon_value *r=hocon_root(h),*v; int64_t i; double d;
#define L(k,t,f,vv,m) if((v=hocon_get(r,k))) { L_##t(f) }
#define L_BOOL(f) hocon_as_bool(v,&c->f);
#define L_INT(f) if(hocon_as_int(v,&i)) c->f=(int)i;
#define L_PORT(f) if(hocon_as_int(v,&i)) c->f=(int)i;
#define L_DOUBLE(f) if(hocon_as_double(v,&d)) c->f=d;
#define L_US(f) if(hocon_as_us(v,&i)) c->f=(uint64_t)i;
#define L_BPS(f)
#define L_STRING(f) c->f=strdup(hocon_as_string(v));
#define L_SECRET(f)
#define L_STRINGS(f) strings(v,&c->f);
#define L_TRI(f)
#define L_LOAD(f)
#define L_RED(f)
SETTINGS(L)
v=hocon_get(r,"videobridge.apis.xmpp-client.configs"); if(v){ c->xmpp=calloc(v->count+1,sizeof *c->xmpp); for(size_t k=0;k<v->count;k++){ const struct hocon_value *o=v->members[k].value; struct config_xmpp *x=&c->xmpp[c->xmpp_count++]; x->id=strdup(v->members[k].key); x->hostname=str(o,"hostname"); char *p=str(o,"port"); x->port=p?atoi(p):5222; x->domain=str(o,"domain"); x->username=str(o,"username"); x->password=str(o,"password"); strings(mem(o,"muc_jids"),&x->muc_jids); x->muc_nickname=str(o,"muc_nickname"); bool b=false; if(mem(o,"disable_certificate_verification")) hocon_as_bool(mem(o,"disable_certificate_verification"),&b); x->verify_certificate=!b; char *s=str(o,"security_mode"); x->starttls=s&&!strcasecmp(s,"disabled")?CONFIG_TLS_DISABLED:s&&!strcasecmp(s,"ifpossible")?CONFIG_TLS_IF_POSSIBLE:!strcmp(x->hostname,"127.0.0.1")?CONFIG_TLS_IF_POSSIBLE:CONFIG_TLS_REQUIRED; } }
hocon_free(h); return true; }

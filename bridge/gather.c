/* gather.c - see gather.h. */
#include "bridge/gather.h"
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
static bool in(struct gather_names n, const char *s){ for(size_t i=0;i<n.n;i++) if(!strcmp(n.v[i],s)) return true; return false; }
size_t gather_interfaces(struct gather_interface *out, size_t cap){ struct ifaddrs *l; size_t n=0; if(getifaddrs(&l)) return 0; for(struct ifaddrs *a=l;a&&n<cap;a=a->ifa_next){ if(!a->ifa_addr||!(a->ifa_flags&IFF_UP)||(a->ifa_addr->sa_family!=AF_INET&&a->ifa_addr->sa_family!=AF_INET6)) continue; addr_from_sockaddr(a->ifa_addr,&out[n].addr); out[n].addr.port=0; snprintf(out[n].name,16,"%.15s",a->ifa_name); out[n].loopback=a->ifa_flags&IFF_LOOPBACK; n++; } freeifaddrs(l); return n; }
size_t gather_bind_list(const struct gather_config *c,const struct gather_interface *f,size_t n,struct addr out[GATHER_LOCALS_MAX]){ size_t k=0; for(size_t i=0;i<n&&k<GATHER_LOCALS_MAX;i++){ char t[ADDR_TEXT_MAX]; addr_ip_str(&f[i].addr,t); bool named=in(c->allowed_interfaces,f[i].name)||in(c->allowed_addresses,t); if(f[i].loopback&&!named) continue; if(c->allowed_interfaces.n&&!in(c->allowed_interfaces,f[i].name)) continue; if(c->allowed_addresses.n&&!in(c->allowed_addresses,t)) continue; if(addr_is_link_local(&f[i].addr)&&!c->use_link_local) continue; if(f[i].addr.family==ADDR_IP6&&!c->use_ipv6) continue; out[k]=f[i].addr; out[k++].port=c->port; } return k; }
struct gather { uv_timer_t t; struct gather_result r; gather_done *d; void *ctx; };
static void fin(uv_handle_t *h){ free(h->data);} 
static void tick(uv_timer_t *t){ struct gather *g=t->data; g->d(g->ctx,&g->r); uv_close((uv_handle_t*)t,fin);} 
struct gather *gather_start(uv_loop_t *loop,const struct gather_config *c,const struct ice_local *l,size_t n,gather_done *d,void *ctx){ struct gather *g=calloc(1,sizeof *g); g->d=d; g->ctx=ctx; for(size_t i=0;i<n;i++){ g->r.locals[i]=l[i]; g->r.candidates[i]=(struct local_candidate){.type=ICE_HOST,.addr=l[i].addr,.base=l[i].addr,.foundation=(uint32_t)i+1,.priority=2130706431u-(uint32_t)i*256,.local=l[i].local}; } g->r.local_count=g->r.candidate_count=n; uv_timer_init(loop,&g->t); g->t.data=g; uv_timer_start(&g->t,tick,0,0); return g; }
void gather_cancel(struct gather *g){}

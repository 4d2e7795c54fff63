/* channels.h - the thread that owns usrsctp: SCTP packets of all endpoints in, messages out, and back.
 *
 * usrsctp is global to the process and is used from this one thread. Workers post what DTLS decrypted and what is to be
 * sent; this thread posts W_CHANNEL_* to the worker that owns the endpoint. An endpoint is named by its serial.
 * Thread: channels_open, _packet, _text and _close from any; the rest at start and stop. */
#ifndef BRIDGE_CHANNELS_H
#define BRIDGE_CHANNELS_H

#include "proto/bytes.h"

struct channels;
struct worker;

struct channels *channels_new(unsigned max_channels); /* starts the thread; NULL: usrsctp did not start */
void channels_free(struct channels *channels);        /* after the workers have stopped */

void channels_open(struct channels *channels, struct worker *owner, uint32_t ep_serial);
void channels_packet(struct channels *channels, uint32_t ep_serial, struct bytes packet);
void channels_text(struct channels *channels, uint32_t ep_serial, struct bytes text);
void channels_close(struct channels *channels, uint32_t ep_serial);

#endif

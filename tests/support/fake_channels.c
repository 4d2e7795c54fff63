/* fake_channels.c - see fake_channels.h. */
#include "support/fake_channels.h"

#include <pthread.h>
#include <stdlib.h>

#include "support/hex.h"

enum { TEXTS_MAX = 4096 };

static struct {
    uint32_t ep_serial;
    bool read;
    char *text;
} texts[TEXTS_MAX];
static size_t text_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* workers tell, the test reads */

void channels_open(struct channels *channels, struct worker *owner, uint32_t ep_serial)
{
    (void)channels, (void)owner, (void)ep_serial;
}

void channels_packet(struct channels *channels, uint32_t ep_serial, struct bytes packet)
{
    (void)channels, (void)ep_serial, (void)packet;
}

void channels_text(struct channels *channels, uint32_t ep_serial, struct bytes text)
{
    (void)channels;
    pthread_mutex_lock(&lock);
    assert_true(text_count < TEXTS_MAX);
    texts[text_count].ep_serial = ep_serial;
    texts[text_count].read = false;
    texts[text_count++].text = strndup((const char *)text.p, text.n);
    pthread_mutex_unlock(&lock);
}

void channels_close(struct channels *channels, uint32_t ep_serial)
{
    (void)channels, (void)ep_serial;
}

static const char *find(uint32_t ep_serial, const char *part)
{
    for (size_t i = 0; i < text_count; i++) {
        if (texts[i].ep_serial != ep_serial || texts[i].read)
            continue;
        texts[i].read = true;
        if (strstr(texts[i].text, part))
            return texts[i].text;
    }
    return NULL;
}

const char *told(uint32_t ep_serial, const char *part)
{
    pthread_mutex_lock(&lock);
    const char *text = find(ep_serial, part);
    pthread_mutex_unlock(&lock);
    return text;
}

void told_nothing_more(uint32_t ep_serial, const char *part)
{
    const char *text = told(ep_serial, part);
    if (text)
        fail_msg("told: %s", text);
}

void told_forget(void)
{
    while (text_count)
        free(texts[--text_count].text);
}

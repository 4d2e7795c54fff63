/* audio_sub.c - see audio_sub.h. */
#include "media/audio_sub.h"

void audio_sub_init(struct audio_sub *s)
{
    *s = (struct audio_sub){0};
    map_init(&s->include);
    map_init(&s->exclude);
}

void audio_sub_done(struct audio_sub *s)
{
    map_done(&s->include);
    map_done(&s->exclude);
}

static void add_names(struct map *set, const struct bridge_msg_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        map_put(set, bytes_str(names->v[i]), set); /* any value: it is a set */
}

void audio_sub_on_message(struct audio_sub *s, const struct bridge_msg_receiver_audio *msg)
{
    audio_sub_done(s);
    audio_sub_init(s);
    s->received = true;
    s->all = msg->all;
    add_names(&s->include, &msg->include);
    add_names(&s->exclude, &msg->exclude);
}

bool audio_sub_includes(const struct audio_sub *s, const char *source)
{
    return map_get_str(&s->include, source) && !map_get_str(&s->exclude, source);
}

bool audio_sub_allows(const struct audio_sub *s, const char *source, bool synthetic)
{
    if (synthetic)
        return audio_sub_includes(s, source);
    if (!s->received)
        return true;
    if (map_get_str(&s->exclude, source))
        return false;
    return s->all || map_get_str(&s->include, source);
}

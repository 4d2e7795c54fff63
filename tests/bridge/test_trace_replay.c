/* The focus's side of recorded calls, fed to the directory: every answer must be what the stock bridge answered, element
 * by element and attribute by attribute in any order. What is random is compared by shape, and by being the same value
 * again where it was the same value in the recording. Where we mean to answer differently, the table says so and why;
 * a row of it that does not come true fails. */
#include "support/control_world.h"
#include "support/hex.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { IQS_MAX = 256, VALUES_MAX = 256 };

struct names { /* random values in order of appearance: the first SSRC is "SSRC1" on both sides */
    char *values[VALUES_MAX];
    size_t count;
};

static void name_of(struct names *names, const char *kind, const char *value, char out[64])
{
    char key[512];
    size_t i = 0;
    snprintf(key, sizeof key, "%s %s", kind, value);
    while (i < names->count && strcmp(names->values[i], key) != 0)
        i++;
    assert_in_range(i, 0, VALUES_MAX - 1);
    if (i == names->count)
        names->values[names->count++] = strdup(key);
    snprintf(out, 64, "%s%zu", kind, i);
}

static bool of_chars(const char *s, size_t n, size_t least, size_t most, const char *chars)
{
    return n >= least && n <= most && strspn(s, chars) >= n;
}
#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *attr(xmpp_stanza_t *el, const char *name)
{
    const char *value = xmpp_stanza_get_attribute(el, name);
    return value ? value : "";
}

static void mask(xmpp_stanza_t *el, const char *name, struct names *names, const char *kind, bool good)
{
    char word[64] = "MALFORMED";
    if (good)
        name_of(names, kind, attr(el, name), word);
    xmpp_stanza_set_attribute(el, name, word);
}

static void mask_url(xmpp_stanza_t *el, struct names *names) /* ws://HOST/colibri-ws/SERVER/CONF/ENDPOINT?pwd=PWD */
{
    char conf[64], word[640] = "MALFORMED", hex[17] = "", endpoint[256] = "", pwd[64] = "";
    const char *url = attr(el, "url"), *base = "ws://127.0.0.1:9090/colibri-ws/jvb1/";
    if (strncmp(url, base, strlen(base)) == 0 &&
        sscanf(url + strlen(base), "%16[0-9a-f]/%255[^/?]?pwd=%63s", hex, endpoint, pwd) == 3 &&
        of_chars(pwd, strlen(pwd), 24, 24, LETTERS DIGITS)) {
        name_of(names, "CONF", hex, conf);
        snprintf(word, sizeof word, "%s%s/%s?pwd=", base, conf, endpoint);
    }
    xmpp_stanza_set_attribute(el, "url", word);
}

static void mask_digest(xmpp_stanza_t *el, struct names *names)
{
    char word[64] = "MALFORMED", *text = xmpp_stanza_get_text(el);
    if (text && of_chars(text, strlen(text), 95, 95, "0123456789ABCDEF:"))
        name_of(names, "DIGEST", text, word);
    xmpp_stanza_set_text(xmpp_stanza_get_children(el), word);
    xmpp_free(xml_ctx(), text);
}

static void mask_tree(xmpp_stanza_t *el, struct names *names)
{
    const char *name = xmpp_stanza_get_name(el), *value;
    if (!name)
        return;
    if (strcmp(name, "transport") == 0 && xmpp_stanza_get_attribute(el, "ufrag")) {
        value = attr(el, "ufrag");
        mask(el, "ufrag", names, "UFRAG", of_chars(value, strlen(value), 4, 256, LETTERS DIGITS "+/"));
        value = attr(el, "pwd");
        mask(el, "pwd", names, "PWD", of_chars(value, strlen(value), 22, 256, LETTERS DIGITS "+/"));
    } else if (strcmp(name, "candidate") == 0) {
        value = attr(el, "id");
        mask(el, "id", names, "ID", of_chars(value, strlen(value), 1, 64, LETTERS DIGITS));
    } else if (strcmp(name, "source") == 0) {
        value = attr(el, "ssrc");
        mask(el, "ssrc", names, "SSRC", of_chars(value, strlen(value), 1, 10, DIGITS) && strcmp(value, "0") != 0);
    } else if (strcmp(name, "web-socket") == 0) {
        mask_url(el, names);
    } else if (strcmp(name, "fingerprint") == 0) {
        mask_digest(el, names);
    }
    for (xmpp_stanza_t *c = xmpp_stanza_get_children(el); c; c = xmpp_stanza_get_next(c))
        mask_tree(c, names);
}

/* The answer's one child, masked, as canonical text. */
static char *masked(xmpp_stanza_t *child, struct names *names)
{
    xmpp_stanza_t *copy = xmpp_stanza_copy(child);
    mask_tree(copy, names);
    char *text = xml_canonical(copy);
    xmpp_stanza_release(copy);
    return text;
}

struct iq {
    xmpp_stanza_t *in, *out; /* out: what the stock bridge answered */
};

static size_t load(const char *file, struct iq *iqs)
{
    char path[512];
    size_t count = 0;
    snprintf(path, sizeof path, VECTORS "/stanzas/%s.jsonl", file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, f) > 0) {
        cJSON *json = cJSON_Parse(line);
        assert_non_null(json);
        xmpp_stanza_t *el = xml_parse(cJSON_GetObjectItem(json, "stanza")->valuestring);
        if (strcmp(cJSON_GetObjectItem(json, "dir")->valuestring, "in") == 0) {
            assert_in_range(count, 0, IQS_MAX - 1);
            iqs[count++] = (struct iq){.in = el};
        } else {
            size_t i = count;
            while (i > 0 && strcmp(attr(iqs[i - 1].in, "id"), attr(el, "id")) != 0)
                i--;
            assert_in_range(i, 1, count);
            iqs[i - 1].out = el;
        }
        cJSON_Delete(json);
    }
    free(line);
    fclose(f);
    return count;
}

static const struct difference {
    const char *file;
    const char *theirs, *ours; /* what must occur in the one and in the other answer */
    const char *why;
} differences[] = {
    {"sctp-offered", "internal-server-error", "{jitsi:colibri2}sctp port='5000' role='server'",
     "the recorded bridge was built without SCTP, so it failed where the focus asked for a data channel"},
    {"sctp-offered", "internal-server-error", "{jitsi:colibri2}sctp port='5000' role='server'",
     "the same for the second participant"},
};

static void replay(const char *file)
{
    static struct iq iqs[IQS_MAX];
    struct world w;
    struct names theirs = {0}, ours = {0};
    bool came_true[COUNT(differences)] = {false};
    size_t answered = 0, count = load(file, iqs);
    world_init(&w);
    world_start(&w);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(iqs[i].out);
        char *want = masked(xmpp_stanza_get_children(iqs[i].out), &theirs), *have;
        xmpp_stanza_t *answer = control_on_iq(w.control, w.now_us, iqs[i].in);
        have = masked(answer, &ours);
        xmpp_stanza_release(answer);
        if (strcmp(have, want) != 0) {
            size_t d = 0;
            while (d < COUNT(differences) &&
                   (came_true[d] || strcmp(differences[d].file, file) != 0 || !strstr(want, differences[d].theirs) ||
                    !strstr(have, differences[d].ours)))
                d++;
            if (d == COUNT(differences))
                fail_msg("%s, request %zu:\n  want %s\n  have %s", file, i, want, have);
            came_true[d] = true;
            print_message("  %s, request %zu differs as wanted: %s\n", file, i, differences[d].why);
        }
        answered++;
        free(have);
        free(want);
        xmpp_stanza_release(iqs[i].in);
        xmpp_stanza_release(iqs[i].out);
    }
    for (size_t d = 0; d < COUNT(differences); d++)
        if (strcmp(differences[d].file, file) == 0 && !came_true[d])
            fail_msg("did not come true: %s", differences[d].why);
    assert_true(answered > 2);
    for (size_t i = 0; i < theirs.count; i++)
        free(theirs.values[i]);
    for (size_t i = 0; i < ours.count; i++)
        free(ours.values[i]);
    world_done(&w);
}

static void every_recorded_request_is_answered_as_the_stock_bridge_did(void **state)
{
    (void)state;
    static const char *const files[] = {
        "bridge-killed", "controls-vp8",  "firefox-vp8",  "plain-vp8", "rewriting-av1", "rewriting-h264",
        "rewriting-vp8", "rewriting-vp9", "sctp-offered", "share-av1", "share-vp8",
    };
    for (size_t i = 0; i < COUNT(files); i++)
        replay(files[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_request_is_answered_as_the_stock_bridge_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What holds of audio subscriptions: exclude wins over include, include over all. */
#include "support/hex.h"
#include "media/audio_sub.h"

static void names_decide_in_their_order(void **state) /* bridge-channel 10.5 */
{
    (void)state;
    static const struct {
        const char *name;
        bool message, all;
        const char *include, *exclude;
        bool synthetic, allowed;
    } rows[] = {
        {"no message: everything", false, false, NULL, NULL, false, true},
        {"no message: but nothing synthetic", false, false, NULL, NULL, true, false},
        {"all", true, true, NULL, NULL, false, true},
        {"none", true, false, NULL, NULL, false, false},
        {"all but this", true, true, NULL, "x", false, false},
        {"all but another", true, true, NULL, "y", false, true},
        {"this", true, false, "x", NULL, false, true},
        {"another", true, false, "y", NULL, false, false},
        {"in both: excluded", true, true, "x", "x", false, false},
        {"synthetic with all", true, true, NULL, NULL, true, false},
        {"synthetic by name", true, false, "x", NULL, true, true},
        {"synthetic by name and excluded", true, true, "x", "x", true, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct audio_sub s;
        audio_sub_init(&s);
        struct bridge_msg_receiver_audio msg = {.all = rows[i].all};
        const char *include[] = {rows[i].include}, *exclude[] = {rows[i].exclude};
        msg.include = (struct bridge_msg_names){include, rows[i].include != NULL};
        msg.exclude = (struct bridge_msg_names){exclude, rows[i].exclude != NULL};
        if (rows[i].message)
            audio_sub_on_message(&s, &msg);
        assert_int_equal(audio_sub_allows(&s, "x", rows[i].synthetic), rows[i].allowed);
        audio_sub_done(&s);
    }
}

static void a_message_replaces_the_one_before(void **state)
{
    (void)state;
    struct audio_sub s;
    audio_sub_init(&s);
    const char *names[] = {"x", "y"};
    struct bridge_msg_receiver_audio some = {.include = {names, 2}}, other = {.include = {names + 1, 1}};
    audio_sub_on_message(&s, &some);
    assert_true(audio_sub_includes(&s, "x"));
    audio_sub_on_message(&s, &other);
    assert_false(audio_sub_includes(&s, "x"));
    assert_true(audio_sub_includes(&s, "y"));
    audio_sub_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_decide_in_their_order),
        cmocka_unit_test(a_message_replaces_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

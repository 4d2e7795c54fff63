/* What holds of the overview: it tells who is shown what and why, and nothing that names anybody unless asked. Read by
 * looking for words in it: no parser of ours. */
#include "support/path_rig.h"

#include <stdlib.h>

#include "bridge/overview.h"

static struct rig rig;
static struct peer alice, bob;

static int open_call(void **state)
{
    (void)state;
    rig_open(&rig);
    peer_join(&rig, &alice, 1, true);
    peer_join(&rig, &bob, 2, true);
    rig_pass_time(&rig, MS(20));
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    peer_leave(&alice);
    peer_leave(&bob);
    rig_close(&rig);
    return 0;
}

static char *overview(bool ids)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    overview_write(rig.worker, ids, out);
    fclose(out);
    return text;
}

/* What bob is told of alice's camera: a row that starts at the owner. */
static void bob_gets(const char *row)
{
    char *text = overview(false);
    const char *of_alice = strstr(text, "{\"owner\": 1, \"source\": 0, ");
    assert_non_null(of_alice);
    if (strncmp(of_alice + strlen("{\"owner\": 1, \"source\": 0, "), row, strlen(row)) != 0)
        fail_msg("%s", of_alice);
    free(text);
}

static void the_reason_follows_the_picture(void **state)
{
    (void)state;
    bob_gets("\"wanted_height\": 0, \"height\": 0, \"target_height\": 0, \"target_framerate\": 0, \"target_bps\": 0, "
             "\"sent_height\": 0, \"reason\": \"constraint\"}");
    peer_wants(&bob, 720);
    bob_gets(
        "\"wanted_height\": 720, \"height\": 0, \"target_height\": 720, \"target_framerate\": 30, \"target_bps\": 0, "
        "\"sent_height\": 0, \"reason\": \"not sending\"}");
    peer_simulcast(&alice, 10, false);
    char *text = overview(false);
    assert_non_null(strstr(text, "\"height\": 0, \"target_height\": 720"));
    assert_non_null(strstr(text, "\"sent_height\": 720, \"reason\": \"key frame\"}"));
    free(text);
    peer_simulcast(&alice, 30, true);
    text = overview(false);
    assert_non_null(strstr(text, "\"wanted_height\": 720, \"height\": 720, \"target_height\": 720"));
    assert_non_null(strstr(text, "\"reason\": \"best\"}"));
    free(text);
    peer_wants(&bob, 180);
    peer_simulcast(&alice, 30, true);
    text = overview(false);
    assert_non_null(strstr(text, "\"wanted_height\": 180, \"height\": 180, \"target_height\": 180"));
    assert_non_null(strstr(text, "\"sent_height\": 720, \"reason\": \"constraint\"}"));
    free(text);
}

static void names_are_told_on_request_only(void **state)
{
    (void)state;
    strcpy(alice.ep->id, "al\"ice\\\n");
    char *without = overview(false), *with = overview(true);
    assert_null(strstr(without, "ice"));
    assert_null(strstr(without, "00000001"));
    assert_null(strstr(without, "-v0"));
    assert_non_null(strstr(with, "\"id\": \"al\\\"ice\\\\\\u000a\""));
    assert_non_null(strstr(with, "\"name\": \"00000001-v0\""));
    free(without);
    free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_reason_follows_the_picture, open_call, close_call),
        cmocka_unit_test_setup_teardown(names_are_told_on_request_only, open_call, close_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Messages arrive once each, in the order of their sender, whichever thread sends. */
#include "support/hex.h"

#include <pthread.h>
#include <stdlib.h>

#include "bridge/inbox.h"

enum { SENDERS = 3, EACH = 5000 };

struct note {
    struct inbox_msg msg;
    int number;
};
struct reader {
    struct inbox *inbox;
    int last[SENDERS], got;
};

static void on_note(void *ctx, struct inbox_msg *msg)
{
    struct reader *reader = ctx;
    struct note *note = container_of(msg, struct note, msg);
    assert_int_equal(note->number, reader->last[msg->kind] + 1);
    reader->last[msg->kind] = note->number;
    free(note);
    if (++reader->got == SENDERS * EACH)
        inbox_close(reader->inbox);
}

struct sender {
    struct inbox *inbox;
    int kind;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 1; i <= EACH; i++) {
        struct note *note = calloc(1, sizeof *note);
        note->number = i;
        note->msg.kind = sender->kind;
        inbox_post(sender->inbox, &note->msg);
    }
    return NULL;
}

static void every_sender_is_heard_in_order(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct reader reader = {0};
    reader.inbox = inbox_new(&loop, on_note, &reader);
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){reader.inbox, i};
        pthread_create(&threads[i], NULL, send_all, &senders[i]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(reader.got, SENDERS * EACH);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_sender_is_heard_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

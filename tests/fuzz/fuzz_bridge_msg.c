/* Property: what we accept, cJSON and we read again after forwarding, with the same addressee and our `from` alone; and
 * no text, however hostile, costs more than itself. */
#include <assert.h>
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "proto/bridge_msg.h"

static void check_forward(const struct bridge_msg *msg)
{
    char *text = bridge_msg_forward(msg, "me");
    cJSON *tree = cJSON_Parse(text);
    assert(tree);
    size_t froms = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, tree) if (strcmp(item->string, "from") == 0)
    {
        assert(cJSON_IsString(item) && strcmp(item->valuestring, "me") == 0);
        froms++;
    }
    assert(froms == 1);
    cJSON_Delete(tree);

    struct bridge_msg *again;
    if (strlen(text) <= BRIDGE_MSG_TEXT_MAX) { /* `from` makes it longer and adds a value */
        enum bridge_msg_refusal why = bridge_msg_parse(bytes_str(text), &again);
        assert(why == BRIDGE_MSG_OK || why == BRIDGE_MSG_TOO_MANY);
        if (again) {
            assert(again->kind == msg->kind);
            assert(!again->u.opaque.to == !msg->u.opaque.to);
            assert(!again->u.opaque.to || strcmp(again->u.opaque.to, msg->u.opaque.to) == 0);
            assert(strcmp(again->u.opaque.body, msg->u.opaque.body) == 0);
        }
        bridge_msg_free(again);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bridge_msg *msg;
    enum bridge_msg_refusal why = bridge_msg_parse(bytes_of(data, size), &msg);
    assert((why == BRIDGE_MSG_OK) == (msg != NULL));
    assert(why < BRIDGE_MSG_REFUSAL_COUNT);
    if (!msg)
        return 0;
    if (msg->kind == BRIDGE_ENDPOINT_MESSAGE || msg->kind == BRIDGE_ENDPOINT_STATS)
        check_forward(msg);
    if (msg->kind == BRIDGE_RECEIVER_VIDEO) {
        const struct bridge_msg_receiver_video *v = &msg->u.video;
        assert(v->last_n >= -1);
        for (size_t i = 0; i < v->constraints_count; i++)
            assert(v->constraints[i].source && v->constraints[i].limit.max_height >= -1);
        for (size_t i = 0; i < v->on_stage.n; i++)
            assert(strlen(v->on_stage.v[i]) <= BRIDGE_MSG_NAME_MAX);
    }
    bridge_msg_free(msg);
    return 0;
}

/* What holds of the socket that explains: its owner is answered, whatever anybody else does there. */
#include "support/path_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/explain_socket.h"

static struct rig rig;
static struct peer alice;
static char folder[] = "/tmp/test_explain_socket.XXXXXX", path[64];

static int open_call(void **state)
{
    (void)state;
    rig_open(&rig);
    peer_join(&rig, &alice, 1, true);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    peer_leave(&alice);
    rig_close(&rig);
    return 0;
}

static int ask(const char *line, char *answer, size_t size) /* lets both loops run meanwhile; the answer's length */
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    size_t len = 0;
    ssize_t n = -1;
    for (int i = 0; i < 10000 && n != 0; i++) {
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        uv_run(&rig.worker->loop, UV_RUN_NOWAIT);
        n = recv(fd, answer + len, size - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno != EAGAIN)
            n = 0; /* closed with something unread */
    }
    assert_int_equal(n, 0);
    close(fd);
    answer[len] = 0;
    return (int)len;
}

static void the_socket_answers_its_owner_and_closes(void **state)
{
    (void)state;
    static char answer[65536];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/explain", folder);
    struct explain_socket *s = explain_socket_new(&rig.loop, &rig.bridge, path);
    assert_non_null(s);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    static const struct {
        const char *line, *has, *has_not;
    } rows[] = {
        {"\n", "{\"workers\": [{\"worker\": 0, \"conferences\": [{\"conference\": 1, ", "00000001"},
        {"ids\n", "\"id\": \"00000001\"", NULL},
        {"idsx\n", NULL, "w"},
        {"a line that is too long", NULL, "w"},
        {"\nand more", "]}]}\n", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ask(rows[i].line, answer, sizeof answer);
        assert_true(!rows[i].has || strstr(answer, rows[i].has));
        assert_true(!rows[i].has_not || !strstr(answer, rows[i].has_not));
    }
    int idle[8]; /* who only connects keeps nobody out */
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    for (size_t i = 0; i < COUNT(idle); i++) {
        idle[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(idle[i], (struct sockaddr *)&at, sizeof at), 0);
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    }
    assert_true(ask("\n", answer, sizeof answer) > 0);
    explain_socket_free(s);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < COUNT(idle); i++)
        close(idle[i]);
    assert_int_not_equal(stat(path, &st), 0);
}

static void what_a_crash_left_behind_is_replaced_and_anything_else_is_not(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_null(explain_socket_new(&rig.loop, &rig.bridge, path)); /* another bridge */
    close(fd);
    struct explain_socket *s = explain_socket_new(&rig.loop, &rig.bridge, path);
    assert_non_null(s);
    explain_socket_free(s);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    fclose(fopen(path, "w"));
    assert_null(explain_socket_new(&rig.loop, &rig.bridge, path));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    unlink(path);
    char too_long[200] = "/tmp/";
    memset(too_long + 5, 'x', sizeof too_long - 6);
    assert_null(explain_socket_new(&rig.loop, &rig.bridge, too_long));
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_socket_answers_its_owner_and_closes, open_call, close_call),
        cmocka_unit_test_setup_teardown(what_a_crash_left_behind_is_replaced_and_anything_else_is_not, open_call,
                                        close_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Many pieces of all sizes: zeroed, aligned, apart from each other, gone together. */
#include "support/hex.h"

#include <stdlib.h>

#include "proto/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    enum { PIECES = 500 };
    struct arena arena;
    arena_init(&arena);
    uint8_t *piece[PIECES];
    size_t len[PIECES];
    srand(1);
    for (int i = 0; i < PIECES; i++) {
        len[i] = i % 50 == 49 ? 100000 : (size_t)rand() % 300;
        piece[i] = ARENA_NEW(&arena, uint8_t, len[i]);
        assert_int_equal((uintptr_t)piece[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < len[i]; j++)
            assert_int_equal(piece[i][j], 0);
        memset(piece[i], i, len[i]);
    }
    for (int i = 0; i < PIECES; i++)
        for (size_t j = 0; j < len[i]; j++)
            assert_int_equal(piece[i][j], (uint8_t)i);
    arena_done(&arena);
    arena_done(&arena); /* an empty one */
}

static void strings_are_copies(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char text[] = "abc";
    char *whole = arena_str(&arena, text), *part = arena_strn(&arena, text, 2);
    text[0] = 'x';
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_null(arena_str(&arena, NULL));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(strings_are_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

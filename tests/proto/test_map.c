/* The map against a plain array: whatever is put, replaced and deleted, both say the same. */
#include "support/hex.h"

#include <stdlib.h>

#include "proto/map.h"

enum { KEYS = 300 };

static void agrees_with_an_array(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    uintptr_t want[KEYS] = {0};
    srand(1);
    for (int round = 1; round < 20000; round++) {
        uint32_t key = (uint32_t)rand() % KEYS;
        if (rand() % 3) {
            assert_ptr_equal(map_put_u32(&map, key, (void *)(uintptr_t)round), (void *)want[key]);
            want[key] = (uintptr_t)round;
        } else {
            assert_ptr_equal(map_del_u32(&map, key), (void *)want[key]);
            want[key] = 0;
        }
        uint32_t probe = (uint32_t)rand() % KEYS;
        assert_ptr_equal(map_get_u32(&map, probe), (void *)want[probe]);
    }
    size_t live = 0, seen = 0, at = 0;
    for (int i = 0; i < KEYS; i++)
        live += want[i] != 0;
    while (map_next(&map, &at))
        seen++;
    assert_int_equal(seen, live);
    assert_int_equal(map.count, live);
    map_done(&map);
}

static void long_and_empty_keys_are_keys(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    char longer[200];
    memset(longer, 'x', sizeof longer);
    int a, b, c;
    map_put(&map, bytes_of(longer, 200), &a);
    map_put(&map, bytes_of(longer, 199), &b);
    map_put(&map, bytes_of("", 0), &c);
    assert_ptr_equal(map_get(&map, bytes_of(longer, 200)), &a);
    assert_ptr_equal(map_get(&map, bytes_of(longer, 199)), &b);
    assert_ptr_equal(map_get(&map, bytes_of(NULL, 0)), &c);
    assert_ptr_equal(map_del(&map, bytes_of(longer, 200)), &a);
    assert_null(map_get(&map, bytes_of(longer, 200)));
    assert_null(map_get_str(&map, "nobody"));
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(long_and_empty_keys_are_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

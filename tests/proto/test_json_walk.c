/* What holds of the pre-check: it accepts RFC 8259 objects within the bounds, and nothing else. */
#include "support/hex.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/json_walk.h"

static const struct json_limits limits = {.depth_max = 4, .values_max = 8};

static const struct {
    const char *text;
    enum json_verdict verdict;
} cases[] = {
    {"{}", JSON_OK},
    {" \t\r\n{ } \n", JSON_OK},
    {"{\"a\":1,\"b\":[true,false,null],\"c\":\"\"}", JSON_OK},
    {"{\"a\":0,\"b\":-0.5e+10,\"c\":1E2,\"d\":123456789012345678901234567890}", JSON_OK},
    {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}", JSON_OK},
    {"{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}", JSON_OK},
    {"{\"\":1}", JSON_OK},
    {"{\"a\":{\"a\":{\"a\":{}}}}", JSON_OK},    /* one name in several objects */
    {"{\"a\":[{\"b\":1},{\"b\":1}]}", JSON_OK}, /* likewise */
    {"{\"from\":1,\"From\":2}", JSON_OK},       /* names are case-sensitive */
    {"{\"a\":\"x\\u0000y\"}", JSON_OK},         /* NUL in a value is the application's business */
    {"", JSON_NOT_AN_OBJECT},
    {"   ", JSON_NOT_AN_OBJECT},
    {"[]", JSON_NOT_AN_OBJECT},
    {"\"a\"", JSON_NOT_AN_OBJECT},
    {"1", JSON_NOT_AN_OBJECT},
    {"\xef\xbb\xbf{}", JSON_NOT_AN_OBJECT}, /* byte order mark */
    {"{}{}", JSON_NOT_AN_OBJECT},
    {"{} x", JSON_NOT_AN_OBJECT},
    {"{", JSON_NOT_AN_OBJECT},
    {"{\"a\"", JSON_NOT_AN_OBJECT},
    {"{\"a\":", JSON_NOT_AN_OBJECT},
    {"{\"a\":1", JSON_NOT_AN_OBJECT},
    {"{\"a\":1,", JSON_NOT_AN_OBJECT},
    {"{\"a\":1,}", JSON_NOT_AN_OBJECT},
    {"{,}", JSON_NOT_AN_OBJECT},
    {"{\"a\" 1}", JSON_NOT_AN_OBJECT},
    {"{a:1}", JSON_NOT_AN_OBJECT},
    {"{'a':1}", JSON_NOT_AN_OBJECT},
    {"{1:1}", JSON_NOT_AN_OBJECT},
    {"{\"a\":[1,]}", JSON_NOT_AN_OBJECT},
    {"{\"a\":[1}", JSON_NOT_AN_OBJECT},
    {"{\"a\":[1 2]}", JSON_NOT_AN_OBJECT},
    {"{\"a\":01}", JSON_NOT_AN_OBJECT},
    {"{\"a\":+1}", JSON_NOT_AN_OBJECT},
    {"{\"a\":-}", JSON_NOT_AN_OBJECT},
    {"{\"a\":1.}", JSON_NOT_AN_OBJECT},
    {"{\"a\":.5}", JSON_NOT_AN_OBJECT},
    {"{\"a\":1e}", JSON_NOT_AN_OBJECT},
    {"{\"a\":1e+}", JSON_NOT_AN_OBJECT},
    {"{\"a\":0x10}", JSON_NOT_AN_OBJECT},
    {"{\"a\":NaN}", JSON_NOT_AN_OBJECT},
    {"{\"a\":Infinity}", JSON_NOT_AN_OBJECT},
    {"{\"a\":True}", JSON_NOT_AN_OBJECT},
    {"{\"a\":nul}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"x}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\n\"}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\\", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\\x41\"}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\\u12", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\\u12g4\"}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\\ud83d\"}", JSON_NOT_AN_OBJECT}, /* lone surrogates */
    {"{\"a\":\"\\ude00\"}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\\ud83d\\u0041\"}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\x80\"}", JSON_NOT_AN_OBJECT},
    {"{\"a\":\"\xc0\xaf\"}", JSON_NOT_AN_OBJECT},         /* overlong */
    {"{\"a\":\"\xed\xa0\x80\"}", JSON_NOT_AN_OBJECT},     /* surrogate as UTF-8 */
    {"{\"a\":\"\xf4\x90\x80\x80\"}", JSON_NOT_AN_OBJECT}, /* above U+10FFFF */
    {"{\"a\":\"\xe2\x82\"}", JSON_NOT_AN_OBJECT},
    {"{\"fr\\u0000om\":1}", JSON_NOT_AN_OBJECT},
    {"{\"a\":1,\"a\":1}", JSON_DUPLICATE},
    {"{\"from\":1,\"fr\\u006fm\":1}", JSON_DUPLICATE}, /* the same name once escaped */
    {"{\"x\":{\"a\":1,\"b\":2,\"a\":3}}", JSON_DUPLICATE},
    {"{\"x\":[{\"a\":1,\"a\":3}]}", JSON_DUPLICATE},
    {"{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}", JSON_TOO_DEEP},
    {"{\"a\":[[[[]]]]}", JSON_TOO_DEEP},
    {"{\"a\":[1,2,3,4,5,6]}", JSON_OK},
    {"{\"a\":[1,2,3,4,5,6,7]}", JSON_TOO_MANY},
};

static void verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  %s\n", cases[i].text);
        size_t n = strlen(cases[i].text); /* an exact heap copy, so that the sanitizer sees a read past the end */
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, cases[i].text, n);
        uint8_t *exact = realloc(copy, n ? n : 1);
        assert_int_equal(json_walk(bytes_of(exact, n), &limits, NULL, NULL), cases[i].verdict);
        free(exact);
    }
}

static void note(void *ctx, struct bytes name, struct bytes member)
{
    char *notes = ctx;
    size_t n = strlen(notes);
    snprintf(notes + n, 256 - n, "%.*s|%.*s\n", (int)name.n, name.p, (int)member.n, member.p);
}

static void members_are_told_with_their_exact_text(void **state)
{
    (void)state;
    char notes[256] = "";
    const char *text = " {\"a\" : [1, {\"deep\":\"er\"}] ,\n\"b\\u0041\":12345678901234567890.50, \"c\":\"x\" } ";
    assert_int_equal(json_walk(bytes_str(text), &limits, note, notes), JSON_OK);
    assert_string_equal(notes, "a|\"a\" : [1, {\"deep\":\"er\"}]\n"
                               "bA|\"b\\u0041\":12345678901234567890.50\n"
                               "c|\"c\":\"x\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(members_are_told_with_their_exact_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

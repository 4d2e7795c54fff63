/* What holds of jvb.conf's syntax: installed files are read as the stock bridge reads them, and mistakes are reported
 * with line and remedy. Texts are in C strings, files in a table below. */
#include "support/hex.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/hocon_dump.h"

static const struct {
    const char *path, *text;
} files[] = {
    {"/etc/j/custom.conf", "x = 2\nport = 7"},
    {"/etc/j/other", "never read: no suffix"},
    {"/etc/j/both.conf", "a = 1\nb = 1"},
    {"/etc/j/both.json", "{\"b\": 2}"},
    {"/etc/j/block.conf", "base = 5\nhere = ${base}\nroot = ${top}"},
    {"/etc/j/sub/deep.conf", "include \"leaf.conf\""},
    {"/etc/j/sub/leaf.conf", "leaf = 1"},
    {"/etc/j/loop.conf", "include \"loop.conf\""},
    {"/etc/j/old.properties", "a=b"},
    {"/etc/j/broken.conf", "ok = 1\na = {"},
};

struct heard {
    char text[2048]; /* of all diagnostics: "E 3:7 text" */
    char source[256];
    int caret;
};

static enum hocon_read read_table(void *ctx, const char *path, char **text, size_t *len)
{
    if (strcmp(path, "/etc/j/secret.conf") == 0)
        return HOCON_READ_FAILED;
    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(files[i].path, path) == 0) {
            *text = strdup(files[i].text);
            *len = strlen(*text);
            return HOCON_READ_OK;
        }
    return HOCON_READ_ABSENT;
}

static const char *env_table(void *ctx, const char *name)
{
    if (strcmp(name, "PORT") == 0)
        return "4443";
    return strcmp(name, "DOTTED.NAME") == 0 ? "dots" : NULL;
}

static void hear(void *ctx, const struct hocon_diag *diag)
{
    struct heard *heard = ctx;
    size_t n = strlen(heard->text);
    snprintf(heard->text + n, sizeof heard->text - n, "%c %d:%d %s\n", diag->fatal ? 'E' : 'W', diag->line,
             diag->column, diag->text);
    snprintf(heard->source, sizeof heard->source, "%s", diag->source ? diag->source : "");
    heard->caret = diag->caret;
}

static char *parse_and_dump(const char *text, struct heard *heard)
{
    *heard = (struct heard){.text = ""};
    const struct hocon_world world = {read_table, env_table, hear, heard};
    struct hocon *h = hocon_parse("/etc/j/jvb.conf", bytes_str(text), &world);
    char *dumped = h ? hocon_dumped(h) : NULL;
    hocon_free(h);
    return dumped;
}

static const struct {
    const char *text, *json;
} good[] = {
    /* operations 3.1 to 3.4, 19.2 */
    {"", "{}"},
    {"\xef\xbb\xbf# only a comment", "{}"},
    {"{}", "{}"},
    {"{ a: 1 } // after", "{\"a\":1}"},
    {"{\"a\":{\"b\":[1,\"x\",null,true]}}", "{\"a\":{\"b\":[1,\"x\",null,true]}}"}, /* JSON */
    {"a { b { c = 1 } }", "{\"a\":{\"b\":{\"c\":1}}}"},
    {"a.b.c : 1", "{\"a\":{\"b\":{\"c\":1}}}"},
    {"a\n{\n b = 1\n}", "{\"a\":{\"b\":1}}"},
    {"a =\n 1", "{\"a\":1}"},
    {"a=1,b=2\nc=3,\n", "{\"a\":1,\"b\":2,\"c\":3}"},
    {"a = 1\r\nb = x\r\n", "{\"a\":1,\"b\":\"x\"}"},
    {"a = [1, 2,]", "{\"a\":[1,2]}"},
    {"a = [\n{x=1}\n{x=2},\n]", "{\"a\":[{\"x\":1},{\"x\":2}]}"},
    {"a = foo bar  baz # note", "{\"a\":\"foo bar  baz\"}"},
    {"a = foo//note", "{\"a\":\"foo\"}"},
    {"a = /etc/jitsi/x.jks", "{\"a\":\"/etc/jitsi/x.jks\"}"},
    {"a = 10.0.0.1\nb = 123-456\nc = 1.10\nd = 5%", "{\"a\":\"10.0.0.1\",\"b\":\"123-456\",\"c\":1.10,\"d\":\"5%\"}"},
    {"p = 0123\nq = 12e45678\nr = 1e5f0000-1234", "{\"p\":0123,\"q\":12e45678,\"r\":\"1e5f0000-1234\"}"}, /* trap 6 */
    {"a = 1e+5\nb = -3", "{\"a\":1e+5,\"b\":-3}"},
    {"a = True\nb = \"true\"\nc = true", "{\"a\":\"True\",\"b\":\"true\",\"c\":true}"},
    {"a = \"x\\n\\u00e9\\\\\"", "{\"a\":\"x\\u000a\xc3\xa9\\\\\"}"},
    {"a = \"\"\"raw \\ \"quoted\" \n line\"\"\"\"", "{\"a\":\"raw \\\\ \\\"quoted\\\" \\u000a line\\\"\"}"},
    {"a.\"b.c\".d = 1", "{\"a\":{\"b.c\":{\"d\":1}}}"},
    {"1.2 = x\n30 = 15", "{\"1\":{\"2\":\"x\"},\"30\":15}"},
    {"\"\" = 1", "{\"\":1}"},
    {"a\xc2\xa0=\xc2\xa0"
     "1\xc2\xa0",
     "{\"a\":1}"}, /* no-break spaces */
    /* merging */
    {"a {x=1}\na {y=2}", "{\"a\":{\"x\":1,\"y\":2}}"},
    {"a = 1\na = 2", "{\"a\":2}"},
    {"a={x=1}, a=5, a={y=2}", "{\"a\":{\"y\":2}}"},
    {"a={x=1}\na=null", "{\"a\":null}"},
    {"a.b=1\na.c=2\na={b=3}", "{\"a\":{\"b\":3,\"c\":2}}"},
    {"base={x=1,y=1}\na=${base}{y=2}", "{\"base\":{\"x\":1,\"y\":1},\"a\":{\"x\":1,\"y\":2}}"},
    {"a=${base}\na.y=2\nbase={x=1}", "{\"a\":{\"x\":1,\"y\":2},\"base\":{\"x\":1}}"},
    {"a=[1] [2]", "{\"a\":[1,2]}"},
    {"a += 1\na += 2", "{\"a\":[1,2]}"},
    /* substitutions */
    {"a = ${b}\nb = 1", "{\"a\":1,\"b\":1}"},
    {"b = 1\na = ${b}\nb = 2", "{\"b\":2,\"a\":2}"}, /* the final tree counts */
    {"a = \"p-\"${b}\"-s\"\nb = x", "{\"a\":\"p-x-s\",\"b\":\"x\"}"},
    {"a = 5\na = ${?NOT_SET}", "{\"a\":5}"},
    {"a = ${?NOT_SET}", "{}"},
    {"a = 10000\na = ${?PORT}", "{\"a\":\"4443\"}"},
    {"a = ${PORT}", "{\"a\":\"4443\"}"},
    {"PORT = 1\na = ${PORT}", "{\"PORT\":1,\"a\":1}"}, /* the tree comes before the environment */
    {"a = ${DOTTED.NAME}", "{\"a\":\"dots\"}"},
    {"a = x${?NOT_SET}y", "{\"a\":\"xy\"}"},
    {"a = [1, ${?NOT_SET}, 2]", "{\"a\":[1,2]}"},
    {"p = a\np = ${p}\":b\"", "{\"p\":\"a:b\"}"},
    {"p = ${?p}x", "{\"p\":\"x\"}"},
    {"bar : { foo : 42, baz : ${bar.foo} }", "{\"bar\":{\"foo\":42,\"baz\":42}}"},
    {"bar : { foo : 42, baz : ${bar.foo} }\nbar : { foo : 43 }", "{\"bar\":{\"foo\":43,\"baz\":43}}"},
    {"bar : { a : ${foo.d}, b : 1 }\nbar.b = 3\nfoo : { c : ${bar.b}, d : 2 }\nfoo.d = 4",
     "{\"bar\":{\"a\":4,\"b\":3},\"foo\":{\"c\":3,\"d\":4}}"}, /* from HOCON.md */
    {"a = {x=1}\na = ${?NOT_SET}\na = {y=2}", "{\"a\":{\"x\":1,\"y\":2}}"},
    /* includes */
    {"x=1\ninclude \"custom.conf\"", "{\"x\":2,\"port\":7}"},
    {"include \"custom\"\nx=1", "{\"x\":1,\"port\":7}"},
    {"include \"both\"", "{\"a\":1,\"b\":2}"},
    {"include file(\"custom.conf\")", "{\"x\":2,\"port\":7}"},
    {"include required(file(\"/etc/j/custom.conf\"))", "{\"x\":2,\"port\":7}"},
    {"include required(\"custom.conf\")", "{\"x\":2,\"port\":7}"},
    {"include \"missing.conf\"\na=1", "{\"a\":1}"}, /* trap 8 */
    {"include \"sub/deep.conf\"", "{\"leaf\":1}"},
    {"top=9\nb { include \"block.conf\" }", "{\"top\":9,\"b\":{\"base\":5,\"here\":5,\"root\":9}}"},
    {"\"include\" = x\ninclude = y", "{\"include\":\"y\"}"},
    {"include { a = 1 }", "{\"include\":{\"a\":1}}"},
    {"include.a = 1", "{\"include\":{\"a\":1}}"},
};

static void installed_forms_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct heard heard;
        char *json = parse_and_dump(good[i].text, &heard);
        if (!json)
            fail_msg("refused: %s\n%s", good[i].text, heard.text);
        assert_string_equal(json, good[i].json);
        free(json);
    }
}

static const struct {
    const char *text, *diag; /* diag: its start */
} bad[] = {
    /* operations 3.5, 19.2 */
    {"a = 1\nb = user@host", "E 2:9 '@' needs quotes"},
    {"MUC_JIDS = a@b # note", "E 1:13 '@' needs quotes"},
    {"a = x+y", "E 1:6 '+' needs quotes"},
    {"a = what?", "E 1:9 '?' needs quotes"},
    {"a = meet:443", "E 1:9 ':' needs quotes"},
    {"a = http://x", "E 1:9 ':' needs quotes"},
    {"a = b=c", "E 1:6 '=' needs quotes"},
    {"a = x$y", "E 1:6 '$' needs quotes"},
    {"a {\n b {\n  c = 1\n}\n", "E 1:3 this { is never closed"},
    {"{ a = 1", "E 1:1 this { is never closed"},
    {"a = 1\n}\nb = 2", "E 2:1 this } closes nothing"},
    {"{ a = 1 } b", "E 1:11 text after"},
    {"a = [1, 2", "E 1:5 this [ is never closed"},
    {"a = [1, 2\n}", "E 2:1 "},
    {"[1]", "E 1:1 the file must hold an object"},
    {"a", "E 1:1 after this key"},
    {"foo\nbar = 1", "E 1:1 after this key"},
    {"a = ", "E 1:5 a value is missing"},
    {"a = 1,, b = 2", "E 1:7 two commas"},
    {",a = 1", "E 1:1 a comma"},
    {"a = [,1]", "E 1:6 a value is missing"},
    {"a = {x=1} y", "E 1:11 a block, a list and text"},
    {"a = [1] x", "E 1:9 a block, a list and text"},
    {"a..b = 1", "E 1:3 a key is missing"},
    {".a = 1", "E 1:1 a key is missing"},
    {"a. = 1", "E 1:4 a key is missing"},
    {"a@b = 1", "E 1:2 '@' cannot stand in a key"},
    {"a = \"x", "E 1:5 this quote is never closed"},
    {"a = \"x\nb = 1", "E 1:5 this quote is not closed on its line"},
    {"a = \"\"\"x\n", "E 1:5 this \"\"\" has no closing"},
    {"a = \"\\x\"", "E 1:6 unknown escape"},
    {"a = \"\\u12\x11g\"", "E 1:10 \\u needs four"},
    {"a = \"\\ud800\"", "E 1:6 half of a surrogate"},
    {"a = \"\\u0000\"", "E 1:6 this character"},
    {"a = \xff", "E 1:5 not UTF-8"},
    {"a = ${NOT_SET}", "E 1:5 ${NOT_SET} is neither"},
    {"a = ${a}", "E 1:5 ${a} is neither"},
    {"a = ${b}\nb = ${a}", "E 2:5 ${a} is neither"},
    {"a = ${b", "E 1:5 this ${ has no }"},
    {"a = ${x\n}", "E 1:5 this ${ has no }"},
    {"include \"loop.conf\"", "E 1:1 includes nest too deep"},
    {"include required(\"missing.conf\")", "E 1:1 the required file"},
    {"include url(\"http://x/y.conf\")", "E 1:1 include url(...) is refused"},
    {"include \"https://x/y.conf\"", "E 1:1 including a URL is refused"},
    {"include \"secret.conf\"", "E 1:1 this file exists but cannot be read"},
    {"include file(\"custom.conf\"", "E 1:27 a ) is missing"},
    {"include foo", "E 1:9 after include comes"},
    {"include \"broken.conf\"", "E 2:5 this { is never closed"},
};

static void mistakes_are_reported_with_place_and_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct heard heard;
        char *json = parse_and_dump(bad[i].text, &heard);
        if (json || strncmp(heard.text, bad[i].diag, strlen(bad[i].diag)) != 0)
            fail_msg("%s\nexpected %s\nheard %s", bad[i].text, bad[i].diag, json ? json : heard.text);
        assert_null(strstr(strchr(heard.text, '\n') + 1, "E ")); /* one error, no echoes */
    }
}

static void legal_but_suspicious_text_is_warned_about(void **state)
{
    (void)state;
    static const struct {
        const char *text, *diag;
    } cases[] = {
        {"P = \xe2\x80\x9ex\xe2\x80\x9c", "W 1:5 typographic quotes"},
        {"a = 10000;\nb = 1", "W 1:10 the semicolon"},
        {"a = \"x\" ; # note", "W 1:9 the semicolon"},
        {"a = \"${X}\"", "W 1:5 inside quotes"},
        {"a = p#ss", "W 1:6 everything from #"},
        {"a\xc2\xa0"
         "b = 1",
         "W 1:2 the key contains blanks"},
        {"a\tb = 1", "W 1:2 the key contains blanks"},
        {"include \"old.properties\"", "W 1:1 .properties"},
        {"include classpath(\"x.conf\")", "W 1:1 classpath"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct heard heard;
        free(parse_and_dump(cases[i].text, &heard));
        if (strncmp(heard.text, cases[i].diag, strlen(cases[i].diag)) != 0)
            fail_msg("%s\nexpected %s\nheard %s", cases[i].text, cases[i].diag, heard.text);
    }
    struct heard heard;
    free(parse_and_dump("a = x;y\nb = \"$x {}\"\nc = 1 # ;\n", &heard));
    assert_string_equal(heard.text, "");
}

static void a_diagnostic_shows_its_line_but_no_password(void **state)
{
    (void)state;
    struct heard heard;
    assert_null(parse_and_dump("x = 1\n  port = 1@2\n", &heard));
    assert_string_equal(heard.source, "  port = 1@2");
    assert_int_equal(heard.caret, 10);
    assert_null(parse_and_dump("PASSWORD = hunter@2", &heard));
    assert_string_equal(heard.source, "PASSWORD = ***");
    assert_int_equal(heard.caret, 11);
    assert_null(parse_and_dump("s { SECRET=\"a\"@b", &heard));
    assert_null(strstr(heard.source, "@b"));
}

static void nesting_and_growth_have_bounds(void **state)
{
    (void)state;
    struct heard heard;
    char deep[4096] = "";
    for (int i = 0; i < 100; i++)
        strcat(deep, "a{");
    for (int i = 0; i < 100; i++)
        strcat(deep, "}");
    char *json = parse_and_dump(deep, &heard); /* operations 19.3: 100 is the limit */
    assert_non_null(json);
    free(json);
    memset(deep, '[', 4000);
    memcpy(deep, "a=", 2);
    deep[4000] = 0;
    assert_null(parse_and_dump(deep, &heard));
    assert_non_null(strstr(heard.text, "nested deeper than 100"));

    char laughs[4096] = "x0 = [1,1,1,1,1,1,1,1]\n"; /* a billion of them */
    for (int i = 1; i < 12; i++)
        snprintf(laughs + strlen(laughs), 200, "x%d = [${x%d},${x%d},${x%d},${x%d},${x%d},${x%d},${x%d}]\n", i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_null(parse_and_dump(laughs, &heard));
    assert_non_null(strstr(heard.text, "too large"));

    char chain[8192] = "x0 = 1\n";
    for (int i = 1; i < 200; i++)
        snprintf(chain + strlen(chain), 40, "y%d = ${y%d}\n", i, i + 1);
    strcat(chain, "y200 = ${x0}");
    assert_null(parse_and_dump(chain, &heard));
    assert_non_null(strstr(heard.text, "nest too deep"));

    char many[16384] = "";
    for (int i = 0; i < 1000; i++)
        strcat(many, "a=${?x}\n");
    assert_null(parse_and_dump(many, &heard));
    assert_non_null(strstr(heard.text, "more than 256 times"));
}

/* ---- coercions: operations 2.2 ---- */

static const struct hocon_value *value_of(struct hocon **h, const char *value)
{
    char text[128];
    struct heard heard = {.text = ""};
    const struct hocon_world world = {read_table, env_table, hear, &heard};
    snprintf(text, sizeof text, "a.b = %s", value);
    *h = hocon_parse("x.conf", bytes_str(text), &world);
    if (!*h)
        fail_msg("%s: %s", value, heard.text);
    return hocon_get(hocon_root(*h), "a.b");
}

static void coercions(void **state)
{
    (void)state;
    enum { NO = -99 };
    static const struct {
        const char *text;
        int as_bool;
        int64_t as_int;
        double as_double;
        int64_t as_us, as_bps;
    } cases[] = {
        {"true", 1, NO, NO, NO, NO},
        {"False", 0, NO, NO, NO, NO},
        {"\"TRUE\"", 1, NO, NO, NO, NO},
        {"yes", 1, NO, NO, NO, NO},
        {"Yes", NO, NO, NO, NO, NO},
        {"off", 0, NO, NO, NO, NO},
        {"1", NO, 1, 1, 1000, NO},
        {"\"5222\"", NO, 5222, 5222, 5222000, NO},
        {"3.9", NO, 3, 3.9, 3900, NO},
        {"-1", NO, -1, -1, -1000, NO},
        {"5%", NO, NO, 0.05, NO, NO},
        {"0 %", NO, NO, 0, NO, NO},
        {"1e400", NO, NO, NO, NO, NO},
        {"inf", NO, NO, NO, NO, NO},
        {"0x10", NO, NO, NO, NO, NO},
        {"abc", NO, NO, NO, NO, NO},
        {"null", NO, NO, NO, NO, NO},
        {"[]", NO, NO, NO, NO, NO},
        {"{}", NO, NO, NO, NO, NO},
        {"5 seconds", NO, NO, NO, 5000000, NO},
        {"\"5 seconds\"", NO, NO, NO, 5000000, NO},
        {"5s", NO, NO, NO, 5000000, NO},
        {"0.5 s", NO, NO, NO, 500000, NO},
        {"1 m", NO, NO, NO, 60000000, NO}, /* minutes */
        {"2 hours", NO, NO, NO, 7200000000, NO},
        {"1 d", NO, NO, NO, 86400000000, NO},
        {"15 millis", NO, NO, NO, 15000, NO},
        {"7 us", NO, NO, NO, 7, NO},
        {"2000 ns", NO, NO, NO, 2, NO},
        {"-2 s", NO, NO, NO, -2000000, NO},
        {"5 S", NO, NO, NO, NO, NO},
        {"5 weeks", NO, NO, NO, NO, NO},
        {"500 kbps", NO, NO, NO, NO, 500000},
        {"20Mbps", NO, NO, NO, NO, 20000000},
        {"64 bps", NO, NO, NO, NO, 64},
        {"1.5 mbps", NO, NO, NO, NO, NO},
        {"99999999999999999 mbps", NO, NO, NO, NO, NO},
        {"-5 kbps", NO, NO, NO, NO, NO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hocon *h;
        const struct hocon_value *v = value_of(&h, cases[i].text);
        print_message("  %s\n", cases[i].text);
        bool b;
        int64_t n;
        double d;
        uint64_t bps;
        assert_int_equal(hocon_as_bool(v, &b) ? b : NO, cases[i].as_bool);
        assert_int_equal(hocon_as_int(v, &n) ? n : NO, cases[i].as_int);
        assert_true((hocon_as_double(v, &d) ? d : NO) == cases[i].as_double);
        assert_int_equal(hocon_as_us(v, &n) ? n : NO, cases[i].as_us);
        assert_int_equal(hocon_as_bps(v, &bps) ? (int64_t)bps : NO, cases[i].as_bps);
        hocon_free(h);
    }
}

static void lists_are_arrays_or_numbered_objects_never_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int count; /* -1: no list */
    } cases[] = {{"[]", 0}, {"[a, 1]", 2}, {"{\"1\" = b, \"0\" = a}", 2}, {"{x = b}", -1}, {"\"a,b\"", -1}, {"1", -1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hocon *h;
        const struct hocon_value *v = value_of(&h, cases[i].text), *items[4];
        size_t count;
        bool ok = hocon_as_list(v, items, COUNT(items), &count);
        assert_int_equal(ok ? (int)count : -1, cases[i].count);
        if (ok && count)
            assert_string_equal(hocon_as_string(items[0]), "a");
        hocon_free(h);
    }
}

static void values_know_where_they_stand(void **state)
{
    (void)state;
    struct heard heard = {.text = ""};
    const struct hocon_world world = {read_table, env_table, hear, &heard};
    struct hocon *h =
        hocon_parse("/etc/j/jvb.conf", bytes_str("a {\n  b = 1\n}\ninclude \"custom\"\nc = ${PORT}"), &world);
    int line, column;
    const struct hocon_value *v = hocon_get(hocon_root(h), "a.b");
    hocon_where(v->at, &line, &column);
    assert_string_equal(hocon_file_name(v->at), "/etc/j/jvb.conf");
    assert_int_equal(line, 2);
    assert_int_equal(column, 7);
    v = hocon_get(hocon_root(h), "port");
    hocon_where(v->at, &line, &column);
    assert_string_equal(hocon_file_name(v->at), "/etc/j/custom.conf");
    assert_int_equal(line, 2);
    assert_string_equal(hocon_get(hocon_root(h), "c")->env, "PORT");
    assert_null(hocon_get(hocon_root(h), "a.b.c"));
    assert_null(hocon_get(hocon_root(h), "z"));
    hocon_free(h);
    assert_null(hocon_load("/etc/j/absent.conf", &world));
    assert_non_null(strstr(heard.text, "no such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(installed_forms_are_read),
        cmocka_unit_test(mistakes_are_reported_with_place_and_remedy),
        cmocka_unit_test(legal_but_suspicious_text_is_warned_about),
        cmocka_unit_test(a_diagnostic_shows_its_line_but_no_password),
        cmocka_unit_test(nesting_and_growth_have_bounds),
        cmocka_unit_test(coercions),
        cmocka_unit_test(lists_are_arrays_or_numbered_objects_never_strings),
        cmocka_unit_test(values_know_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

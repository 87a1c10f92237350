/** What expressions come to. Facts of the CEL specification and of both products, in our own cases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, show } from "../../../test/authz/caveats.ts";

const isTrue: Readonly<Record<string, readonly string[]>> = {
  literals: [
    "true",
    "!false",
    "null == null",
    "0x1F == 31",
    "1e3 == 1000.0",
    "1.5e-1 == 0.15",
    "-9223372036854775808 < -9223372036854775807",
    "18446744073709551615u > 0u",
    `"a" == 'a' && '''a''' == "a"`,
    `"\\n\\t\\\\\\x41\\u00e9\\U0001F600\\101" == "\\n\\t\\\\Aé😀A"`,
    `r"\\d" == "\\\\d"`,
    `b"abc" == bytes("abc") && b"\\xff\\x00" != b""`,
    "[1, 2,] == [1, 2]",
    "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
    "[] == [] && {} == {}",
    "true // a comment",
  ],
  integers: [
    "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9",
    "7 / 2 == 3 && -7 / 2 == -3 && 7 / -2 == -3",
    "7 % 2 == 1 && -7 % 2 == -1 && 7 % -2 == 1",
    "5u - 3u == 2u && 2u * 3u == 6u && 7u / 2u == 3u && 7u % 4u == 3u",
    "9223372036854775807 - 1 == 9223372036854775806",
    "-(-5) == 5 && - -5 == 5",
    "1 - -1 == 2",
  ],
  doubles: [
    "0.1 + 0.2 > 0.3 && 0.1 + 0.2 < 0.3001",
    "1.0 / 0.0 == double('inf') && -1.0 / 0.0 == double('-inf')",
    "!(0.0 / 0.0 == 0.0 / 0.0) && 0.0 / 0.0 != 0.0 / 0.0",
    "!(0.0 / 0.0 < 1.0) && !(0.0 / 0.0 >= 1.0)",
    "-0.0 == 0.0",
    "1.0 + 1.0 == 2.0 && 3.0 - 1.0 == 2.0 && 1.5 * 2.0 == 3.0",
  ],
  "numbers of different types": [
    "dyn(1) == 1.0 && dyn(1u) == 1 && dyn(1) != 1.5",
    "dyn(1) < 1.5 && dyn(2u) > 1 && dyn(-1) < 0u",
    "dyn(9007199254740993) != 9007199254740992.0",
    "dyn(9007199254740993) > 9007199254740992.0",
    "1.0 in dyn([1, 2]) && dyn({1: 'a'})[1u] == 'a' && {1u: 'a'}[dyn(1)] == 'a'",
  ],
  equality: [
    "dyn(1) != 'a' && dyn('1') != 1 && dyn(true) != 1",
    "dyn(null) != 0 && dyn(null) == null",
    "[1, [2, 3]] == [1, [2, 3]] && [1, 2] != [2, 1] && [1] != [1, 1]",
    "{'a': {'b': [1]}} == {'a': {'b': [1]}} && {'a': 1} != {'a': 2} && {'a': 1} != {'b': 1}",
    "duration('60s') == duration('1m') && timestamp(60) == timestamp('1970-01-01T00:01:00Z')",
    "type(1) == int && type('') == string && type([]) == list && type(type(1)) == type",
    "type(1u) == uint && type(1.0) == double && type(null) == null_type && type(b'') == bytes",
    "type(true) == bool && type({}) == map && type(1) != uint",
  ],
  order: [
    "'a' < 'b' && 'a' < 'aa' && 'B' < 'a' && '' < 'a'",
    "'\\U0001F600' > '\\uFFFD' && '\\U0001F600' >= '\\U0001F600'",
    "b'a' < b'b' && b'a' < b'aa' && b'\\xff' > b'a'",
    "false < true && true <= true && !(true < false)",
    "timestamp(0) < timestamp(1) && duration('1s') < duration('1m')",
  ],
  strings: [
    "'héllo'.contains('llo') && !'a'.contains('b') && 'a'.contains('')",
    "'héllo'.startsWith('hé') && !'a'.startsWith('ab') && 'héllo'.endsWith('lo')",
    "size('') == 0 && size('é') == 1 && '😀'.size() == 1 && size('a😀b') == 3",
    "'a' + 'b' + '' == 'ab'",
    "'hubba'.matches('ubb') && !'hubba'.matches('^ubb') && matches('a1', '^[a-z][0-9]$')",
    "'A'.matches('(?i)a') && 'x\\ny'.matches('x$') == false && 'x\\ny'.matches('(?m)x$')",
    "'😀'.matches('^.$') && 'é'.matches('\\\\pL')",
  ],
  bytes: [
    "size(b'abc') == 3 && b'abc'.size() == 3 && size(bytes('é')) == 2",
    "b'a' + b'b' == b'ab' && string(b'\\xc3\\xa9') == 'é'",
  ],
  lists: [
    "[1, 2][0] == 1 && [[1], [2]][1][0] == 2",
    "[1] + [2] == [1, 2] && [] + [1] == [1] && ['a'] + [] == ['a']",
    "1 in [1, 2] && !(3 in [1, 2]) && !(1 in []) && [1] in [[1]]",
    "size([1, 2]) == 2 && [].size() == 0",
  ],
  maps: [
    "{'a': 1}.a == 1 && {'a': 1}['a'] == 1 && {1: 'x'}[1] == 'x' && {true: 1}[true] == 1",
    "'a' in {'a': 1} && !('b' in {'a': 1}) && !('a' in {})",
    "size({'a': 1}) == 1 && {}.size() == 0",
    "has({'a': 1}.a) && !has({'a': 1}.b) && has({'a': {'b': 1}}.a.b)",
    "!has({'a': {}}.a.b)",
    "{'a': {'b': 1}}.isSubtreeOf({'a': {'b': 1, 'c': 2}, 'd': 3})",
    "!{'a': {'b': 1}}.isSubtreeOf({'a': {'b': 2}}) && !{'a': 1}.isSubtreeOf({})",
    "{}.isSubtreeOf({}) && !{'a': {}}.isSubtreeOf({'a': 1}) && {'a': [1]}.isSubtreeOf({'a': [1]})",
  ],
  macros: [
    "[1, 2].all(x, x > 0) && ![1, 2].all(x, x > 1) && [].all(x, false)",
    "[1, 2].exists(x, x > 1) && ![1, 2].exists(x, x > 2) && ![].exists(x, true)",
    "[1, 2].exists_one(x, x > 1) && ![1, 2].exists_one(x, x > 0) && ![].exists_one(x, true)",
    "[1, 2, 3].filter(x, x > 1) == [2, 3] && [].filter(x, true) == []",
    "[1, 2].map(x, x * 2) == [2, 4] && [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
    "{'a': 1, 'b': 2}.all(k, k in ['a', 'b']) && {'a': 1}.exists(k, k == 'a')",
    "{'a': 1, 'b': 2}.map(k, k) == ['a', 'b'] && {1u: 1}.all(k, k + 1u == 2u)",
    "[1, 2].all(x, [3, 4].all(y, y > x)) && [[1], [2]].map(l, l.map(x, x + 1)) == [[2], [3]]",
    "[1].all(x, [2].all(x, x == 2) && x == 1)",
    "[1, 2].map(x, x > 5) == [false, false]",
  ],
  "errors are absorbed by what decides": [
    "true || 1 / 0 > 0",
    "1 / 0 > 0 || true",
    "!(false && 1 / 0 > 0) && !(1 / 0 > 0 && false)",
    "[0, 1].exists(x, 1 / x == 1) && ![0, 1].all(x, 1 / x == 2)",
    "true ? true : 1 / 0 > 0",
  ],
  times: [
    "timestamp('2026-01-01T00:00:00Z') + duration('36h') == timestamp('2026-01-02T12:00:00Z')",
    "duration('1h') + timestamp(0) == timestamp(3600) && timestamp(0) - duration('1s') == timestamp(-1)",
    "timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z') == duration('24h')",
    "duration('1h') - duration('30m') == duration('30m') && duration('1m') + duration('1m') == duration('2m')",
    "timestamp('2026-01-01T00:00:00.5Z') == timestamp('2026-01-01T01:00:00.5+01:00')",
    "timestamp('2024-02-29T12:34:56.789Z').getFullYear() == 2024",
    "timestamp('2024-02-29T12:34:56.789Z').getMonth() == 1",
    "timestamp('2024-02-29T12:34:56.789Z').getDate() == 29",
    "timestamp('2024-02-29T12:34:56.789Z').getDayOfMonth() == 28",
    "timestamp('2024-02-29T12:34:56.789Z').getDayOfWeek() == 4",
    "timestamp('2024-12-31T00:00:00Z').getDayOfYear() == 365 && timestamp(0).getDayOfYear() == 0",
    "timestamp('2024-02-29T12:34:56.789Z').getHours() == 12",
    "timestamp('2024-02-29T12:34:56.789Z').getMinutes() == 34",
    "timestamp('2024-02-29T12:34:56.789Z').getSeconds() == 56",
    "timestamp('2024-02-29T12:34:56.789Z').getMilliseconds() == 789",
    "timestamp('2024-07-01T12:00:00Z').getHours('America/New_York') == 8",
    "timestamp('2024-01-01T12:00:00Z').getHours('America/New_York') == 7",
    "timestamp('2024-01-01T00:00:00Z').getDate('-00:01') == 31",
    "timestamp('2024-01-01T12:00:00Z').getMinutes('+05:45') == 45",
    "timestamp('2024-01-01T12:00:00Z').getMinutes('Asia/Kathmandu') == 45",
    "timestamp('0001-01-01T00:00:00Z').getFullYear() == 1 && timestamp(-1).getSeconds() == 59",
    "timestamp('1969-12-31T23:59:59.9Z').getMilliseconds() == 900",
    "duration('3h30m').getHours() == 3 && duration('3h30m').getMinutes() == 210",
    "duration('90s').getSeconds() == 90 && duration('1.5s').getMilliseconds() == 1500",
    "duration('-90m').getHours() == -1",
  ],
  conversions: [
    "int('42') == 42 && int(42u) == 42 && int(-1.9) == -1 && int('-7') == -7 && int(5) == 5",
    "int(timestamp('1970-01-01T00:01:00Z')) == 60",
    "uint('42') == 42u && uint(42) == 42u && uint(1.9) == 1u",
    "double('1.5') == 1.5 && double(1) == 1.0 && double(2u) == 2.0",
    "string(1) == '1' && string(1u) == '1' && string(true) == 'true' && string('a') == 'a'",
    "string(1.5) == '1.5' && string(100.0) == '100' && string(1e6) == '1e+06'",
    "string(1234567.0) == '1.234567e+06' && string(0.00001) == '1e-05'",
    "string(duration('1m30.5s')) == '90.5s' && string(duration('-1ms')) == '-0.001s'",
    "string(timestamp('2026-01-01T01:00:00.250+01:00')) == '2026-01-01T00:00:00.25Z'",
    "bytes('a') == b'a' && bytes(b'a') == b'a'",
    "bool('true') && !bool('False') && bool('1') && bool(true)",
    "timestamp(timestamp(1)) == timestamp(1) && duration(duration('1s')) == duration('1s')",
    "duration('1h2m3.5s') == duration('3723500ms') && duration('-1us') == duration('-1000ns')",
  ],
  optionals: [
    "optional.of(1).value() == 1 && optional.of(1).hasValue() && !optional.none().hasValue()",
    "{'a': 1}[?'b'].orValue(2) == 2 && {'a': 1}[?'a'].orValue(2) == 1 && {'a': 1}.?a.value() == 1",
    "[1][?1].orValue(9) == 9 && [1][?0].orValue(9) == 1",
    "{'a': {'b': 1}}.?a.b.orValue(9) == 1 && {'a': {'b': 1}}.?x.b.orValue(9) == 9",
    "{'a': {'b': 1}}.?a[?'c'].or(optional.of(7)).value() == 7",
    "optional.ofNonZeroValue('') == optional.none() && optional.ofNonZeroValue(1) == optional.of(1)",
    "optional.of(1).optMap(x, x + 1).value() == 2 && !optional.none().optMap(x, x).hasValue()",
    "optional.of({'a': 1}).optFlatMap(m, m.?b).orValue(3) == 3",
  ],
};

for (const [title, expressions] of Object.entries(isTrue)) {
  for (const expression of expressions) {
    test(`${title}: ${expression}`, () => {
      assert.deepEqual(evaluate(expression), { value: "yes" });
    });
  }
}

const fails: readonly (readonly [string, RegExp])[] = [
  ["9223372036854775807 + 1 > 0", /integer overflow/],
  ["-9223372036854775808 - 1 < 0", /integer overflow/],
  ["9223372036854775807 * 2 > 0", /integer overflow/],
  ["-(-9223372036854775808) > 0", /integer overflow/],
  ["-9223372036854775808 / -1 > 0", /integer overflow/],
  ["0u - 1u > 0u", /unsigned integer overflow/],
  ["18446744073709551615u + 1u > 0u", /unsigned integer overflow/],
  ["1 / 0 > 0", /division by zero/],
  ["1 % 0 > 0", /modulus by zero/],
  ["1u / 0u > 0u", /division by zero/],
  ["[1][1] == 1", /no such key or index: 1/],
  ["[1][-1] == 1", /no such key or index: -1/],
  ["{'a': 1}.b == 1", /no such key: b/],
  ["{'a': 1}['b'] == 1", /no such key: b/],
  ["has({'a': {'x': 1}}.b.c)", /no such key: b/],
  ["{'a': 1, 'a': 2} == {}", /the key a is there twice/],
  ["{dyn(1.5): 1} == {}", /double cannot be the key/],
  ["int('x') == 1", /cannot be read as int/],
  ["int('9223372036854775808') == 1", /integer overflow/],
  ["int(1e19) == 1", /integer overflow/],
  ["int(double('nan')) == 1", /no whole number/],
  ["uint(-1) == 1u", /unsigned integer overflow/],
  ["uint('-1') == 1u", /cannot be read as uint/],
  ["double('x') == 1.0", /cannot be read as double/],
  ["bool('yes')", /cannot be read as bool/],
  ["string(b'\\xff') == ''", /not valid UTF-8/],
  ["timestamp('x') > timestamp(0)", /cannot be read as timestamp/],
  ["timestamp(253402300800) > timestamp(0)", /timestamp overflow/],
  ["timestamp('9999-12-31T23:59:59Z') + duration('1s') > timestamp(0)", /timestamp overflow/],
  ["duration('2562047h') + duration('2562047h') > duration('0')", /duration overflow/],
  ["timestamp(0).getHours('Mars/Olympus') == 1", /no time zone/],
  ["dyn(1) + 'a' == dyn(1)", /\+ does not take int and string/],
  ["dyn(1) < 'a'", /no order/],
  ["dyn(1).startsWith('a')", /does not take int and string/],
  ["dyn(1) && true", /expected bool, found int/],
  ["!dyn(1)", /expected bool, found int/],
  ["dyn(1) ? true : false", /expected bool, found int/],
  ["dyn('a').all(x, true)", /string has no elements/],
  ["[1].all(x, dyn(x))", /expected bool, found int/],
  ["[1, 0].exists_one(x, 1 / x == 1)", /division by zero/],
  ["[0].map(x, 1 / x) == []", /division by zero/],
  ["[0].filter(x, 1 / x == 1) == []", /division by zero/],
  ["1 in dyn('a')", /does not look into string/],
  ["dyn(1).a == 1", /int has no fields/],
  ["dyn(1)[0] == 1", /int has no elements/],
  ["'a'.matches(['('][0])", /not a regular expression/],
  ["'a'.matches(['(a)' + '\\\\1'][0])", /not a regular expression/],
  ["optional.none().value() == 1", /not there/],
  ["1 / 0 > 0 || false", /division by zero/],
  ["1 / 0 > 0 && true", /division by zero/],
  ["false || [0].exists(x, 1 / x == 1)", /division by zero/],
  ["(true ? dyn(1) : false) == true || dyn('x')", /expected bool, found string/],
];

for (const [expression, reason] of fails) {
  test(`fails: ${expression}`, () => {
    const result = evaluate(expression);
    assert(result.value === "error", show(result));
    assert.equal(result.code, "caveat-failed");
    assert.match(result.reason, reason);
  });
}

const networks: readonly (readonly [string, string, string])[] = [
  ["10.1.2.3", "10.0.0.0/8", "yes"],
  ["11.1.2.3", "10.0.0.0/8", "no"],
  ["10.1.2.3", "10.9.9.9/8", "yes"],
  ["10.1.2.3", "10.1.2.3/32", "yes"],
  ["10.1.2.3", "0.0.0.0/0", "yes"],
  ["10.1.2.3", "::/0", "no"],
  ["::ffff:10.1.2.3", "10.0.0.0/8", "yes"],
  ["10.1.2.3", "::ffff:10.0.0.0/104", "yes"],
  ["2001:db8::1", "2001:db8::/32", "yes"],
  ["2001:db9::1", "2001:db8::/32", "no"],
  ["fe80::1%eth0", "fe80::/10", "no"],
  ["::1", "::1/128", "yes"],
  ["10.1.2.3", "10.0.0.0", "caveat-failed"],
  ["10.1.2.3", "10.0.0.0/33", "caveat-failed"],
  ["10.1.2.3", "10.0.0.0/08", "caveat-failed"],
  ["10.1.2.3", "10.0.0/8", "caveat-failed"],
  ["10.1.2.3", "fe80::%eth0/10", "caveat-failed"],
];

for (const [ip, cidr, expected] of networks) {
  test(`${ip} in ${cidr}: ${expected}`, () => {
    const parameters = { ip: "ipaddress", cidr: "string" };
    const result = evaluate("ip.in_cidr(cidr)", parameters, { context: { ip, cidr } });
    assert.equal(show(result), expected);
  });
}

const addresses: readonly (readonly [string, string])[] = [
  ["1.2.3.4", "1.2.3.4"],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["::", "::"],
  ["1::", "1::"],
  ["::1", "::1"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ["fe80::1%eth0", "fe80::1%eth0"],
];

for (const [ip, text] of addresses) {
  test(`${ip} is written ${text}`, () => {
    const result = evaluate(`string(ip) == '${text}'`, { ip: "ipaddress" }, { context: { ip } });
    assert.equal(show(result), "yes");
  });
}

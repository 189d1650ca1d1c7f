use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::*;

/// Numbers without end, the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> usize {
        usize::try_from((self.next() >> 16) % end).unwrap()
    }
}

/// Reads in both ways. What this reader takes, serde_json takes for the same; zero's sign counts.
fn agree<T: DeserializeOwned + Debug>(document: &[u8]) -> bool {
    let fast: Option<T> = read(document);
    let known: Result<T, _> = serde_json::from_slice(document);
    let shown = String::from_utf8_lossy(document);
    match (&fast, &known) {
        (Some(fast), Ok(known)) => assert_eq!(format!("{fast:?}"), format!("{known:?}"), "{shown}"),
        (Some(fast), Err(error)) => panic!("{shown} was read as {fast:?}, and is wrong: {error}"),
        (None, _) => {}
    }
    fast.is_some()
}

/// Reads a number in all ways that there are, and compares bit by bit.
fn check_number(text: &str) {
    assert!(agree::<Value>(text.as_bytes()), "{text}");
    let expected = text.parse().ok().map(f64::to_bits);
    assert_eq!(number_in(text).map(f64::to_bits), expected, "{text}");
    let list = format!("[{text},{text} , {text}]");
    let numbers: crate::Numbers = read(list.as_bytes()).unwrap();
    let bits = numbers.iter().map(|number| number.map(f64::to_bits));
    assert!(bits.eq([expected; 3]), "{text}");
}

#[test]
fn numbers_come_out_as_the_standard_library_parses_them() {
    let texts = [
        "0",
        "-0",
        "-0.0",
        "0.0",
        "1",
        "12345678",
        "123456789",
        "1234567812345678",
        "12345678123456789",
        "9007199254740991",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.1",
        "0.3",
        "1.005",
        "12345678.12345678",
        "9.204938554384977",
        "123456789.123456789",
        "0.000000000000001",
        "0.00000000000000000000001",
        "5e-324",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "4.9406564584124654e-324",
        "1.7976931348623157e308",
        "1e23",
        "1E22",
        "1e+5",
        "-1.5e-7",
        "1e-400",
        "179769313486231580793e285",
        "7450580596923828125e-27",
        "8.5",
        "1700000000",
        "1700000000.0",
        "1700000000.123456",
    ];
    texts.into_iter().for_each(check_number);
    check_number(&format!("0.{}1", "0".repeat(400)));
    check_number(&format!("{}.5", "1".repeat(300)));
}

#[test]
fn numbers_of_every_length_come_out_as_the_standard_library_parses_them() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _turn in 0..20_000 {
        let number = f64::from_bits(random.next());
        if number.is_finite() {
            check_number(&format!("{number:e}"));
            check_number(&format!("{number:?}"));
        }
        let (whole, places) = (random.next() >> random.below(64), random.below(19));
        let sign = if random.below(2) == 0 { "" } else { "-" };
        check_number(&format!("{sign}{whole}"));
        let fraction = random.next() >> random.below(64);
        check_number(&format!("{sign}{whole}.{fraction:0places$}"));
        check_number(&format!("{sign}{whole}.{fraction}e{}", random.below(60) as i64 - 30));
    }
}

#[test]
fn what_is_no_number_is_left() {
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        ".5",
        "1.",
        "-.5",
        "1.e5",
        "1e",
        "1e+",
        "1.5e",
        "0x1",
        "1_0",
        "NaN",
        "Infinity",
        "1e999",
        "-1e999",
        "1 2",
        "--1",
        "1-",
        "1.2.3",
        "123456789012345678.",
        "0123456789012345678",
        "12345678x",
        "１",
    ] {
        assert!(!agree::<Value>(text.as_bytes()), "{text}");
        assert!(!agree::<Value>(format!("[{text}x]").as_bytes()), "{text}");
    }
}

#[test]
fn documents_of_every_shape_are_read() {
    for document in [
        r"null",
        r"true",
        r"[]",
        r"{}",
        r#""""#,
        r#""a""#,
        "[ ]",
        "{ }",
        " [ 1 , 2 ] ",
        "\t{\n}\r\n",
        r#"{"a":1,"b":[true,false,null],"c":{"d":"e"}}"#,
        r#"["a\"b","\\","\u00e9\ud83d\ude00","\/\b\f\n\r\t","né","a long text of plain letters"]"#,
        r#"{"a\"b":1,"né":2,"\u0041":3}"#,
        "[[[[[[1],2],3],4],5],6]",
        "{\n        \"indented\": [\n                1,\n                2\n        ]\n}",
        r#"{"a":1,"a":2}"#,
        r#"["12345678","1234567","123456789\\"]"#,
    ] {
        assert!(agree::<Value>(document.as_bytes()), "{document}");
        agree::<IgnoredAny>(document.as_bytes());
        for end in 0..document.len() {
            agree::<Value>(&document.as_bytes()[..end]);
        }
    }
}

#[test]
fn what_is_no_document_is_left() {
    for document in [
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{",
        "}",
        "]",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,}"#,
        r#"{"a" 1}"#,
        r#"{a:1}"#,
        r#"{1:1}"#,
        r#""a"#,
        "\"a\nb\"",
        "\"\u{0}\"",
        r#""\x""#,
        r#""\"#,
        r#""\ud800""#,
        "nul",
        "nulll",
        "tru",
        "[true1]",
        "[}",
        "{]",
        "1]",
        "[] []",
        "\u{0}",
        "[1\u{0}]",
        "[\u{a0}1]",
    ] {
        assert!(!agree::<Value>(document.as_bytes()), "{document}");
    }
    assert!(!agree::<Value>(b"\"\xff\""));
    assert!(!agree::<Value>(b"\"\xc3\""));
}

#[test]
fn documents_as_deep_as_serde_json_reads_are_read_and_deeper_ones_left() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(agree::<Value>(deep(127).as_bytes()));
    assert!(!agree::<Value>(deep(128).as_bytes()));
    assert!(!agree::<Value>("[".repeat(100_000).as_bytes()));
    assert!(!agree::<Value>(r#"{"a":"#.repeat(100_000).as_bytes()));
}

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "what is read is compared as it is printed")]
struct Shape {
    number: f64,
    #[serde(default)]
    small: Option<u8>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    character: Option<char>,
    #[serde(default)]
    pair: Option<(i64, bool)>,
    #[serde(default)]
    unit: (),
    #[serde(default)]
    choice: Option<Choice>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    by_choice: BTreeMap<Key, u8>,
    #[serde(default)]
    by_number: BTreeMap<u8, u8>,
    #[serde(default)]
    either: Option<Either>,
    #[serde(default)]
    wrapped: Option<Wrapped>,
    #[serde(default)]
    numbers: crate::Numbers,
}

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "what is read is compared as it is printed")]
enum Choice {
    Bare,
    One(u8),
    Two(u8, u8),
    Named { a: u8 },
}

#[derive(Debug, serde::Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key(String);

#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "what is read is compared as it is printed")]
enum Either {
    Number(f64),
    Texts(Vec<String>),
}

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "what is read is compared as it is printed")]
struct Wrapped(f32);

const SHAPE: &str = r#"{"number":1.5,"small":7,"text":"a\"b","character":"ü","pair":[-3,true],
    "unit":null,"choice":"Bare","choices":["Bare",{"One":1},{"Two":[1,2]},{"Named":{"a":3}}],
    "by_choice":{"Bare":1},"either":["x"],"wrapped":0.25,"numbers":[1,null,"2.5"],"more":[{"a":[]}]}"#;

#[test]
fn all_that_serde_derives_is_read() {
    assert!(agree::<Shape>(SHAPE.as_bytes()));
    for document in [
        r#"{"number":"1"}"#,
        r#"{"number":1,"small":256}"#,
        r#"{"number":1,"small":1.0}"#,
        r#"{"number":1,"character":"ab"}"#,
        r#"{"number":1,"pair":[1]}"#,
        r#"{"number":1,"pair":[1,true,2]}"#,
        r#"{"number":1,"choice":"Other"}"#,
        r#"{"number":1,"choice":{"One":1,"Two":2}}"#,
        r#"{"number":1,"choice":"One"}"#,
        r#"{"number":1,"choice":{}}"#,
        r#"{"number":1,"by_choice":[]}"#,
        r#"{"number":1,"text":1}"#,
        r#"{"number":1,"number":2}"#,
        r#"{"number":1,"numbers":[true]}"#,
        "{}",
        "[]",
    ] {
        assert!(!agree::<Shape>(document.as_bytes()), "{document}");
    }
    assert!(agree::<Shape>(br#"[2,null,null,null,null,null,null,[],{},{},null,null,[]]"#));
}

#[test]
fn names_that_are_numbers_are_for_serde_json() {
    let document = r#"{"number":1,"by_number":{"7":1}}"#;
    assert!(!agree::<Shape>(document.as_bytes()));
    let response = crate::Response::sample(200, document);
    assert_eq!(response.json::<Shape>().unwrap().by_number, BTreeMap::from([(7, 1)]));
}

#[test]
fn what_serde_json_alone_knows_is_read_all_the_same() {
    #[derive(serde::Deserialize)]
    struct Raw<'body> {
        #[serde(borrow)]
        raw: &'body serde_json::value::RawValue,
    }
    let response = crate::Response::sample(200, r#"{"raw":[1, 2]}"#);
    assert_eq!(response.json::<Raw<'_>>().unwrap().raw.get(), "[1, 2]");
}

#[test]
fn texts_without_escapes_are_borrowed() {
    let texts: Vec<&str> = read(br#"["plain","\u00fc"]"#).unwrap_or_default();
    assert!(texts.is_empty(), "an escape has no place to be borrowed from");
    let texts: Vec<&str> = read("[\"plain\",\"ü\"]".as_bytes()).unwrap();
    assert_eq!(texts, ["plain", "ü"]);
}

#[test]
fn a_document_with_any_byte_changed_is_read_as_serde_json_reads_it_or_left() {
    let bytes = [
        0, b' ', b'"', b'\\', b',', b':', b'[', b']', b'{', b'}', b'0', b'9', b'-', b'.', b'e',
        b'n', 0x1f, 0x80, 0xff,
    ];
    let (mut taken, mut left) = (0, 0);
    for position in 0..SHAPE.len() {
        for byte in bytes {
            let mut changed = SHAPE.as_bytes().to_vec();
            changed[position] = byte;
            let read = agree::<Value>(&changed) | agree::<Shape>(&changed);
            *(if read { &mut taken } else { &mut left }) += 1;
        }
    }
    assert!(taken > 1_000 && left > 1_000, "{taken} {left}");
}

#[test]
fn an_odd_document_is_left_and_never_panics() {
    const PIECES: [&[u8]; 22] = [
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b":",
        b"\"",
        b"\\",
        b"1",
        b"-",
        b".5",
        b"e3",
        b"12345678",
        b"\"a\"",
        b"\"a\":",
        b"null",
        b"true",
        b" ",
        b"\\u00fc",
        b"\xc3\xbc",
        b"\xff",
        b"\n",
    ];
    let mut random = Random(7);
    for _turn in 0..20_000 {
        let mut document = Vec::new();
        for _piece in 0..random.below(24) {
            document.extend_from_slice(PIECES[random.below(22)]);
        }
        agree::<Value>(&document);
        agree::<crate::Numbers>(&document);
    }
}

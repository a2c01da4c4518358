//! What Redis answers, told apart by what each answer depends on.

use super::Extended;

/// Adds two texts as `INCRBYFLOAT` does.
fn sum(value: &str, increment: &str) -> String {
    let [value, increment] = [value, increment].map(|text| Extended::parse(text.as_bytes()));
    let sum = value.unwrap().add(increment.unwrap()).unwrap();
    String::from_utf8(sum.to_text()).unwrap()
}

/// Reads a text and prints it again.
fn reprint(text: &str) -> String {
    String::from_utf8(Extended::parse(text.as_bytes()).unwrap().to_text()).unwrap()
}

/// Says whether `text` can be read.
fn is_valid(text: impl AsRef<[u8]>) -> bool {
    Extended::parse(text.as_ref()).is_some()
}

/// Checks sums: value, increment, what Redis answers.
fn check_sums(sums: &[(&str, &str, &str)]) {
    for (value, increment, expected) in sums {
        assert_eq!(sum(value, increment), *expected, "{value} + {increment}");
        assert_eq!(sum(increment, value), *expected, "{increment} + {value}");
    }
}

#[test]
fn sums_of_everyday_numbers_are_those_of_redis() {
    check_sums(&[
        ("0.1", "0.2", "0.3"),
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("3.0", "1.000000000000000005", "4.00000000000000001"),
        ("0", "1e-20", "0"),
        ("123456789.123456789", "0", "123456789.12345678899873747"),
        ("123456789", "0.123456789", "123456789.12345678899873747"),
        ("3", "-0.25", "2.75"),
        ("0.5", "-1", "-0.5"),
        ("+1", "-.5e+1", "-4"),
        (".5", "5.", "5.5"),
        ("0.30000000000000000001", "0.7", "1"),
        ("2.718281828459045235360287471352662497757", "1e10", "10000000002.71828182879835367"),
    ]);
}

#[test]
fn whole_numbers_are_exact_up_to_64_bits() {
    check_sums(&[
        ("9007199254740993", "0.5", "9007199254740993.5"),
        ("9223372036854775807", "1", "9223372036854775808"),
        ("18446744073709551615", "1", "18446744073709551616"),
        ("18446744073709551615", "2", "18446744073709551616"),
        ("123456789012345678901234567890", "1", "123456789012345678899921813504"),
        ("1e25", "1e5", "10000000000000000000000000"),
        ("1e28", "0", "9999999999999999999731564544"),
    ]);
}

#[test]
fn text_half_way_between_two_numbers_is_read_as_the_even_one() {
    check_sums(&[
        ("36893488147419103234", "0", "36893488147419103232"),
        ("36893488147419103238", "0", "36893488147419103240"),
        ("-36893488147419103238", "0", "-36893488147419103240"),
        ("0x8000000000000000.8", "0", "9223372036854775808"),
        ("0x8000000000000001.8", "0", "9223372036854775810"),
        ("0x8000000000000001.7fffffffffffffffffffffffffffffff", "0", "9223372036854775809"),
        ("0x8000000000000000.80000000000000000000000000000001", "0", "9223372036854775809"),
    ]);
    // So many digits that the last one only tells the text from the half.
    let long = format!("36893488147419103234.{}1", "0".repeat(3_000));
    assert_eq!(reprint(&long), "36893488147419103236");
}

#[test]
fn sums_half_way_between_two_numbers_are_the_even_one() {
    check_sums(&[
        ("18446744073709551615", "0.5", "18446744073709551616"),
        ("18446744073709551614", "0.5", "18446744073709551614"),
        ("0x1p63", "0x1p-1", "9223372036854775808"),
        ("0x1p64", "-0x1p-1", "18446744073709551616"),
        ("0x1p64", "-0x1.8p-1", "18446744073709551615"),
    ]);
}

#[test]
fn a_far_smaller_number_only_decides_the_rounding() {
    check_sums(&[
        ("1e20", "1e-20", "100000000000000000000"),
        ("1e27", "1e-27", "1000000000000000000000000000"),
        ("0x1p64", "-0x1p-70", "18446744073709551616"),
        ("0x1p127", "-0x1p0", "170141183460469231731687303715884105728"),
        ("1e-4940", "1", "1"),
        ("1e-28", "1e10", "10000000000"),
    ]);
    // Half way but for the last bit of the increment, which is 65 places further down.
    assert_eq!(sum("0x1p64", "-0x1.0000000000000002p-1"), "18446744073709551615");
}

#[test]
fn the_seventeenth_digit_is_rounded_to_even_on_the_exact_number() {
    for (text, expected) in [
        ("0x1p-18", "0.00000381469726562"),
        ("0x3p-18", "0.00001144409179688"),
        ("0x1p-57", "0.00000000000000001"),
        ("0x3p-57", "0.00000000000000002"),
        ("0.000000000000000005", "0"),
        ("0.000000000000000015", "0.00000000000000002"),
        ("-0.000000000000000015", "-0.00000000000000002"),
        ("99999999999999999999.99999999999999999", "100000000000000000000"),
        ("3.14159265358979323846264338327950288419716939937510", "3.14159265358979324"),
    ] {
        assert_eq!(reprint(text), expected, "{text}");
    }
}

#[test]
fn zero_is_printed_without_a_sign() {
    check_sums(&[
        ("-0", "-0", "0"),
        ("1", "-1", "0"),
        ("0", "-1e-20", "0"),
        ("1e40", "-1e40", "0"),
        ("0x1p-16445", "-0x1p-16445", "0"),
    ]);
    assert_eq!(reprint("-0.0e-99999999999999999999"), "0");
}

#[test]
fn large_numbers_are_printed_in_full() {
    let largest = reprint("0x1.fffffffffffffffep16383");
    let sum = sum("1e400", "1");

    assert_eq!(sum.len(), 401);
    assert!(sum.starts_with("100000000000000000002818806839475865145864534336290520386259"));
    assert!(sum.ends_with("183472511643316591362664138176309734806343732497430221946880"));
    assert_eq!(largest.len(), 4_933);
    assert!(largest.starts_with("118973149535723176502126385303097020516906332229462420044032"));
    assert!(largest.ends_with("260031762345960769508849149662444156604419552086811989770240"));
    assert_eq!(reprint(&largest), largest);
    assert_eq!(reprint("1.18973149535723176502e4932"), largest);
}

#[test]
fn numbers_out_of_range_cannot_be_read() {
    for text in [
        "1e4933",
        "1.18973149535723176509e4932",
        "-1e5000",
        "1e99999999999999999999",
        "0x1p16384",
        "0x1.ffffffffffffffffp16383",
        "1e-4951",
        "1.8e-4951",
        "-1e-99999999999999999999",
        "0x1p-16446",
    ] {
        assert!(!is_valid(text), "{text}");
    }
    for text in ["2e-4951", "0x1p-16445", "0x1.8p-16446", "1e4932", "0e99999999999999999999"] {
        assert!(is_valid(text), "{text}");
    }
}

#[test]
fn infinity_can_be_read_but_not_reached() {
    let one = Extended::parse(b"1").unwrap();
    let largest = Extended::parse(b"0x1.fffffffffffffffep16383").unwrap();
    for text in ["inf", "-inf", "+INF", "Infinity", "-iNfInItY"] {
        let infinity = Extended::parse(text.as_bytes()).unwrap();

        assert_eq!(infinity.add(one), None, "{text}");
        assert_eq!(one.add(infinity), None, "{text}");
        assert_eq!(infinity.add(infinity), None, "{text}");
        assert!(infinity.is_infinite(), "{text}");
    }

    assert_eq!(largest.add(largest), None);
    assert_eq!(largest.add(one), Some(largest));
    assert_eq!(reprint("-inf"), "-inf");
}

#[test]
fn hexadecimal_and_short_forms_are_numbers() {
    for (text, expected) in [
        ("0x1p3", "8"),
        ("0X1P3", "8"),
        ("0xA.8", "10.5"),
        ("0x1.", "1"),
        ("0x.8", "0.5"),
        ("0x1e5", "485"),
        ("-0x1p-1", "-0.5"),
        ("5.", "5"),
        (".5", "0.5"),
        ("007", "7"),
        ("1E3", "1000"),
        ("1e0000000000000000000000000003", "1000"),
    ] {
        assert_eq!(reprint(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_a_number_cannot_be_read() {
    for text in [
        "",
        " 1",
        "1 ",
        "\t1",
        "1\0",
        "nan",
        "-NaN",
        "nan(1)",
        "in",
        "infinit",
        "infinity1",
        ".",
        "+",
        "-",
        "--1",
        "+-1",
        "e5",
        ".e1",
        "1e",
        "1e+",
        "1e5.5",
        "1.2.3",
        "1,5",
        "1_0",
        "0x",
        "0x.",
        "0x.p1",
        "0xp1",
        "0x1p",
        "0x1p+",
        "0xg",
        "1f",
        "1p5",
        "0b1",
        "１",
    ] {
        assert!(!is_valid(text), "{text:?}");
    }
    assert!(!is_valid(b"1\xff"));
}

#[test]
fn text_of_more_than_5119_bytes_is_not_looked_at() {
    let longest = format!("{}1", "0".repeat(5_118));

    assert_eq!(reprint(&longest), "1");
    assert!(!is_valid(format!("0{longest}")));
}

#[test]
fn many_digits_and_a_large_exponent_cancel_out() {
    let small = format!("0.{}25e4001", "0".repeat(4_000));
    let large = format!("25{}e-4002", "0".repeat(4_000));

    assert_eq!(reprint(&small), "2.5");
    assert_eq!(reprint(&large), "0.25");
}

//! What the AMF0 reader makes of well-formed, hostile and arbitrary bytes.

use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan()).prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        ".{0,20}".prop_map(Value::Text),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec(("[a-z]{1,8}", inner), 0..6).prop_map(Value::Object),
        ]
    })
}

fn count(values: &[Value]) -> usize {
    let below = |value: &Value| match value {
        Value::Array(values) => count(values),
        Value::Object(fields) => fields.iter().map(|(_, value)| count(std::slice::from_ref(value))).sum(),
        _ => 0,
    };
    values.iter().map(|value| 1 + below(value)).sum()
}

fn text(values: &[Value]) -> usize {
    values
        .iter()
        .map(|value| match value {
            Value::Text(text) => text.len(),
            Value::Array(values) => text(values),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| name.len() + text(std::slice::from_ref(value))).sum()
            }
            _ => 0,
        })
        .sum()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in values()) {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        prop_assert_eq!(read(&bytes), Ok(vec![value]));
    }

    #[test]
    fn arbitrary_bytes_neither_panic_nor_grow(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        if let Ok(values) = read(&bytes) {
            prop_assert!(count(&values) <= MOST);
            // A byte that is not UTF-8 becomes the three bytes of U+FFFD.
            prop_assert!(text(&values) <= 3 * bytes.len());
        }
    }

    #[test]
    fn bytes_that_look_like_amf_neither_panic_nor_grow(
        bytes in prop::collection::vec(any::<u16>(), 0..1500),
    ) {
        let marker = |n: &u16| if *n < 0xc000 { (n % 0x12) as u8 } else { *n as u8 };
        if let Ok(values) = read(&bytes.iter().map(marker).collect::<Vec<_>>()) {
            prop_assert!(count(&values) <= MOST);
        }
    }

    #[test]
    fn a_cut_message_is_short_or_fewer_values(value in values(), cut in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        let cut = cut.index(bytes.len());
        let whole = read(&bytes[..cut]);
        prop_assert!(whole == Err(AmfError::Short) || whole == Ok(Vec::new()), "{:?}", whole);
    }
}

#[test]
fn an_array_that_announces_four_thousand_million_elements_costs_nothing() {
    assert_eq!(read(&[0x0a, 0xff, 0xff, 0xff, 0xff]), Err(AmfError::Short));
    let mut many = vec![0x0a, 0xff, 0xff, 0xff, 0xff];
    many.extend([0x05; 60_000]);
    assert_eq!(read(&many), Err(AmfError::Many));
}

#[test]
fn four_hundred_thousand_nested_objects_are_too_deep() {
    let nested: Vec<u8> = [0x03, 0x00, 0x01, b'a'].repeat(400_000);
    assert_eq!(read(&nested), Err(AmfError::Deep));
}

#[test]
fn every_type_of_the_specification_is_read() {
    let bytes = [
        &[0x01, 0x01][..],
        &[0x05, 0x06, 0x0d, 0x07, 0x00, 0x01],
        &[0x08, 0, 0, 0, 9, 0, 1, b'k', 0x02, 0, 1, b'v', 0, 0, 0x09],
        &[0x0b, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x0c, 0, 0, 0, 2, b'h', b'i'],
        &[0x0f, 0, 0, 0, 1, b'x'],
        &[0x10, 0, 1, b'C', 0, 1, b'f', 0x05, 0, 0, 0x09],
    ]
    .concat();
    let object = |name: &str, value| Value::Object(vec![(name.to_owned(), value)]);
    assert_eq!(
        read(&bytes),
        Ok(vec![
            Value::Boolean(true),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            object("k", Value::text("v")),
            Value::Number(2.0),
            Value::text("hi"),
            Value::text("x"),
            object("f", Value::Null),
        ])
    );
    assert_eq!(read(&[0x11]), Err(AmfError::Marker(0x11)));
}

#[test]
fn text_beyond_65_535_bytes_is_written_as_long_text() {
    let long = Value::text("x".repeat(70_000));
    let mut bytes = Vec::new();
    long.write(&mut bytes);
    assert_eq!(bytes[0], 0x0c);
    assert_eq!(read(&bytes), Ok(vec![long]));
}

#[test]
fn fields_are_found_by_name() {
    let object = Value::Object(vec![("code".into(), Value::text("ok")), ("n".into(), Value::Number(3.0))]);
    assert_eq!(object.field("code").and_then(Value::as_text), Some("ok"));
    assert_eq!(object.field("n").and_then(Value::as_number), Some(3.0));
    assert_eq!(object.field("absent"), None);
    assert_eq!(Value::Null.field("code"), None);
}

//! Values to compare.

use crate::reference::Value;
use proptest::prelude::*;

/// Any value, with many that are nearly equal.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_number().prop_map(Value::Number),
        any_text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((any_text(), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

fn any_number() -> impl Strategy<Value = f64> {
    let plain = -3..=3_i32;
    prop_oneof![
        plain.prop_map(f64::from),
        any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()),
        proptest::sample::select(vec![
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::MAX,
            f64::MIN,
            0.1,
            1e21
        ]),
    ]
}

/// Strings of any code units: controls, ASCII, surrogates in and out of pairs, the last ones.
pub(crate) fn any_text() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        0..3_u16,
        0x61..0x64_u16,
        any::<u16>(),
        proptest::sample::select(vec![0x22, 0x5c, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff]),
        0xd800..0xe000_u16,
    ];
    let pair = any::<char>().prop_map(|character| character.encode_utf16(&mut [0; 2]).to_vec());
    proptest::collection::vec(prop_oneof![unit.prop_map(|unit| vec![unit]), pair], 0..4)
        .prop_map(|pieces| pieces.concat())
}

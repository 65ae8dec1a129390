//! The order of view keys equals a reference comparison, for values and strings of every kind.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't go on should say so")]

mod reference;
mod values;

use kixx_datastore::json::collate;
use proptest::prelude::*;
use reference::{Style, Value, compare, to_text};
use std::cmp::Ordering;
use values::{any_text, any_value};

fn collated(value: &Value, style: Style) -> Vec<u8> {
    let text = to_text(value, style);
    collate(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(a: &Value, b: &Value) -> Result<(), TestCaseError> {
    let (left, right) = (collated(a, Style::Plain), collated(b, Style::Plain));
    let expected = compare(a, b);
    prop_assert_eq!(left.cmp(&right), expected, "{:?} and {:?}", a, b);
    if expected != Ordering::Equal {
        prop_assert!(!left.starts_with(&right) && !right.starts_with(&left), "prefix: {:?} and {:?}", a, b);
    }
    prop_assert_eq!(&left, &collated(a, Style::Escaped), "one value, two texts: {:?}", a);
    Ok(())
}

/// Changes one thing somewhere in `value`, so that comparisons have to look deep.
fn altered(value: &Value, choices: &mut impl Iterator<Item = u8>, other: &Value) -> Value {
    let choice = usize::from(choices.next().unwrap_or(0));
    match value {
        Value::Array(values) if !values.is_empty() && choice % 4 > 0 => {
            let mut values = values.clone();
            let at = choice % values.len();
            values[at] = altered(&values[at], choices, other);
            Value::Array(values)
        }
        Value::Array(values) => {
            let mut values = values.clone();
            values.push(other.clone());
            Value::Array(values)
        }
        Value::Object(members) if !members.is_empty() && choice % 4 > 0 => {
            let mut members = members.clone();
            let at = choice % members.len();
            members[at].1 = altered(&members[at].1, choices, other);
            Value::Object(members)
        }
        Value::Text(units) => {
            let mut units = units.clone();
            units.push(u16::from(choices.next().unwrap_or(0)));
            Value::Text(units)
        }
        _ => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_two_values(a in any_value(), b in any_value()) {
        check(&a, &b)?;
    }

    #[test]
    fn any_two_strings(a in any_text(), b in any_text()) {
        check(&Value::Text(a), &Value::Text(b))?;
    }

    #[test]
    fn values_that_differ_in_one_place(a in any_value(), other in any_value(), choices: [u8; 8]) {
        let b = altered(&a, &mut choices.into_iter(), &other);
        check(&a, &b)?;
    }
}

#[test]
fn every_pair_of_neighbouring_code_units() {
    let key = |unit| collated(&Value::Text(vec![unit]), Style::Plain);
    let mut previous = key(0);
    for unit in 1..=u16::MAX {
        let next = key(unit);
        assert!(previous < next && !next.starts_with(&previous), "{unit:x}");
        previous = next;
    }
}

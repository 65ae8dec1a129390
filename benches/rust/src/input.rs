//! The input: documents like those of `benches/documents.mjs`, about 262 bytes of JSON, and their keys.

use kixx_datastore::json::split_revision;
use kixx_datastore::kv::Entry;

pub(crate) const ITEMS: usize = 5_000;

const SEED: u64 = 1;
/// Has no factor in common with `ITEMS`.
const STEP: usize = 7_919_017;
const CITIES: [&str; 5] = ["Amsterdam", "Barcelona", "Copenhagen", "Zürich", "Edinburgh"];
const TAGS: [&str; 6] = ["admin", "beta", "customer", "editor", "guest", "partner"];

/// The numbers below `ITEMS`, in an order that looks random.
pub(crate) fn shuffled() -> impl Iterator<Item = usize> {
    (0..ITEMS).map(|number| number * STEP % ITEMS)
}

pub(crate) fn key(number: usize) -> Vec<u8> {
    format!("user:{number:08}").into_bytes()
}

/// For the tree, which does not look at values. In the order of their keys.
pub(crate) fn small_entries() -> impl Iterator<Item = Entry> {
    (0..ITEMS).map(|number| Entry::new(&key(number), b"{}", 0, 0))
}

/// The documents, in the order of their keys.
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    documents().enumerate().map(|(number, document)| {
        let document = split_revision(document.as_bytes()).expect("a document");
        Entry::new(&key(number), &document.body, document.version.unwrap_or_default(), 0)
    })
}

/// As they are written into files.
pub(crate) fn documents() -> impl Iterator<Item = String> {
    let mut random = Random(SEED);
    (0..ITEMS).map(move |number| {
        let mut part = || format!("{:x}", random.below(1 << 20));
        let (first, last) = (part(), part());
        format!(
            r#"{{"_rev":{},"id":"{number:x}","number":{number},"name":"User {first} {last}","#,
            random.below(20)
        ) + &format!(
            r#""email":"user.{first}.{last}@a.org","active":{},"balance":{}.{},"#,
            random.below(5) > 0,
            random.below(10_000),
            random.below(100),
        ) + &format!(
            r#""createdAt":"20{:02}-0{}-1{}T08:{:02}:11.250Z","#,
            random.below(30),
            1 + random.below(9),
            random.below(10),
            random.below(60),
        ) + &format!(
            r#""address":{{"city":"{}","street":"{}","zip":{}}},"tags":["{}","{}","{}"],"visits":{}}}"#,
            random.pick(&CITIES),
            random.pick(&CITIES),
            random.below(100_000),
            random.pick(&TAGS),
            random.pick(&TAGS),
            random.pick(&TAGS),
            random.below(10_000),
        )
    })
}

/// What map functions emit: a tag, a date in parts, a place with a price.
pub(crate) fn view_keys() -> impl Iterator<Item = String> {
    let mut random = Random(SEED);
    (0..ITEMS).map(move |number| match number % 3 {
        0 => format!(r#""{}""#, random.pick(&TAGS)),
        1 => format!("[20{:02},{},{}]", random.below(30), 1 + random.below(12), 1 + random.below(28)),
        _ => format!(r#"["{}",{}.{},null]"#, random.pick(&CITIES), random.below(10_000), random.below(100)),
    })
}

/// The `SplitMix64` generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A limit of 2^32 at most.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

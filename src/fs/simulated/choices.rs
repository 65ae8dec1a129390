//! Who decides what a crash leaves.

/// Makes one choice after the other.
pub trait Choices {
    /// One of `options` possibilities, from 0; `options` is at least 1.
    fn choose(&mut self, options: usize) -> usize;
}

/// Choices by chance: the same seed, the same choices (splitmix64).
#[derive(Clone, Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

impl Choices for Seeded {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a usize")]
    fn choose(&mut self, options: usize) -> usize {
        (self.bits() % options.max(1) as u64) as usize
    }
}

/// All choices, one combination after the other.
#[derive(Clone, Debug, Default)]
pub struct Exhaustive {
    /// Options and choice of each step.
    trail: Vec<(usize, usize)>,
    step: usize,
}

impl Exhaustive {
    /// Goes on to the next combination; false when there was none left.
    pub fn advance(&mut self) -> bool {
        self.trail.truncate(self.step);
        self.step = 0;
        while let Some((options, chosen)) = self.trail.pop() {
            if chosen + 1 < options {
                self.trail.push((options, chosen + 1));
                return true;
            }
        }
        false
    }
}

impl Choices for Exhaustive {
    fn choose(&mut self, options: usize) -> usize {
        if self.step == self.trail.len() {
            self.trail.push((options, 0));
        }
        self.step += 1;
        self.trail[self.step - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_come_once_each() {
        let mut all = Exhaustive::default();
        let mut seen = Vec::new();
        loop {
            let first = all.choose(3);
            let second = if first == 1 { all.choose(2) } else { all.choose(1) };
            seen.push((first, second));
            if !all.advance() {
                break;
            }
        }
        assert_eq!(seen, [(0, 0), (1, 0), (1, 1), (2, 0)]);
    }
}

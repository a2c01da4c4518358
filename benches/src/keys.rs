//! Keys, values, and the order in which they are asked for.

/// Bytes of a key.
pub const KEY_LEN: usize = 24;

/// Bytes of a value.
pub const VALUE_LEN: usize = 64;

/// A key as the desk writes them.
pub type Key = [u8; KEY_LEN];

/// The key of a number below 10⁸: `market:BTCUSDT:q00001234`.
#[inline]
#[must_use]
pub fn key(number: u64) -> Key {
    let mut key = *b"market:BTCUSDT:q00000000";
    let mut rest = number;
    for digit in key[16..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// The value of a number: its first eight bytes are the number.
#[inline]
#[must_use]
pub fn value(number: u64) -> [u8; VALUE_LEN] {
    let mut value = [b'v'; VALUE_LEN];
    value[..8].copy_from_slice(&number.to_le_bytes());
    value
}

/// A small generator of pseudo-random numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts a sequence; equal seeds give equal sequences.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    #[inline]
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// A fraction from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The numbers below `count` in a random order.
#[must_use]
pub fn shuffled(count: u64, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut numbers: Vec<u64> = (0..count).collect();
    for last in (1..numbers.len()).rev() {
        let other = random.below(last as u64 + 1);
        numbers.swap(last, usize::try_from(other).unwrap_or(last));
    }
    numbers
}

/// `draws` numbers below `count`, Zipf-distributed with exponent 0.99, popular ones scattered.
#[must_use]
pub fn zipf(count: u64, draws: usize, seed: u64) -> Vec<u64> {
    zipf_of(count, draws, 0.99, seed)
}

/// As [`zipf`], with another exponent.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
pub fn zipf_of(count: u64, draws: usize, exponent: f64, seed: u64) -> Vec<u64> {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = (1..=count)
        .map(|rank| {
            sum += 1.0 / (rank as f64).powf(exponent);
            sum
        })
        .collect();
    let scattered = shuffled(count, 7);
    let mut random = Random::new(seed);
    let mut draw = || {
        let point = random.fraction() * sum;
        let rank = cumulated.partition_point(|&up_to| up_to < point);
        scattered[rank.min(scattered.len() - 1)]
    };
    (0..draws).map(|_| draw()).collect()
}

/// The keys of numbers, side by side in the order of use, so that fetching them misses no cache.
#[must_use]
pub fn keys_of(numbers: &[u64]) -> Vec<Key> {
    numbers.iter().map(|&number| key(number)).collect()
}

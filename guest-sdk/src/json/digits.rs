//! Decimal digits, eight at a time: a sandboxed loop pays for every turn, so there is none here.

/// A number as it was written, with its leading zeros counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    pub(super) number: u64,
    pub(super) count: usize,
}
/// How many digits are read at a time.
pub(super) const FEW: usize = 8;

/// A double has 53 bits for its digits: whole numbers up to here are exact.
const EXACT_MAX: u64 = 1 << 53;

/// Every number of so many digits fits into 64 bits.
const DIGITS_MAX: usize = 19;

/// The powers of ten up to the longest number.
const WHOLE_POWERS_OF_TEN: [u64; DIGITS_MAX + 1] = {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut exponent = 1;
    while exponent <= DIGITS_MAX {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// The powers of ten that a double holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The next eight bytes, the first in the lowest place; zeros past the end.
#[inline(always)]
pub(super) fn chunk(body: &[u8], position: usize) -> u64 {
    let rest = &body[position.min(body.len())..];
    match rest.first_chunk::<FEW>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |chunk, byte| (chunk << 8) | u64::from(*byte)),
    }
}

impl Digits {
    /// The digits that a chunk begins with.
    #[inline(always)]
    pub(super) fn of(chunk: u64) -> Self {
        const ZEROS: u64 = 0x3030_3030_3030_3030;
        const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
        // Digits become 0 to 9, so that adding 0x76 sets the high bit of whatever else a byte is.
        // A carry only reaches later bytes, and the first that is no digit is all that counts.
        let values = chunk ^ ZEROS;
        let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & HIGH_BITS;
        let count = (others.trailing_zeros() / 8) as usize;
        if count == 0 {
            return Self { number: 0, count };
        }
        // The digits move to the end, with zeros before them; then neighbours join, three times.
        let values = values << (64 - 8 * count);
        let pairs = (values.wrapping_mul(10).wrapping_add(values >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
        let number = (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff;
        Self { number, count }
    }

    /// These digits and then those, if they fit.
    #[inline(always)]
    pub(super) fn then(self, next: Self) -> Option<Self> {
        let count = self.count + next.count;
        if count > DIGITS_MAX {
            return None;
        }
        let number = self.number * WHOLE_POWERS_OF_TEN[next.count] + next.number;
        Some(Self { number, count })
    }
}

/// A whole number with its last digits behind the point. None if that takes more than one exact
/// division.
#[expect(clippy::cast_precision_loss, reason = "that it is exact is checked")]
#[inline(always)]
pub(super) fn scaled(number: u64, fraction_digits: usize) -> Option<f64> {
    let power = POWERS_OF_TEN.get(fraction_digits)?;
    (number <= EXACT_MAX).then(|| number as f64 / power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_begins_with_as_many_digits_as_it_does() {
        let cases = [
            ("12345678", 12_345_678, 8),
            ("123456789", 12_345_678, 8),
            ("00000001", 1, 8),
            ("99999999", 99_999_999, 8),
            ("1.234567", 1, 1),
            ("17\"]99999", 17, 2),
            ("1/2", 1, 1),
            ("1:2", 1, 1),
            ("1\u{ff}\u{ff}2", 1, 1),
            ("e5", 0, 0),
            ("", 0, 0),
            ("7", 7, 1),
        ];
        for (text, number, count) in cases {
            assert_eq!(Digits::of(chunk(text.as_bytes(), 0)), Digits { number, count }, "{text}");
        }
    }

    #[test]
    fn every_byte_that_is_no_digit_ends_the_digits() {
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            let digits = Digits::of(chunk(&[b'4', b'2', byte, b'9', b'9', b'9', b'9', b'9'], 0));
            assert_eq!(digits, Digits { number: 42, count: 2 }, "{byte}");
        }
    }

    #[test]
    fn digits_that_do_not_fit_are_none() {
        let long = Digits { number: 9_999_999_999_999_999, count: 16 };
        assert_eq!(long.then(long), None);
        let short = Digits { number: 5, count: 3 };
        assert_eq!(short.then(short), Some(Digits { number: 5_005, count: 6 }));
    }

    #[test]
    fn only_exact_divisions_are_done() {
        assert_eq!(scaled(123_456_789, 9), Some(0.123_456_789));
        assert_eq!(scaled(EXACT_MAX, 0), Some(9_007_199_254_740_992.0));
        assert_eq!(scaled(EXACT_MAX + 1, 0), None);
        assert_eq!(scaled(1, 23), None);
    }
}

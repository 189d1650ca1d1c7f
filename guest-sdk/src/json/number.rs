//! Numbers of JSON, exactly as serde_json and [`f64`]'s own parser read them.

use super::cursor::Cursor;
use super::digits::{Digits, FEW, chunk, scaled};

/// A number, by the kinds that serde knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// A whole number.
    Whole(u64),
    /// A whole number below zero.
    Negative(i64),
    /// Any other.
    Float(f64),
}

#[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
impl From<Number> for f64 {
    #[inline(always)]
    fn from(number: Number) -> Self {
        match number {
            Number::Whole(number) => number as Self,
            Number::Negative(number) => number as Self,
            Number::Float(number) => number,
        }
    }
}

impl Cursor<'_> {
    /// The number that begins here. None if there is none, or none that a double holds.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Option<Number> {
        let start = self.position;
        let is_negative = self.peek() == b'-';
        self.position += usize::from(is_negative);
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        if let Some(short) = super::short::Short::of(self.body, self.position) {
            self.position += short.length;
            if short.fraction_digits == 0 {
                return Some(whole(is_negative, short.number));
            }
            if let Some(number) = scaled(short.number, short.fraction_digits) {
                return Some(Number::Float(if is_negative { -number } else { number }));
            }
        }
        let is_zero = self.peek() == b'0';
        let Some(mut digits) = self.digits() else { return self.long_number(start) };
        // JSON has no leading zeros.
        if digits.count == 0 || is_zero && digits.count > 1 {
            return None;
        }
        let mut fraction_digits = 0;
        if self.peek() == b'.' {
            self.position += 1;
            let Some(fraction) = self.digits() else { return self.long_number(start) };
            if fraction.count == 0 {
                return None;
            }
            let Some(all) = digits.then(fraction) else { return self.long_number(start) };
            (digits, fraction_digits) = (all, fraction.count);
        }
        if matches!(self.peek(), b'e' | b'E') {
            return self.long_number(start);
        }
        if fraction_digits == 0 {
            return Some(whole(is_negative, digits.number));
        }
        match scaled(digits.number, fraction_digits) {
            Some(number) => Some(Number::Float(if is_negative { -number } else { number })),
            None => self.long_number(start),
        }
    }

    /// Fewer than 16 digits, perhaps none. None if there are more.
    #[inline(always)]
    fn digits(&mut self) -> Option<Digits> {
        let digits = self.few_digits();
        if digits.count < FEW {
            return Some(digits);
        }
        let rest = self.few_digits();
        digits.then(rest).filter(|_digits| rest.count < FEW)
    }

    /// Up to eight digits.
    #[inline(always)]
    fn few_digits(&mut self) -> Digits {
        let digits = Digits::of(chunk(self.body, self.position));
        self.position += digits.count;
        digits
    }

    /// The number that begins there, whatever its length: the standard library knows how to round it.
    #[cold]
    #[inline(never)]
    fn long_number(&mut self, start: usize) -> Option<Number> {
        let rest = &self.body[start..];
        let mut end = usize::from(rest.first() == Some(&b'-'));
        let is_negative = end == 1;
        let first = rest.get(end)?;
        let whole_digits = pass_digits(rest, &mut end);
        if whole_digits == 0 || *first == b'0' && whole_digits > 1 {
            return None;
        }
        let mut is_whole = true;
        if rest.get(end) == Some(&b'.') {
            end += 1;
            is_whole = false;
            (pass_digits(rest, &mut end) > 0).then_some(())?;
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            end += 1;
            is_whole = false;
            end += usize::from(matches!(rest.get(end), Some(b'+' | b'-')));
            (pass_digits(rest, &mut end) > 0).then_some(())?;
        }
        self.position = start + end;
        let text = std::str::from_utf8(&rest[..end]).ok()?;
        if is_whole && let Ok(number) = text[usize::from(is_negative)..].parse() {
            return Some(whole(is_negative, number));
        }
        let number: f64 = text.parse().ok()?;
        number.is_finite().then_some(Number::Float(number))
    }
}

/// A whole number. As serde_json has it, zero keeps its sign, and so becomes a double.
#[expect(clippy::cast_precision_loss, reason = "64 bits do not hold it")]
#[inline(always)]
fn whole(is_negative: bool, number: u64) -> Number {
    if !is_negative {
        return Number::Whole(number);
    }
    match 0_i64.checked_sub_unsigned(number) {
        Some(negative @ ..0) => Number::Negative(negative),
        _ => Number::Float(-(number as f64)),
    }
}

/// Passes digits and says how many there were.
fn pass_digits(text: &[u8], position: &mut usize) -> usize {
    let count = text[*position..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    *position += count;
    count
}

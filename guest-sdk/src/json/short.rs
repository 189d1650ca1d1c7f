//! A number of up to fifteen characters in one step: sixteen bytes at a time, in WebAssembly's own
//! wide registers. `graft build` compiles for them.

use std::arch::wasm32::{
    i8x16_add, i8x16_le, i8x16_splat, i8x16_sub, i8x16_swizzle, i16x8, i16x8_add, i16x8_mul,
    i16x8_narrow_i32x4, i16x8_splat, i32x4_dot_i16x8, u8x16, u8x16_bitmask, u8x16_eq, u8x16_lt,
    u8x16_splat, u8x16_sub, u16x8_shr, u64x2, u64x2_extract_lane, v128, v128_and,
};

/// How many bytes are looked at.
const WIDTH: usize = 16;

/// A decimal number without sign and exponent.
pub(super) struct Short {
    /// All digits, the point left out.
    pub(super) number: u64,
    /// How many of them are behind the point.
    pub(super) fraction_digits: usize,
    /// How many characters there are.
    pub(super) length: usize,
}

impl Short {
    /// The number that begins here. None if it does not end within sixteen bytes, or is anything
    /// but plain.
    #[inline(always)]
    pub(super) fn of(body: &[u8], position: usize) -> Option<Self> {
        let (low, rest) = body.get(position..)?.split_first_chunk::<8>()?;
        let high = rest.first_chunk::<8>()?;
        let bytes = u64x2(u64::from_le_bytes(*low), u64::from_le_bytes(*high));
        let digits = u8x16_sub(bytes, u8x16_splat(b'0'));
        // Bits of what is no digit. Those above the sixteenth are set as well.
        let others = !u32::from(u8x16_bitmask(u8x16_lt(digits, u8x16_splat(10))));
        let points = u32::from(u8x16_bitmask(u8x16_eq(bytes, u8x16_splat(b'.'))));
        let whole_digits = others.trailing_zeros();
        let is_whole = points & others & others.wrapping_neg() == 0;
        let end = match is_whole {
            true => whole_digits,
            false => (others & (others - 1)).trailing_zeros(),
        };
        let fraction_digits = if is_whole { 0 } else { end - whole_digits - 1 };
        let is_plain = end < 16
            && whole_digits > 0
            && (is_whole || fraction_digits > 0)
            && (body[position] != b'0' || whole_digits == 1);
        if !is_plain || matches!(body[position + end as usize], b'e' | b'E') {
            return None;
        }
        let point = if is_whole { i8::MIN } else { whole_digits as i8 };
        let number = number(aligned(digits, end as i8, point));
        let (fraction_digits, length) = (fraction_digits as usize, end as usize);
        Some(Self { number, fraction_digits, length })
    }
}

/// The digits moved to the end, without the point that is among them, and with zeros before them.
#[inline(always)]
fn aligned(digits: v128, end: i8, point: i8) -> v128 {
    const PLACES: v128 = u8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let from = i8x16_sub(PLACES, i8x16_splat(WIDTH as i8 - end));
    // Those up to the point come from one place further before it.
    let from = i8x16_add(from, i8x16_le(from, i8x16_splat(point)));
    // A place below zero is none, and gives zero.
    i8x16_swizzle(digits, from)
}

/// Sixteen digits as a number: neighbours join, four times.
#[inline(always)]
fn number(digits: v128) -> u64 {
    let first = v128_and(digits, i16x8_splat(0xff));
    let pairs = i16x8_add(i16x8_mul(first, i16x8_splat(10)), u16x8_shr(digits, 8));
    let fours = i32x4_dot_i16x8(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
    let fours = i16x8_narrow_i32x4(fours, fours);
    let eights = i32x4_dot_i16x8(fours, i16x8(10_000, 1, 10_000, 1, 10_000, 1, 10_000, 1));
    let eights = u64x2_extract_lane::<0>(eights);
    (eights & 0xffff_ffff) * 100_000_000 + (eights >> 32)
}

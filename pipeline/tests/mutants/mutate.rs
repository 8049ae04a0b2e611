//! A mutant: a source with damage that a seed and a number decide.
#![expect(
    clippy::ptr_arg,
    reason = "damages have one signature: some change the length"
)]

use fastrand::Rng;

use crate::numbers::{self, Number};
use crate::sources::Source;

pub struct Mutant {
    pub bytes: Vec<u8>,
    /// The source of the mutant, and its damage.
    pub what: String,
}

type Damage = fn(&mut Rng, &mut Vec<u8>, &[u8]) -> String;

/// Kinds of damage. Lies come first and most often: flipped bits mostly hit coded pictures, which decoders are used to;
/// programs go wrong at what a container says of itself.
const DAMAGES: [Damage; 14] = [
    lie, lie, lie, lie, lies, lies, few_bits, many_bits, nought, noise, cut, tail, shuffle, head,
];

/// Makes mutant `number` of a seed.
pub fn mutant(sources: &[Source], seed: u64, number: u64) -> Mutant {
    let mut random = Rng::with_seed(seed.rotate_left(32) ^ number);
    let source = &sources[number as usize % sources.len()];
    let other = &sources[random.usize(0..sources.len())];
    let mut bytes = source.bytes.clone();
    let mut what = source.name.clone();
    let damages = if random.u8(0..4) == 0 { 2 } else { 1 };
    for _ in 0..damages {
        let damage = DAMAGES[random.usize(0..DAMAGES.len())];
        what += &format!(", {}", damage(&mut random, &mut bytes, &other.bytes));
        if bytes.is_empty() {
            break;
        }
    }
    Mutant { bytes, what }
}

/// Changes one number of the container.
fn lie(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let numbers = numbers::find(bytes);
    if numbers.is_empty() {
        return few_bits(random, bytes, &[]);
    }
    let number = numbers[random.usize(0..numbers.len())];
    let (was, is) = tell(random, bytes, number);
    format!("{was:#x} at {} said to be {is:#x}", number.at)
}

/// Changes several numbers of the container.
fn lies(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let numbers = numbers::find(bytes);
    if numbers.is_empty() {
        return many_bits(random, bytes, &[]);
    }
    let count = random.usize(2..20);
    for _ in 0..count {
        let number = numbers[random.usize(0..numbers.len())];
        tell(random, bytes, number);
    }
    format!("{count} lies")
}

fn tell(random: &mut Rng, bytes: &mut [u8], number: Number) -> (u64, u64) {
    let most = u64::MAX >> (64 - 8 * number.width);
    let was = number.read(bytes);
    let is = match random.u8(0..14) {
        0 => 0,
        1 => 1,
        2 => most,
        3 => most >> 1,
        4 => (most >> 1) + 1,
        5 => was.wrapping_add(1),
        6 => was.wrapping_sub(1),
        7 => was.wrapping_mul(2),
        8 => was / 2,
        9 => was ^ (1 << random.usize(0..8 * number.width)),
        10 => bytes.len() as u64,
        11 => 0xffff,
        12 => random.u64(0..64),
        _ => random.u64(..),
    } & most;
    number.write(bytes, is);
    (was, is)
}

/// Chooses the place of the damage: every other time near the start or the end, where indexes are.
fn place(random: &mut Rng, length: usize) -> usize {
    const EDGE: usize = 4096;
    match random.u8(0..4) {
        0 => random.usize(0..length.min(EDGE)),
        1 => length - 1 - random.usize(0..length.min(EDGE)),
        _ => random.usize(0..length),
    }
}

fn stretch(random: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let from = place(random, length);
    let longest = 1 << random.usize(0..16);
    from..length.min(from + random.usize(1..=longest))
}

fn few_bits(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let count = random.usize(1..=8);
    flip(random, bytes, count)
}

fn many_bits(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let count = 1 << random.usize(4..13);
    flip(random, bytes, count)
}

fn flip(random: &mut Rng, bytes: &mut [u8], count: usize) -> String {
    for _ in 0..count {
        let at = place(random, bytes.len());
        bytes[at] ^= 1 << random.u8(0..8);
    }
    format!("{count} bits flipped")
}

fn nought(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let stretch = stretch(random, bytes.len());
    bytes[stretch.clone()].fill(0);
    format!("{stretch:?} set to nought")
}

fn noise(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let stretch = stretch(random, bytes.len());
    random.fill(&mut bytes[stretch.clone()]);
    format!("{stretch:?} made noise")
}

fn cut(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let at = place(random, bytes.len());
    bytes.truncate(at);
    format!("cut at {at}")
}

/// Replaces the end with that of another file.
fn tail(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) -> String {
    let (keep, from) = (place(random, bytes.len()), random.usize(0..other.len()));
    bytes.truncate(keep);
    bytes.extend_from_slice(&other[from..]);
    format!("from {keep} on another file from {from} on")
}

/// Replaces the start with that of another file: a header over a body that it does not belong to.
fn head(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) -> String {
    let length = place(random, bytes.len().min(other.len()));
    bytes[..length].copy_from_slice(&other[..length]);
    format!("up to {length} another file")
}

/// Doubles a stretch of bytes, leaves it out, or swaps it with another.
fn shuffle(random: &mut Rng, bytes: &mut Vec<u8>, _: &[u8]) -> String {
    let stretch = stretch(random, bytes.len());
    let piece = bytes[stretch.clone()].to_vec();
    match random.u8(0..3) {
        0 => {
            bytes.splice(stretch.start..stretch.start, piece);
            format!("{stretch:?} twice")
        }
        1 => {
            bytes.drain(stretch.clone());
            format!("{stretch:?} left out")
        }
        _ => {
            bytes.drain(stretch.clone());
            let to = random.usize(0..=bytes.len());
            bytes.splice(to..to, piece);
            format!("{stretch:?} moved to {to}")
        }
    }
}

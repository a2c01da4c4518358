//! Random choices among the elements of a value.

use crate::{error::Error, reclaim::Guard};
use std::collections::HashSet;

/// A choice is drawn number by number when it is smaller than one part in so many.
const SPARSE: u64 = 3;

/// A number below a length that is not 0.
pub(super) fn number_below(len: u64, guard: &Guard<'_>) -> u64 {
    // A value has fewer than 2³² elements, so that the product fits.
    (u64::from(guard.random()) * len) >> 32
}

/// Up to `most` different numbers below a length, in random order.
pub(super) fn distinct(len: u64, most: usize, guard: &Guard<'_>) -> Vec<u64> {
    let most = (most as u64).min(len);
    if most < len / SPARSE {
        let mut seen = HashSet::new();
        let mut chosen = Vec::new();
        while (chosen.len() as u64) < most {
            let number = number_below(len, guard);
            if seen.insert(number) {
                chosen.push(number);
            }
        }
        return chosen;
    }
    let mut all: Vec<u64> = (0..len).collect();
    let mut chosen = Vec::new();
    while (chosen.len() as u64) < most {
        let index = usize::try_from(number_below(all.len() as u64, guard)).unwrap_or(0);
        chosen.push(all.swap_remove(index));
    }
    chosen
}

/// The numbers below a length that SRANDMEMBER and HRANDFIELD show: up to `most` different ones,
/// or, when that is negative, as many as it says.
///
/// # Errors
///
/// `OutOfRange` below `-i64::MAX`.
pub(super) fn numbers(len: u64, most: i64, guard: &Guard<'_>) -> Result<Vec<u64>, Error> {
    if most == i64::MIN {
        return Err(Error::OutOfRange);
    }
    let many = usize::try_from(most.unsigned_abs()).map_err(|_| Error::OutOfRange)?;
    if len == 0 {
        return Ok(Vec::new());
    }
    if most >= 0 {
        return Ok(distinct(len, many, guard));
    }
    Ok((0..many).map(|_| number_below(len, guard)).collect())
}

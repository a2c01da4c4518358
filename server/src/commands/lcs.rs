//! LCS: what two strings have in common, in order.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, keys, row},
    words::{Outcome, integer, is_word},
};
use crate::protocol::Reply;
use memory_cache_pool::Error;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("lcs", -3, flag::READONLY, lcs)
    .categories(category::STRING)
    .keys(&[keys(1, 1, 1, access::RO_ACCESS)])
    .doc(
        "string",
        "7.0.0",
        "O(N*M) where N and M are the lengths of s1 and s2, respectively",
        "Find longest common substring",
    )];

/// What is asked for.
#[derive(Default)]
struct Options {
    is_length: bool,
    are_places: bool,
    /// Shorter ones are not shown.
    least: usize,
    are_lengths: bool,
}

impl Options {
    fn read(call: &Call<'_, '_>) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut at = 3;
        while let Some(word) = call.args.get(at) {
            at += 1;
            if is_word(word, "idx") {
                options.are_places = true;
            } else if is_word(word, "len") {
                options.is_length = true;
            } else if is_word(word, "withmatchlen") {
                options.are_lengths = true;
            } else if is_word(word, "minmatchlen") {
                let least = integer(call.args.get(at).ok_or(Failure::SYNTAX)?)?;
                options.least = usize::try_from(least).unwrap_or(0);
                at += 1;
            } else {
                return Err(Failure::SYNTAX);
            }
        }
        if options.are_places && options.is_length {
            return Err(Failure::text(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// Bytes that follow each other in both strings.
struct Match {
    starts: [usize; 2],
    len: usize,
}

/// How long what the beginnings of two strings have in common is, for each length of either.
struct Lengths<'a> {
    one: &'a [u8],
    other: &'a [u8],
    /// Those of no byte of `one`, then of its first, and so on.
    lengths: Vec<u32>,
}

impl<'a> Lengths<'a> {
    /// None when there is no memory for so many.
    fn new(one: &'a [u8], other: &'a [u8]) -> Option<Self> {
        let width = other.len() + 1;
        let mut lengths = Vec::new();
        lengths.try_reserve_exact((one.len() + 1).checked_mul(width)?).ok()?;
        lengths.resize(width, 0);
        for byte in one {
            let mut left = 0;
            lengths.push(0);
            for same in other {
                let above = lengths.len() - width;
                let [corner, top] = [above - 1, above].map(|at| at_or_zero(&lengths, at));
                left = if byte == same { corner + 1 } else { top.max(left) };
                lengths.push(left);
            }
        }
        Some(Self { one, other, lengths })
    }

    fn of(&self, one: usize, other: usize) -> u32 {
        at_or_zero(&self.lengths, one * (self.other.len() + 1) + other)
    }

    fn whole(&self) -> u32 {
        self.of(self.one.len(), self.other.len())
    }

    /// What they have in common, from the end to the beginning.
    fn matches(&self) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        let (mut one, mut other) = (self.one.len(), self.other.len());
        let mut goes_on = false;
        while one > 0 && other > 0 {
            if self.one.get(one - 1) == self.other.get(other - 1) {
                (one, other) = (one - 1, other - 1);
                match matches.last_mut().filter(|_| goes_on) {
                    Some(last) => {
                        last.starts = [one, other];
                        last.len += 1;
                    }
                    None => matches.push(Match { starts: [one, other], len: 1 }),
                }
                goes_on = true;
            } else {
                goes_on = false;
                if self.of(one - 1, other) > self.of(one, other - 1) {
                    one -= 1;
                } else {
                    other -= 1;
                }
            }
        }
        matches
    }
}

fn at_or_zero(lengths: &[u32], at: usize) -> u32 {
    lengths.get(at).copied().unwrap_or(0)
}

fn lcs(call: &mut Call<'_, '_>) -> Outcome {
    let [one, other] = [1, 2].map(|at| match call.session.pool.get(call.args.at(at)) {
        Err(Error::WrongType) => {
            Err(Failure::text("ERR The specified keys must contain string values"))
        }
        found => Ok(found?.unwrap_or_default()),
    });
    let (one, other) = (one?, other?);
    let options = Options::read(call)?;
    let most = call.session.shared.settings.longest_bulk.get();
    let needed = (one.len() as u128 + 1) * (other.len() as u128 + 1) * 4;
    if needed > u128::from(most) {
        return Err(Failure::text(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    let lengths = Lengths::new(&one, &other).ok_or(Failure::text(
        "ERR Insufficient memory, failed allocating transient memory for LCS",
    ))?;
    if options.is_length {
        call.reply.integer(lengths.whole().into());
    } else if options.are_places {
        show_places(call.reply, &lengths, &options);
    } else {
        let common: Vec<&[u8]> = lengths
            .matches()
            .iter()
            .rev()
            .filter_map(|found| one.get(found.starts[0]..found.starts[0] + found.len))
            .collect();
        call.reply.bulk(common.concat());
    }
    Ok(())
}

fn show_places(reply: &mut Reply<'_>, lengths: &Lengths<'_>, options: &Options) {
    let mut matches = lengths.matches();
    matches.retain(|found| found.len >= options.least);
    reply.map(2);
    reply.bulk("matches");
    reply.array(matches.len());
    for found in matches {
        reply.array(2 + usize::from(options.are_lengths));
        for start in found.starts {
            reply.array(2);
            reply.count(start);
            reply.count(start + found.len - 1);
        }
        if options.are_lengths {
            reply.count(found.len);
        }
    }
    reply.bulk("len");
    reply.integer(lengths.whole().into());
}

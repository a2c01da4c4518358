//! How often and how lately a record was used, in one advisory word.
//!
//! ```text
//! [31:10] tick of the last use, wrapping | [9] fresh | [8] in trial | [7:6] uses | [5:0] reads
//! ```
//!
//! A use counts once a tick: a read that finds its own tick in the word changes nothing, and so the
//! hottest keys are written least, at most once a tick. That is also what the policies want, since
//! a burst of reads says less about the future than reads that are spread out.
//!
//! * *uses*: ticks with a use since the evictor last looked, up to 3. What `lfu` judges by.
//! * *reads*: a logarithmic counter, Morris's (1978): a read raises it from c to c + 1 with
//!   probability 1 / w(c), w = 1, 11, 21, and from there on 2^¼ times the one before. 63 stands for
//!   four million reads; the estimate is within a third. It serves those who ask; of the policies
//!   only `lfu` looks at it, to spare a record in trial that is read all the time.
//! * *fresh*: the counter is at 0 or 1, and a read has to look at it whatever the tick.
//! * *in trial*: the record's hash is in the [ring](super::trial), and `lfu` judges it there.

use crate::sync::{AtomicU32, Mutant, Ordering, is_mutant};

/// Bits below the tick.
const TICK_SHIFT: u32 = 10;
/// Ticks that a word can tell apart.
const TICKS: u32 = 1 << (u32::BITS - TICK_SHIFT);
/// Ages of more ticks than this are those of stamps that are ahead of who looks at them.
const OLDEST: u32 = TICKS - 1024;
const FRESH: u32 = 1 << 9;
const TRIAL: u32 = 1 << 8;
const USE: u32 = 1 << 6;
const USES: u32 = MOST_USES * USE;
const READS: u32 = USE - 1;
/// Words that differ from the present tick by no more than this need no look.
const QUIET: u32 = FRESH - 1;
/// The counter from which on a read raises it once in 21 times or less.
const SETTLED: u32 = 2;
/// The expected number of reads that raise a settled counter by one.
const SETTLED_WEIGHT: u32 = 21;
/// Random numbers above this one never raise a settled counter.
const BEST_LUCK: u32 = u32::MAX / SETTLED_WEIGHT;
/// 2^64 over the golden ratio.
const LOT_STRIDE: u64 = 0x9E37_79B9_7F4A_7C15;

/// The most uses that are counted until the evictor looks.
pub(super) const MOST_USES: u32 = 3;
/// Uses of a record in trial that let it stay.
const USES_TO_STAY: u32 = 2;
/// The counter that lets it stay all the same, after 33 reads on average.
const READS_TO_STAY: u32 = 3;

/// A point in the pool's time, as [`Pace`](super::pace::Pace) counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tick(u32);

impl Tick {
    /// The tick of a counter that wraps at 32 bits.
    #[inline]
    pub(super) fn new(count: u32) -> Self {
        Self(count << TICK_SHIFT)
    }

    /// Ticks from `earlier` to this one. A stamp that is ahead, because the tick moved on between
    /// two looks, is no age at all.
    #[inline]
    pub(super) fn since(self, earlier: Self) -> u32 {
        let age = self.0.wrapping_sub(earlier.0) >> TICK_SHIFT;
        if age > OLDEST { 0 } else { age }
    }
}

/// The lot that a thread's read draws, by its number.
///
/// The square of an equidistributed sequence: numbers that lie a fixed distance apart, as those of a
/// key that a loop reads, draw lots that are equidistributed, too. What counts reads draws lots
/// without a state of its own that every read would have to write.
#[inline]
pub(super) fn lot_of(read: u64) -> u32 {
    let turned = read.wrapping_mul(LOT_STRIDE);
    (turned.wrapping_mul(turned) >> 32) as u32
}

/// What came of noting a use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Noted {
    /// The record was used in this tick before.
    Again,
    /// It is the record's first use in this tick, which counts towards the end of the tick.
    New,
}

/// The access word of a record.
#[derive(Debug)]
pub(crate) struct Usage(AtomicU32);

impl Usage {
    /// The word of a record that is new at `now`.
    #[inline]
    pub(crate) fn new(now: Tick, is_in_trial: bool) -> Self {
        Self(AtomicU32::new(now.0 | FRESH | if is_in_trial { TRIAL } else { 0 }))
    }

    /// The word for a record that replaces this one at `now`: an overwrite is a use.
    ///
    /// Once it has been published, [`follow`](Self::follow) has to be called.
    #[inline]
    pub(crate) fn inherit(&self, now: Tick) -> Self {
        Self(AtomicU32::new(with_use(self.word(), now)))
    }

    /// The word for a record that replaces this one without a use, as EXPIRE does. As
    /// [`inherit`](Self::inherit) in everything else.
    pub(crate) fn copy(&self) -> Self {
        Self(AtomicU32::new(self.word()))
    }

    /// What the successor of `old` does when it is published: it takes over a promotion that came
    /// between the copying of the word and the publishing.
    #[inline]
    pub(crate) fn follow(&self, old: &Self) {
        if self.is_in_trial() && !old.is_in_trial() {
            self.promote();
        }
    }

    /// Whether a read has anything to note, which is rare; `lot` is random.
    #[inline]
    pub(super) fn needs_note(&self, now: Tick, lot: u32) -> bool {
        self.word() ^ now.0 > QUIET || lot <= BEST_LUCK
    }

    /// Notes a read that [needs it](Self::needs_note): of a new tick, of a fresh record, or a lucky
    /// one.
    ///
    /// Concurrent notes may lose each other; the word is a statistic.
    pub(super) fn note(&self, now: Tick, lot: u32) -> Noted {
        let word = self.word();
        let reads = word & READS;
        let is_raised = reads < READS && u64::from(lot) * weight(reads) <= u64::from(u32::MAX);
        let mut next = with_use(word, now) + u32::from(is_raised);
        if next & READS >= SETTLED {
            next &= !FRESH;
        }
        if next != word {
            // One try: whoever came first has noted a use of the same tick, or has cleared a mark
            // that a store would bring back.
            self.change(word, next);
        }
        if (word ^ now.0) >> TICK_SHIFT == 0 { Noted::Again } else { Noted::New }
    }

    /// Whether the record has still to show that it is worth its place.
    #[inline]
    pub(crate) fn is_in_trial(&self) -> bool {
        self.word() & TRIAL != 0
    }

    /// Uses that the evictor has not taken back yet.
    pub(super) fn uses(&self) -> u32 {
        (self.word() & USES) / USE
    }

    /// Whether a record in trial may stay.
    ///
    /// Two ticks with a use are what tells best. But where all others are new, a trial lasts for
    /// little more than one tick, and who was read all that time is not to go for it.
    pub(super) fn may_stay(&self) -> bool {
        let word = self.word();
        (word & USES) / USE >= USES_TO_STAY || word & READS >= READS_TO_STAY
    }

    /// Takes one use back.
    pub(super) fn lower(&self) {
        let word = self.word();
        if word & USES != 0 {
            self.change(word, word - USE);
        }
    }

    /// Ends the trial; from here on uses count from none.
    ///
    /// A read-modify-write, since a read may be raising the counter in the same word.
    pub(super) fn promote(&self) {
        // ORDERING: Relaxed; the mark is one word's own affair, and the slot's CAS after it
        // (`confirm→follow`) publishes it to whoever replaces the record.
        self.0.fetch_and(!(TRIAL | USES), Ordering::Relaxed);
    }

    /// An estimate of the number of reads.
    pub(crate) fn access_count(&self) -> u32 {
        let sum = (0..self.word() & READS).map(weight).sum::<u64>();
        u32::try_from(sum).unwrap_or(u32::MAX)
    }

    /// When the record was used last, or written if never.
    pub(crate) fn last_use(&self) -> Tick {
        Tick(self.word() >> TICK_SHIFT << TICK_SHIFT)
    }

    #[inline]
    fn word(&self) -> u32 {
        // ORDERING: Relaxed; advisory but for the mark, for which see `promote`.
        self.0.load(Ordering::Relaxed)
    }

    fn change(&self, seen: u32, next: u32) {
        if is_mutant(Mutant::TouchByStore) {
            // ORDERING: Relaxed; a mutant's step, which brings back what was cleared.
            self.0.store(next, Ordering::Relaxed);
            return;
        }
        // ORDERING: Relaxed; as in `promote`. A lost race loses a note.
        let _ = self.0.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The word after a use at `now`: the uses go up if it is the first of its tick.
#[inline]
fn with_use(word: u32, now: Tick) -> u32 {
    if (word ^ now.0) >> TICK_SHIFT == 0 {
        return word;
    }
    let rest = word & (FRESH | QUIET);
    now.0 | if word & USES != USES { rest + USE } else { rest }
}

/// The expected number of reads that raise the counter from `reads`.
fn weight(reads: u32) -> u64 {
    /// 2^(i/4), in sixteenths.
    const ROOTS: [u64; 4] = [16, 19, 23, 27];
    match reads {
        0 => 1,
        1 => 11,
        _ => {
            let step = reads - SETTLED;
            (u64::from(SETTLED_WEIGHT) * ROOTS[(step % 4) as usize] / 16) << (step / 4)
        }
    }
}

#[cfg(test)]
impl Usage {
    /// Notes a read, if it needs it.
    pub(super) fn touch(&self, now: Tick, lot: u32) -> Noted {
        if self.needs_note(now, lot) { self.note(now, lot) } else { Noted::Again }
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    fn xorshift(state: &mut u32) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        *state
    }

    #[test]
    fn the_estimate_follows_the_number_of_reads() {
        let mut state = 0x9E37_79B9;
        let all = [1_u32, 100, 10_000, 1_000_000];
        for &reads in if cfg!(miri) { &all[..2] } else { &all[..] } {
            let mut sum = 0.0;
            for _ in 0..40 {
                let usage = Usage::new(Tick::new(0), false);
                for _ in 0..reads {
                    usage.touch(Tick::new(0), xorshift(&mut state));
                }
                sum += f64::from(usage.access_count());
            }

            let mean = sum / 40.0 / f64::from(reads);

            assert!(
                (0.75..1.33).contains(&mean),
                "{reads} reads are estimated as {mean} times that"
            );
        }
    }

    #[test]
    fn the_estimate_of_a_key_that_a_loop_reads_is_as_good() {
        for period in [1, 2, 21, 64, 89, 144, 610, 1024] {
            let mut sum = 0.0;
            for phase in 1..=40 {
                let usage = Usage::new(Tick::new(0), false);
                for round in 0..1_000 {
                    usage.touch(Tick::new(0), lot_of(phase + round * period));
                }
                sum += f64::from(usage.access_count());
            }

            let mean = sum / 40.0 / 1_000.0;

            assert!(
                (0.67..1.5).contains(&mean),
                "in a loop of {period} keys reads are estimated as {mean} times what they are"
            );
        }
    }

    #[test]
    fn the_counter_reaches_four_million_reads_and_stops() {
        let usage = Usage::new(Tick::new(0), true);
        for _ in 0..100 {
            usage.touch(Tick::new(0), 0);
        }

        assert!((4_000_000..5_000_000).contains(&usage.access_count()));
        assert!(usage.is_in_trial());
        assert_eq!(usage.uses(), 0);
    }

    #[test]
    fn a_use_counts_once_a_tick() {
        let usage = Usage::new(Tick::new(7), true);

        assert_eq!(usage.touch(Tick::new(7), 0), Noted::Again);
        assert_eq!(usage.uses(), 0);
        for tick in 8..20 {
            assert_eq!(usage.touch(Tick::new(tick), 0), Noted::New);
            assert_eq!(usage.touch(Tick::new(tick), u32::MAX), Noted::Again);
            assert_eq!(usage.uses(), (tick - 7).min(3));
        }
        assert_eq!(usage.last_use(), Tick::new(19));
    }

    #[test]
    fn a_settled_record_is_not_written_twice_in_a_tick() {
        let usage = Usage::new(Tick::new(0), false);
        for _ in 0..3 {
            usage.touch(Tick::new(1), 0);
        }
        let word = usage.word();

        for lot in [BEST_LUCK + 1, u32::MAX] {
            assert_eq!(usage.touch(Tick::new(1), lot), Noted::Again);
        }

        assert_eq!(usage.word(), word);
    }

    #[test]
    fn a_promotion_clears_the_mark_and_the_uses_and_nothing_else() {
        let usage = Usage::new(Tick::new(0), true);
        usage.touch(Tick::new(3), 0);
        let reads = usage.access_count();

        usage.promote();

        assert!(!usage.is_in_trial());
        assert_eq!(usage.uses(), 0);
        assert_eq!(usage.access_count(), reads);
        assert_eq!(usage.last_use(), Tick::new(3));
    }

    #[test]
    fn an_overwrite_is_a_use_and_keeps_what_is_known() {
        let old = Usage::new(Tick::new(0), true);
        old.touch(Tick::new(1), 0);

        let heir = old.inherit(Tick::new(2));
        let copy = old.copy();

        assert_eq!(heir.uses(), 2);
        assert_eq!(heir.access_count(), old.access_count());
        assert_eq!(heir.last_use(), Tick::new(2));
        assert!(heir.is_in_trial());
        assert_eq!(copy.word(), old.word());
    }

    #[test]
    fn a_successor_follows_a_promotion_that_came_in_between() {
        let old = Usage::new(Tick::new(0), true);
        let heir = old.inherit(Tick::new(1));
        old.promote();

        heir.follow(&old);

        assert!(!heir.is_in_trial());
    }

    #[test]
    fn ages_survive_the_wrap_and_stamps_that_are_ahead() {
        let usage = Usage::new(Tick::new(TICKS - 1), false);

        assert_eq!(Tick::new(2).since(usage.last_use()), 3);
        assert_eq!(Tick::new(u32::MAX).since(Tick::new(0)), 0);
        assert_eq!(Tick::new(100).since(Tick::new(0)), 100);
    }
}

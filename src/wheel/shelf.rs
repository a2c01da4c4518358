//! A keyspace for the wheel's tests and models: a word for each key, and no table.
//!
//! It does in small what a pool has to do around its publishing CAS.

use super::{Cover, Hint, Plan, Records, Wheel, advance::Advanced};
use crate::{
    reclaim::{
        Domain, Guard, Retired,
        magazine::{self, block_bytes},
    },
    sync::{AtomicPtr, AtomicU32, Mutant, Ordering, UnsafeCell, is_mutant},
    tally::Tally,
};
use std::{
    ptr::{self, NonNull},
    sync::Arc,
};

/// What a record holds while it is being inserted, in the place of its cover. Its lower bits could
/// be those of a cover.
const BIRTH: u32 = 3;

/// A record that has nothing but a deadline.
#[repr(C, align(16))]
struct Card {
    deadline: UnsafeCell<u64>,
    cover: AtomicU32,
}

/// A card and the word that held it, under a guard.
#[derive(Clone, Copy)]
pub(super) struct Found<'t> {
    key: usize,
    word: &'t AtomicPtr<Card>,
    card: NonNull<Card>,
}

/// Keys from 0 on, each with a deadline or none, or absent.
pub(super) struct Shelf<const LEVELS: usize> {
    pub(super) domain: Arc<Domain>,
    pub(super) wheel: Wheel<LEVELS>,
    words: Vec<AtomicPtr<Card>>,
    keys_per_hash: usize,
}

impl<const LEVELS: usize> Shelf<LEVELS> {
    /// Entries that a writer fires at a time.
    pub(super) const INLINE: usize = Wheel::<LEVELS>::INLINE;

    /// An empty shelf at a time of the clock. So many keys in a row have the same hash.
    pub(super) fn new(keys: usize, keys_per_hash: usize, now: u64) -> Self {
        let word = |_| AtomicPtr::new(ptr::null_mut());
        let words = (0..keys).map(word).collect();
        Self { domain: Domain::new(), wheel: Wheel::new(now), words, keys_per_hash }
    }

    fn hint_of(&self, key: usize) -> Hint {
        let group = (key / self.keys_per_hash) as u64;
        Hint::of(group << 48 | group)
    }

    fn find(&self, key: usize, _guard: &Guard<'_>) -> Option<Found<'_>> {
        let word = &self.words[key];
        // ORDERING: Acquire; the card, as in a table's slot.
        let card = NonNull::new(word.load(Ordering::Acquire))?;
        Some(Found { key, word, card })
    }

    /// Replaces the exact word seen.
    fn swap(word: &AtomicPtr<Card>, seen: *mut Card, next: *mut Card) -> bool {
        // ORDERING: AcqRel; as in a table's slot. What a fire confirms by the one, an inheriting
        // writer has to read by the other.
        word.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn card(guard: &Guard<'_>, deadline: u64, cover: u32) -> NonNull<Card> {
        let card = guard.take_block(block_bytes(size_of::<Card>())).cast::<Card>();
        let content = Card { deadline: UnsafeCell::new(deadline), cover: AtomicU32::new(cover) };
        // SAFETY: the block is ours and large enough.
        unsafe { card.write(content) };
        card
    }

    /// Writes a key, whether it is there or not: 0 is no deadline.
    pub(super) fn set(&self, key: usize, deadline: u64) {
        let guard = &self.domain.pin();
        let word = &self.words[key];
        loop {
            let found = self.find(key, guard);
            let old = found.map_or(Cover::NONE, |found| Cover::of(self.cover(&found, guard)));
            let plan: Plan = self.wheel.plan(old, deadline);
            // While a record is being inserted, its birth lies where the cover will be.
            let card = Self::card(guard, deadline, BIRTH);
            if found.is_some() {
                // SAFETY: private.
                plan.cover().store(unsafe { &card.as_ref().cover });
            }
            let fulfil = || {
                // SAFETY: valid under the guard, also when it has been replaced.
                let cover = unsafe { &card.as_ref().cover };
                self.wheel.fulfil(plan, deadline, self.hint_of(key), cover, self, guard);
            };
            if is_mutant(Mutant::FulfilBeforePublish) {
                fulfil();
            }
            let seen = found.map_or(ptr::null_mut(), |found| found.card.as_ptr());
            if !Self::swap(word, seen, card.as_ptr()) {
                // SAFETY: nobody else has seen it.
                unsafe { drop_content(card.cast()) };
                // SAFETY: as above, and taken with this size.
                unsafe { guard.put_block(card.cast(), block_bytes(size_of::<Card>())) };
                continue;
            }
            match found {
                // SAFETY: our CAS unlinked it.
                Some(found) => unsafe { guard.retire(retired(found.card)) },
                None => guard.stripe().of(Tally::Keys).add(1),
            }
            if !is_mutant(Mutant::FulfilBeforePublish) {
                fulfil();
            }
            return;
        }
    }

    /// Removes a key; whether it was there.
    pub(super) fn delete(&self, key: usize) -> bool {
        let guard = &self.domain.pin();
        while let Some(found) = self.find(key, guard) {
            if self.unlink(&found, guard) {
                return true;
            }
        }
        false
    }

    fn unlink(&self, found: &Found<'_>, guard: &Guard<'_>) -> bool {
        let unlinked = Self::swap(found.word, found.card.as_ptr(), ptr::null_mut());
        if unlinked {
            guard.stripe().of(Tally::Keys).subtract(1);
            // SAFETY: our CAS unlinked it.
            unsafe { guard.retire(retired(found.card)) };
        }
        unlinked
    }

    /// The deadline of a key that is there, expired or not.
    pub(super) fn deadline_of(&self, key: usize) -> Option<u64> {
        let guard = &self.domain.pin();
        self.find(key, guard).map(|found| self.deadline(&found, guard))
    }

    /// Advances the wheel to a time of the clock, with a budget.
    pub(super) fn advance(&self, now: u64, budget: usize) -> Advanced {
        self.wheel.advance(now, budget, self, &self.domain.pin())
    }

    /// Advances the wheel until nothing more is due at a time of the clock.
    pub(super) fn advance_fully(&self, now: u64) -> usize {
        let mut expired = 0;
        loop {
            let advanced = self.advance(now, Self::INLINE);
            expired += advanced.expired;
            if !advanced.is_more_due {
                return expired;
            }
        }
    }

    /// How many entries the wheel holds.
    pub(super) fn entries(&self) -> u64 {
        self.domain.total(Tally::WheelEntries)
    }
}

impl<const LEVELS: usize> Records for Shelf<LEVELS> {
    type Found<'t> = Found<'t>;

    fn expect(&self, hints: &[Hint], _guard: &Guard<'_>) {
        assert!(hints.len() <= crate::sync::CLAIM);
    }

    fn visit_hint<'t>(
        &'t self,
        hint: Hint,
        guard: &'t Guard<'_>,
        visit: impl FnMut(Self::Found<'t>),
    ) {
        let group = (hint.hash() & 0xFFFF_FFFF) as usize;
        let first = group * self.keys_per_hash;
        let keys = first..(first + self.keys_per_hash).min(self.words.len());
        keys.filter_map(|key| self.find(key, guard)).for_each(visit);
    }

    fn visit_from<'t>(
        &'t self,
        cursor: u32,
        guard: &'t Guard<'_>,
        visit: impl FnMut(Self::Found<'t>),
    ) -> u32 {
        self.find(cursor as usize, guard).into_iter().for_each(visit);
        let next = cursor + 1;
        if (next as usize) < self.words.len() { next } else { 0 }
    }

    fn hint(&self, found: &Self::Found<'_>, _guard: &Guard<'_>) -> Hint {
        self.hint_of(found.key)
    }

    fn deadline(&self, found: &Self::Found<'_>, _guard: &Guard<'_>) -> u64 {
        // SAFETY: found under the guard.
        let card = unsafe { found.card.as_ref() };
        // SAFETY: written before the card was published.
        card.deadline.with(|deadline| unsafe { *deadline })
    }

    fn cover<'f>(&self, found: &'f Self::Found<'_>, _guard: &'f Guard<'_>) -> &'f AtomicU32 {
        // SAFETY: found under the guard.
        unsafe { &found.card.as_ref().cover }
    }

    fn expire(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> bool {
        self.unlink(found, guard)
    }

    fn confirm(&self, found: &Self::Found<'_>, _guard: &Guard<'_>) -> bool {
        Self::swap(found.word, found.card.as_ptr(), found.card.as_ptr())
    }

    fn total(&self, tally: Tally) -> u64 {
        self.domain.total(tally)
    }
}

impl<const LEVELS: usize> Drop for Shelf<LEVELS> {
    fn drop(&mut self) {
        // A model that fails cannot touch loom's atomics any more.
        if std::thread::panicking() {
            return;
        }
        for word in &self.words {
            // ORDERING: Relaxed; the shelf is ours alone.
            if let Some(card) = NonNull::new(word.load(Ordering::Relaxed)) {
                // SAFETY: ours alone, as the shelf is.
                if let (Some((block, bytes)), _) = unsafe { retired(card).finish() } {
                    // SAFETY: taken with this size.
                    unsafe { magazine::release(block, bytes) };
                }
            }
        }
        // SAFETY: the actors are done.
        unsafe { self.domain.close() };
    }
}

/// How a card is given back.
fn retired(card: NonNull<Card>) -> Retired {
    let bytes = u32::try_from(block_bytes(size_of::<Card>())).unwrap();
    Retired::Owner { block: card.cast(), bytes, held: 0, drop_content }
}

/// Drops a card: nothing, but under loom its atomics have destructors.
///
/// # Safety
///
/// `block` is a card that nobody else can reach.
unsafe fn drop_content(block: NonNull<u8>) -> usize {
    // SAFETY: dropped once, here.
    unsafe { block.cast::<Card>().drop_in_place() };
    0
}

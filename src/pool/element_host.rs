//! Elements of collections that stand for objects of a host's.
//!
//! An element is bytes. A host may have some bytes stand for an object that it keeps by reference,
//! and is told here how many elements stand for it: one more when such an element is written, copied
//! or stored, one less when it is overwritten or removed, or goes with its key or with the pool, but
//! then not before everybody who might have seen it there has unpinned.
//!
//! So an object is there as long as an element that stands for it can be looked at. Who takes an
//! element out and wants its object, too, [pins](MemoryCachePool::pin) before he does.
//!
//! The values of fields count, the members of sets and the elements of lists; the names of fields do
//! not. Whoever wins the CAS that is a change tells of it, once: an edit of what it was asked to
//! change ([`note_fields`](Engine::note_fields), [`note_steps`](Engine::note_steps)), and
//! [`note_gone`](Engine::note_gone) of what goes as a whole.

#[cfg(doc)]
use super::MemoryCachePool;
use super::{edits::Changes, engine::Engine};
use crate::{
    reclaim::{Guard, Retired},
    record::{Live, Value, collection::Family},
    value::{
        change::{Change, Wish},
        collection::Collection,
        element::Element,
        list::ListValue,
        packed::{elements::Kept, run::Side},
    },
};
use std::{fmt, ptr::NonNull, sync::Arc};

/// Objects of which a slice of a large collection's lets go.
const SLICE: usize = 64;

/// An object that an element stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ElementObject {
    /// What the host knows it by.
    pub id: u64,
    /// Bytes that it holds as far as the host knows. They count as the pool's own, once for each
    /// element that stands for it.
    pub bytes: u32,
}

/// A host some of whose elements stand for objects; see [`CacheConfig::element_host`].
///
/// Its calls are made under a pin: they should be short, must not block, and may not use the pool.
///
/// [`CacheConfig::element_host`]: crate::CacheConfig::element_host
pub trait ElementHost: fmt::Debug + Send + Sync + 'static {
    /// Whether any element stands for an object. Until then nobody looks; it is never taken back.
    fn has_objects(&self) -> bool;

    /// The object that an element stands for, if it stands for one.
    fn object_of(&self, element: &[u8]) -> Option<ElementObject>;

    /// One more element stands for an object, which the host has kept until now by other means, or
    /// for the sake of another element.
    fn gained(&self, object: ElementObject);

    /// One element less stands for it, and nobody who is pinned can have seen that one.
    fn lost(&self, object: ElementObject);
}

/// Objects that elements stood for that are gone, until nobody is pinned who may have seen them.
struct Lost {
    host: Arc<dyn ElementHost>,
    objects: Vec<ElementObject>,
}

impl Lost {
    /// Lets a slice of the objects go; true when none are left.
    ///
    /// # Safety
    ///
    /// `lost` came from [`lose`], nobody else uses it, and it is not used again once this has
    /// returned true.
    unsafe fn free_slice(lost: NonNull<u8>) -> bool {
        let mut lost = lost.cast::<Self>();
        // SAFETY: the caller's word.
        let whole = unsafe { lost.as_mut() };
        let left = whole.objects.len().saturating_sub(SLICE);
        whole.objects.drain(left..).for_each(|object| whole.host.lost(object));
        if left == 0 {
            // SAFETY: the caller's word; a leaked box.
            drop(unsafe { Box::from_raw(lost.as_ptr()) });
        }
        left == 0
    }
}

impl Engine {
    /// The host, if any of its elements stands for an object.
    #[inline(always)]
    fn element_host(&self) -> Option<&Arc<dyn ElementHost>> {
        self.config.element_host.as_ref().filter(|host| host.has_objects())
    }

    /// Notes that changes have been made of what a key held, if it held anything.
    #[inline(always)]
    pub(super) fn note_fields(
        &self,
        guard: &Guard<'_>,
        family: Family,
        before: Option<Live<'_>>,
        changes: &[Change<'_>],
    ) {
        if let Some(host) = self.element_host() {
            self.tell_fields(host, guard, family, before, changes);
        }
    }

    /// The same, of one change: of a copy, so that who makes it need not keep it in memory.
    #[inline(always)]
    pub(super) fn note_field(
        &self,
        guard: &Guard<'_>,
        family: Family,
        before: Option<Live<'_>>,
        change: Change<'_>,
    ) {
        if let Some(host) = self.element_host() {
            self.tell_fields(host, guard, family, before, &[change]);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_fields(
        &self,
        host: &Arc<dyn ElementHost>,
        guard: &Guard<'_>,
        family: Family,
        before: Option<Live<'_>>,
        changes: &[Change<'_>],
    ) {
        let before = match before.map(Live::value) {
            Some(Value::Hash(hash)) => hash.collection(),
            Some(Value::Set(set)) => set.collection(),
            _ => Collection::EMPTY,
        };
        let mut lost = Vec::new();
        for change in changes {
            let found = change.field.with_text(|field| before.find(field, &self.hasher));
            let old = found.and_then(|value| match family {
                Family::Hash => Element::read(value).map(|(value, _)| value),
                Family::Set => Some(change.field),
            });
            let (new, old) = match change.wish {
                Wish::Set(value) => (Some(value), old),
                Wish::Add if old.is_some() => (None, None),
                Wish::Add => (Some(change.field), None),
                Wish::Remove => (None, old),
            };
            gain(host, guard, new);
            lost.extend(object_of(host, old));
        }
        lose(host, guard, lost);
    }

    /// Notes what steps have taken out of a list.
    #[inline(always)]
    pub(super) fn note_steps(&self, guard: &Guard<'_>, list: ListValue<'_>, changes: &Changes) {
        if let Some(host) = self.element_host() {
            tell_steps(host, guard, list, changes);
        }
    }

    /// Notes that elements have been written to a list.
    #[inline(always)]
    pub(super) fn note_written<E: AsRef<[u8]>>(&self, guard: &Guard<'_>, elements: &[E]) {
        if let Some(host) = self.element_host() {
            elements
                .iter()
                .for_each(|element| gain(host, guard, Some(Element::of(element.as_ref()))));
        }
    }

    /// Notes that an element has been taken out of a list.
    #[inline(always)]
    pub(super) fn note_taken(&self, guard: &Guard<'_>, element: Kept<'_>) {
        if let Some(host) = self.element_host() {
            lose(host, guard, object_of(host, element.element()).into_iter().collect());
        }
    }

    /// Notes that another key has got what this one holds.
    pub(super) fn note_copied(&self, guard: &Guard<'_>, source: Live<'_>) {
        if let Some(host) = self.element_host() {
            for_each_element(source, |element| gain(host, guard, Some(element)));
        }
    }

    /// Bytes that the objects hold for which the elements of a key stand. O(elements), unless there are
    /// no objects.
    pub(super) fn element_bytes(&self, live: Live<'_>) -> usize {
        let mut bytes = 0;
        if let Some(host) = self.element_host() {
            for_each_element(live, |element| {
                bytes += object_of(host, Some(element)).map_or(0, |object| object.bytes as usize);
            });
        }
        bytes
    }

    /// Notes that everything is gone, with the pool.
    pub(super) fn give_elements_up(&self) {
        if self.element_host().is_some() {
            self.walk(|guard, live| {
                let hash = self.hash(live.key());
                let is_it = |other| live.is(other);
                while let Some(found) = self.table.find_for_write(hash, is_it, guard) {
                    if self.unlink(guard, &found) {
                        self.note_elements_gone(guard, live);
                        break;
                    }
                }
            });
        }
    }

    /// Notes that what a key held is gone. O(elements), unless there are no objects.
    #[inline(always)]
    pub(super) fn note_elements_gone(&self, guard: &Guard<'_>, old: Live<'_>) {
        if let Some(host) = self.element_host() {
            tell_gone(host, guard, old);
        }
    }
}

#[cold]
#[inline(never)]
fn tell_steps(
    host: &Arc<dyn ElementHost>,
    guard: &Guard<'_>,
    list: ListValue<'_>,
    changes: &Changes,
) {
    let mut lost = Vec::new();
    let mut take = |from: u64, to: u64| {
        let len = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let elements = list.iter_from(from, Side::Left).take(len);
        lost.extend(elements.filter_map(|element| object_of(host, Some(element))));
    };
    match changes {
        Changes::No | Changes::Added => {}
        Changes::Kept(range) => {
            take(0, range.start);
            take(range.end, list.len());
        }
        Changes::Gone(indices) => indices.iter().for_each(|&index| take(index, index + 1)),
        Changes::Replaced(index) => take(*index, index + 1),
    }
    lose(host, guard, lost);
}

#[cold]
#[inline(never)]
fn tell_gone(host: &Arc<dyn ElementHost>, guard: &Guard<'_>, old: Live<'_>) {
    let mut lost = Vec::new();
    for_each_element(old, |element| lost.extend(object_of(host, Some(element))));
    lose(host, guard, lost);
}

/// Shows the elements of a collection among which there may be objects.
fn for_each_element(live: Live<'_>, mut show: impl FnMut(Element<'_>)) {
    match live.value() {
        Value::Hash(hash) => hash.iter().for_each(|(_, value)| show(value)),
        Value::Set(set) => set.iter().for_each(show),
        Value::List(list) => list.iter().for_each(show),
        Value::Bytes(_) | Value::Integer(_) | Value::Object(_) => {}
    }
}

/// What an element stands for. A number is no object.
fn object_of(host: &Arc<dyn ElementHost>, element: Option<Element<'_>>) -> Option<ElementObject> {
    match element {
        Some(Element::Text(text)) => host.object_of(text),
        Some(Element::Integer(_)) | None => None,
    }
}

/// Tells the host that an element has come, by the thread that is still pinned since before it was
/// published: whoever may have taken it out meanwhile is not told before that is over.
fn gain(host: &Arc<dyn ElementHost>, guard: &Guard<'_>, element: Option<Element<'_>>) {
    if let Some(object) = object_of(host, element) {
        host.gained(object);
        guard.note_held(object.bytes.into());
    }
}

/// Has the host told that elements have gone, after a grace period.
fn lose(host: &Arc<dyn ElementHost>, guard: &Guard<'_>, objects: Vec<ElementObject>) {
    if objects.is_empty() {
        return;
    }
    let bytes = objects.iter().map(|object| u64::from(object.bytes)).sum();
    let lost = Box::new(Lost { host: Arc::clone(host), objects });
    let remains = NonNull::from(Box::leak(lost)).cast();
    // Counted since `gain`.
    let retired =
        Retired::Gradual { remains, bytes, is_counted: true, free_slice: Lost::free_slice };
    // SAFETY: the elements are in no key any more, and nobody else knows what is retired.
    unsafe { guard.retire(retired) };
}

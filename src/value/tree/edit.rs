//! One attempt at a new version of a tree: the nodes that it makes and those that it replaces.

use super::{
    chunks::{
        branch::{ListBranch, LowBranch},
        marks::Marks,
    },
    fields::branch::Branch,
    node::{Header, Node, NodeRef, content_block},
    store::{Detached, NodeStore},
};
use crate::{
    reclaim::magazine::block_bytes,
    sync::{Mutant, is_mutant},
    value::{few::Few, writer::Writer},
};
use std::{mem::MaybeUninit, ptr::NonNull};

/// A node with what its parent keeps of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) node: Node,
    /// Entries or elements in it and below.
    pub(crate) count: u32,
    /// Bytes of it and of what is below.
    pub(crate) bytes: u64,
    /// What may be among the elements of a chunk.
    pub(crate) marks: Marks,
}

/// A node that is always as long as this type.
///
/// # Safety
///
/// It begins with a header whose kind says that it is a `Self`, and needs no more than 16 bytes'
/// alignment.
pub(super) unsafe trait FixedNode: Copy {}

// SAFETY: its constructor writes the kind of a branch.
unsafe impl FixedNode for Branch {}

// SAFETY: its kind is its height, which is more than one.
unsafe impl FixedNode for ListBranch {}

// SAFETY: its kind is its height, which is one.
unsafe impl FixedNode for LowBranch {}

/// What an edit knows of a node, or of a whole tree.
#[derive(Clone, Copy, Debug)]
struct Item {
    start: NonNull<u8>,
    bytes: u64,
    role: Role,
}

/// What a node is to an edit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// Made for the new version.
    Fresh,
    /// Made, and no longer part of the new version. It is still read until the value is written.
    Wasted,
    /// Of the old version, and not reached by the new one.
    Dead,
    /// The same, together with everything below it.
    DeadTree,
}

/// The nodes of one attempt, which has won once [`commit`](Self::commit) is called, and has lost if
/// it is dropped or begun again before.
///
/// It knows of none at the beginning of every attempt (rule 1 of the [module](super)).
pub(crate) struct Edit<'s, S: NodeStore> {
    store: &'s S,
    items: Few<Item, 12>,
    /// Bytes that the new version has more than the old one.
    gained: i64,
}

impl<S: NodeStore> std::fmt::Debug for Edit<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edit").field("items", &self.items).finish_non_exhaustive()
    }
}

impl<'s, S: NodeStore> Edit<'s, S> {
    /// Begins an attempt.
    #[inline]
    pub(crate) const fn new(store: &'s S) -> Self {
        Self { store, items: Few::new(), gained: 0 }
    }

    /// Bytes of the new version, when the old one had this many.
    pub(crate) fn bytes_after(&self, before: u64) -> u64 {
        before.saturating_add_signed(self.gained)
    }

    /// Bytes that the new version has more than the old one.
    pub(super) fn gained(&self) -> i64 {
        self.gained
    }

    /// Makes a node of fixed size.
    #[inline]
    pub(super) fn make<T: FixedNode>(&mut self, node: &T) -> Node {
        let start = self.take(block_bytes(size_of::<T>()));
        // SAFETY: the block is as long as the node, aligned to 16, and ours.
        unsafe { start.cast::<T>().write(*node) };
        Node(start)
    }

    /// Makes a node of fixed size that is another one, changed by a call.
    #[inline]
    pub(super) fn make_changed<T: FixedNode>(
        &mut self,
        old: &T,
        change: impl FnOnce(&mut T),
    ) -> Node {
        let node = self.make(old);
        // SAFETY: just written, as a `T`, and nobody else has seen it.
        change(unsafe { node.0.cast::<T>().as_mut() });
        node
    }

    /// Makes a leaf, or an entry outside, whose content is written by a call.
    #[inline(always)]
    pub(super) fn make_content(
        &mut self,
        header: Header,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Node {
        let start = self.take(content_block(header.length as usize));
        // SAFETY: the block is longer than a header, aligned for it, and ours.
        unsafe { start.cast::<Header>().write(header) };
        // SAFETY: the block goes on behind the header, for `length` bytes at least.
        let content = unsafe { start.add(size_of::<Header>()) }.cast::<MaybeUninit<u8>>();
        // SAFETY: as above; the block is ours, and is borrowed nowhere else.
        let content =
            unsafe { std::slice::from_raw_parts_mut(content.as_ptr(), header.length as usize) };
        let mut writer = Writer::new(content);
        write(&mut writer);
        writer.finish();
        Node(start)
    }

    #[inline]
    fn take(&mut self, bytes: usize) -> NonNull<u8> {
        let start = self.store.take(bytes);
        self.note(start, bytes as u64, Role::Fresh);
        self.gained += signed(bytes as u64);
        start
    }

    #[inline]
    fn note(&mut self, start: NonNull<u8>, bytes: u64, role: Role) {
        self.items.push(Item { start, bytes, role });
    }

    /// Notes that the new version does not reach a node of the old one.
    #[inline]
    pub(super) fn kill(&mut self, node: NodeRef<'_>) {
        let bytes = node.block_bytes() as u64;
        self.gained -= signed(bytes);
        self.note(node.node().0, bytes, Role::Dead);
    }

    /// The same, of a node of fixed size that is borrowed from the old version.
    #[inline]
    pub(super) fn kill_fixed<T: FixedNode>(&mut self, node: &T) {
        let bytes = block_bytes(size_of::<T>()) as u64;
        self.gained -= signed(bytes);
        self.note(NonNull::from(node).cast(), bytes, Role::Dead);
    }

    /// Notes that the new version does not reach anything of a tree of the old one.
    pub(super) fn kill_tree(&mut self, tree: Detached) {
        self.gained -= signed(tree.bytes);
        self.note(tree.root.0, tree.bytes, Role::DeadTree);
    }

    /// Notes that the new version does not reach a node, be it of the old version or of this edit.
    pub(crate) fn discard(&mut self, node: NodeRef<'_>) {
        match self.find_fresh(node.node()) {
            None => self.kill(node),
            Some(item) => {
                item.role = Role::Wasted;
                self.gained -= signed(node.block_bytes() as u64);
            }
        }
    }

    /// Whether a node was made by this edit.
    pub(super) fn made(&mut self, node: Node) -> bool {
        self.find_fresh(node).is_some()
    }

    /// What is known of a node that was made by this edit.
    fn find_fresh(&mut self, node: Node) -> Option<&mut Item> {
        let items = self.items.as_mut_slice().iter_mut().rev();
        items.into_iter().find(|item| item.start == node.0 && item.role == Role::Fresh)
    }

    /// Ends an attempt that has won: retires what the new version has replaced.
    ///
    /// # Safety
    ///
    /// The value that this edit was made for is published: its record has taken the place, by one
    /// CAS, of the very record that the edit began with. That record is retired alone.
    #[inline]
    pub(crate) unsafe fn commit(&mut self) {
        if !self.items.is_empty() {
            // SAFETY: the caller's word.
            unsafe { self.retire_dead() };
        }
    }

    /// Retires what the new version has replaced, and frees what no version needs.
    ///
    /// # Safety
    ///
    /// As for `commit`.
    unsafe fn retire_dead(&mut self) {
        for &item in &*self.items {
            match item.role {
                Role::Fresh => {}
                // SAFETY: taken by this edit, and nobody has seen it.
                Role::Wasted => unsafe { self.put(item) },
                // SAFETY: none; the mutant does what must not be done.
                Role::Dead if is_mutant(Mutant::WinnerFreesAtOnce) => unsafe { self.put(item) },
                // SAFETY: the CAS has unlinked every node of the old version that the new one does
                // not reach; each is listed once, and later versions do not know it.
                Role::Dead => unsafe { self.store.retire(item.start, bytes_of(item)) },
                Role::DeadTree => {
                    let tree = Detached { root: Node(item.start), bytes: item.bytes };
                    // SAFETY: as above, of every node of the tree.
                    unsafe { self.store.retire_tree(tree) };
                }
            }
        }
        self.items.clear();
    }

    /// Ends an attempt that has lost, and begins another one: frees what it has made.
    pub(crate) fn begin_again(&mut self) {
        self.free_made();
        if is_mutant(Mutant::DeadListKept) {
            self.keep_dead();
        } else {
            self.items.clear();
        }
        self.gained = 0;
    }

    /// The wrong way to begin again.
    #[cold]
    fn keep_dead(&mut self) {
        let is_dead = |item: &&Item| item.role == Role::Dead;
        let dead: Vec<_> = self.items.iter().filter(is_dead).copied().collect();
        self.items.clear();
        dead.into_iter().for_each(|item| self.items.push(item));
    }

    /// Frees what a lost attempt has made.
    fn free_made(&mut self) {
        for &item in &*self.items {
            let is_made = matches!(item.role, Role::Fresh | Role::Wasted);
            if is_made && !is_mutant(Mutant::LoserFreesNothing) {
                // SAFETY: taken by this edit, and nobody has seen it.
                unsafe { self.put(item) };
            }
        }
    }

    /// Puts back a block.
    ///
    /// # Safety
    ///
    /// It was taken by this edit, and nobody else has seen it.
    unsafe fn put(&self, item: Item) {
        // SAFETY: the caller's word; the size is the one that it was taken with.
        unsafe { self.store.put(item.start, bytes_of(item)) };
    }
}

impl<S: NodeStore> Drop for Edit<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if !self.items.is_empty() {
            self.free_made();
        }
    }
}

/// Bytes of a node's block.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "it was a `usize`")]
fn bytes_of(item: Item) -> usize {
    item.bytes as usize
}

/// A number of bytes, which are fewer than an address can tell apart.
fn signed(bytes: u64) -> i64 {
    bytes.cast_signed()
}

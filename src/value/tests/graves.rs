//! Trees that are freed a slice at a time.

use super::{Dice, good};
use crate::value::{
    collection::{Attempt, Verdict},
    hash::{HashEdit, HashValue},
    tree::{
        fields::FieldTree,
        graveyard::{Graveyard, SLICE},
        heap::Heap,
        node::NodeRef,
        store::NodeStore,
    },
};

/// A hash of many fields, some with long values.
fn tree(heap: &Heap) -> FieldTree {
    let hasher = good();
    let mut dice = Dice::new(70);
    let fields: Vec<_> = (0..if cfg!(miri) { 200 } else { 20_000 })
        .map(|n: u32| (n.to_le_bytes(), if dice.one_in(20) { vec![7; 1_000] } else { dice.text() }))
        .collect();
    let mut edit = HashEdit::new(&hasher);
    for (field, value) in &fields {
        edit.set(field, value).unwrap();
    }
    let edit = edit.settle();
    let mut attempt = Attempt::new(heap);
    assert_eq!(edit.apply(HashValue::EMPTY, &mut attempt), Ok(Verdict::Tree));
    let tree = *attempt.tree().unwrap();
    // SAFETY: nobody else edits.
    unsafe { attempt.commit() };
    tree
}

/// Buries a tree.
fn bury(tree: &FieldTree, graveyard: &mut Graveyard) {
    for node in tree.children.live().map(NodeRef::node) {
        // SAFETY: nobody else knows the tree, and it is buried once.
        unsafe { graveyard.bury(node) };
    }
}

/// Frees up to `most` nodes; returns how many there were, and their bytes.
fn free(graveyard: &mut Graveyard, most: usize, heap: &Heap) -> (usize, u64) {
    let mut nodes = 0;
    let bytes = graveyard.free(most, |block, bytes| {
        nodes += 1;
        // SAFETY: nobody else knows the block, which the heap has handed out with this size.
        unsafe { heap.put(block, bytes) };
    });
    (nodes, bytes)
}

#[test]
fn a_tree_is_freed_in_slices_and_every_node_of_it_once() {
    let heap = Heap::default();
    let tree = tree(&heap);
    let all = heap.live_blocks();
    let mut graveyard = Graveyard::default();
    bury(&tree, &mut graveyard);

    let (mut nodes, mut bytes, mut slices) = (0, 0, 0);
    while !graveyard.is_empty() {
        let (freed, of) = free(&mut graveyard, SLICE, &heap);
        assert!(freed <= SLICE);
        nodes += freed;
        bytes += of;
        slices += 1;
    }

    assert_eq!((nodes, bytes), (all, tree.bytes));
    assert_eq!(slices, all.div_ceil(SLICE));
    assert_eq!(heap.live_blocks(), 0);
    assert_eq!(free(&mut graveyard, SLICE, &heap), (0, 0));
}

//! Another element in the place of one, when nothing else changes by that: a chunk is remade, and the
//! branches above it, whose counts stay.

use super::{CHUNK, branch::AnyBranch, child_with, element_count, marks::Marks};
use crate::value::{
    element::Element,
    few::Few,
    packed::elements::{Elements, packed_len, write_packed},
    tree::{
        edit::Edit,
        node::{Header, LEAF, Node, NodeRef, content_block},
        store::NodeStore,
    },
};

/// Puts an element in the place of another one; none, and nothing made, when there is none or when
/// the chunk would have to be divided.
pub(crate) fn set<S: NodeStore>(
    root: NodeRef<'_>,
    index: u64,
    element: Element<'_>,
    edit: &mut Edit<'_, S>,
) -> Option<Node> {
    let mut path = Few::<(AnyBranch<'_>, usize), 6>::new();
    let (mut chunk, mut rest) = (root, index);
    while let Some(branch) = chunk.list_branch() {
        let (at, before) = child_with(&branch, rest);
        path.push((branch, at));
        chunk = branch.child(at)?;
        // All of it is going to be copied.
        chunk.fetch();
        rest -= before;
    }
    let (old, count) = (chunk.content(), element_count(chunk));
    let index = usize::try_from(rest).ok().filter(|&index| index < count)?;
    let (front, behind) = old.split_at_checked(Elements::new(old).offset(index, count))?;
    let mut back = Elements::new(behind);
    back.next()?;
    let length = front.len() + packed_len(element) + back.bytes().len();
    if length > CHUNK {
        return None;
    }
    edit.kill(chunk);
    let header = Header { kind: LEAF, length: u32::try_from(length).ok()?, ..chunk.header() };
    let mut node = edit.make_content(header, |to| {
        to.bytes(front);
        write_packed(element, to);
        to.bytes(back.bytes());
    });
    let bytes = (content_block(length) as u64).wrapping_sub(content_block(old.len()) as u64);
    for &(branch, at) in path.iter().rev() {
        let change_marks = |marks: &mut Marks| {
            *marks = marks.with(Marks::of(element));
            if !marks.are_few() {
                *marks = marks_of([front, back.bytes()], element);
            }
        };
        node = branch.make_with_child(at, node, bytes, change_marks, edit);
    }
    Some(node)
}

/// The marks of packed elements and of another one.
fn marks_of(pieces: [&[u8]; 2], element: Element<'_>) -> Marks {
    let elements = pieces.into_iter().flat_map(Elements::new);
    elements.fold(Marks::of(element), |all, element| all.with(Marks::of(element)))
}

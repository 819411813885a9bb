//! The rules of the house that no compiler keeps: the tree is read as text, and each fault is named with file and line.
//!
//! Every rule is a function from files to faults, so that a test can also show it a fault and see it found.

mod tidy {
    mod arrows;
    mod circles;
    mod citations;
    mod queues;
    mod size;
    mod spawns;
    mod tree;
    mod unfinished;
    mod words;
}

//! What people read and hear, in both languages, also when the words from outside are hostile.

//! What callers go through, told step by step.

mod asking;
mod collecting;
mod deciding;
mod proof;
mod reaching;
mod shipped;
mod trouble;

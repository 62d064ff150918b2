//! What callers go through, told step by step.

mod asking;
mod calling;
mod collecting;
mod deciding;
mod looking;
mod proof;
mod reaching;
mod shipped;
mod taking_in;
mod trouble;

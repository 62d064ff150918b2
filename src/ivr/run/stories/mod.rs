//! What callers go through, told step by step.

mod asking;
mod calling;
mod calling_back;
mod collecting;
mod deciding;
mod looking;
mod proof;
mod reaching;
mod shipped;
mod taking_in;
mod telling;
mod trouble;

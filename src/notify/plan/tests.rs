//! Rules as tables, and what must always hold.

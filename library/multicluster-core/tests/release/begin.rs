//! begin

//! The console over HTTP, as each kind of visitor meets it.

#[path = "../harness/mod.rs"]
mod harness;

mod pages;
mod people;
mod pushes;
mod sending;
mod vendor;

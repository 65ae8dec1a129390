//! The Node-API binding: free functions over opaque handles. Conversion only, no logic.
//!
//! Everything here runs on the JavaScript thread of one environment, but for [`port::Signal`], through which
//! other threads tell that an answer can be fetched, and the threads that bring views up to date.

mod backup;
mod documents;
mod errors;
mod function;
mod handle;
mod keyvalue;
mod lifecycle;
mod maintenance;
mod page_writer;
mod pages;
mod port;
mod reader;
mod shared;
mod snapshots;
mod text;
mod view_driver;
mod views;
mod watch;
mod writer;

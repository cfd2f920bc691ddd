//! What holds for the data source `file` beyond the contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

mod file {
    mod broken;
    mod duplicates;
    mod editors;
    mod folder;
    mod formats;
    mod writable;
}

//! What holds for the data source `sqlite` beyond the contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

mod sqlite {
    mod bounds;
    mod command;
    mod faults;
    mod file;
    mod first_version;
    mod raw_writes;
    mod replaced;
    mod second_process;
}

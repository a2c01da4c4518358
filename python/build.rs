//! Tells the crate what `PyO3` knows of the interpreter: whether it has a lock.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}

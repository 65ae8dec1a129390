//! Sets the linker flags that a Node addon needs.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}

//! Sets the linker flags that a Node addon needs.

fn main() {
    // Or else a change of any file, documents too, would build everything anew.
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "node")]
    napi_build::setup();
}

//! The generated code is what the `.proto` files say today.

use std::path::Path;
use std::{env, fs};

#[test]
fn the_generated_code_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = tempfile::tempdir().unwrap();
    let files = protox::compile(["pluginv2.proto", "go_plugin.proto"], [root]).unwrap();
    tonic_prost_build::configure()
        .out_dir(fresh.path())
        // Frames and bodies are the bulk of what crosses: shared, not copied, on their way into a message.
        .bytes(".")
        .compile_fds(files)
        .unwrap();

    for name in ["pluginv2.rs", "plugin.rs"] {
        let (fresh, committed) = (fresh.path().join(name), root.join("src").join(name));
        let fresh = fs::read_to_string(fresh).unwrap();
        if env::var_os("UPDATE_PROTO").is_some() {
            fs::write(&committed, &fresh).unwrap();
        }
        let committed = fs::read_to_string(&committed).unwrap_or_default();
        assert!(
            fresh == committed,
            "proto/src/{name} is not what the .proto files generate. Run `UPDATE_PROTO=1 cargo test -p graft-proto` and \
             commit the result."
        );
    }
}

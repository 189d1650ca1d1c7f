//! The generated code is what the `.proto` files say today.

use std::path::Path;
use std::{env, fs};

use prost::Message as _;

#[test]
fn the_generated_code_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = tempfile::tempdir().unwrap();
    let mut files = protox::compile(["pluginv2.proto", "go_plugin.proto"], [root]).unwrap();
    tonic_prost_build::configure()
        .out_dir(fresh.path())
        // Frames and bodies are the bulk of what crosses: shared, not copied, on their way into a message.
        .bytes(".")
        .compile_fds(files.clone())
        .unwrap();
    // Comments are for readers of the code.
    files.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(fresh.path().join("descriptors.bin"), files.encode_to_vec()).unwrap();

    for name in ["pluginv2.rs", "plugin.rs", "descriptors.bin"] {
        let (fresh, committed) = (fresh.path().join(name), root.join("src").join(name));
        let fresh = fs::read(fresh).unwrap();
        if env::var_os("UPDATE_PROTO").is_some() {
            fs::write(&committed, &fresh).unwrap();
        }
        let committed = fs::read(&committed).unwrap_or_default();
        assert!(
            fresh == committed,
            "proto/src/{name} is not what the .proto files generate. Run `UPDATE_PROTO=1 cargo test -p graft-proto` and \
             commit the result."
        );
    }
}

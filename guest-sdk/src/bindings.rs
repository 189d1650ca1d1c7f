//! The contract as Rust types, generated from `wit/`.

wit_bindgen::generate!({
    path: "wit",
    world: "extended-datasource",
    pub_export_macro: true,
    default_bindings_module: "graft_guest::bindings",
    export_macro_name: "export_component",
    additional_derives: [PartialEq],
});

//! Many guests to choose from: listed without being loaded.

use std::fs::{self, File};

use graft_launch::{Datasource, Plugin};
use serde_json::Value;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use crate::metrics::metrics;
use crate::support::{Folder, built};

const GUESTS: usize = 500;

/// All guests that the plugin lists: name, and title or error.
async fn listed(plugin: &Plugin) -> Vec<(String, Result<String, String>)> {
    let request = Datasource::new("new", "").call_resource("GET", "guests");
    let answer = plugin.call_resource(request).await.unwrap();
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |guest: &Value, key: &str| guest[key].as_str().map(str::to_owned);
    let guests = list["guests"].as_array().unwrap().iter();
    guests
        .map(|guest| {
            let title = text(guest, "title").ok_or_else(|| text(guest, "error").unwrap());
            (text(guest, "name").unwrap(), title)
        })
        .collect()
}

/// Lists until all guests have described themselves, and says how often it took.
async fn all_described(plugin: &Plugin) -> usize {
    for lists in 1..1_000 {
        let guests = listed(plugin).await;
        assert_eq!(guests.len(), GUESTS);
        let mut errors = guests.iter().filter_map(|(_name, title)| title.as_ref().err());
        match errors.next() {
            None => {
                for (name, title) in guests {
                    assert_eq!(title.unwrap(), format!("Title of {name}"));
                }
                return lists;
            }
            Some(error) => assert!(error.contains("still being loaded"), "{error}"),
        }
    }
    panic!("they never described themselves");
}

#[tokio::test]
async fn five_hundred_guests_are_compiled_once_and_then_listed_without_being_loaded() {
    let (folder, cache) = (Folder::with(&[]), tempfile::tempdir().unwrap());
    let built = fs::read(built("things")).unwrap();
    for number in 0..GUESTS {
        let name = format!("guest-{number}");
        folder.put(&format!("{name}.wasm"), small(&built, &name));
    }
    let launch = || folder.launch().setting("cache", cache.path().join("graft"));
    let count = |log: &[graft_launch::LogLine], text: &str| {
        log.iter().filter(|line| line.says(text)).count()
    };

    let plugin = Plugin::launch(launch()).await.unwrap();
    all_described(&plugin).await;
    let exit = plugin.shutdown().await.unwrap();
    assert_eq!(count(&exit.log, "Compiling a guest"), GUESTS);

    let plugin = Plugin::launch(launch()).await.unwrap();
    all_described(&plugin).await;
    // Nothing was even looked for in the cache of native code.
    assert!(!metrics(&plugin).await.contains("graft_compile_cache_requests_total{"));

    // A file that looks as it did is not read again: here is one that is no component any more.
    let path = folder.path().join("guest-7.wasm");
    let metadata = fs::metadata(&path).unwrap();
    fs::write(&path, vec![0; usize::try_from(metadata.len()).unwrap()]).unwrap();
    let file = File::options().append(true).open(&path).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    assert_eq!(all_described(&plugin).await, 1);
    // One that changed is.
    folder.put("guest-7.wasm", "no component");
    let seventh = listed(&plugin).await.into_iter().find(|(name, _title)| name == "guest-7");
    let error = seventh.unwrap().1.unwrap_err();
    assert!(error.contains("not a WebAssembly component"), "{error}");

    let exit = plugin.shutdown().await.unwrap();
    assert_eq!(count(&exit.log, "Compiling a guest") + count(&exit.log, "Loaded a guest"), 0);
}

/// The smallest guest of a name: one that was built, with a core module in place of its own that can only describe itself.
fn small(built: &[u8], name: &str) -> Vec<u8> {
    let modules = Parser::new(0).parse_all(built).filter_map(|payload| match payload.unwrap() {
        Payload::ModuleSection { unchecked_range, .. } => Some(unchecked_range),
        _ => None,
    });
    let own = modules.max_by_key(ExactSizeIterator::len).unwrap();
    let module = wat::parse_str(module(&built[own.clone()], name)).unwrap();
    // The section's number and its length, seven bits in each byte, stand before it.
    let length = |bytes: usize| (0..).map(move |at| bytes >> (7 * at)).take_while(|rest| *rest > 0);
    let head = 1 + length(own.len()).count();
    let (start, digits) = (own.start - head, length(module.len()).count());
    assert_eq!(built[start], 1);
    let mut component = built[..=start].to_vec();
    component.extend(length(module.len()).enumerate().map(|(at, rest)| {
        u8::try_from(rest & 0x7f).unwrap() | if at + 1 < digits { 0x80 } else { 0 }
    }));
    component.extend(module);
    component.extend(&built[own.end..]);
    component
}

/// A core module with the exports of another, as text.
fn module(other: &[u8], name: &str) -> String {
    const AT: usize = 1024;
    let (mut types, mut functions, mut fields) = (Vec::new(), Vec::new(), String::new());
    // What has no results but those in memory; where nothing is, all is none.
    let returned = |function: &str| match function {
        "graft:datasource/describe@0.1.0#describe" => Some(AT),
        "graft:datasource/pace@0.1.0#describe-pace" => Some(0),
        _ => None,
    };
    for payload in Parser::new(0).parse_all(other) {
        match payload.unwrap() {
            Payload::TypeSection(section) => {
                types.extend(section.into_iter_err_on_gc_types().map(Result::unwrap));
            }
            Payload::ImportSection(section) => {
                functions.extend(section.into_imports().filter_map(|import| {
                    let TypeRef::Func(index) = import.unwrap().ty else { return None };
                    Some(index)
                }));
            }
            Payload::FunctionSection(section) => functions.extend(section.into_iter().flatten()),
            Payload::ExportSection(section) => {
                for export in section.into_iter().flatten() {
                    if export.kind == ExternalKind::Func {
                        let function = &types[functions[export.index as usize] as usize];
                        let list = |values: &[wasmparser::ValType]| {
                            values.iter().map(|value| format!(" {value}")).collect::<String>()
                        };
                        let (parameters, results) =
                            (list(function.params()), list(function.results()));
                        let body = match (returned(export.name), results.as_str()) {
                            (Some(at), _) => format!("(i32.const {at})"),
                            (None, "") => String::new(),
                            (None, _) => "unreachable".to_owned(),
                        };
                        let export = export.name;
                        fields += &format!(
                            "(func (export \"{export}\") (param{parameters}) (result{results}) {body})"
                        );
                    }
                }
            }
            _ => {}
        }
    }
    format!(
        "(module (memory (export \"memory\") 1) {fields} (data (i32.const {AT}) \"{}\"))",
        escaped(&description(name, AT))
    )
}

/// A description as the canonical ABI has it in memory from an address on: pointer and length of each text and list.
fn description(name: &str, at: usize) -> Vec<u8> {
    let title = format!("Title of {name}");
    let texts = [name, title.as_str(), "1.0.0", "", "", "{}", "{}"];
    // Secrets, capabilities, methods and hosts: there are none.
    let lists = [""; 4];
    let (mut record, mut content) = (Vec::new(), Vec::<u8>::new());
    let start = at + (texts.len() + lists.len()) * 8;
    for text in texts.into_iter().chain(lists) {
        for number in [start + content.len(), text.len()] {
            record.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        content.extend(text.as_bytes());
    }
    // Lists of records begin at multiples of four, even those with nothing in them.
    let end = u32::try_from((start + content.len()).next_multiple_of(4)).unwrap();
    for list in texts.len()..texts.len() + lists.len() {
        record[list * 8..list * 8 + 4].copy_from_slice(&end.to_le_bytes());
    }
    record.extend(content);
    record
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

//! Components that would keep a compiler busy, each in its own way. They are valid, so that only their size is wrong with them.

/// Instructions, by their bytes.
const I32: u8 = 0x7f;
const EMPTY: u8 = 0x40;
const BLOCK: u8 = 0x02;
const LOOP: u8 = 0x03;
const IF: u8 = 0x04;
const ELSE: u8 = 0x05;
const END: u8 = 0x0b;
const BRANCH_IF: u8 = 0x0d;
const CALL: u8 = 0x10;
const DROP: u8 = 0x1a;
const GET: u8 = 0x20;
const SET: u8 = 0x21;
const TEE: u8 = 0x22;
const CONSTANT: u8 = 0x41;
const ADD: u8 = 0x6a;

/// Functions without a branch, each of about so many bytes.
pub(in super::super) fn straight(functions: usize, bytes: usize) -> Vec<u8> {
    // local 0 = local 0 + the number in memory at local 0 + 4
    let step = [GET, 0, GET, 0, 0x28, 2, 4, ADD, SET, 0];
    let body = body(1, &step.repeat(bytes / step.len()));
    component(&[module(&[signature(0, 0)], &vec![body; functions])])
}

/// So many functions that do nothing.
pub(in super::super) fn tiny(functions: usize) -> Vec<u8> {
    component(&[module(&[signature(0, 0)], &vec![body(0, &[]); functions])])
}

/// Sums of locals, all of which are alive to the end.
pub(in super::super) fn live(locals: usize, sums: usize) -> Vec<u8> {
    let mut code = Vec::new();
    for local in 0..locals {
        code.extend([CONSTANT, 0, 0x28, 2, 0, SET]);
        code.extend(number(local));
    }
    // Any order will do that a compiler sees nothing in.
    let mut pick = (0_usize..).map(|step| number(step.wrapping_mul(7919) / 3 % locals));
    for _sum in 0..sums {
        for instruction in [GET, GET, ADD, SET] {
            code.push(instruction);
            if instruction != ADD {
                code.extend(pick.next().unwrap());
            }
        }
    }
    for local in 0..locals {
        code.extend([CONSTANT, 0, GET]);
        code.extend(number(local));
        code.extend([0x36, 2, 0]);
    }
    function(locals, &code)
}

/// If, else, one after the other.
pub(in super::super) fn ladder(rungs: usize) -> Vec<u8> {
    let rung = [GET, 0, IF, EMPTY, CONSTANT, 1, SET, 0, ELSE, CONSTANT, 2, SET, 0, END];
    function(1, &rung.repeat(rungs))
}

/// Loops, one after the other, each with so many ways back to its start.
pub(in super::super) fn loops(loops: usize, ways_back: usize) -> Vec<u8> {
    let way_back = [GET, 0, CONSTANT, 1, ADD, TEE, 0, BRANCH_IF, 0].repeat(ways_back);
    let one = [[LOOP, EMPTY].as_slice(), &way_back, &[END]].concat();
    function(1, &one.repeat(loops))
}

/// Blocks in blocks.
pub(in super::super) fn nest(blocks: usize) -> Vec<u8> {
    function(0, &[[BLOCK, EMPTY].repeat(blocks), vec![END; blocks]].concat())
}

/// Blocks, one after the other, each with a value that it leaves in one of two ways.
pub(in super::super) fn results(blocks: usize) -> Vec<u8> {
    let block = [BLOCK, I32, CONSTANT, 1, GET, 0, BRANCH_IF, 0, END, SET, 0];
    function(1, &block.repeat(blocks))
}

/// Calls of two bytes each, which take and return so many values.
pub(in super::super) fn calls(values: usize, calls: usize) -> Vec<u8> {
    let code = [[CONSTANT, 0].repeat(values), [CALL, 0].repeat(calls), vec![DROP; values]];
    let returned = [CONSTANT, 0].repeat(values);
    let bodies = [body(0, &returned), body(0, &code.concat())];
    let mut module = MODULE.to_vec();
    module.extend(section(1, &list(&[signature(values, values), signature(0, 0)])));
    module.extend(section(3, &[2, 0, 1]));
    module.extend(section(10, &list(&bodies)));
    component(&[module])
}

/// Functions that declare so many locals and use none.
pub(in super::super) fn unused_locals(functions: usize, locals: usize) -> Vec<u8> {
    component(&[module(&[signature(0, 0)], &vec![body(locals, &[]); functions])])
}

/// So many core modules.
pub(in super::super) fn modules(count: usize) -> Vec<u8> {
    component(&vec![MODULE.to_vec(); count])
}

/// Components in components.
pub(in super::super) fn components(depth: usize) -> Vec<u8> {
    (1..depth)
        .fold(COMPONENT.to_vec(), |inner, _level| [COMPONENT.to_vec(), section(4, &inner)].concat())
}

/// Types of instances that hold types of instances, which a compiler reads recursively.
pub(in super::super) fn types(depth: usize) -> Vec<u8> {
    // An instance of one declaration, which is a type.
    let mut types = [0x42, 1, 1].repeat(depth);
    types.extend([0x42, 0]);
    [COMPONENT.to_vec(), section(7, &[vec![1], types].concat())].concat()
}

/// Passive data segments without data.
pub(in super::super) fn segments(count: usize) -> Vec<u8> {
    let segments = [number(count), [1, 0].repeat(count)].concat();
    component(&[[MODULE.to_vec(), section(11, &segments)].concat()])
}

/// Exports of one function under so many names.
pub(in super::super) fn exports(count: usize) -> Vec<u8> {
    let export = |index: usize| {
        let name = format!("{index}");
        [number(name.len()), name.into_bytes(), vec![0, 0]].concat()
    };
    let exports: Vec<_> = (0..count).map(export).collect();
    let mut module = MODULE.to_vec();
    module.extend(section(1, &list(&[signature(0, 0)])));
    module.extend(section(3, &[1, 0]));
    module.extend(section(7, &list(&exports)));
    module.extend(section(10, &list(&[body(0, &[])])));
    component(&[module])
}

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component of these core modules.
fn component(modules: &[Vec<u8>]) -> Vec<u8> {
    let modules = modules.iter().flat_map(|module| section(1, module));
    COMPONENT.iter().copied().chain(modules).collect()
}

/// A component of one function without parameters, which has so many numbers as locals, and a memory.
fn function(locals: usize, code: &[u8]) -> Vec<u8> {
    component(&[module(&[signature(0, 0)], &[body(locals, code)])])
}

/// A core module whose functions all have the first type, with a memory.
fn module(types: &[Vec<u8>], bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut module = MODULE.to_vec();
    module.extend(section(1, &list(types)));
    module.extend(section(3, &[number(bodies.len()), vec![0; bodies.len()]].concat()));
    module.extend(section(5, &[1, 0, 1]));
    module.extend(section(10, &list(bodies)));
    module
}

/// The type of a function that takes and returns so many numbers.
fn signature(parameters: usize, results: usize) -> Vec<u8> {
    let values = |count: usize| [number(count), vec![I32; count]].concat();
    [vec![0x60], values(parameters), values(results)].concat()
}

fn body(locals: usize, code: &[u8]) -> Vec<u8> {
    let locals = match locals {
        0 => vec![0],
        locals => [vec![1], number(locals), vec![I32]].concat(),
    };
    let body = [locals.as_slice(), code, &[END]].concat();
    [number(body.len()), body].concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], number(content.len()), content.to_vec()].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [number(items.len()), items.concat()].concat()
}

/// A number as WebAssembly writes it: seven bits in each byte, least significant first.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

//! How much work one function is for a compiler.

use wasmparser::{BlockType, BrTable, FunctionBody, Operator};

use super::ScanError;
use super::module::{Module, Signature};
use crate::limits::{
    FUNCTION_BYTES_MAX, FUNCTION_DEPTH_MAX, FUNCTION_JUMPS_MAX, FUNCTION_LOCALS_MAX,
    FUNCTION_WORK_MAX,
};

/// So many locals make an instruction cost twice as much: what keeps their values in registers looks at all that are alive.
const LOCALS_AS_AN_INSTRUCTION: u64 = 250;
/// With so many jumps each costs as much as an instruction besides.
const JUMPS_AS_AN_INSTRUCTION: u64 = 10_000;
/// The same of loops, which are by far the worst.
const LOOPS_AS_AN_INSTRUCTION: u64 = 10;
/// With so many jumps each value that a block takes or leaves costs as much as an instruction besides, in memory more than in time.
const JUMPS_AS_A_CARRIED_VALUE: u64 = 100;
/// An instruction that is a call of the runtime with a check of what it says: some blocks of their own.
const RUNTIME_CALL: u64 = 25;
/// A float to an integer, which traps if it does not fit.
const CHECKED_CONVERSION: u64 = 4;
/// Several at once, unsigned, which no processor has.
const VECTOR_CONVERSION: u64 = 15;

/// Counts a function's work, in instructions. `number` names it if it is too much.
pub(super) fn work(
    module: &Module,
    body: &FunctionBody<'_>,
    number: u64,
) -> Result<u64, ScanError> {
    let check = |found: u64, what: &'static str, most: u64| {
        if found <= most {
            Ok(())
        } else {
            Err(ScanError::Function { function: number, what, most })
        }
    };
    let own = module.next();
    check(body.range().len() as u64, "bytes", FUNCTION_BYTES_MAX)?;
    let mut locals = u64::from(own.parameters);
    for declaration in body.get_locals_reader()? {
        let (count, _type) = declaration?;
        locals += u64::from(count);
        check(locals, "locals", FUNCTION_LOCALS_MAX)?;
    }
    let mut counts = Counts {
        module,
        instructions: locals + own.values(),
        jumps: 0,
        loops: 0,
        carried: 0,
        labels: vec![own.results],
    };
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        counts.take(&operators.read()?);
        check(counts.jumps, "blocks and branches", FUNCTION_JUMPS_MAX)?;
        check(counts.labels.len() as u64, "blocks in each other", FUNCTION_DEPTH_MAX)?;
        check(counts.work(locals), "work for a compiler", FUNCTION_WORK_MAX)?;
    }
    Ok(counts.work(locals))
}

/// What there was of a function so far.
struct Counts<'a> {
    module: &'a Module,
    /// Instructions, and the values that they move.
    instructions: u64,
    /// Where is jumped from or to.
    jumps: u64,
    loops: u64,
    /// Values that blocks take and leave.
    carried: u64,
    /// The blocks around the next instruction, each with how many values a jump to it takes along.
    labels: Vec<u32>,
}

impl Counts<'_> {
    fn work(&self, locals: u64) -> u64 {
        let alive = self.instructions * locals / LOCALS_AS_AN_INSTRUCTION;
        let jumps = self.jumps * self.jumps / JUMPS_AS_AN_INSTRUCTION;
        let loops = self.loops * self.loops / LOOPS_AS_AN_INSTRUCTION;
        let carried = self.jumps * self.carried / JUMPS_AS_A_CARRIED_VALUE;
        self.instructions + alive + jumps + loops + carried
    }

    fn take(&mut self, operator: &Operator<'_>) {
        self.instructions += 1;
        match operator {
            Operator::Block { blockty } | Operator::If { blockty } => {
                let block = self.block(*blockty);
                self.open(block, block.results);
            }
            Operator::Loop { blockty } => {
                let block = self.block(*blockty);
                self.loops += 1;
                self.open(block, block.parameters);
            }
            Operator::Else => self.jumps += 1,
            Operator::End => {
                self.labels.pop();
            }
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.jump(*relative_depth);
            }
            Operator::BrTable { targets } => self.table(targets),
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.instructions += self.module.function(*function_index).values();
            }
            Operator::CallIndirect { type_index, .. }
            | Operator::ReturnCallIndirect { type_index, .. } => {
                self.instructions += self.module.signature(*type_index).values();
            }
            Operator::MemoryGrow { .. }
            | Operator::MemoryInit { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryFill { .. }
            | Operator::DataDrop { .. }
            | Operator::TableGet { .. }
            | Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableInit { .. }
            | Operator::TableCopy { .. }
            | Operator::TableFill { .. }
            | Operator::ElemDrop { .. } => self.instructions += RUNTIME_CALL,
            Operator::I32TruncF32S
            | Operator::I32TruncF32U
            | Operator::I32TruncF64S
            | Operator::I32TruncF64U
            | Operator::I64TruncF32S
            | Operator::I64TruncF32U
            | Operator::I64TruncF64S
            | Operator::I64TruncF64U => self.instructions += CHECKED_CONVERSION,
            Operator::I32x4TruncSatF32x4S
            | Operator::I32x4TruncSatF32x4U
            | Operator::I32x4TruncSatF64x2SZero
            | Operator::I32x4TruncSatF64x2UZero => self.instructions += VECTOR_CONVERSION,
            _ => {}
        }
    }

    fn block(&self, block: BlockType) -> Signature {
        match block {
            BlockType::Empty => Signature::default(),
            BlockType::Type(_) => Signature { parameters: 0, results: 1 },
            BlockType::FuncType(index) => self.module.signature(index),
        }
    }

    fn open(&mut self, block: Signature, taken_along: u32) {
        self.jumps += 1;
        self.instructions += block.values();
        self.carried += block.values();
        self.labels.push(taken_along);
    }

    fn jump(&mut self, depth: u32) {
        self.jumps += 1;
        let label = self.labels.len().checked_sub(depth as usize + 1);
        let taken_along = label.and_then(|label| self.labels.get(label));
        self.instructions += u64::from(taken_along.copied().unwrap_or_default());
    }

    fn table(&mut self, targets: &BrTable<'_>) {
        self.jump(targets.default());
        for target in targets.targets() {
            // What cannot be read is not valid, and ends in the compiler.
            self.jump(target.unwrap_or_default());
        }
    }
}

//! Reads a CTranslate2 `model.bin`: an index of named arrays, whose contents stay on disk.
//!
//! Layout (binary version 6, little endian): `u32` version, the name of the specification, `u32`
//! its revision, `u32` count of variables; each variable is its name, `u8` rank, `u32` per
//! dimension, `u8` element type, `u32` bytes, the bytes; last a table of aliases, which name the
//! same arrays again. A string is a `u16` length that counts a closing NUL, and its bytes.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::ConvertError;
use super::walk::Walk;

const BINARY_VERSION: u32 = 6;

// Far above any Whisper model (the largest has about 1,300 variables), far below what hurts.
const VARIABLES_MAX: u32 = 16_384;
const NAME_BYTES_MAX: usize = 512;
const RANK_MAX: u8 = 4;

/// What the elements of a variable are. CTranslate2 knows more; a float16 model holds only these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Int8,
    Int16,
    Float16,
}

impl Element {
    fn bytes(self) -> u64 {
        match self {
            Element::Int8 => 1,
            Element::Int16 | Element::Float16 => 2,
        }
    }
}

/// Where a variable lies in the file and how it is shaped (row-major, slowest dimension first).
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) shape: Vec<u32>,
    pub(super) element: Element,
    offset: u64,
    bytes: u64,
}

/// An opened model: its variables by name and the file to read them from.
pub(super) struct Archive<R> {
    reader: BufReader<R>,
    pub(super) variables: BTreeMap<String, Variable>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the index of a model of the wanted specification and revision. Every length is
    /// checked against the file's before it is believed; memory stays within a few megabytes.
    pub(super) fn open(file: R, specification: &str, revision: u32) -> Result<Self, ConvertError> {
        let mut index = Index(Walk::new(file)?);
        index.expect_header(specification, revision)?;
        let variables = index.variables()?;
        Ok(Archive {
            reader: index.0.into_reader(),
            variables,
        })
    }

    /// The variable of that name.
    pub(super) fn variable(&self, name: &str) -> Result<&Variable, ConvertError> {
        self.variables
            .get(name)
            .ok_or_else(|| ConvertError::Damaged(format!("it has no array {name}")))
    }

    /// A reader over `count` elements of a variable, starting with element `first`.
    pub(super) fn elements(
        &mut self,
        name: &str,
        first: u64,
        count: u64,
    ) -> Result<impl Read + '_, ConvertError> {
        let variable = self.variable(name)?;
        let width = variable.element.bytes();
        let start = first.saturating_mul(width);
        let length = count.saturating_mul(width);
        if start.saturating_add(length) > variable.bytes {
            return Err(ConvertError::Damaged(format!(
                "{name} is shorter than its place in the model needs"
            )));
        }
        let offset = variable.offset + start;
        self.reader.seek(SeekFrom::Start(offset))?;
        Ok(self.reader.by_ref().take(length))
    }

    /// A single integer, such as the number of attention heads.
    pub(super) fn integer(&mut self, name: &str) -> Result<i16, ConvertError> {
        let variable = self.variable(name)?;
        if variable.element != Element::Int16 || !variable.shape.is_empty() {
            return Err(ConvertError::Damaged(format!(
                "{name} is not a 16-bit integer"
            )));
        }
        let mut bytes = [0; 2];
        self.elements(name, 0, 1)?.read_exact(&mut bytes)?;
        Ok(i16::from_le_bytes(bytes))
    }
}

/// The reader of the index.
struct Index<R>(Walk<R>);

impl<R: Read + Seek> Index<R> {
    fn expect_header(&mut self, specification: &str, revision: u32) -> Result<(), ConvertError> {
        let version = self.0.u32()?;
        if version != BINARY_VERSION {
            return Err(ConvertError::NotSupported(format!(
                "binary version {version} (only {BINARY_VERSION} is read)"
            )));
        }
        let found = self.string()?;
        let found_revision = self.0.u32()?;
        if found != specification || found_revision != revision {
            return Err(ConvertError::NotSupported(format!(
                "{found} revision {found_revision} (only {specification} revision {revision} is read)"
            )));
        }
        Ok(())
    }

    fn variables(&mut self) -> Result<BTreeMap<String, Variable>, ConvertError> {
        let count = self.0.u32()?;
        if count > VARIABLES_MAX {
            return Err(self.malformed(format!("{count} variables")));
        }
        let mut variables = BTreeMap::new();
        for _ in 0..count {
            let name = self.string()?;
            let variable = self.variable(&name)?;
            if variables.insert(name.clone(), variable).is_some() {
                return Err(self.malformed(format!("{name} occurs twice")));
            }
        }
        Ok(variables)
    }

    fn variable(&mut self, name: &str) -> Result<Variable, ConvertError> {
        let [rank] = self.0.array()?;
        if rank > RANK_MAX {
            return Err(self.malformed(format!("{name} has {rank} dimensions")));
        }
        let shape: Result<Vec<_>, _> = (0..rank).map(|_| self.0.u32()).collect();
        let shape = shape?;
        let [element] = self.0.array()?;
        let element = match element {
            1 => Element::Int8,
            2 => Element::Int16,
            4 => Element::Float16,
            other => {
                return Err(ConvertError::NotSupported(format!(
                    "{name} with element type {other} (weights must be float16)"
                )));
            }
        };
        let bytes = u64::from(self.0.u32()?);
        let by_shape = shape.iter().try_fold(element.bytes(), |product, size| {
            product.checked_mul(u64::from(*size))
        });
        if by_shape != Some(bytes) {
            return Err(self.malformed(format!("{name} has {bytes} bytes for shape {shape:?}")));
        }
        let offset = self.0.offset();
        self.0.skip(bytes)?;
        Ok(Variable {
            shape,
            element,
            offset,
            bytes,
        })
    }

    fn string(&mut self) -> Result<String, ConvertError> {
        let length = usize::from(u16::from_le_bytes(self.0.array()?));
        if length > NAME_BYTES_MAX {
            return Err(self.malformed(format!("a name of {length} bytes")));
        }
        let mut bytes = vec![0; length];
        self.0.fill(&mut bytes)?;
        if bytes.last() == Some(&0) {
            bytes.pop();
        }
        String::from_utf8(bytes).map_err(|_| self.malformed("a name is not UTF-8".to_owned()))
    }

    fn malformed(&self, what: String) -> ConvertError {
        ConvertError::Damaged(format!("{what} (at byte {})", self.0.offset()))
    }
}

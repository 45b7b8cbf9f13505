//! One msgpack item at a time.

use rmp::Marker;

use crate::value::error::Problem;

/// The bytes that are still to be read.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// One item; of a collection only how many items follow.
pub(super) enum Item<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(&'a str),
    Bin(&'a [u8]),
    Array(usize),
    Map(usize),
    /// Its content is skipped: every extension means unknown.
    Ext,
}

impl Item<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => "a number",
            Self::Str(_) => "a string",
            Self::Bin(_) => "bytes",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Ext => "an unknown value",
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn item(&mut self) -> Result<Item<'a>, Problem> {
        let [marker] = self.array()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Item::Nil,
            Marker::False => Item::Bool(false),
            Marker::True => Item::Bool(true),
            Marker::FixPos(value) => Item::Int(i64::from(value)),
            Marker::FixNeg(value) => Item::Int(i64::from(value)),
            Marker::U8 => Item::Int(i64::from(u8::from_be_bytes(self.array()?))),
            Marker::U16 => Item::Int(i64::from(u16::from_be_bytes(self.array()?))),
            Marker::U32 => Item::Int(i64::from(u32::from_be_bytes(self.array()?))),
            Marker::U64 => Item::UInt(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Item::Int(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => Item::Int(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => Item::Int(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => Item::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Item::Float(f64::from(f32::from_be_bytes(self.array()?))),
            Marker::F64 => Item::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Item::Str(self.text(usize::from(length))?),
            Marker::Str8 => Item::Str(self.length8().and_then(|length| self.text(length))?),
            Marker::Str16 => Item::Str(self.length16().and_then(|length| self.text(length))?),
            Marker::Str32 => Item::Str(self.length32().and_then(|length| self.text(length))?),
            Marker::Bin8 => Item::Bin(self.length8().and_then(|length| self.take(length))?),
            Marker::Bin16 => Item::Bin(self.length16().and_then(|length| self.take(length))?),
            Marker::Bin32 => Item::Bin(self.length32().and_then(|length| self.take(length))?),
            Marker::FixArray(length) => Item::Array(usize::from(length)),
            Marker::Array16 => Item::Array(self.length16()?),
            Marker::Array32 => Item::Array(self.length32()?),
            Marker::FixMap(length) => Item::Map(usize::from(length)),
            Marker::Map16 => Item::Map(self.length16()?),
            Marker::Map32 => Item::Map(self.length32()?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.length8().and_then(|length| self.extension(length))?,
            Marker::Ext16 => self.length16().and_then(|length| self.extension(length))?,
            Marker::Ext32 => self.length32().and_then(|length| self.extension(length))?,
            Marker::Reserved => {
                return Err(Problem::WrongType { expected: "a value", found: "a reserved byte" });
            }
        })
    }

    fn extension(&mut self, length: usize) -> Result<Item<'a>, Problem> {
        self.take(1)?;
        self.take(length)?;
        Ok(Item::Ext)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Problem> {
        std::str::from_utf8(self.take(length)?).map_err(|_| Problem::NotUtf8)
    }

    fn length8(&mut self) -> Result<usize, Problem> {
        Ok(usize::from(u8::from_be_bytes(self.array()?)))
    }

    fn length16(&mut self) -> Result<usize, Problem> {
        Ok(usize::from(u16::from_be_bytes(self.array()?)))
    }

    fn length32(&mut self) -> Result<usize, Problem> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Problem::TooLarge)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

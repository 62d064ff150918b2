//! Between rows and the core's types, so that the core stays free of sqlx.

use std::str::FromStr;

use sqlx::{Row, any::AnyRow};

use super::error::StoreError;
use crate::model::Instant;

/// How rows keep an instant.
pub fn millis(at: Instant) -> i64 {
    at.timestamp_millis()
}

pub fn instant(row: &AnyRow, column: &str) -> Result<Instant, StoreError> {
    from_millis(column, row.try_get(column)?)
}

pub fn opt_instant(row: &AnyRow, column: &str) -> Result<Option<Instant>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?.map(|millis| from_millis(column, millis)).transpose()
}

fn from_millis(column: &str, millis: i64) -> Result<Instant, StoreError> {
    Instant::from_timestamp_millis(millis).ok_or_else(|| StoreError::corrupt(column, &millis.to_string()))
}

/// A text that its type can read: ids, phone numbers, languages, actors.
pub fn parsed<T: FromStr>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    parse(column, row.try_get(column)?)
}

pub fn opt_parsed<T: FromStr>(row: &AnyRow, column: &str) -> Result<Option<T>, StoreError> {
    row.try_get::<Option<&str>, _>(column)?.map(|text| parse(column, text)).transpose()
}

fn parse<T: FromStr>(column: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt(column, text))
}

/// A word of a closed set: `named` is the type's own list.
pub fn named<T>(row: &AnyRow, column: &str, named: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    named(text).ok_or_else(|| StoreError::corrupt(column, text))
}

pub fn flag(row: &AnyRow, column: &str) -> Result<bool, StoreError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// A count or level that cannot be negative.
pub fn opt_small(row: &AnyRow, column: &str) -> Result<Option<u32>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?
        .map(|number| u32::try_from(number).map_err(|_| StoreError::corrupt(column, &number.to_string())))
        .transpose()
}

pub fn small(row: &AnyRow, column: &str) -> Result<u32, StoreError> {
    opt_small(row, column)?.ok_or_else(|| StoreError::corrupt(column, "NULL"))
}

//! Transactions: their reads and their commit.

use super::super::errors::to_js;
use super::super::port::PromiseId;
use super::super::text::Key;
use super::batches::writes;
use super::convert::create_value;
use super::cursors::{Walk, selection};
use super::handle::{StoreHandle, make};
use crate::Error;
use crate::keyvalue;
use napi::Env;
use napi::bindgen_prelude::{Array, External, Unknown};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

/// A transaction; nothing before it has begun, while it reads, and once it is committed.
pub struct Transaction {
    handle: Rc<StoreHandle>,
    place: Rc<RefCell<Option<keyvalue::Transaction>>>,
}

/// A transaction that has not begun.
#[napi(catch_unwind)]
pub fn new_transaction(handle: &External<Rc<StoreHandle>>) -> External<Transaction> {
    External::new(Transaction { handle: Rc::clone(handle), place: Rc::default() })
}

/// From now on the transaction sees what is committed by now.
#[napi(catch_unwind)]
pub fn begin_transaction<'env>(
    env: &'env Env,
    transaction: &External<Transaction>,
    id: PromiseId,
) -> napi::Result<Unknown<'env>> {
    let (store, place) = (transaction.handle.values()?, Rc::clone(&transaction.place));
    let begin = async move {
        place.replace(Some(keyvalue::Transaction::begin(store).await?));
        Ok(make(()))
    };
    transaction.handle.answer(env, id, begin)
}

/// The value at `key`, or undefined. One read at a time.
#[napi(catch_unwind)]
pub fn transaction_get<'env>(
    env: &'env Env,
    transaction: &External<Transaction>,
    id: PromiseId,
    key: Key,
) -> napi::Result<Unknown<'env>> {
    let place = Rc::clone(&transaction.place);
    let value = async move {
        let mut reading = place.take().ok_or_else(ended)?;
        let entry = reading.get(&key.0).await;
        place.replace(Some(reading));
        Ok(match entry? {
            None => make(()),
            Some(entry) => Box::new(move |env: &Env| create_value(env.raw(), entry.value())),
        })
    };
    transaction.handle.answer(env, id, value)
}

/// As `openWalk`, over what the transaction sees.
#[napi(catch_unwind)]
pub fn transaction_walk(
    transaction: &External<Transaction>,
    prefix: Key,
    start: Option<Key>,
    end: Option<Key>,
    reverse: u32,
) -> napi::Result<External<Walk>> {
    let mut place = transaction.place.borrow_mut();
    let reading = place.as_mut().ok_or_else(|| to_js(ended()))?;
    let cursor = reading.cursor(selection(&prefix, start, end, reverse, -1.0));
    Ok(External::new(Walk::new(&transaction.handle, Ok(cursor).into())))
}

/// Commits these writes if all that was read still holds; `CONFLICT` if not.
#[napi(catch_unwind)]
pub fn commit_transaction<'env>(
    env: &'env Env,
    transaction: &External<Transaction>,
    id: PromiseId,
    keys: Array<'_>,
    values: Array<'_>,
    expires: Array<'_>,
) -> napi::Result<Unknown<'env>> {
    let now = transaction.handle.values()?.now();
    let writes = writes(env, &keys, &values, Some(&expires), now)?;
    let reading = transaction.place.take().ok_or_else(|| to_js(ended()))?;
    transaction.handle.answer(env, id, async move { reading.commit(writes).await.map(|()| make(())) })
}

/// Lets go of what the transaction keeps.
#[napi(catch_unwind)]
pub fn end_transaction(transaction: &External<Transaction>) {
    transaction.place.take();
}

fn ended() -> Error {
    Error::assertion("The transaction is over, or reads something else at the moment")
}

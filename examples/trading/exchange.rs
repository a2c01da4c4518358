//! The exchange: fills the desk's orders bit by bit, on a thread of its own.

use crate::{
    meter::{Command, Meter},
    values::{Order, order_key},
};
use memory_cache_pool::{Error, MemoryCachePool, Update};
use std::{collections::HashMap, sync::mpsc::Receiver};

/// Fills orders until the desk hangs up.
#[derive(Debug)]
pub(crate) struct Exchange<'p> {
    pool: &'p MemoryCachePool,
    /// Orders that are not done, with what each arrival of an order fills of them.
    working: Vec<(u64, u64)>,
    /// How much of each order was filled.
    pub(crate) fills: HashMap<u64, u64>,
    pub(crate) meter: Meter,
}

impl<'p> Exchange<'p> {
    pub(crate) fn new(pool: &'p MemoryCachePool, meter: Meter) -> Self {
        Self { pool, working: Vec::new(), fills: HashMap::new(), meter }
    }

    /// Takes orders as they come.
    ///
    /// # Errors
    ///
    /// What the pool refused.
    pub(crate) fn run(&mut self, orders: &Receiver<Order>) -> Result<(), Error> {
        for order in orders {
            // From a tenth to a half at a time: some are done at once, some before the desk loses
            // patience, some are not, and some just about then.
            self.working.push((order.id, 10 * (1 + order.id % 5)));
            let mut working = std::mem::take(&mut self.working);
            let mut refused = Ok(());
            working.retain(|&(id, lot)| match self.fill(id, lot) {
                Ok(is_working) => is_working,
                Err(error) => {
                    refused = Err(error);
                    false
                }
            });
            refused?;
            self.working = working;
        }
        Ok(())
    }

    /// Fills up to `lot` of an order, unless the desk has cancelled it first. True while there is
    /// more to fill.
    fn fill(&mut self, id: u64, lot: u64) -> Result<bool, Error> {
        let (pool, key) = (self.pool, order_key(id));
        let mut filled = None;
        self.meter.time(Command::Update, || {
            pool.update(&key, |value| {
                let order = value.and_then(Order::decode);
                filled = order.filter(|order| order.status.is_working()).map(|o| o.fill(lot));
                // The time to live stays what the desk has set.
                filled.as_ref().map_or(Update::Keep, |order| {
                    Update::Set(order.to_text().into_bytes())
                })
            })
        })?;
        let Some(order) = filled else { return Ok(false) };
        self.fills.insert(id, order.filled);
        Ok(order.status.is_working())
    }
}

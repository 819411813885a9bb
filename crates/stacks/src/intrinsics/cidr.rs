//! `Fn::Cidr`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Evaluation;
use crate::fault::Fault;
use crate::node::{Node, Place};

/// How many blocks it makes at most (documented).
const BLOCKS_MAX: u32 = 256;
/// The bits of a block where nothing is said: a /24.
const BITS: u32 = 8;

impl<'n> Evaluation<'n> {
    pub(super) fn cidr(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let (block, count, bits) = match argument.as_list() {
            Some([block, count]) => (block, count, None),
            Some([block, count, bits]) => (block, count, Some(bits)),
            _ => return Err(self.fault("Fn::Cidr takes a block, a count and the bits of each", place)),
        };
        let block = self.text(block, "the block of Fn::Cidr")?;
        let count = self.text(count, "the count of Fn::Cidr")?;
        let bits = match bits {
            Some(bits) => self.text(bits, "the bits of Fn::Cidr")?,
            None => BITS.to_string(),
        };
        let blocks = blocks(&block, &count, &bits).map_err(|problem| match problem {
            Problem::Block => {
                self.fault(format!("{} is no block of addresses, such as 10.0.0.0/16", self.shown(&block)), place)
            }
            Problem::Count => {
                self.fault(format!("the count of Fn::Cidr is 1 to {BLOCKS_MAX}, not {}", self.shown(&count)), place)
            }
            Problem::Bits => self.fault(format!("the bits of Fn::Cidr cannot be {}", self.shown(&bits)), place),
            Problem::Room => {
                self.fault(format!("{} has no room for {} such blocks", self.shown(&block), self.shown(&count)), place)
            }
        })?;
        for each in &blocks {
            self.spend(each.len(), place)?;
        }
        Ok(Node::list(blocks.into_iter().map(|each| Node::text(each, place)), place))
    }
}

enum Problem {
    Block,
    Count,
    Bits,
    Room,
}

fn blocks(block: &str, count: &str, bits: &str) -> Result<Vec<String>, Problem> {
    let (address, prefix) = block.split_once('/').ok_or(Problem::Block)?;
    let address: IpAddr = address.parse().map_err(|_| Problem::Block)?;
    let prefix: u32 = prefix.parse().map_err(|_| Problem::Block)?;
    let (width, first) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    if prefix > width {
        return Err(Problem::Block);
    }
    let count: u32 = count.parse().ok().filter(|count| (1..=BLOCKS_MAX).contains(count)).ok_or(Problem::Count)?;
    let bits: u32 = bits.parse().ok().filter(|bits| (1..width).contains(bits)).ok_or(Problem::Bits)?;
    let new_prefix = width - bits;
    if new_prefix < prefix || (new_prefix - prefix < 32 && count > 1 << (new_prefix - prefix)) {
        return Err(Problem::Room);
    }
    // The block's own first address, whatever address of it was written.
    let first = if prefix == 0 { 0 } else { first >> (width - prefix) << (width - prefix) };
    let each = |index: u32| {
        let address = first + (u128::from(index) << bits);
        let address = match width {
            32 => IpAddr::V4(Ipv4Addr::from(u32::try_from(address).unwrap_or(u32::MAX))),
            _ => IpAddr::V6(Ipv6Addr::from(address)),
        };
        format!("{address}/{new_prefix}")
    };
    Ok((0..count).map(each).collect())
}

//! Gradient-boosted trees.

use super::Model;
use crate::interrupt::features::{COUNT, Values};
use serde::{Deserialize, Serialize};

/// A node of a tree: in the file `[feature, at_most, left, value]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u8, f64, u16, f64)", into = "(u8, f64, u16, f64)")]
pub struct Node {
    /// The index of the feature that is looked at.
    pub feature: u8,
    /// The threshold: a greater value goes to the right.
    pub at_most: f64,
    /// The node on the left; the one on the right comes after it. Zero in a leaf.
    pub left: u16,
    /// What the tree adds to the log-odds if this is the leaf, else the mean of the leaves below,
    /// by the rows that come to them.
    pub value: f64,
}

impl From<(u8, f64, u16, f64)> for Node {
    fn from((feature, at_most, left, value): (u8, f64, u16, f64)) -> Node {
        Node {
            feature,
            at_most,
            left,
            value,
        }
    }
}

impl From<Node> for (u8, f64, u16, f64) {
    fn from(node: Node) -> (u8, f64, u16, f64) {
        (node.feature, node.at_most, node.left, node.value)
    }
}

impl Node {
    fn next(&self, values: &Values) -> usize {
        usize::from(self.left) + usize::from(values[usize::from(self.feature)] > self.at_most)
    }
}

/// The log-odds are the base and what each tree adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    pub base: f64,
    /// The trees, each from its root down.
    pub trees: Vec<Vec<Node>>,
}

impl Trees {
    /// Whether every way down ends in a leaf.
    pub(super) fn is_whole(&self) -> bool {
        let fits = |tree: &Vec<Node>| {
            let leads_down = |(index, node): (usize, &Node)| {
                let left = usize::from(node.left);
                let is_leaf = left == 0;
                is_leaf
                    || (left > index && left + 1 < tree.len() && usize::from(node.feature) < COUNT)
            };
            !tree.is_empty() && tree.iter().enumerate().all(leads_down)
        };
        self.trees.iter().all(fits)
    }
}

impl Model for Trees {
    fn log_odds(&self, values: &Values) -> f64 {
        let leaf = |tree: &Vec<Node>| {
            let mut node = &tree[0];
            while node.left != 0 {
                node = &tree[node.next(values)];
            }
            node.value
        };
        self.base + self.trees.iter().map(leaf).sum::<f64>()
    }

    /// Each step down a tree counts for the feature that was looked at (Saabas, 2014).
    fn contributions(&self, values: &Values) -> Values {
        let mut contributions = [0.0; COUNT];
        for tree in &self.trees {
            let mut node = &tree[0];
            while node.left != 0 {
                let next = &tree[node.next(values)];
                contributions[usize::from(node.feature)] += next.value - node.value;
                node = next;
            }
        }
        contributions
    }
}

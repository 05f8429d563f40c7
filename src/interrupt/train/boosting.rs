//! Fits gradient-boosted trees: second-order boosting of the logistic loss on binned features
//! (Friedman 2001; Chen and Guestrin 2016). One thread and a fixed order, so the same rows and
//! seed give the same trees on every machine.

use super::{TrainingRow, rounded};
use crate::interrupt::model::{Node, Trees, logit, sigmoid};
use crate::rng::Seed;

/// How the trees are grown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boosting {
    pub trees: usize,
    pub leaves: usize,
    pub learning_rate: f64,
    /// The share of the features that a tree may look at.
    pub feature_share: f64,
    pub rows_in_leaf_min: u32,
    /// Shrinks leaves with few rows.
    pub ridge: f64,
}

const BINS: usize = 64;

/// The features of all rows, each as the number of one of up to 64 bins.
struct Binned {
    /// The greatest value of each bin but the last, by feature.
    edges: Vec<Vec<f64>>,
    /// The number of the bin, by feature, then by row.
    bins: Vec<Vec<u8>>,
}

impl Binned {
    fn of(rows: &[TrainingRow], features: usize) -> Binned {
        let edges: Vec<Vec<f64>> = (0..features).map(|feature| edges(rows, feature)).collect();
        let bin = |edges: &[f64], value: f64| edges.partition_point(|edge| *edge < value) as u8;
        let bins = edges.iter().enumerate().map(|(feature, edges)| {
            let bins = rows.iter().map(|row| bin(edges, row.values[feature]));
            bins.collect()
        });
        Binned {
            bins: bins.collect(),
            edges,
        }
    }
}

fn edges(rows: &[TrainingRow], feature: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|row| row.values[feature]).collect();
    values.sort_by(f64::total_cmp);
    let quantile = |bin: usize| rounded(values[(values.len() - 1) * bin / BINS]);
    let mut edges: Vec<f64> = (1..BINS).map(quantile).collect();
    edges.dedup();
    edges
}

/// Sums over the rows of a bin: slope and curvature of the loss, and their number.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    slope: f64,
    curve: f64,
    rows: u32,
}

impl Sums {
    fn plus(self, other: Sums) -> Sums {
        Sums {
            slope: self.slope + other.slope,
            curve: self.curve + other.curve,
            rows: self.rows + other.rows,
        }
    }

    fn minus(self, other: Sums) -> Sums {
        Sums {
            slope: self.slope - other.slope,
            curve: self.curve - other.curve,
            rows: self.rows.saturating_sub(other.rows),
        }
    }

    fn gain(self, ridge: f64) -> f64 {
        self.slope * self.slope / (self.curve + ridge)
    }
}

type Histogram = Vec<[Sums; BINS]>;

#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    bin: u8,
}

/// A leaf that may yet be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    histogram: Histogram,
    sums: Sums,
    best: Option<Split>,
}

/// Fits trees that look at the first `features` features.
pub(super) fn fit(rows: &[TrainingRow], features: usize, how: Boosting, seed: Seed) -> Trees {
    let binned = Binned::of(rows, features);
    let positive = rows.iter().filter(|row| row.is_interruption).count();
    let base = rounded(logit(positive as f64 / rows.len() as f64));
    let mut log_odds = vec![base; rows.len()];
    let mut derivatives = vec![(0.0, 0.0); rows.len()];
    let mut trees = Vec::with_capacity(how.trees);
    for number in 0..how.trees {
        for ((derivative, log_odds), row) in derivatives.iter_mut().zip(&log_odds).zip(rows) {
            let p = sigmoid(*log_odds);
            *derivative = (p - f64::from(u8::from(row.is_interruption)), p * (1.0 - p));
        }
        let mut stream = seed.stream("boosting", number as u64, 0, "features");
        let chosen: Vec<usize> = (0..features)
            .filter(|_| stream.uniform() < how.feature_share)
            .collect();
        let grower = Grower {
            binned: &binned,
            derivatives: &derivatives,
            chosen,
            how,
        };
        trees.push(grower.grow(&mut log_odds));
    }
    Trees { base, trees }
}

struct Grower<'a> {
    binned: &'a Binned,
    derivatives: &'a [(f64, f64)],
    chosen: Vec<usize>,
    how: Boosting,
}

impl Grower<'_> {
    /// Grows one tree, best leaf first, and adds its values to the log-odds.
    fn grow(&self, log_odds: &mut [f64]) -> Vec<Node> {
        let all: Vec<u32> = (0..log_odds.len() as u32).collect();
        let histogram = self.histogram(&all);
        let sums = self.sum(&all);
        let mut nodes = vec![self.node(sums)];
        let mut leaves = vec![self.leaf(0, all, histogram, sums)];
        while leaves.len() < self.how.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |split| split.gain);
            let order = |a: &usize, b: &usize| {
                gain(&leaves[*a])
                    .total_cmp(&gain(&leaves[*b]))
                    .then(b.cmp(a))
            };
            let Some(index) = (0..leaves.len()).max_by(order) else {
                break;
            };
            let Some(split) = leaves[index].best else {
                break;
            };
            let leaf = leaves.remove(index);
            let left_node = nodes.len();
            nodes[leaf.node].feature = split.feature as u8;
            nodes[leaf.node].at_most = self.binned.edges[split.feature][usize::from(split.bin)];
            nodes[leaf.node].left = left_node as u16;
            let (left, right) = self.split(leaf, split, left_node);
            nodes.push(self.node(left.sums));
            nodes.push(self.node(right.sums));
            leaves.extend([left, right]);
        }
        for leaf in &leaves {
            for row in &leaf.rows {
                log_odds[*row as usize] += nodes[leaf.node].value;
            }
        }
        set_means(&mut nodes, &leaves);
        nodes
    }

    fn split(&self, leaf: Leaf, split: Split, left_node: usize) -> (Leaf, Leaf) {
        let bins = &self.binned.bins[split.feature];
        let goes_left = |row: &u32| bins[*row as usize] <= split.bin;
        let (left, right): (Vec<u32>, Vec<u32>) = leaf.rows.into_iter().partition(goes_left);
        // The histogram of the smaller half is counted, that of the other one is the rest.
        let is_left_smaller = left.len() <= right.len();
        let (small, large) = if is_left_smaller {
            (left, right)
        } else {
            (right, left)
        };
        let counted = self.histogram(&small);
        let mut rest = leaf.histogram;
        for (rest, counted) in rest.iter_mut().flatten().zip(counted.iter().flatten()) {
            *rest = rest.minus(*counted);
        }
        let small_sums = self.sum(&small);
        let large_sums = leaf.sums.minus(small_sums);
        let (small_node, large_node) = if is_left_smaller {
            (left_node, left_node + 1)
        } else {
            (left_node + 1, left_node)
        };
        let small = self.leaf(small_node, small, counted, small_sums);
        let large = self.leaf(large_node, large, rest, large_sums);
        if is_left_smaller {
            (small, large)
        } else {
            (large, small)
        }
    }

    fn leaf(&self, node: usize, rows: Vec<u32>, histogram: Histogram, sums: Sums) -> Leaf {
        Leaf {
            best: self.best(&histogram, sums),
            node,
            rows,
            histogram,
            sums,
        }
    }

    fn node(&self, sums: Sums) -> Node {
        let step = -sums.slope / (sums.curve + self.how.ridge);
        Node {
            feature: 0,
            at_most: 0.0,
            left: 0,
            value: rounded(self.how.learning_rate * step),
        }
    }

    fn sum(&self, rows: &[u32]) -> Sums {
        let add = |sums: Sums, row: &u32| {
            let (slope, curve) = self.derivatives[*row as usize];
            let rows = 1;
            sums.plus(Sums { slope, curve, rows })
        };
        rows.iter().fold(Sums::default(), add)
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        let of_feature = |feature: &usize| {
            let bins = &self.binned.bins[*feature];
            let mut sums = [Sums::default(); BINS];
            for row in rows {
                let (slope, curve) = self.derivatives[*row as usize];
                let bin = &mut sums[usize::from(bins[*row as usize])];
                bin.slope += slope;
                bin.curve += curve;
                bin.rows += 1;
            }
            sums
        };
        self.chosen.iter().map(of_feature).collect()
    }

    /// The split that lowers the loss most; the first of equal ones.
    fn best(&self, histogram: &Histogram, all: Sums) -> Option<Split> {
        let mut best: Option<Split> = None;
        for (feature, sums) in self.chosen.iter().zip(histogram) {
            let mut left = Sums::default();
            for (bin, sums) in sums
                .iter()
                .enumerate()
                .take(self.binned.edges[*feature].len())
            {
                left = left.plus(*sums);
                let right = all.minus(left);
                if left.rows.min(right.rows) < self.how.rows_in_leaf_min {
                    continue;
                }
                let ridge = self.how.ridge;
                let gain = left.gain(ridge) + right.gain(ridge) - all.gain(ridge);
                if gain > best.map_or(1e-6, |split| split.gain) {
                    best = Some(Split {
                        gain,
                        feature: *feature,
                        bin: bin as u8,
                    });
                }
            }
        }
        best
    }
}

/// Gives each inner node the mean of the leaves below it, for explanations.
fn set_means(nodes: &mut [Node], leaves: &[Leaf]) {
    let mut rows = vec![0.0; nodes.len()];
    for leaf in leaves {
        rows[leaf.node] = leaf.rows.len() as f64;
    }
    // Children come after their parents.
    for index in (0..nodes.len()).rev() {
        let left = usize::from(nodes[index].left);
        if left != 0 {
            rows[index] = rows[left] + rows[left + 1];
            let sum = rows[left] * nodes[left].value + rows[left + 1] * nodes[left + 1].value;
            nodes[index].value = rounded(sum / rows[index]);
        }
    }
}

//! Where boxes and arrows go: rows by the longest path from the start, few crossings by barycentres, and
//! boxes near those that they belong to. Arrows that lead back run at the side.
//!
//! Arrows to the same step share their way, so that a step to which everything leads stays legible.

use std::collections::{BTreeMap, BTreeSet};

const ROW_GAP: f64 = 52.0;
const BOX_GAP: f64 = 34.0;
const LANE: f64 = 16.0;
const MARGIN: f64 = 28.0;
const SWEEPS: usize = 24;

/// A box that wants a place.
#[derive(Debug, Clone)]
pub struct Shape {
    pub width: f64,
    pub height: f64,
    /// Where its exits leave, from the left edge.
    pub ports: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub from: usize,
    pub port: usize,
    pub to: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Laid {
    /// The upper left corner of each box.
    pub boxes: Vec<(f64, f64)>,
    pub routes: Vec<Route>,
    pub width: f64,
    pub height: f64,
}

/// The way of a link.
#[derive(Debug, Clone)]
pub enum Route {
    /// Downwards, curved from point to point.
    Down(Vec<(f64, f64)>),
    /// Back, in straight lines.
    Back(Vec<(f64, f64)>),
}

/// A box, or a point at which arrows pass a row.
struct Node {
    row: usize,
    width: f64,
    /// The middle.
    x: f64,
}

struct Layout<'a> {
    shapes: &'a [Shape],
    links: &'a [Link],
    back: Vec<bool>,
    nodes: Vec<Node>,
    /// Neighbours above and below, with how far from the middle of the upper one the line leaves.
    above: Vec<Vec<(usize, f64)>>,
    below: Vec<Vec<(usize, f64)>>,
    rows: Vec<Vec<usize>>,
    /// By link: the nodes on its way, without its ends.
    passes: Vec<Vec<usize>>,
}

pub fn lay(shapes: &[Shape], links: &[Link], start: Option<usize>) -> Laid {
    if shapes.is_empty() {
        return Laid::default();
    }
    let (back, order) = back_links(shapes.len(), links, start);
    let rows = rows(shapes.len(), links, &back, &order);
    let mut layout = Layout::new(shapes, links, back, &rows, &order);
    layout.uncross();
    layout.straighten();
    layout.finish()
}

/// Which links lead back, and all boxes in an order in which no other link does.
fn back_links(count: usize, links: &[Link], start: Option<usize>) -> (Vec<bool>, Vec<usize>) {
    struct Search<'a> {
        links: &'a [Link],
        of: Vec<Vec<usize>>,
        state: Vec<u8>,
        back: Vec<bool>,
        finished: Vec<usize>,
    }
    impl Search<'_> {
        fn visit(&mut self, node: usize) {
            self.state[node] = 1;
            for link in self.of[node].clone() {
                let to = self.links[link].to;
                match self.state[to] {
                    0 => self.visit(to),
                    1 => self.back[link] = true,
                    _ => {}
                }
            }
            self.state[node] = 2;
            self.finished.push(node);
        }
    }
    let mut of = vec![Vec::new(); count];
    for (index, link) in links.iter().enumerate() {
        of[link.from].push(index);
    }
    let back = vec![false; links.len()];
    let mut search = Search { links, of, state: vec![0; count], back, finished: Vec::new() };
    for node in start.into_iter().chain(0..count) {
        if search.state[node] == 0 {
            search.visit(node);
        }
    }
    search.finished.reverse();
    (search.back, search.finished)
}

fn rows(count: usize, links: &[Link], back: &[bool], order: &[usize]) -> Vec<usize> {
    let mut rows = vec![0; count];
    for node in order {
        for (link, _) in links.iter().zip(back).filter(|(link, back)| link.from == *node && !**back) {
            rows[link.to] = rows[link.to].max(rows[*node] + 1);
        }
    }
    rows
}

impl<'a> Layout<'a> {
    fn new(shapes: &'a [Shape], links: &'a [Link], back: Vec<bool>, rows: &[usize], order: &[usize]) -> Self {
        let nodes =
            shapes.iter().zip(rows).map(|(shape, row)| Node { row: *row, width: shape.width, x: 0.0 }).collect();
        let mut layout = Self {
            shapes,
            links,
            back,
            nodes,
            above: vec![Vec::new(); shapes.len()],
            below: vec![Vec::new(); shapes.len()],
            rows: vec![Vec::new(); rows.iter().max().map_or(0, |last| last + 1)],
            passes: Vec::new(),
        };
        for node in order {
            layout.rows[rows[*node]].push(*node);
        }
        let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut joined = BTreeSet::new();
        for (index, link) in links.iter().enumerate() {
            let mut passes = Vec::new();
            if !layout.back[index] {
                let offset = shapes[link.from].ports[link.port] - shapes[link.from].width / 2.0;
                let mut last = (link.from, offset);
                for row in rows[link.from] + 1..rows[link.to] {
                    let node = *shared.entry((link.to, row)).or_insert_with(|| layout.pass(row));
                    layout.join(last, node, &mut joined);
                    passes.push(node);
                    last = (node, 0.0);
                }
                layout.join(last, link.to, &mut joined);
            }
            layout.passes.push(passes);
        }
        layout
    }

    fn pass(&mut self, row: usize) -> usize {
        self.nodes.push(Node { row, width: LANE, x: 0.0 });
        self.above.push(Vec::new());
        self.below.push(Vec::new());
        self.rows[row].push(self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// Two passes of a shared way are joined once.
    fn join(&mut self, (upper, offset): (usize, f64), lower: usize, joined: &mut BTreeSet<(usize, usize)>) {
        let both_pass = upper >= self.shapes.len();
        if both_pass && !joined.insert((upper, lower)) {
            return;
        }
        self.below[upper].push((lower, offset));
        self.above[lower].push((upper, offset));
    }

    /// Sorts each row by where its neighbours stand, downwards and upwards in turn; keeps the best.
    fn uncross(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let rows: Vec<usize> = if down {
                (1..self.rows.len()).collect()
            } else {
                (0..self.rows.len().saturating_sub(1)).rev().collect()
            };
            for row in rows {
                let place = self.places();
                let wish = |node: usize| {
                    let neighbours = if down { &self.above[node] } else { &self.below[node] };
                    let sum: f64 = neighbours
                        .iter()
                        .map(|(other, offset)| place[*other] + if down { offset / 1_000.0 } else { 0.0 })
                        .sum();
                    #[expect(clippy::cast_precision_loss, reason = "a handful of neighbours")]
                    let count = neighbours.len() as f64;
                    if neighbours.is_empty() { place[node] } else { sum / count }
                };
                let mut sorted: Vec<(f64, usize)> = self.rows[row].iter().map(|node| (wish(*node), *node)).collect();
                sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
                self.rows[row] = sorted.into_iter().map(|(_, node)| node).collect();
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    /// The place of each node in its row.
    fn places(&self) -> Vec<f64> {
        let mut places = vec![0.0; self.nodes.len()];
        for row in &self.rows {
            for (place, node) in row.iter().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "a row has some hundred places at most")]
                let place = place as f64;
                places[*node] = place;
            }
        }
        places
    }

    fn crossings(&self) -> usize {
        let places = self.places();
        let lines_of = |row: &Vec<usize>| -> Vec<(f64, f64)> {
            let of = |node: &usize| {
                let from = places[*node];
                self.below[*node].iter().map(move |(to, offset)| (from + offset / 1_000.0, *to)).collect::<Vec<_>>()
            };
            row.iter().flat_map(of).map(|(from, to)| (from, places[to])).collect()
        };
        self.rows.iter().map(|row| inversions(lines_of(row))).sum()
    }

    /// Moves boxes below and above those that they belong to, as near as their row allows.
    fn straighten(&mut self) {
        for row in 0..self.rows.len() {
            self.settle(row, |_| None);
        }
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let rows: Vec<usize> =
                if down { (0..self.rows.len()).collect() } else { (0..self.rows.len()).rev().collect() };
            for row in rows {
                self.settle(row, |layout: &(&Self, usize)| {
                    let (layout, node) = *layout;
                    let up = layout.above[node].iter().map(|(other, offset)| layout.nodes[*other].x + offset);
                    let low = layout.below[node].iter().map(|(other, offset)| layout.nodes[*other].x - offset);
                    let wishes: Vec<f64> = if down { up.collect() } else { low.collect() };
                    #[expect(clippy::cast_precision_loss, reason = "a handful of neighbours")]
                    let count = wishes.len() as f64;
                    (!wishes.is_empty()).then(|| wishes.iter().sum::<f64>() / count)
                });
            }
        }
    }

    /// Puts a row where its boxes wish to be, without overlaps: the least squares under a fixed order.
    fn settle(&mut self, row: usize, wish: impl Fn(&(&Self, usize)) -> Option<f64>) {
        let nodes = self.rows[row].clone();
        let mut offsets = Vec::with_capacity(nodes.len());
        let mut offset = 0.0;
        for (index, node) in nodes.iter().enumerate() {
            if index > 0 {
                offset += (self.nodes[nodes[index - 1]].width + self.nodes[*node].width) / 2.0 + BOX_GAP;
            }
            offsets.push(offset);
        }
        // Blocks of boxes that touch: mean, weight, count.
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
        for (node, offset) in nodes.iter().zip(&offsets) {
            let wished = wish(&(&*self, *node)).unwrap_or(self.nodes[*node].x);
            let mut block = (wished - offset, 1.0, 1);
            while let Some(last) = blocks.last().filter(|last| last.0 > block.0).copied() {
                blocks.pop();
                let weight = last.1 + block.1;
                block = ((last.0 * last.1 + block.0 * block.1) / weight, weight, last.2 + block.2);
            }
            blocks.push(block);
        }
        let settled = blocks.iter().flat_map(|block| std::iter::repeat_n(block.0, block.2));
        let settled: Vec<f64> = settled.zip(&offsets).map(|(base, offset)| base + offset).collect();
        for (node, x) in nodes.iter().zip(settled) {
            self.nodes[*node].x = x;
        }
    }

    fn finish(self) -> Laid {
        let left = self.nodes.iter().map(|node| node.x - node.width / 2.0).fold(f64::INFINITY, f64::min);
        let shift = MARGIN - left;
        let heights = |row: &Vec<usize>| {
            row.iter().filter_map(|node| self.shapes.get(*node)).map(|shape| shape.height).fold(0.0, f64::max)
        };
        let mut tops = Vec::new();
        let mut y = MARGIN;
        for row in &self.rows {
            tops.push((y, y + heights(row)));
            y += heights(row) + ROW_GAP;
        }
        let boxes: Vec<(f64, f64)> = self
            .shapes
            .iter()
            .zip(&self.nodes)
            .map(|(shape, node)| (node.x + shift - shape.width / 2.0, tops[node.row].0))
            .collect();
        let right = self.nodes.iter().map(|node| node.x + node.width / 2.0).fold(f64::NEG_INFINITY, f64::max) + shift;
        // What leads back to the same step runs in one lane.
        let mut lane_of: BTreeMap<usize, f64> = BTreeMap::new();
        let mut lanes = 0.0;
        let mut routes = Vec::new();
        for (index, link) in self.links.iter().enumerate() {
            let (from, to) = (boxes[link.from], boxes[link.to]);
            let (source, target) = (&self.shapes[link.from], &self.shapes[link.to]);
            let begin = (from.0 + source.ports[link.port], from.1 + source.height);
            if self.back[index] {
                let number = *lane_of.entry(link.to).or_insert_with(|| {
                    lanes += 1.0;
                    lanes
                });
                let lane = right + LANE * number;
                let under = tops[self.nodes[link.from].row].1 + 10.0 + 4.0 * (number % 5.0);
                let into = (to.0 + target.width, to.1 + 14.0);
                routes.push(Route::Back(vec![begin, (begin.0, under), (lane, under), (lane, into.1), into]));
                continue;
            }
            let mut points = vec![begin];
            // Past the boxes of its row, whatever their height.
            points.push((begin.0, tops[self.nodes[link.from].row].1));
            for node in &self.passes[index] {
                let (top, bottom) = tops[self.nodes[*node].row];
                points.extend([(self.nodes[*node].x + shift, top), (self.nodes[*node].x + shift, bottom)]);
            }
            points.push((to.0 + target.width / 2.0, to.1));
            routes.push(Route::Down(points));
        }
        let width = right + LANE * lanes + MARGIN;
        Laid { boxes, routes, width, height: y - ROW_GAP + MARGIN }
    }
}

/// How many lines between two rows cross: pairs that stand in one order above and in the other below.
fn inversions(mut lines: Vec<(f64, f64)>) -> usize {
    lines.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut below: Vec<f64> = Vec::with_capacity(lines.len());
    let mut crossings = 0;
    for (_, place) in lines {
        let at = below.partition_point(|other| *other <= place);
        crossings += below.len() - at;
        below.insert(at, place);
    }
    crossings
}

//! The longest operation of every 10 ms: a row for each contender.

use super::{
    Area, Failure, GRID, QUIET, TEXT, TITLE, WHITE, colour, decades, latency_label, open, text,
    title,
};
use crate::latency::{
    case::{Case, Run},
    figures::duration,
    timeline::{SLOT_NANOS, Timeline},
};
use plotters::{
    chart::ChartBuilder,
    coord::combinators::IntoLogRange,
    series::AreaSeries,
    style::{Color, ShapeStyle},
};
use std::path::Path;

/// Pixels of a row, of the names beside it, and of the axis below all.
const ROW: u32 = 92;
const WIDE: u32 = 1_060;
const NAMES: u32 = 130;
const AXIS: u32 = 46;

/// Draws a case's longest operations over time.
///
/// # Errors
///
/// When the file cannot be written.
pub fn pauses(case: &Case, path: &Path) -> Result<(), Failure> {
    let rows = u32::try_from(case.runs.len()).unwrap_or(1).max(1);
    let what = "longest operation in each 10 ms: pale, until its answer; full, what it took itself, \
                without waiting for a processor";
    let body = open(path, (WIDE, TITLE + rows * ROW + AXIS), &title(case), what)?;
    let slots = || case.runs.iter().flat_map(|run| run.measured.responses.slots());
    let least = slots().filter(|&&longest| longest > 0).min();
    let latencies = decades(*least.unwrap_or(&1), *slots().max().unwrap_or(&10));
    let longest = case.runs.iter().map(|run| run.measured.responses.slots().len()).max();
    let end = seconds(longest.unwrap_or(1));
    let mut rest = body.clone();
    for (index, run) in (1..).zip(&case.runs) {
        let is_last = index == rows;
        let (area, below) = rest.split_vertically(if is_last { ROW + AXIS } else { ROW });
        rest = below;
        row(&area, run, end, latencies.clone(), is_last)?;
    }
    body.present()
}

fn row(
    area: &Area<'_>,
    run: &Run,
    end: f64,
    latencies: std::ops::Range<f64>,
    has_axis: bool,
) -> Result<(), Failure> {
    let (names, panel) = area.split_horizontally(NAMES);
    let worst = |timeline: &Timeline| duration(timeline.slots().iter().max().copied().unwrap_or(0));
    names.draw_text(run.contender, &text(16, colour(run.contender)), (16, 20))?;
    let seen = format!("worst {}", worst(&run.measured.responses));
    names.draw_text(&seen, &text(13, QUIET), (16, 44))?;
    let own = format!("own {}", worst(&run.measured.own));
    names.draw_text(&own, &text(13, TEXT), (16, 62))?;
    let low = latencies.start;
    let mut chart = ChartBuilder::on(&panel)
        .margin_top(6)
        .margin_right(24)
        .margin_bottom(4)
        .x_label_area_size(if has_axis { AXIS } else { 0 })
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, latencies.log_scale())?;
    let mut mesh = chart.configure_mesh();
    mesh.x_labels(11)
        .y_labels(4)
        .y_label_formatter(&latency_label)
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(QUIET)
        .label_style(text(12, TEXT))
        .axis_desc_style(text(14, TEXT));
    if has_axis {
        mesh.x_desc("time in seconds");
    }
    mesh.draw()?;
    let colour = colour(run.contender);
    let measured = &run.measured;
    for (timeline, opacity) in [(&measured.responses, 0.25), (&measured.own, 0.75)] {
        for stretch in stretches(timeline.slots()) {
            let line = ShapeStyle::from(colour.mix(opacity)).stroke_width(1);
            let area = AreaSeries::new(stretch, low, colour.mix(opacity)).border_style(line);
            chart.draw_series(area)?;
        }
    }
    Ok(())
}

/// The points of each stretch without an empty slot, as steps.
#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn stretches(slots: &[u64]) -> Vec<Vec<(f64, f64)>> {
    let mut stretches = vec![Vec::new()];
    for (index, &longest) in slots.iter().enumerate() {
        if longest == 0 {
            stretches.push(Vec::new());
        } else if let Some(stretch) = stretches.last_mut() {
            stretch.push((seconds(index), longest as f64));
            stretch.push((seconds(index + 1), longest as f64));
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

/// When a slot begins.
#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn seconds(slot: usize) -> f64 {
    slot as f64 * SLOT_NANOS as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_slot_interrupts_the_picture() {
        let stretches = stretches(&[0, 7, 8, 0, 9]);

        let points = |from: f64, longest: f64| [(from, longest), (from + 0.01, longest)];
        assert_eq!(stretches.len(), 2);
        assert_eq!(stretches[0], [points(0.01, 7.0), points(0.02, 8.0)].concat());
        assert_eq!(stretches[1], points(0.04, 9.0));
    }
}

//! Bytes above the start over time, a curve for each contender.

use super::{
    Failure, GRID, LEGEND, QUIET, TEXT, TITLE, WHITE, colour, legend, open, text, title, width,
};
use crate::latency::case::{Case, Run};
use plotters::{chart::ChartBuilder, series::LineSeries, style::ShapeStyle};
use std::path::Path;

const SIZE: (u32, u32) = (900, 430);

/// Draws what each contender of a case held; `zero` says what second 0 is.
///
/// # Errors
///
/// When the file cannot be written.
pub fn memory(case: &Case, zero: &str, path: &Path) -> Result<(), Failure> {
    let curves: Vec<_> = case.runs.iter().filter_map(|run| Some((run, curve(run)?))).collect();
    let points = || curves.iter().flat_map(|(_, curve)| curve);
    let ends = points().map(|point| point.0);
    let (begin, end) = ends.fold((0.0_f64, 0.1_f64), |(low, high), at| (low.min(at), high.max(at)));
    let most = points().map(|point| point.1).fold(1.0, f64::max);
    let what = "memory above the start, in bytes that were asked of the allocator";
    let body = open(path, (SIZE.0 + LEGEND, TITLE + SIZE.1), &title(case), what)?;
    let (panel, beside) = body.split_horizontally(SIZE.0);
    let mut chart = ChartBuilder::on(&panel)
        .margin(12)
        .margin_right(22)
        .x_label_area_size(46)
        .y_label_area_size(74)
        .build_cartesian_2d(begin..end, 0.0..most * 1.05)?;
    chart
        .configure_mesh()
        .x_desc(format!("seconds since {zero}"))
        .x_label_formatter(&|seconds| seconds_label(*seconds))
        .y_desc("MiB")
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(QUIET)
        .label_style(text(13, TEXT))
        .axis_desc_style(text(14, TEXT))
        .draw()?;
    for (run, curve) in curves.iter().rev() {
        let style = ShapeStyle::from(colour(run.contender)).stroke_width(width(run.contender));
        chart.draw_series(LineSeries::new(curve.iter().copied(), style))?;
    }
    legend(&beside, curves.iter().map(|(run, _)| run.contender))?;
    body.present()
}

/// Seconds on an axis; the label of 0 has no sign.
fn seconds_label(seconds: f64) -> String {
    let text = format!("{seconds:.1}");
    if text == "-0.0" { "0.0".to_owned() } else { text }
}

/// A contender's samples in MiB above its start.
#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn curve(run: &Run) -> Option<Vec<(f64, f64)>> {
    let memory = run.memory.as_ref()?;
    let above = |bytes: i64| ((bytes - memory.baseline) as f64 / f64::from(1 << 20)).max(0.0);
    Some(memory.samples.iter().map(|&(at, bytes)| (at, above(bytes))).collect())
}

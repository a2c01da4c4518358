//! How many operations were at most how slow: a panel for each kind, a curve for each contender.

use super::{
    Area, Failure, GRID, LEGEND, QUIET, TEXT, TITLE, colour, decades, latency_label, legend, open,
    text, title, width,
};
use crate::latency::case::Case;
use hdrhistogram::Histogram;
use plotters::{
    chart::ChartBuilder, coord::combinators::IntoLogRange, series::LineSeries, style::ShapeStyle,
};
use std::path::Path;

/// Pixels of a panel.
const PANEL: (u32, u32) = (560, 430);

/// Panels beside each other.
const COLUMNS: usize = 2;

/// Nines at the upper end of the axis: 99.9999 %.
const NINES: f64 = 6.0;

/// Points of a curve per nine.
const STEPS: i32 = 40;

/// Draws a case's distributions.
///
/// # Errors
///
/// When the file cannot be written.
pub fn distribution(case: &Case, path: &Path) -> Result<(), Failure> {
    let kinds: Vec<_> = (0..case.operations.len())
        .filter(|&kind| case.runs.iter().any(|run| !response(run, kind).is_empty()))
        .collect();
    let rows = kinds.len().div_ceil(COLUMNS).max(1);
    let columns = kinds.len().clamp(1, COLUMNS);
    let wide = PANEL.0 * u32::try_from(columns).unwrap_or(1);
    let high = PANEL.1 * u32::try_from(rows).unwrap_or(1);
    let what =
        "share of operations that took at most so long; further up and to the left is better";
    let body = open(path, (wide + LEGEND, TITLE + high), &title(case), what)?;
    let (panels, beside) = body.split_horizontally(wide);
    for (kind, area) in kinds.iter().zip(panels.split_evenly((rows, columns))) {
        panel(case, *kind, &area)?;
    }
    legend(&beside, case.runs.iter().map(|run| run.contender))?;
    body.present()
}

fn response(run: &crate::latency::case::Run, kind: usize) -> &Histogram<u64> {
    &run.measured.operations[kind].response
}

fn panel(case: &Case, kind: usize, area: &Area<'_>) -> Result<(), Failure> {
    let histograms: Vec<_> =
        case.runs.iter().map(|run| response(run, kind)).filter(|all| !all.is_empty()).collect();
    let least = histograms.iter().map(|all| all.value_at_quantile(0.001)).min().unwrap_or(1);
    let most = histograms.iter().map(|all| all.max()).max().unwrap_or(10);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(22)
        .caption(case.operations[kind], text(16, TEXT))
        .x_label_area_size(46)
        .y_label_area_size(74)
        .build_cartesian_2d(decades(least, most).log_scale(), 0.0..NINES)?;
    chart
        .configure_mesh()
        .x_desc("latency")
        .y_desc("share of operations")
        .x_label_formatter(&latency_label)
        .y_label_formatter(&|nines| share_label(*nines))
        .y_labels(7)
        .x_labels(7)
        .light_line_style(super::WHITE)
        .bold_line_style(GRID)
        .axis_style(QUIET)
        .label_style(text(13, TEXT))
        .axis_desc_style(text(14, TEXT))
        .draw()?;
    // Ours last, on top of the others.
    for run in case.runs.iter().rev() {
        let style = ShapeStyle::from(colour(run.contender)).stroke_width(width(run.contender));
        chart.draw_series(LineSeries::new(curve(response(run, kind)), style))?;
    }
    Ok(())
}

/// A distribution's curve: latencies and nines, up to its slowest operation.
#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let last = (histogram.len().max(1) as f64).log10();
    let mut points = Vec::new();
    for step in 0.. {
        let nines = f64::from(step) / f64::from(STEPS);
        if nines >= last.min(NINES) {
            break;
        }
        let latency = histogram.value_at_quantile(1.0 - 10_f64.powf(-nines));
        points.push((latency as f64, nines));
    }
    points.push((histogram.max() as f64, last.min(NINES)));
    points
}

/// So many nines as a share: 0 % for none, 99.9 % for three.
fn share_label(nines: f64) -> String {
    let digits = (nines.round() - 2.0).max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4")]
    let digits = digits as usize;
    format!("{:.digits$} %", 100.0 * (1.0 - 10_f64.powf(-nines)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_the_fastest_to_the_slowest() {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 2).unwrap();
        histogram.record_n(100, 999).unwrap();
        histogram.record(5_000).unwrap();

        let curve = curve(&histogram);

        assert_eq!(curve.first(), Some(&(100.0, 0.0)));
        let &(slowest, nines) = curve.last().unwrap();
        assert!((slowest - 5_000.0).abs() < 50.0);
        assert!((nines - 3.0).abs() < 1e-9);
        assert!(curve.is_sorted());
    }

    #[test]
    fn nines_are_labelled_as_shares() {
        let labels = [0.0, 1.0, 2.0, 3.0, 6.0].map(share_label);
        assert_eq!(labels, ["0 %", "90 %", "99 %", "99.9 %", "99.9999 %"]);
    }
}

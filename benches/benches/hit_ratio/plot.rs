//! Curves: hit ratio over capacity, one line a contender.

use plotters::prelude::{
    ChartBuilder, Color, IntoDrawingArea, IntoLogRange, LineSeries, Palette, Palette99,
    PathElement, RGBColor, SVGBackend,
};
use plotters::style::WHITE;
use std::{error::Error, path::Path};

/// A contender's hit ratios by capacity.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    /// Capacity in keys, hit ratio in percent.
    pub(crate) points: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (880, 560);
const FRAME: RGBColor = RGBColor(90, 90, 90);

/// Draws curves into a file.
pub(crate) fn draw(file: &Path, title: &str, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let least = all().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let most = all().map(|point| point.0).fold(1.0, f64::max);
    let highest = all().map(|point| point.1).fold(1.0, f64::max);

    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d((least..most).log_scale(), 0.0..(highest * 1.05).min(100.0))?;
    chart.configure_mesh().x_desc("capacity in keys").y_desc("hit ratio in %").draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let color = Palette99::pick(number).stroke_width(2);
        let line = LineSeries::new(curve.points.iter().copied(), color);
        let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color);
        chart.draw_series(line)?.label(curve.name).legend(key);
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.85)).border_style(FRAME).draw()?;
    area.present()?;
    Ok(())
}

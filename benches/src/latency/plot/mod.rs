//! Pictures, as SVG: distributions, the longest operation over time, memory over time.

mod distribution;
mod memory;
mod pauses;

pub use distribution::distribution;
pub use memory::memory;
pub use pauses::pauses;

use super::{case::Case, figures::duration};
use plotters::{
    backend::SVGBackend,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Rectangle, Text},
    style::{IntoFont, RGBColor, ShapeStyle, TextStyle, WHITE},
};
use std::{io, path::Path};

type Area<'p> = DrawingArea<SVGBackend<'p>, Shift>;
type Failure = DrawingAreaErrorKind<io::Error>;

const TEXT: RGBColor = RGBColor(40, 40, 40);
const QUIET: RGBColor = RGBColor(110, 110, 110);
const GRID: RGBColor = RGBColor(226, 226, 226);

/// Pixels of the title and of the legend.
const TITLE: u32 = 52;
const LEGEND: u32 = 150;

/// The colour of a contender, the same in all pictures.
fn colour(contender: &str) -> RGBColor {
    match contender {
        "pool" => RGBColor(0, 90, 200),
        "papaya" => RGBColor(230, 126, 0),
        "dashmap" => RGBColor(0, 150, 110),
        "scc" => RGBColor(200, 80, 160),
        "quick_cache" => RGBColor(214, 39, 40),
        "moka" => RGBColor(120, 70, 180),
        "sharded-mutex" | "mutex+sweeper" => RGBColor(140, 105, 30),
        "stretto" => RGBColor(60, 170, 200),
        "redis" => RGBColor(160, 20, 20),
        _ => RGBColor(150, 150, 150),
    }
}

/// The width of a contender's curve: ours and the floor are to be found at once.
fn width(contender: &str) -> u32 {
    if contender == "pool" { 3 } else { 2 }
}

/// A style of text.
fn text(size: i32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// Opens a picture: white, with its title; returns the area below that.
fn open<'p>(
    path: &'p Path,
    size: (u32, u32),
    title: &str,
    what: &str,
) -> Result<Area<'p>, Failure> {
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, body) = root.split_vertically(TITLE);
    head.draw_text(title, &text(19, TEXT), (16, 8))?;
    head.draw_text(what, &text(13, QUIET), (16, 32))?;
    Ok(body)
}

/// The title of a case's picture.
fn title(case: &Case) -> String {
    format!("{}: {}", case.scenario, case.title)
}

/// Names the contenders beside a picture.
fn legend(area: &Area<'_>, contenders: impl Iterator<Item = &'static str>) -> Result<(), Failure> {
    for (line, contender) in (0..).zip(contenders) {
        let top = 26 + 24 * line;
        let style = ShapeStyle::from(colour(contender)).filled();
        area.draw(&Rectangle::new([(6, top), (28, top + 4)], style))?;
        area.draw(&Text::new(contender, (36, top - 4), text(14, TEXT)))?;
    }
    Ok(())
}

/// Nanoseconds on an axis, where they are round.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an axis's range")]
fn latency_label(nanos: &f64) -> String {
    let label = duration(nanos.round() as u64);
    match label.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => label,
    }
}

/// The powers of ten that contain these latencies.
#[expect(clippy::cast_precision_loss, reason = "an axis's range")]
fn decades(least: u64, most: u64) -> std::ops::Range<f64> {
    let low = (least.max(1) as f64).log10().floor();
    let high = (most.max(10) as f64 * 1.001).log10().ceil().max(low + 1.0);
    10_f64.powf(low)..10_f64.powf(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_and_ends_at_a_power_of_ten() {
        assert_eq!(decades(83, 99_000), 10.0..100_000.0);
        assert_eq!(decades(0, 0), 1.0..100.0);
        assert_eq!(decades(100, 100), 100.0..1_000.0);
    }

    #[test]
    fn labels_of_an_axis_have_no_idle_digits() {
        let labels = [1e2, 1e3, 1e4, 1.5e6, 1e9].map(|nanos| latency_label(&nanos));
        assert_eq!(labels, ["100 ns", "1 µs", "10 µs", "1.5 ms", "1 s"]);
    }
}

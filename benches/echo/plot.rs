//! The cost as the work grows, as an SVG with a line for each server.

use std::{error::Error, path::Path};

use plotters::prelude::*;

use crate::{
    report::Report,
    workload::{Group, Workload},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;
type Point = (f64, f64);

/// The floor is black, microws red; the others can be told apart without telling red from green.
const COLOURS: [(u8, u8, u8); 14] = [
    (0, 0, 0),
    (213, 40, 0),
    (0, 114, 178),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (128, 128, 128),
    (102, 51, 153),
    (153, 102, 51),
    (0, 62, 116),
    (190, 174, 0),
    (0, 96, 80),
    (255, 140, 190),
];

/// Two panels: processor time per message by connections, and per byte by length of message. The names of the servers stand in
/// the second, where the cost falls and leaves room for them.
pub(crate) fn draw(report: &Report, path: &Path) -> Outcome {
    let drawing = SVGBackend::new(path, (1200, 480)).into_drawing_area();
    drawing.fill(&WHITE)?;
    let (left, right) = drawing.split_horizontally(600);
    let has_lengths = report.rows.iter().any(|(workload, _)| workload.group == Group::Lengths);
    panel(
        &left,
        report,
        Group::Connections,
        ("server CPU per message of 125 B", "connections", "µs per message"),
        |workload, cpu| (workload.connections as f64, cpu / 1000.0),
        !has_lengths,
    )?;
    panel(
        &right,
        report,
        Group::Lengths,
        ("server CPU per byte, one connection", "bytes in a message", "ns per byte"),
        |workload, cpu| (workload.len as f64, cpu / workload.len as f64),
        true,
    )?;
    Ok(drawing.present()?)
}

fn panel<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    report: &'a Report,
    group: Group,
    (title, x_title, y_title): (&str, &str, &str),
    point: impl Fn(&Workload, f64) -> Point,
    names: bool,
) -> Outcome {
    let lines: Vec<(&String, Vec<Point>)> = report
        .servers
        .iter()
        .enumerate()
        .map(|(i, server)| {
            let cells = report.rows.iter().filter(|(workload, _)| workload.group == group);
            (server, cells.filter_map(|(workload, cells)| Some(point(workload, cells[i].cpu()?))).collect())
        })
        .collect();
    let points = || lines.iter().flat_map(|(_, line)| line);
    let bounds = |figures: &mut dyn Iterator<Item = f64>| {
        figures.fold((f64::MAX, f64::MIN), |(min, max), figure| (figure.min(min), figure.max(max)))
    };
    let (left, right) = bounds(&mut points().map(|point| point.0));
    let (bottom, top) = bounds(&mut points().map(|point| point.1));
    if left >= right {
        return Ok(());
    }
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d((left..right).log_scale(), (bottom / 1.5..top * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(x_title)
        .y_desc(y_title)
        .x_label_formatter(&|x| format!("{x}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    for (i, (server, line)) in lines.into_iter().enumerate() {
        let (red, green, blue) = COLOURS[i % COLOURS.len()];
        let style = RGBColor(red, green, blue).stroke_width(if i < 2 { 3 } else { 2 });
        chart
            .draw_series(LineSeries::new(line, style).point_size(3))?
            .label(server)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    if names {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
    }
    Ok(())
}

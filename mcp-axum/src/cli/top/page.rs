//! The pages. Everything fits 80 columns and 24 lines; what there is more of is reached with the arrows.

mod lines;

use super::{
    figures::{Counted, Figures},
    keys::{Page, Screen},
    style::Palette,
};
use crate::cli::foreign;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Cell, Paragraph, RenderDirection, Row, Sparkline, Table, TableState, Tabs, Wrap},
};

pub(super) fn draw(frame: &mut Frame<'_>, screen: &mut Screen) {
    let [head, tabs, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(title(screen), head);
    let titles = Page::ALL
        .iter()
        .zip(1..)
        .map(|(page, number)| format!("{number} {}", page.title()));
    let pages = Tabs::new(titles)
        .select(screen.page.place())
        .style(screen.palette.quiet())
        .highlight_style(screen.palette.chosen())
        // With the usual room around them they would be wider than 80 columns.
        .padding("", "")
        .divider("  ");
    frame.render_widget(pages, tabs);
    match screen.page {
        Page::Overview => overview(frame, body, screen),
        Page::Upstreams => upstreams(frame, body, screen),
        Page::Tools | Page::Requests if screen.seen.unmeasured.is_some() => {
            let why = screen.seen.unmeasured.as_deref();
            frame.render_widget(wrapped(why.unwrap_or_default()), body);
        }
        Page::Tools => tools(frame, body, screen),
        Page::Requests => requests(frame, body, screen),
        Page::Events => lines::events(frame, body, screen),
        Page::Logs => lines::logs(frame, body, screen),
        Page::Quarantine => quarantine(frame, body, screen),
    }
    frame.render_widget(foot_line(screen), foot);
}

fn title(screen: &Screen) -> Paragraph<'static> {
    let (status, palette) = (&screen.seen.status, screen.palette);
    let state = match &screen.silent {
        Some((since, _)) => Span::styled(
            format!("silent for {} s", since.elapsed().as_secs()),
            palette.bad(),
        ),
        None if !status.ready => Span::styled("not ready", palette.bad()),
        None if status.stale => Span::styled("store away", palette.bad()),
        None => Span::styled("ready", palette.good()),
    };
    Paragraph::new(Line::from(vec![
        Span::styled(format!("DynMCP {} ", status.version), palette.title()),
        Span::raw(format!("{}  ", screen.server)),
        state,
    ]))
}

fn foot_line(screen: &Screen) -> Paragraph<'static> {
    if let Some((_, why)) = &screen.silent {
        return Paragraph::new(Span::styled(shown(why), screen.palette.bad()));
    }
    let cursor = if screen.is_typing { "▏" } else { "" };
    let filter = match screen.filter.is_empty() && !screen.is_typing {
        true => String::new(),
        false => format!("  /{}{cursor}", screen.filter),
    };
    let keys = "q leave  Tab 1-7 pages  ↑↓ lines  / find  Enter an upstream's log";
    Paragraph::new(Line::from(vec![
        Span::styled(keys, screen.palette.quiet()),
        Span::raw(filter),
    ]))
}

/// Names and values of the first page; also what `--once` prints.
pub(super) fn overview_lines(figures: &Figures) -> Vec<(&'static str, String)> {
    vec![
        ("requests", format!("{:.1}/s", figures.requests)),
        (
            "calls",
            format!("{:.1}/s, {:.1} % fail", figures.calls, figures.failing * 100.0),
        ),
        (
            "times",
            format!(
                "p50 {}  p95 {}  p99 {}",
                time(figures.p50),
                time(figures.p95),
                time(figures.p99)
            ),
        ),
        ("refused", format!("{:.1}/s", figures.refused)),
        ("processors", format!("{:.2}", figures.cpu)),
        (
            "memory",
            format!(
                "{}, in flight {} of {}",
                size(figures.resident_bytes),
                size(figures.in_flight_bytes),
                size(figures.budget_bytes)
            ),
        ),
        (
            "connections",
            format!(
                "{}, {} streams, {} calls at upstreams",
                figures.connections, figures.streams, figures.upstream_in_flight
            ),
        ),
        ("files", format!("{} of {}", figures.files, figures.most_files)),
        (
            "threads",
            match figures.stuck {
                0.0 => "none is stuck".to_owned(),
                stuck => format!("{stuck} are stuck: the log says with what"),
            },
        ),
    ]
}

fn overview(frame: &mut Frame<'_>, area: Rect, screen: &Screen) {
    let status = &screen.seen.status;
    let mut lines = match &screen.seen.unmeasured {
        None => overview_lines(&screen.seen.figures),
        Some(why) => vec![("figures", why.clone())],
    };
    let counts = status
        .definitions
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"));
    lines.push(("definitions", counts.collect::<Vec<_>>().join(", ")));
    lines.push((
        "store",
        format!("{}, revision {}", status.source, status.revision),
    ));
    lines.push(("since", status.started_at.clone()));
    let troubled = status
        .tasks
        .iter()
        .filter(|task| task.in_trouble || task.restarts > 0);
    let troubled = troubled.map(|task| format!("{} began anew {} times", task.name, task.restarts));
    lines.push((
        "tasks",
        some(troubled.collect::<Vec<_>>().join(", "), "all as they should be"),
    ));
    let [figures, chart] =
        Layout::vertical([Constraint::Length(lines.len() as u16 + 1), Constraint::Min(0)]).areas(area);
    let palette = screen.palette;
    let lines = lines.into_iter().map(|(name, value)| {
        Line::from(vec![
            Span::styled(format!("{name:<14}"), palette.quiet()),
            Span::raw(shown(&value)),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), figures);
    // The newest at the right.
    let latest = screen
        .history
        .iter()
        .rev()
        .take(usize::from(chart.width))
        .copied();
    let rates = Sparkline::default()
        .data(latest.collect::<Vec<u64>>())
        .direction(RenderDirection::RightToLeft);
    frame.render_widget(rates.style(palette.good()), chart);
}

fn upstreams(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let [area, detail] = with_detail(area);
    let all: Vec<_> = screen
        .seen
        .upstreams
        .iter()
        .filter(|upstream| screen.shows(&upstream.id))
        .collect();
    let rows = all.iter().map(|upstream| {
        let style = match upstream.state.as_str() {
            "ready" => screen.palette.good(),
            _ => screen.palette.bad(),
        };
        let next = upstream.next_attempt_ms;
        let next = next.map_or_else(|| "-".to_owned(), |ms| format!("{:.0} s", ms as f64 / 1000.0));
        Row::new(vec![
            Cell::from(upstream.id.clone()),
            Cell::from(Span::styled(upstream.state.clone(), style)),
            Cell::from(some(
                upstream.protocol.clone().unwrap_or_default(),
                &upstream.transport,
            )),
            Cell::from(format!(
                "{}/{}/{}",
                upstream.tools, upstream.resources, upstream.prompts
            )),
            Cell::from(upstream.attempts.to_string()),
            Cell::from(next),
        ])
    });
    let widths = [Constraint::Min(18)]
        .into_iter()
        .chain([12, 16, 12, 8, 8].map(Constraint::Length));
    let table = Lines {
        head: ["UPSTREAM", "STATE", "SPEAKS", "T/R/P", "TRIES", "NEXT"],
        rows: rows.collect(),
        widths: widths.collect(),
    };
    table.draw(frame, area, screen.palette, &mut screen.line);
    let why = all
        .get(screen.line)
        .and_then(|upstream| upstream.last_error.as_deref());
    frame.render_widget(wrapped(why.unwrap_or_default()), detail);
}

fn tools(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let all = screen.seen.figures.tools.iter();
    let all = all.filter(|tool| screen.shows(&format!("{}/{}", tool.instance, tool.tool)));
    let rows = all.map(|tool| {
        let failing = match tool.failing {
            0.0 => Span::raw("-"),
            part => Span::styled(format!("{:.1} %", part * 100.0), screen.palette.bad()),
        };
        Row::new(vec![
            Cell::from(tool.instance.clone()),
            Cell::from(tool.tool.clone()),
            Cell::from(format!("{:.1}", tool.calls)),
            Cell::from(failing),
            Cell::from(time(tool.p50)),
            Cell::from(time(tool.p95)),
            Cell::from(time(tool.p99)),
            Cell::from(format!("{:.0}", tool.total)),
        ])
    });
    let widths = [Constraint::Length(12), Constraint::Min(18)].into_iter();
    let widths = widths.chain([8, 8, 8, 8, 8, 8].map(Constraint::Length));
    let table = Lines {
        head: [
            "INSTANCE", "TOOL", "CALLS/S", "FAIL", "P50", "P95", "P99", "IN ALL",
        ],
        rows: rows.collect(),
        widths: widths.collect(),
    };
    table.draw(frame, area, screen.palette, &mut screen.line);
}

fn requests(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let figures = &screen.seen.figures;
    let row = |where_: &'static str, counted: &Counted| {
        Row::new([
            where_.to_owned(),
            counted.what.clone(),
            counted.how.clone(),
            format!("{:.1}", counted.rate),
            format!("{:.0}", counted.total),
        ])
    };
    let asked = figures.by_method.iter().map(|counted| ("asked", counted));
    let all = asked.chain(figures.refusals.iter().map(|counted| ("refused", counted)));
    let all = all.filter(|(_, counted)| screen.shows(&format!("{} {}", counted.what, counted.how)));
    let rows = all.map(|(where_, counted)| row(where_, counted)).collect();
    let widths = vec![
        Constraint::Length(8),
        Constraint::Min(24),
        Constraint::Length(20),
        Constraint::Length(9),
        Constraint::Length(10),
    ];
    let table = Lines {
        head: ["", "METHOD", "RESULT", "PER S", "IN ALL"],
        rows,
        widths,
    };
    table.draw(frame, area, screen.palette, &mut screen.line);
}

fn quarantine(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let [area, detail] = with_detail(area);
    let all: Vec<_> = screen
        .seen
        .quarantine
        .iter()
        .filter(|bad| screen.shows(&format!("{} {}", bad.id, bad.reason)))
        .collect();
    if all.is_empty() {
        return frame.render_widget(Paragraph::new("Every definition works."), area);
    }
    let rows = all.iter().map(|bad| {
        let serving = bad.serving_revision;
        Row::new([
            format!("{} {}", bad.kind.as_deref().unwrap_or("-"), shown(&bad.id)),
            bad.revision.to_string(),
            serving.map_or_else(|| "nothing".to_owned(), |good| format!("revision {good}")),
            shown(&bad.reason),
        ])
    });
    let table = Lines {
        head: ["DEFINITION", "REVISION", "SERVED", "WHY"],
        rows: rows.collect(),
        widths: vec![
            Constraint::Length(24),
            Constraint::Length(9),
            Constraint::Length(14),
            Constraint::Min(20),
        ],
    };
    table.draw(frame, area, screen.palette, &mut screen.line);
    let why = all.get(screen.line).map_or("", |bad| &bad.reason);
    frame.render_widget(wrapped(why), detail);
}

/// A table of which one line is chosen.
struct Lines<'a, const N: usize> {
    head: [&'static str; N],
    rows: Vec<Row<'a>>,
    widths: Vec<Constraint>,
}

impl<const N: usize> Lines<'_, N> {
    /// `line` is held within it.
    fn draw(self, frame: &mut Frame<'_>, area: Rect, palette: Palette, line: &mut usize) {
        *line = (*line).min(self.rows.len().saturating_sub(1));
        let mut state = TableState::new().with_selected((!self.rows.is_empty()).then_some(*line));
        let table = Table::new(self.rows, self.widths)
            .header(Row::new(self.head).style(palette.title()))
            .row_highlight_style(palette.chosen());
        frame.render_stateful_widget(table, area, &mut state);
    }
}

/// Room below a table for what its chosen line says at length.
fn with_detail(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Min(2), Constraint::Length(3)]).areas(area)
}

fn wrapped(text: &str) -> Paragraph<'static> {
    Paragraph::new(shown(text)).wrap(Wrap { trim: true })
}

fn some(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

/// What others wrote must not move the cursor.
fn shown(text: &str) -> String {
    foreign::line(text)
}

fn time(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        Some(seconds) if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        Some(seconds) => format!("{seconds:.2} s"),
    }
}

fn size(bytes: f64) -> String {
    match bytes {
        small if small < 1024.0 => format!("{small:.0} B"),
        kilo if kilo < 1024.0 * 1024.0 => format!("{:.0} KiB", kilo / 1024.0),
        mega if mega < 1024.0 * 1024.0 * 1024.0 => format!("{:.0} MiB", mega / (1024.0 * 1024.0)),
        giga => format!("{:.1} GiB", giga / (1024.0 * 1024.0 * 1024.0)),
    }
}

#[cfg(test)]
mod tests;

//! Pages of what came one after the other: events, and what programs write.

use super::shown;
use crate::cli::top::keys::Screen;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::Paragraph,
};

/// Events that somebody should look at.
const BAD_NEWS: [&str; 3] = ["breaker.opened", "access.denied", "error"];

pub(super) fn logs(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let Some(upstream) = screen.upstream_in_view() else {
        return frame.render_widget(Paragraph::new("There are no upstreams."), area);
    };
    let lines: Vec<Line<'_>> = screen
        .seen
        .logs
        .iter()
        .filter(|line| screen.shows(&line.text))
        .map(|line| {
            let at = line.at.get(11..19).unwrap_or(&line.at);
            Line::from(vec![
                Span::styled(format!("{at} "), screen.palette.quiet()),
                Span::raw(shown(&line.text)),
            ])
        })
        .collect();
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let said = match lines.is_empty() {
        true => format!("{upstream} has written nothing beside messages (only programs do)."),
        false => format!("{upstream}, the last {} lines", lines.len()),
    };
    frame.render_widget(Paragraph::new(Span::styled(said, screen.palette.title())), head);
    newest(frame, body, lines, &mut screen.line);
}

pub(super) fn events(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let happened = &screen.happened;
    let palette = screen.palette;
    let lines = happened.events.iter().map(|told| {
        let members = told.members.join("  ");
        (told, members)
    });
    let lines = lines.filter(|(told, members)| screen.shows(&format!("{} {members}", told.kind)));
    let lines: Vec<Line<'_>> = lines
        .map(|(told, members)| {
            let is_bad = BAD_NEWS.contains(&told.kind.as_str());
            let kind = match is_bad {
                true => palette.bad(),
                false => palette.title(),
            };
            let at = told.at.get(11..19).unwrap_or(&told.at);
            Line::from(vec![
                Span::styled(format!("{} ", shown(at)), palette.quiet()),
                Span::styled(format!("{:24} ", shown(&told.kind)), kind),
                Span::raw(shown(&members)),
            ])
        })
        .collect();
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let said = match &happened.trouble {
        Some(why) => Span::styled(shown(why), palette.bad()),
        None => Span::styled(
            format!("the last {} events, the newest below", lines.len()),
            palette.title(),
        ),
    };
    frame.render_widget(Paragraph::new(said), head);
    newest(frame, body, lines, &mut screen.line);
}

/// The newest are what somebody looks for; the arrows lead back.
fn newest(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'_>>, line: &mut usize) {
    let most = lines.len().saturating_sub(usize::from(area.height));
    *line = (*line).min(most);
    let from = most - *line;
    frame.render_widget(Paragraph::new(lines).scroll((from as u16, 0)), area);
}

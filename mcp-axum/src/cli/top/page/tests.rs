use super::*;
use crate::{
    cli::top::{
        keys::Turn,
        seen::{Quarantined, Seen, Status, Upstream},
        style::Palette,
    },
    client::{ClientError, News},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use mcp_core::framing::sse::Event;
use ratatui::{Terminal, backend::TestBackend, style::Color};
use serde_json::{Value, json};

fn screen() -> Screen {
    let tool = |tool: &str, calls: f64, failing: f64| crate::cli::top::figures::ToolFigures {
        instance: "desk".to_owned(),
        tool: tool.to_owned(),
        calls,
        failing,
        p50: Some(0.000_25),
        p95: Some(0.012),
        p99: Some(1.5),
        total: 4_711.0,
        failed: 0.0,
    };
    let figures = Figures {
        requests: 212.3,
        calls: 200.0,
        failing: 0.015,
        p50: Some(0.002),
        tools: vec![tool("get_order", 150.0, 0.0), tool("refund_order", 50.0, 0.06)],
        ..Figures::default()
    };
    let upstream = |id: &str, state: &str, error: Option<&str>| Upstream {
        id: id.to_owned(),
        state: state.to_owned(),
        transport: "stdio".to_owned(),
        last_error: error.map(str::to_owned),
        next_attempt_ms: error.map(|_| 3_000),
        ..Upstream::default()
    };
    let seen = Seen {
        figures,
        status: Status {
            ready: true,
            source: "etcd".to_owned(),
            ..Status::default()
        },
        upstreams: vec![
            upstream("clock", "ready", None),
            upstream("docs", "waiting", Some("refused\u{1b}[2J the connection")),
        ],
        quarantine: vec![Quarantined {
            kind: Some("TDS".to_owned()),
            id: "broken".to_owned(),
            revision: 7,
            serving_revision: Some(5),
            reason: "path: no such argument".to_owned(),
        }],
        ..Seen::default()
    };
    let mut screen = Screen::new("http://gateway.example".to_owned(), Palette::plain(), seen);
    screen.happened.take(event(
        7,
        json!({"type": "breaker.opened", "upstream": "docs\u{1b}[2J", "consecutive": 5, "endpoint": null}),
    ));
    screen
}

/// As a gateway sends it.
fn event(number: u64, mut members: Value) -> News {
    members["id"] = number.into();
    members["at"] = "2026-11-30T12:30:00.000Z".into();
    News::Event(Event {
        data: members.to_string().into(),
        id: Some(number.to_string()),
        ..Event::default()
    })
}

/// What stands on a terminal of 80 columns and 24 lines.
fn drawn(screen: &mut Screen) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, screen)).unwrap();
    let buffer = terminal.backend().buffer();
    let plain = buffer
        .content()
        .iter()
        .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset);
    assert!(plain, "there are colours");
    let lines = buffer
        .content()
        .chunks(80)
        .map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>());
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn press(screen: &mut Screen, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            'v' => KeyCode::Down,
            other => KeyCode::Char(other),
        };
        assert_eq!(screen.press(KeyEvent::new(code, KeyModifiers::NONE)), Turn::Stay);
    }
}

#[test]
fn every_page_fits_a_small_terminal() {
    let mut screen = screen();
    let expected: [&[&str]; 7] = [
        &[
            "212.3/s",
            "200.0/s, 1.5 % fail",
            "p50 2.0 ms  p95 -",
            "etcd, revision 0",
            "q leave",
        ],
        &["clock", "ready", "docs", "waiting", "3 s"],
        &[
            "INSTANCE",
            "get_order",
            "150.0",
            "250 µs",
            "12.0 ms",
            "1.50 s",
            "4711",
            "6.0 %",
        ],
        &["METHOD", "PER S"],
        &[
            "the last 1 events",
            "12:30:00 breaker.opened",
            "upstream=docs\u{fffd}[2J  consecutive=5",
        ],
        &["clock has written nothing"],
        &["TDS broken", "revision 5", "\npath: no such argument\n"],
    ];
    for (texts, page) in expected.into_iter().zip(Page::ALL) {
        assert_eq!(screen.page, page);
        let text = drawn(&mut screen);
        for part in texts {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        press(&mut screen, "\t");
    }
    assert_eq!(screen.page, Page::Overview, "after the last comes the first");
}

#[test]
fn a_filter_hides_and_enter_shows_the_log_of_the_chosen_upstream() {
    let mut screen = screen();
    press(&mut screen, "3/refund");
    let text = drawn(&mut screen);
    assert!(
        text.contains("refund_order") && !text.contains("get_order"),
        "{text}"
    );
    assert!(text.contains("/refund▏"), "{text}");
    press(&mut screen, "\n2v\n");
    assert_eq!(screen.page, Page::Logs);
    assert_eq!(screen.upstream_in_view().as_deref(), Some("docs"));
}

#[test]
fn lines_beyond_the_last_are_not_chosen() {
    let mut screen = screen();
    press(&mut screen, "2vvvvvv");
    let text = drawn(&mut screen);
    assert!(
        text.contains("\nrefused\u{fffd}[2J the connection\n"),
        "its error, and nothing that moves the cursor: {text}"
    );
    assert_eq!(screen.line, 1);
    screen.seen.upstreams.clear();
    drawn(&mut screen);
    assert_eq!(screen.line, 0);
}

#[test]
fn a_gateway_that_is_away_is_said_to_be_and_what_was_seen_stays() {
    let mut screen = screen();
    screen.take(Err(ClientError::Key));
    let text = drawn(&mut screen);
    assert!(
        text.contains("silent for 0 s") && text.contains("212.3/s"),
        "{text}"
    );
    let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    assert_eq!(screen.press(q), Turn::Leave);
}

#[test]
fn without_figures_there_is_the_rest_and_why() {
    let mut screen = screen();
    let why = "http://gateway.example: `admin/metrics/read` is not allowed";
    screen.seen.figures = Figures::default();
    screen.seen.unmeasured = Some(why.to_owned());
    let text = drawn(&mut screen);
    assert!(text.contains(why) && !text.contains("processors"), "{text}");
    assert!(text.contains("etcd"), "{text}");
    press(&mut screen, "2");
    assert!(drawn(&mut screen).contains("clock"), "{}", drawn(&mut screen));
    for page in ["3", "4"] {
        press(&mut screen, page);
        assert!(drawn(&mut screen).contains(why), "{}", drawn(&mut screen));
    }
}

#[test]
fn the_newest_events_are_in_view_found_by_what_they_say_and_none_is_kept_for_ever() {
    let mut screen = screen();
    for number in 8..2_000 {
        screen.happened.take(event(
            number,
            json!({"type": "tool.executed", "tool": format!("t{number}")}),
        ));
    }
    press(&mut screen, "5");
    assert_eq!(screen.page, Page::Events);
    let text = drawn(&mut screen);
    assert!(
        text.contains("the last 1000 events") && text.contains("tool=t1999"),
        "{text}"
    );
    assert!(!text.contains("tool=t1900"), "{text}");
    press(&mut screen, "/t1900\n");
    let text = drawn(&mut screen);
    assert!(
        text.contains("tool=t1900") && !text.contains("tool=t1999"),
        "{text}"
    );
    screen.happened.take(News::Refused(ClientError::Protocol(
        "this key may not do admin/events/read".to_owned(),
    )));
    let text = drawn(&mut screen);
    assert!(text.contains("this key may not do admin/events/read"), "{text}");
}

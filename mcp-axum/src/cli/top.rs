//! `dynmcp top`: a running gateway on a terminal, looked at once a second.

mod exposition;
mod figures;
mod happened;
mod keys;
mod page;
mod seen;
mod style;

use super::{
    Failure,
    gateway::RunningGateway,
    output::{OutputFormat, print, print_json},
};
use crate::client::Gateway;
use clap::Args;
use crossterm::event::{Event, EventStream};
use figures::Figures;
use futures_util::StreamExt;
use happened::Listener;
use keys::{Page, Screen, Turn};
use seen::Watch;
use std::{io::IsTerminal, path::PathBuf, time::Duration};
use style::Palette;

#[derive(Args)]
pub(super) struct TopArguments {
    #[command(flatten)]
    gateway: RunningGateway,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 1.0, value_parser = seconds, value_name = "SECONDS")]
    every: f64,
    /// Print the figures between two looks and end, instead of staying on the screen.
    #[arg(long)]
    once: bool,
    /// How to print them.
    #[arg(long, value_enum, default_value_t, requires = "once")]
    format: OutputFormat,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=60.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be from 0.1 to 60".to_owned()),
    }
}

pub(super) fn run(config: Option<PathBuf>, arguments: &TopArguments) -> Result<(), Failure> {
    let server = arguments.gateway.server(config.clone())?;
    let gateway = arguments.gateway.open(config)?;
    let every = Duration::from_secs_f64(arguments.every);
    if arguments.once {
        return super::run(once(&gateway, every, arguments.format));
    }
    if !std::io::stdout().is_terminal() {
        return Err(Failure::runtime(
            "top draws on a terminal, and this is none; --once prints the figures",
        ));
    }
    super::run(async {
        // What cannot be asked at all is said where it can be read.
        let mut watch = Watch::new(&gateway);
        let first = watch.look(None).await?;
        let mut terminal = ratatui::try_init()?;
        let screen = Screen::new(server, Palette::of_environment(), first);
        let ended = stay(&mut terminal, watch, Listener::new(&gateway), screen, every).await;
        ratatui::restore();
        ended
    })
}

async fn once(gateway: &Gateway, every: Duration, format: OutputFormat) -> Result<(), Failure> {
    let mut watch = Watch::new(gateway);
    watch.look(None).await?;
    tokio::time::sleep(every).await;
    let seen = watch.look(None).await?;
    if let Some(why) = seen.unmeasured {
        return Err(Failure::runtime(why));
    }
    match format {
        OutputFormat::Json => print_json(&seen.figures),
        OutputFormat::Text => print(&text(&seen.figures)),
    }
}

fn text(figures: &Figures) -> String {
    let lines = page::overview_lines(figures);
    lines
        .into_iter()
        .map(|(name, value)| format!("{name:<16}{value}\n"))
        .collect()
}

/// Until somebody wants to leave.
async fn stay(
    terminal: &mut ratatui::DefaultTerminal,
    mut watch: Watch<'_>,
    mut listener: Listener<'_>,
    mut screen: Screen,
    every: Duration,
) -> Result<(), Failure> {
    let mut events = EventStream::new();
    loop {
        let upstream = screen.upstream_in_view();
        // A gateway that takes its time holds up no key.
        let looking = async {
            tokio::time::sleep(every).await;
            watch.look(upstream.as_deref()).await
        };
        tokio::pin!(looking);
        loop {
            terminal.draw(|frame| page::draw(frame, &mut screen))?;
            listener.listen(screen.page == Page::Events, &screen.happened);
            tokio::select! {
                looked = &mut looking => {
                    screen.take(looked);
                    break;
                }
                heard = listener.heard() => heard.into_iter().for_each(|news| screen.happened.take(news)),
                event = events.next() => match event {
                    Some(Ok(Event::Key(key))) if screen.press(key) == Turn::Leave => return Ok(()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(()),
                }
            }
        }
    }
}

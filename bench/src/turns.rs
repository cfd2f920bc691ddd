//! Contenders take turns, round after round, so that what disturbs the machine disturbs all of them.

use crate::{
    contender::Contender,
    load::Load,
    report::{Report, Row, Sample},
};
use anyhow::{Context, Result};
use std::time::Duration;

/// Before each measurement.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// How long, how often and by how many connections each is measured.
pub(crate) struct Turns<'a> {
    pub(crate) connections: &'a [usize],
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
}

impl Turns<'_> {
    /// Before each round what the servers wrote is forgotten: at a benchmark's pace it would fill the disk.
    pub(crate) async fn run<R: Row>(
        &self,
        contenders: &[Contender<R>],
        forget: impl Fn() -> Result<()>,
    ) -> Result<Report<R>> {
        let mut report = Report::default();
        for connections in self.connections.iter().copied() {
            for round in 0..self.rounds {
                forget()?;
                self.round(&mut report, contenders, connections, round).await?;
            }
        }
        Ok(report)
    }

    /// One round.
    pub(crate) async fn round<R: Row>(
        &self,
        report: &mut Report<R>,
        contenders: &[Contender<R>],
        connections: usize,
        round: usize,
    ) -> Result<()> {
        eprintln!(
            "{connections} connections, round {} of {}",
            round + 1,
            self.rounds
        );
        let number = contenders.len();
        // Nobody always comes first.
        for contender in contenders.iter().cycle().skip(round % number).take(number) {
            let sample = self.measure(contender, connections).await;
            let sample = sample.with_context(|| contender.role.to_string())?;
            report.add(connections, contender.role, sample);
        }
        Ok(())
    }

    /// One contender in one round.
    async fn measure<R>(&self, contender: &Contender<R>, connections: usize) -> Result<Sample> {
        let load = Load {
            port: contender.port,
            request: &contender.request,
            expected: &contender.expected,
            form: contender.form,
        };
        load.run(connections, WARM_UP).await?;
        let before = contender.cpu()?;
        let run = load.run(connections, self.time()).await?;
        let cpu = contender
            .cpu()?
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
        Ok(Sample::new(&run, cpu))
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

//! The process itself, under the names that every dashboard knows (`process_…`, without the gateway's prefix). What the system does not tell is
//! not shown.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Debug)]
pub(super) struct ProcessCollector {
    started_at: SystemTime,
}

impl ProcessCollector {
    /// Made when the process becomes a gateway.
    pub(super) fn now() -> Self {
        Self {
            started_at: SystemTime::now(),
        }
    }
}

/// What the system says about this process.
#[derive(Debug, Default, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    resident: u64,
    virtual_size: u64,
    threads: u64,
    open_files: Option<u64>,
    most_files: Option<u64>,
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let started = self.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let help = "Start of the process, in seconds since 1970";
        ConstGauge::new(started.as_secs_f64()).encode(encoder.encode_descriptor(
            "process_start_time_seconds",
            help,
            None,
            MetricType::Gauge,
        )?)?;
        let Some(usage) = usage() else {
            return Ok(());
        };
        let help = "Time that processors have spent on the process, in seconds";
        ConstCounter::new(usage.cpu_seconds).encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            help,
            None,
            MetricType::Counter,
        )?)?;
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Memory that the process has",
                Some(usage.resident),
            ),
            (
                "process_virtual_memory_bytes",
                "Addresses that the process has",
                Some(usage.virtual_size),
            ),
            ("process_threads", "Threads of the process", Some(usage.threads)),
            ("process_open_fds", "Open files and connections", usage.open_files),
            (
                "process_max_fds",
                "Files and connections that may be open",
                usage.most_files,
            ),
        ];
        for (name, help, value) in gauges {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn usage() -> Option<Usage> {
    use rustix::{
        param::{clock_ticks_per_second, page_size},
        process::{Resource, getrlimit},
    };
    use std::fs;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut usage = read_stat(&stat, clock_ticks_per_second(), page_size() as u64)?;
    usage.open_files = fs::read_dir("/proc/self/fd")
        .ok()
        .map(|files| files.count() as u64);
    usage.most_files = getrlimit(Resource::Nofile).current;
    Some(usage)
}

#[cfg(not(target_os = "linux"))]
fn usage() -> Option<Usage> {
    None
}

/// `/proc/PID/stat` (proc_pid_stat(5)): the name of the program is in parentheses and may have blanks and parentheses in it.
#[cfg(any(target_os = "linux", test))]
fn read_stat(stat: &str, ticks: u64, page: u64) -> Option<Usage> {
    let (_, rest) = stat.rsplit_once(") ")?;
    // The third field is the first one here.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Usage {
        cpu_seconds: (number(14)? + number(15)?) as f64 / ticks as f64,
        threads: number(20)?,
        virtual_size: number(23)?,
        resident: number(24)? * page,
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_the_program_is_called() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 12 0 1000 4096000 300 18446744073709551615";
        let expected = Usage {
            cpu_seconds: 3.0,
            resident: 300 * 4096,
            virtual_size: 4_096_000,
            threads: 12,
            ..Usage::default()
        };
        assert_eq!(read_stat(stat, 100, 4096), Some(expected));
        assert_eq!(read_stat("7 (x) S 1", 100, 4096), None);
    }
}

//! Three gateways on one store, for each data source that can be shared.

mod fixture;
mod load;
mod outage;
mod revision;
mod rolling;
mod traffic;
mod visible;

/// The same tests for each of them.
macro_rules! on {
    ($($source:ident),*) => {$(
        mod $source {
            use anyhow::Result;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_write_on_one_is_visible_on_all() -> Result<()> {
                crate::visible::a_write_on_one_is_visible_on_all(stringify!($source)).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn list_changed_reaches_clients_of_any() -> Result<()> {
                crate::visible::list_changed_reaches_clients_of_any(stringify!($source)).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_rolling_restart_loses_nothing() -> Result<()> {
                crate::rolling::a_rolling_restart_loses_nothing(stringify!($source)).await
            }
        }
    )*};
}

on!(sqlite, etcd, mysql, postgres);

/// How long each store stays away; one of them as long as a database takes that is restored.
macro_rules! outages {
    ($($source:ident: $seconds:literal),*) => {
        mod killed {
            use anyhow::Result;
            use std::time::Duration;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $source() -> Result<()> {
                    let away = Duration::from_secs($seconds);
                    crate::outage::clients_notice_nothing(stringify!($source), away).await
                }
            )*
        }
    };
}

outages!(sqlite: 3, file: 3, etcd: 30, mysql: 5, postgres: 5);
